"""Whoever gave one approval of several takes it back while the case waits for the others: it stays in history and counts no longer."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse

from audit import trail
from audit.models import AuditEvent
from cases import actions
from cases.models import Retraction
from integrations.problems import Conflict
from tests.conftest import seated
from tests.desk import page
from tests.factories import TWO, UserFactory
from tests.test_approvals import CHAINED, REFUND, hidden, text
from tests.test_promises import ADDING, CHANGING, again, approval, refused, release_of

pytestmark = pytest.mark.django_db
QUORUM = {"action_tiers": {"refund": "high"}, "chains": TWO}


@pytest.fixture
def rules():
    return CHAINED


@pytest.fixture
def high(send):
    return send(action=REFUND)


@pytest.fixture
def third(refunds, owner):
    return seated(refunds, "approver", owner, EUR=1000)


def counted(case) -> list[str]:
    """Whose approvals count for what stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT by_id FROM valid_approvals(%s, %s) ORDER BY id", [case.pk, again(case).digest])
        return [by for (by,) in cursor.fetchall()]


def events(case, verb="case.retract"):
    return AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb=verb)


def retracted(given, by, **more):
    return Retraction(**{"decision": given, "by": by, "at": given.at + timedelta(seconds=1), **more})


# The verb


def test_the_step_is_to_be_given_again_and_history_stays(high, approver, other_approver):
    actions.approve(high.pk, by=approver, reason="Owed")
    before = again(high)

    actions.retract(high.pk, by=approver, reason="Wrong case")

    after = again(high)
    assert (after.state, after.revision, after.digest) == ("approval", before.revision, before.digest)
    assert counted(high) == [] and high.decisions.get().is_retracted
    [event] = events(high)
    assert (event.actor_id, event.words, event.body["approval"]) == (approver.pk, "Wrong case", high.decisions.get().pk)
    with pytest.raises(PermissionDenied, match="Only whoever approved what stands"):
        actions.retract(high.pk, by=approver, reason="Once more")
    actions.approve(high.pk, by=other_approver)
    assert list(high.decisions.values_list("by", "step")) == [(approver.pk, 0), (other_approver.pk, 0)]


def test_whoever_took_it_back_may_give_it_anew_as_often_as_he_likes(high, approver, other_approver):
    for _ in range(2):
        actions.approve(high.pk, by=approver)
        actions.retract(high.pk, by=approver, reason="Not sure")
    actions.approve(high.pk, by=approver)
    actions.approve(high.pk, by=other_approver)

    assert list(high.decisions.values_list("anew", flat=True)) == [0, 1, 2, 0]
    assert again(high).released_at and counted(high) == [approver.pk, other_approver.pk]


@pytest.mark.parametrize("rules", [{**CHAINED, "chains": [{"steps": [{"name": "Lead"}, {"name": "Finance", "people": 2}]}]}])
def test_what_others_gave_before_it_or_beside_it_stands(high, approver, other_approver, third, rules):
    actions.approve(high.pk, by=approver)
    actions.approve(high.pk, by=other_approver)

    actions.retract(high.pk, by=other_approver, reason="Not sure")

    assert counted(high) == [approver.pk]
    actions.approve(high.pk, by=third)
    assert (again(high).state, counted(high)) == ("approval", [approver.pk, third.pk])


@pytest.mark.parametrize(
    "rules", [{**CHAINED, "chains": [{"steps": [{"name": "Lead"}, {"name": "Finance"}, {"name": "Board"}]}]}]
)
def test_a_step_on_which_somebody_has_built_is_not_taken_back(high, approver, other_approver, rules):
    actions.approve(high.pk, by=approver)
    actions.approve(high.pk, by=other_approver)

    with pytest.raises(PermissionDenied, match="The step “Finance” was given after yours"):
        actions.retract(high.pk, by=approver, reason="Not sure")

    assert counted(high) == [approver.pk, other_approver.pk] and not events(high).exists()
    trail.write_refusals()
    assert events(high, "case.retract_refused").count() == 1


def test_what_is_complete_or_of_another_content_is_nobodys_to_take_back(high, send, approver, other_approver, third):
    for by in (approver, other_approver):
        actions.approve(high.pk, by=by)
    edited = send(action=REFUND)
    actions.approve(edited.pk, by=approver)
    actions.approve(edited.pk, by=third, action={"amount": Decimal(300)})

    with pytest.raises(Conflict, match=f"The case is closed now: it was approved by {other_approver}"):
        actions.retract(high.pk, by=approver, reason="Too late")
    with pytest.raises(PermissionDenied, match="Only whoever approved what stands"):
        actions.retract(edited.pk, by=approver, reason="It is void already")


def test_it_is_nobody_elses(high, approver, other_approver, reviewer):
    actions.approve(high.pk, by=approver)

    for somebody in (other_approver, reviewer, UserFactory(is_superuser=True)):
        with pytest.raises(PermissionDenied):
            actions.retract(high.pk, by=somebody, reason="Not mine")

    assert counted(high) == [approver.pk]


def test_the_owner_of_risk_takes_back_what_he_broke_the_glass_for(high, owner):
    actions.approve(high.pk, by=owner, break_glass=True, reason="Nobody is there")

    actions.retract(high.pk, by=owner, reason="Somebody came")

    assert counted(high) == [] and high.decisions.get().break_glass


# What the database refuses, by whatever door


