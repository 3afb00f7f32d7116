"""A version that waits for a second signature stands on My desk of everybody whose signature would let it be published."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import actions as people
from audit import clock
from tests import factories
from tests.factories import TIERS, UserFactory
from workflows import actions as workflows
from workflows import signatures

pytestmark = pytest.mark.django_db

DESK = reverse("admin:index")
LINE = "Version 2 of Refunds waits for your signature."


@pytest.fixture
def two_people(refunds, owner, second):
    workflows.ask_two_people(refunds, by=owner, reason="Money moves.")
    refunds.refresh_from_db()


@pytest.fixture
def draft(refunds, owner, two_people):
    return workflows.draft(refunds, by=owner, rules={"tiers": TIERS, "grace_seconds": 9}, reason="Time to undo.")


@pytest.fixture
def desk(client):
    def desk(person):
        client.force_login(person)
        return client.get(DESK).content.decode()

    return desk


def sign(client, policy):
    address = reverse("admin:workflows_policy_sign", args=[policy.pk])
    return client.post(address, {"digest": client.get(address).context["form"].initial["digest"]})


def test_it_stands_there_until_it_is_signed_and_leads_to_the_difference(client, desk, draft, second):
    address = reverse("admin:workflows_policy_sign", args=[draft.pk])

    before, differs = desk(second), client.get(address).content.decode()
    sign(client, draft)

    assert f'<a href="{address}">{LINE}</a>' in before and "Time to undo." in before
    assert "What differs from version 1" in differs and "Sign version 2" in differs
    assert LINE not in desk(second)


def test_it_is_not_asked_of_who_alone_publishes_nor_of_who_owns_nothing_there(desk, draft, owner, stranger, reviewer, second):
    for person in (owner, stranger, reviewer, factories.administrator()):
        assert "waits for your signature" not in desk(person)

    assert LINE in desk(second)


def test_what_a_publisher_signed_still_waits_for_another(desk, draft, owner, second):
    workflows.sign(draft, by=owner)

    assert LINE in desk(second) and LINE not in desk(owner)


@pytest.mark.parametrize("how", ["discarded", "published", "overtaken", "one publishes"])
def test_it_is_gone_once_nothing_waits(desk, refunds, draft, owner, second, how):
    if how == "discarded":
        workflows.discard(draft, by=owner, reason="x")
    elif how == "published":
        workflows.sign(draft, by=second)
        workflows.publish(draft, by=owner, reason="x")
    elif how == "overtaken":
        later = workflows.draft(refunds, by=owner, rules={"tiers": TIERS})
        workflows.sign(later, by=second)
        workflows.publish(later, by=owner, reason="x")
    else:
        workflows.let_one_publish(refunds, by=owner, reason="x")

    assert "waits for your signature" not in desk(second)


def test_a_restored_draft_waits_again_and_an_edit_asks_anew(desk, draft, owner, second):
    workflows.sign(draft, by=second)
    workflows.edit_draft(draft, by=owner, grace_seconds=5)
    edited = desk(second)
    workflows.discard(draft, by=owner, reason="x")
    workflows.restore(draft, by=owner)

    assert LINE in edited and LINE in desk(second)


def test_a_rollback_that_waits_stands_there_too(desk, refunds, draft, owner, second):
    first = refunds.policy
    workflows.sign(draft, by=second)
    workflows.publish(draft, by=owner, reason="x")

    workflows.roll_back(first, by=owner, reason="Too many errors.")

    assert "Version 3 of Refunds waits for your signature." in desk(second)


def test_a_stand_in_is_asked_in_the_place_of_who_is_away_until_he_has_signed(desk, draft, owner, second):
    stand_in = UserFactory(username="stand-in")
    assert LINE not in desk(stand_in)

    people.be_absent(owner, by=owner, until=clock.now() + timedelta(days=1), stand_in=stand_in, reason="x")

    assert LINE in desk(stand_in) and LINE in desk(second)
    workflows.sign(draft, by=stand_in)
    assert LINE not in desk(stand_in) and LINE in desk(second)


def test_what_the_desk_asks_is_what_the_versions_page_offers(client, refunds, draft, owner, second, stranger):
    """For each person and each signature that may stand under it, one answer."""
    sign_it = reverse("admin:workflows_policy_sign", args=[draft.pk])
    for signed_by in (None, owner, second):
        if signed_by:
            workflows.sign(draft, by=signed_by)
        for person in (owner, second, stranger):
            client.force_login(person)
            shown = client.get(reverse("admin:workflows_policy_change", args=[draft.pk]))
            offered = f'href="{sign_it}"' in shown.content.decode() and not shown.context["signing_leaves_nobody"]
            assert (draft in signatures.waited_for(person)) == offered


def test_it_is_one_question_however_many_wait(refunds, draft, owner, second, django_assert_num_queries):
    other = factories.workflow("other", owner=owner)
    workflows.own(other, "risk", second, by=factories.administrator())
    workflows.ask_two_people(other, by=owner, reason="x")
    for workflow in (refunds, other, other):
        workflows.draft(workflow, by=owner, rules={"tiers": TIERS})
    workflows.sign(draft, by=owner)

    with django_assert_num_queries(1):
        waiting = [str(policy) for policy in signatures.waited_for(second)]

    assert waiting == ["Refunds v2 (draft)", "Refunds v3 (draft)", "Other v2 (draft)", "Other v3 (draft)"]
