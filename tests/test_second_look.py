"""At high risk the second factor is asked for again: whoever left his desk open approves nothing."""

import time

import pytest
from django.urls import reverse

from cases.models import Case

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


def page(case, verb="approve"):
    return reverse(f"admin:cases_case_{verb}", args=[case.pk])


def test_before_the_form_the_second_factor_is_asked_for_again(an_hour_later, high):
    answer = an_hour_later.get(page(high))

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("mfa_reauthenticate"))


def test_what_was_typed_meanwhile_is_not_lost_and_nothing_is_approved(an_hour_later, high):
    answer = an_hour_later.post(page(high), {"reason": "The fee was charged twice.", "revision": "1"})

    assert answer.status_code == 403
    shown = answer.content.decode()
    assert f'href="{reverse("mfa_reauthenticate")}' in shown and "The fee was charged twice." in shown
    assert Case.objects.get().state == "approval"


def test_lately_given_it_is_not_asked_for(client, approver, high):
    client.force_login(approver)

    assert client.get(page(high)).status_code == 200


def test_sending_back_asks_for_nothing(an_hour_later, high):
    assert an_hour_later.get(page(high, "send_back")).status_code == 200