@pytest.mark.parametrize("rules", [QUORUM])
def test_the_database_knows_who_takes_back_what(high, send, approver, other_approver, third, rules):
    actions.approve(high.pk, by=approver)
    given, another = high.decisions.get(), send(action=REFUND)
    actions.reject(another.pk, by=approver, reason="Not owed")
    rejection = another.decisions.get()

    for add in ADDING:
        with refused("an_approval_is_retracted_by_whoever_gave_it"):
            add(retracted(given, other_approver))
        with refused("an_approval_is_retracted_by_whoever_gave_it"):
            add(retracted(rejection, approver))
        with refused("no_retraction_is_dated_back"):
            add(retracted(given, approver, at=given.at - timedelta(hours=1)))


def test_the_database_lets_nobody_take_back_what_no_longer_waits(high, send, approver, other_approver, third):
    actions.approve(high.pk, by=approver)
    actions.approve(high.pk, by=other_approver)
    edited = send(action=REFUND)
    actions.approve(edited.pk, by=approver)
    void = edited.decisions.get()
    actions.approve(edited.pk, by=third, action={"amount": Decimal(300)})

    for add in ADDING:
        for given in (*high.decisions.all(), void):
            with refused("an_approval_is_retracted_while_it_waits_for_others"):
                add(retracted(given, given.by))


@pytest.mark.parametrize(
    "rules", [{**CHAINED, "chains": [{"steps": [{"name": "Lead"}, {"name": "Finance"}, {"name": "Board"}]}]}]
)
def test_the_database_lets_nobody_take_a_step_from_under_another(high, approver, other_approver, rules):
    actions.approve(high.pk, by=approver)
    actions.approve(high.pk, by=other_approver)

    for add in ADDING:
        with refused("an_approval_is_retracted_while_it_waits_for_others"):
            add(retracted(high.decisions.first(), approver))


@pytest.mark.parametrize("rules", [QUORUM])
def test_an_approval_that_was_taken_back_releases_nothing_and_counts_once_anew(high, approver, other_approver, rules):
    actions.approve(high.pk, by=approver)
    for add in ADDING:
        with refused("an_approval_is_given_anew_once_it_was_retracted"):
            add(approval(high, approver, anew=1))
        with refused("only_an_approval_is_given_anew"):
            add(approval(high, approver, verb="reject", anew=1))
    actions.retract(high.pk, by=approver, reason="Not sure")
    approval(high, other_approver).save()

    for add in ADDING:
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(high))
        with refused("each_approval_is_another_persons"):
            add(approval(high, approver))
        with refused("an_approval_is_given_anew_once_it_was_retracted"):
            add(approval(high, approver, anew=2))
        with refused("cases_retraction_decision_id_key", "duplicate key"):
            add(retracted(high.decisions.first(), approver))
    approval(high, approver, anew=1).save()
    release_of(high).save()


def test_what_was_taken_back_is_never_changed(high, approver, other_approver):
    actions.approve(high.pk, by=approver)
    actions.retract(high.pk, by=approver, reason="Not sure")

    for change in CHANGING:
        with refused("history_is_append_only", "permission denied"):
            change(Retraction.objects.get(), by_id=other_approver.pk)
    with refused("permission denied"):
        Retraction.objects.all().delete()


# The doors


@pytest.fixture
def desk(client, approver):
    client.force_login(approver)
    return client


def test_one_is_led_to_it_from_the_card_and_from_the_list(desk, high, approver):
    way = f"{page(high)}?verb=retract"
    shown = desk.get(page(high, "approval"))
    assert "until the next step is given you can take yours back" in text(shown)
    answer = desk.post(
        page(high, "approval"), {**hidden(shown), "verb": "approve", "approve.reason": "Owed"}, HTTP_HX_REQUEST="true"
    )
    assert way in answer.content.decode()
    [other] = desk.get(reverse("admin:cases_approvals")).context["others"]
    assert "retract" in dict(other.offered)

    card = desk.get(f"{page(high, 'approval')}?verb=retract")
    assert card.context["cards"][0]["chosen"] == "retract" and hidden(card)["step"] == "1"
    missing = desk.post(page(high, "approval"), {**hidden(card), "verb": "retract"})
    assert missing.status_code == 422 and "Say why." in text(missing)
    done = {**hidden(card), "verb": "retract", "retract.reason": "Wrong case"}
    assert desk.post(page(high, "approval"), done).status_code == 302

    assert counted(high) == [] and events(high).count() == 1
    told = text(desk.get(page(high, "approval")))
    assert f"{approver}: approved (taken back)" in told and "Lead: next, 0 of 1" in told


def test_a_window_that_shows_the_step_still_given_takes_nothing_back(desk, high, approver, other_approver):
    actions.approve(high.pk, by=approver)
    shown = hidden(desk.get(f"{page(high, 'approval')}?verb=retract"))
    actions.retract(high.pk, by=approver, reason="In the other window")
    actions.approve(high.pk, by=other_approver)

    answer = desk.post(page(high, "approval"), {**shown, "verb": "retract", "retract.reason": "Not sure"})

    assert answer.status_code == 403 and "Only whoever approved what stands may take that approval back." in text(answer)
    assert counted(high) == [other_approver.pk]


def test_over_rest_it_is_a_verb_like_the_others(client, key, high, approver):
    actions.approve(high.pk, by=approver)
    address = f"/api/v1/cases/{high.pk}/"

    answer = client.post(
        f"{address}retract/", json.dumps({"reason": "Wrong case"}), content_type="application/json", **key(approver)
    )

    assert (answer.status_code, answer.json()["state"]) == (200, "approval")
    [told] = client.get(address, **key(approver)).json()["decisions"]
    assert told["retracted"] is True
    assert counted(high) == []
