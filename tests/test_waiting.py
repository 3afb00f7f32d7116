"""What the cards of My desk say, and the badges beside the desks: as many as stand there, for each side its own, in one statement."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from audit import clock
from cases import actions, waiting
from cases.models import Alert, Case
from tests import factories
from tests.conftest import acting_as

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")


@pytest.fixture
def desk(refunds, send, reviewer, vendor, monkeypatch):
    """Eight cases at review: three wait of which one is late and one nearly, one is held, one is paused, two are a vendor's, one is not here."""
    factories.mandated(vendor, refunds)
    now, wait = clock.now(), clock.now() - timedelta(hours=5)
    facts = {
        "fresh": {},
        "late": {"due_at": now - timedelta(minutes=1)},
        "soon": {"desk_since": wait},
        "held": {"claimed_by": factories.UserFactory(), "claimed_until": now + timedelta(hours=1)},
        "paused": {},
        "theirs": {"vendor": vendor},
        "theirs, too": {"vendor": vendor, "due_at": now - timedelta(days=1)},
        "elsewhere": {},
    }
    for name in facts:
        send(external_id=name, confidence=0.1)
    cases = {case.external_id: case for case in Case.objects.all()}
    for name, said in facts.items():
        Case.objects.filter(pk=cases[name].pk).update(**{"vendor": None, **said})
    actions.pause(cases["paused"].pk, by=reviewer, on="team", whom="logistics", reason="Which order?")
    actions.escalate(cases["elsewhere"].pk, by=reviewer, reason="Not mine.")
    Alert.objects.create(case=cases["soon"], code=Alert.Code.DUE_SOON, says="It is due soon.", raised_at=now)
    return cases, wait


def at_review(user, workflow, vendor=None):
    return waiting.at_desks(user, {"review": [workflow.pk]})["review"]


def test_a_card_says_what_stands_on_its_side(desk, refunds, reviewer, vendor_reviewer):
    _, wait = desk

    house = at_review(reviewer, refunds)

    assert (house.waiting, house.paused, house.late, house.soon, house.held, house.vendors) == (4, 1, 1, 1, 1, 2)
    assert house.oldest == wait
    with acting_as(vendor_reviewer):
        theirs = at_review(vendor_reviewer, refunds)
    assert (theirs.waiting, theirs.paused, theirs.late, theirs.soon, theirs.held, theirs.vendors) == (2, 0, 1, 0, 0, 0)


def test_what_one_holds_himself_is_in_no_other_hands(desk, refunds, reviewer):
    cases, _ = desk
    Case.objects.filter(pk=cases["held"].pk).update(claimed_by=reviewer)

    assert at_review(reviewer, refunds).held == 0


def test_what_was_handed_to_somebody_else_is_in_other_hands_too(desk, refunds, reviewer):
    cases, _ = desk
    Case.objects.filter(pk=cases["fresh"].pk).update(assigned_to=factories.UserFactory())
    Case.objects.filter(pk=cases["soon"].pk).update(assigned_to=reviewer)

    assert at_review(reviewer, refunds).held == 2


def test_a_desk_counts_the_workflows_where_one_sits_and_no_others(desk, refunds, owner, reviewer):
    other = factories.workflow("other", owner=owner)

    assert at_review(reviewer, other) == waiting.Waiting(0, 0, 0, 0, 0, 0, None)
    assert waiting.counts(reviewer, {"review": [refunds.pk, other.pk], "resolution": [refunds.pk]}) == {
        "review": 4,
        "resolution": 1,
    }
    assert waiting.counts(reviewer, {}) == waiting.at_desks(reviewer, {}) == {}


def test_counting_ends_where_nobody_reads_on(desk, refunds, reviewer, monkeypatch):
    monkeypatch.setattr(waiting, "COUNTED", 2)

    assert at_review(reviewer, refunds).waiting == 3
    assert (waiting.told(3), waiting.told(2)) == ("2+", "2")


def test_the_badge_says_what_the_card_says_and_few_questions_are_asked(client, desk, reviewer, django_assert_max_num_queries):
    client.force_login(reviewer)
    client.get(INDEX)

    with django_assert_max_num_queries(20):
        page = client.get(INDEX).content.decode()

    card = re.search(r'<p class="count">(\d+)</p>', page)[1]
    assert re.findall(r'<span class="badge">(\d+)</span>', page)[:1] == [card] == ["4"]
    assert (
        "1 is overdue." in page
        and "1 is due soon." in page
        and "1 is in other hands." in page
        and "2 more are with a vendor." in page
    )
