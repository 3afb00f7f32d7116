"""Versions of a policy: drafted, signed, published, effective from a time, rolled back; and what the database says to it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.urls import reverse

from audit import acting, clock
from audit.models import AuditEvent
from cases import actions
from cases.models import Case
from tests import factories
from tests.conftest import HOUSE
from tests.factories import TIERS, UserFactory
from tests.test_promises import CHANGING, refused
from workflows import actions as workflows
from workflows.models import Owner, Policy, Workflow

pytestmark = pytest.mark.django_db

PUBLISHING = [door for door in CHANGING if door.__name__ != "by_upsert"]  # an upsert cannot: a_policy_is_born_a_draft
LOOSE = {"tiers": {**TIERS, "medium": {"pattern": "threshold", "threshold": 0.5}}}


@pytest.fixture
def draft(refunds, owner):
    """The next version of refunds, which lets a confidence of 0.5 through."""
    return workflows.draft(refunds, by=owner, rules=LOOSE, output_schema=refunds.policy.output_schema)


@pytest.fixture
def two_people(refunds, owner):
    workflows.ask_two_people(refunds, by=owner, reason="Money moves.")
    refunds.refresh_from_db()


def told(verb):
    return list(AuditEvent.objects.filter(verb=verb).order_by("id"))


# Publishing


def test_a_published_version_says_who_why_from_which_improvement_and_from_when(refunds, draft, owner):
    tomorrow = clock.now() + timedelta(days=1)

    workflows.publish(draft, by=owner, reason="Fewer looks.", improvement="Finding 12", effective_from=tomorrow)

    policy = Policy.objects.get(pk=draft.pk)
    assert (policy.published_by, policy.reason, policy.improvement) == (owner, "Fewer looks.", "Finding 12")
    assert policy.effective_from == tomorrow
    event = told("policy.publish")[-1]
    assert event.words == "Fewer looks." and event.body["from"] == 1 and event.body["to"] == 2
    assert event.body["digest"] == bytes(policy.digest).hex()


def test_a_version_is_in_force_from_its_time_on_and_not_before(refunds, draft, owner, send):
    now = clock.now()
    workflows.publish(draft, by=owner, reason="x", effective_from=now + timedelta(hours=1))

    before = send(confidence=0.6)
    with clock.moved(now + timedelta(hours=2)):
        in_force, after = refunds.policy, send(confidence=0.6)

    assert refunds.policy.version == 1 and in_force == draft
    assert (before.policy.version, before.state) == (1, "review")
    assert (after.policy.version, after.state) == (2, "closed")


def test_the_highest_version_that_has_begun_is_in_force(refunds, draft, owner):
    workflows.publish(draft, by=owner, reason="x", effective_from=clock.now() + timedelta(hours=1))
    third = workflows.draft(refunds, by=owner, rules=LOOSE)
    workflows.publish(third, by=owner, reason="x")

    with clock.moved(clock.now() + timedelta(hours=2)):
        assert refunds.policy == third


def test_no_version_begins_in_the_past(draft, owner):
    with pytest.raises(ValidationError) as fault:
        workflows.publish(draft, by=owner, reason="x", effective_from=clock.now() - timedelta(minutes=1))

    assert list(fault.value.message_dict) == ["effective_from"]
    for change in PUBLISHING:
        with refused("no_version_takes_effect_before_it_was_published"):
            now = clock.now()
            change(
                Policy.objects.get(pk=draft.pk),
                published_at=now,
                published_by_id=owner.pk,
                effective_from=now - timedelta(minutes=1),
            )


def test_cases_in_flight_keep_the_version_that_routed_them(draft, owner, send, reviewer):
    case = send(confidence=0.6)
    workflows.publish(draft, by=owner, reason="x")

    actions.accept(case.pk, by=reviewer)

    case = Case.objects.get(pk=case.pk)
    assert case.policy.version == 1 and case.closed_as == "released"
    assert AuditEvent.objects.get(verb="case.accept").body["policy"] == case.policy_id


def test_what_is_published_is_not_published_again(draft, owner):
    workflows.publish(draft, by=owner, reason="x")

    with pytest.raises(ValidationError, match=f"was published by {owner} on 20.* Begin a new draft"):
        workflows.publish(draft, by=owner, reason="x")


def test_a_draft_that_somebody_overtook_is_not_published(refunds, draft, owner):
    newer = workflows.draft(refunds, by=owner, rules=LOOSE)
    workflows.publish(newer, by=owner, reason="x")

    with pytest.raises(ValidationError, match=r"owner published version 3 on .* Begin a new draft"):
        workflows.publish(draft, by=owner, reason="x")


def test_a_difference_that_was_read_against_another_version_is_read_again(refunds, draft, owner):
    newer = workflows.draft(refunds, by=owner, rules=LOOSE)
    workflows.publish(draft, by=owner, reason="x")

    with pytest.raises(ValidationError, match=r"owner published version 2 on .* Read the difference again"):
        workflows.publish(newer, by=owner, reason="x", seen=1)
    workflows.publish(newer, by=owner, reason="x", seen=2)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_wins_and_the_other_is_told_who_and_when(request):
    with transaction.atomic():
        draft, owner = (request.getfixturevalue(name) for name in ("draft", "owner"))
    begin, answers = Barrier(2), []

    def publish():
        with acting.scope(HOUSE):
            begin.wait(10)
            try:
                answers.append(workflows.publish(draft, by=owner, reason="x").version)
            except ValidationError as fault:
                answers.append(fault.messages[0])
        connection.close()

    threads = [Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    won, lost = sorted(answers, key=str)
    assert won == 2 and "was published by owner on" in lost
    assert len(told("policy.publish")) == 2  # the first version's, and this one's


# Two people


def test_where_two_people_publish_the_second_signs_exactly_this_content(two_people, draft, owner, second):
    with pytest.raises(ValidationError, match="another owner than you must sign"):
        workflows.publish(draft, by=owner, reason="x")
    workflows.sign(draft, by=second, reason="Read it twice.")

    workflows.publish(draft, by=owner, reason="x")

    assert told("policy.publish")[-1].body["signed_by"] == second.pk
    assert told("policy.sign")[0].words == "Read it twice."


def test_nobody_is_his_own_second_person(two_people, draft, owner):
    workflows.sign(draft, by=owner)

    with pytest.raises(ValidationError, match="another owner than you"):
        workflows.publish(draft, by=owner, reason="x")


def test_an_edit_voids_the_signature(two_people, refunds, draft, owner, second):
    for change in CHANGING:
        workflows.sign(draft, by=second)
        edited = Policy.objects.get(pk=draft.pk)
        change(edited, rules={**LOOSE, "grace_seconds": CHANGING.index(change) + 1})
        edited = Policy.objects.get(pk=draft.pk)
        assert edited.signed_by is None and edited.signed_at is None

    with pytest.raises(ValidationError, match="another owner than you"):
        workflows.publish(draft, by=owner, reason="x")


def test_the_owner_of_policy_asks_for_two_and_only_the_owner_of_risk_takes_it_back(two_people, refunds, owner, second):
    risk = UserFactory()
    workflows.own(refunds, "risk", risk, by=factories.administrator())

    with pytest.raises(PermissionDenied):
        workflows.let_one_publish(refunds, by=owner, reason="In a hurry.")
    workflows.let_one_publish(refunds, by=risk, reason="Agreed with audit.")

    assert not Workflow.objects.get(pk=refunds.pk).two_people_publish
    assert told("workflow.let_one_publish")[0].body == {"from": True, "to": False}


# Rolling back


def test_a_rollback_publishes_the_old_content_anew(refunds, draft, owner):
    first = refunds.policy
    workflows.publish(draft, by=owner, reason="x")

    back = workflows.roll_back(first, by=owner, reason="Too many errors.")

    assert refunds.policy == back and back.version == 3 and back.rolls_back_to == first
    assert (back.rules, back.output_schema) == (first.rules, first.output_schema)
    event = told("policy.roll_back")[0]
    assert event.words == "Too many errors." and (event.body["from"], event.body["to"]) == (2, 1)
    assert len(told("policy.publish")) == 2 and len(told("policy.draft")) == 2  # the rollback is one event


def test_a_rollback_undoes_nothing_that_was_not_read(refunds, draft, owner):
    first = refunds.policy
    workflows.publish(draft, by=owner, reason="x")

    with pytest.raises(ValidationError, match="Read the difference again, then roll back"):
        workflows.roll_back(first, by=owner, reason="Too many errors.", seen=1)

    assert refunds.policy == draft
    assert workflows.roll_back(first, by=owner, reason="Too many errors.", seen=2).version == 3


def test_a_rollback_waits_for_the_second_person(refunds, draft, owner, second):
    first = refunds.policy
    workflows.publish(draft, by=owner, reason="x")
    workflows.ask_two_people(refunds, by=owner, reason="x")

    back = workflows.roll_back(first, by=owner, reason="Too many errors.")
    assert refunds.policy == draft and not back.published_at
    workflows.sign(back, by=second)
    workflows.publish(back, by=owner, reason="Too many errors.")

    assert refunds.policy == back and Policy.objects.get(pk=back.pk).rolls_back_to == first


def test_what_is_rolled_back_to_was_in_force_once_and_is_not_now(refunds, draft, owner):
    with pytest.raises(ValidationError, match="is in force already"):
        workflows.roll_back(refunds.policy, by=owner, reason="x")
    with pytest.raises(ValidationError, match="was never published"):
        workflows.roll_back(draft, by=owner, reason="x")


# Gaps


def test_a_version_that_is_to_begin_is_called_off_by_rolling_back_to_the_one_in_force(refunds, draft, owner, client):
    first, coming, tomorrow = refunds.policy, draft, clock.now() + timedelta(days=1)
    workflows.publish(coming, by=owner, reason="Fewer looks.", effective_from=tomorrow)
    client.force_login(owner)
    page, overview = (
        reverse(f"admin:workflows_{of}_change", args=[pk]) for of, pk in (("policy", coming.pk), ("workflow", refunds.pk))
    )
    assert "It takes effect on" in client.get(page).text and "effective from" in client.get(overview).text
    assert (
        reverse("admin:workflows_policy_roll_back", args=[first.pk])
        in client.get(page.replace(str(coming.pk), str(first.pk))).text
    )

    assert (
        "If this one begins before that, it never does."
        in client.get(reverse("admin:workflows_policy_roll_back", args=[first.pk])).text
    )
    back = workflows.roll_back(first, by=owner, reason="Not yet.", seen=1)

    coming.refresh_from_db()
    assert back.rules == first.rules and coming.never_begins and not back.never_begins
    with clock.moved(tomorrow + timedelta(days=1)):
        assert refunds.policy == back
    assert "If this one begins" not in client.get(reverse("admin:workflows_policy_roll_back", args=[first.pk])).text
    assert "and never does: a later version came first" in client.get(page).text
    assert "overtaken before it began" in client.get(overview).text
    with pytest.raises(ValidationError, match="is in force already"):
        workflows.roll_back(back, by=owner, reason="x")


def test_a_workflow_with_a_gap_is_not_published_and_each_gap_is_named(refunds, draft, owner):
    off = UserFactory(username="gone", is_active=False)
    workflows.own(refunds, "quality", off, by=factories.administrator())
    Owner.objects.filter(workflow=refunds, of="improvement").delete()

    with pytest.raises(ValidationError) as fault:
        workflows.publish(draft, by=owner, reason="x")

    assert fault.value.messages == [
        "The account of gone, the owner of quality, is switched off. An administrator can name one.",
        "Nobody owns improvement. An administrator can name one.",
    ]


# What the database says


def published(owner, **more):
    return {"published_at": clock.now(), "published_by_id": owner.pk, **more}


@pytest.mark.parametrize("change", PUBLISHING, ids=lambda door: door.__name__)
def test_only_the_owner_of_policy_publishes(draft, owner, second, stranger, approver, change):
    for person in (second, stranger, approver, factories.administrator()):
        with refused("only_the_owner_of_policy_publishes"):
            change(Policy.objects.get(pk=draft.pk), **published(person))
    owner.is_active = False
    owner.save()
    with refused("only_the_owner_of_policy_publishes"):
        change(Policy.objects.get(pk=draft.pk), **published(owner))


def signed(person, digest):
    return {"signed_at": clock.now(), "signed_by_id": person.pk, "signed_digest": digest}


@pytest.mark.parametrize("change", PUBLISHING, ids=lambda door: door.__name__)
def test_two_people_publish_where_the_workflow_asks(two_people, draft, owner, second, stranger, change):
    digest = bytes(Policy.objects.get(pk=draft.pk).digest)

    for signature in ({}, signed(owner, digest), signed(stranger, digest)):
        with refused("two_people_publish_where_the_workflow_asks"):
            change(Policy.objects.get(pk=draft.pk), **published(owner), **signature)
    change(Policy.objects.get(pk=draft.pk), **published(owner), **signed(second, digest))


@pytest.mark.parametrize("change", PUBLISHING, ids=lambda door: door.__name__)
def test_the_signature_is_over_what_is_published(draft, owner, second, change):
    with refused("the_signature_is_over_what_is_published"):
        change(Policy.objects.get(pk=draft.pk), **published(owner), **signed(second, b"something else"))
