"""At high risk the second factor is asked for again: whoever left his desk open approves nothing."""

import time

import pytest
from django.urls import reverse

from cases.models import Case
from tests.desk import decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def high(send):
    return send(action={"type": "refund", "amount": 240, "currency": "EUR"})


@pytest.fixture
def an_hour_later(client, approver):
    client.force_login(approver)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time() - 3600}]
    session.save()
    return client


def test_what_was_typed_meanwhile_is_not_lost_and_nothing_is_approved(an_hour_later, high):
    answer = decide(an_hour_later, high, "approve", reason="The fee was charged twice.")

    assert answer.status_code == 403
    shown = answer.content.decode()
    assert f'href="{reverse("mfa_reauthenticate")}' in shown and "The fee was charged twice." in shown
    assert Case.objects.get().state == "approval"


def test_lately_given_it_is_not_asked_for(client, approver, high):
    client.force_login(approver)

    assert decide(client, high, "approve").status_code == 302
    assert Case.objects.get().state == "closed"


def test_sending_back_asks_for_nothing(an_hour_later, high):
    assert decide(an_hour_later, high, "send_back", reason="Unclear").status_code == 302


# The same over REST, with a session


def over_rest(client, case, body="{}", **headers):
    return client.post(f"/api/v1/cases/{case.pk}/approve/", body, content_type="application/json", **headers)


@pytest.mark.parametrize("body", ["{}", '{"action": {"amount": "5"}}', '{"break_glass": true, "reason": "x"}'])
def test_a_session_over_rest_is_asked_again_as_well(an_hour_later, high, body):
    answer = over_rest(an_hour_later, high, body)

    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
    assert "/sign-in/code/again/" in answer.json()["detail"]
    assert Case.objects.get().state == "approval"


def test_over_rest_a_session_that_gave_it_lately_approves(client, approver, high):
    client.force_login(approver)

    assert over_rest(client, high).status_code == 200


def test_an_idempotency_key_does_not_keep_the_question(client, approver, high):
    """Given again, the same request goes through."""
    client.force_login(approver)
    fresh = client.session["account_authentication_methods"]
    session = client.session
    session["account_authentication_methods"] = [{**fresh[0], "at": time.time() - 3600}]
    session.save()
    assert over_rest(client, high, HTTP_IDEMPOTENCY_KEY="k-1").status_code == 403
    session["account_authentication_methods"] = fresh
    session.save()

    assert over_rest(client, high, HTTP_IDEMPOTENCY_KEY="k-1").status_code == 200


def test_a_key_is_its_own_matter(an_hour_later, approver, high, key):
    assert over_rest(an_hour_later, high, **key(approver)).status_code == 200


def test_what_is_not_visible_does_not_exist_before_anything_is_asked(an_hour_later, high, stranger):
    an_hour_later.force_login(stranger)

    assert over_rest(an_hour_later, high).status_code == 404
