"""A draft of a policy that is discarded: laid aside with its number and its replays, and restored as it was."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import replay
from integrations.problems import Conflict
from tests import factories
from tests.factories import TIERS, UserFactory
from tests.test_promises import ADDING, CHANGING, refused, sql
from workflows import actions as workflows
from workflows.models import Policy

pytestmark = pytest.mark.django_db

LOOSE = {"tiers": {**TIERS, "medium": {"pattern": "threshold", "threshold": 0.5}}}
WRITING = [
    door for door in CHANGING if door.__name__ != "by_upsert"
]  # of an upsert the row that would be added is judged first


@pytest.fixture
def draft(refunds, owner):
    return workflows.draft(refunds, by=owner, rules=LOOSE, output_schema=refunds.policy.output_schema, reason="Fewer looks.")


@pytest.fixture
def discarded(draft, owner):
    return workflows.discard(draft, by=owner, reason="Begun by mistake.")


def fresh(policy):
    return Policy.objects.get(pk=policy.pk)


def to(name, *args):
    return reverse(f"admin:workflows_{name}", args=args)


def text(response):
    return response.content.decode()


# The verbs


def test_a_discarded_draft_says_who_when_and_why_in_one_event(draft, owner):
    before = AuditEvent.objects.count()

    workflows.discard(draft, by=owner, reason="Begun by mistake.")

    kept = fresh(draft)
    assert (kept.discarded_by, kept.discarded_because) == (owner, "Begun by mistake.") and not kept.is_open
    event = AuditEvent.objects.get(verb="policy.discard")
    assert AuditEvent.objects.count() == before + 1
    assert (event.words, event.subject_id, event.body["version"]) == ("Begun by mistake.", draft.pk, 2)


def test_nobody_edits_signs_publishes_or_discards_it_any_more(refunds, discarded, owner):
    workflows.ask_two_people(refunds, by=owner, reason="x")
    told = "owner discarded version 2 on 20.* Restore it first, or begin a new draft from it."

    with pytest.raises(Conflict, match=told) as lost:
        workflows.edit_draft(discarded, by=owner, grace_seconds=5)
    for verb in (workflows.sign, workflows.publish, workflows.discard):
        with pytest.raises(ValidationError, match=told):
            verb(discarded, by=owner, reason="x")

    assert lost.value.code == "discarded" and fresh(discarded).rules == LOOSE


def test_a_restored_draft_is_what_it_was_its_signature_included(refunds, draft, owner):
    second = UserFactory()
    workflows.own(refunds, "quality", second, by=factories.administrator())
    workflows.ask_two_people(refunds, by=owner, reason="x")
    workflows.sign(draft, by=second)
    workflows.discard(draft, by=owner, reason="Not now.")

    workflows.restore(draft, by=second, reason="Now.")
    workflows.publish(draft, by=owner, reason="x")

    event = AuditEvent.objects.get(verb="policy.restore")
    assert (event.words, event.actor_id) == ("Now.", second.pk)
    assert (refunds.policy, refunds.policy.rules, refunds.policy.signed_by) == (draft, LOOSE, second)


def test_only_what_is_discarded_is_restored(draft, owner):
    with pytest.raises(ValidationError, match="is not discarded"):
        workflows.restore(draft, by=owner)


def test_its_number_is_not_used_again_and_what_was_published_is_not_discarded(refunds, discarded, owner):
    later = workflows.draft(refunds, by=owner, rules=LOOSE)

    with pytest.raises(ValidationError, match="was published by"):
        workflows.discard(refunds.policy, by=owner, reason="x")

    assert (discarded.version, later.version) == (2, 3)


def test_why_it_is_discarded_is_asked(draft, owner):
    with pytest.raises(ValidationError, match="Say why it is discarded"):
        workflows.discard(draft, by=owner, reason=" ")


@pytest.mark.parametrize("who", ["administrator", "stranger", "reviewer", "approver", "vendor_reviewer", "integration"])
def test_whoever_may_draft_may_discard_and_restore(request, refunds, draft, discarded, owner, who):
    by = factories.administrator() if who == "administrator" else request.getfixturevalue(who)
    if who == "administrator":
        workflows.restore(draft, by=by)
        workflows.discard(draft, by=by, reason="x")
        return

    with pytest.raises(PermissionDenied):
        workflows.restore(draft, by=by)
    workflows.restore(draft, by=owner)
    with pytest.raises(PermissionDenied):
        workflows.discard(draft, by=by, reason="x")


def test_its_replays_stay_readable(sign_in, draft, owner):
    made = replay.make(replay.replay(draft, by=owner))
    workflows.discard(draft, by=owner, reason="x")

    listed = sign_in(owner).get(reverse("admin:cases_replay_policy", args=[draft.pk]))
    one = sign_in(owner).get(reverse("admin:cases_replay_change", args=[made.pk]))

    assert reverse("admin:cases_replay_change", args=[made.pk]) in text(listed) and one.status_code == 200


def test_the_newest_version_to_replay_is_none_that_was_discarded(discarded, capsys):
    call_command("replay", "refunds", no_progress=True)

    assert capsys.readouterr().out.startswith("Refunds v1,")


# What the database says


def mark(person, because="x"):
    return {"discarded_at": clock.now(), "discarded_by_id": person.pk, "discarded_because": because}


NO_MARK = {"discarded_at": None, "discarded_by_id": None, "discarded_because": ""}


@pytest.mark.parametrize("change", CHANGING, ids=lambda door: door.__name__)
def test_only_an_owner_or_administrator_discards_a_draft(draft, owner, stranger, approver, vendor_reviewer, change):
    for person in (stranger, approver, vendor_reviewer):
        with refused("only_an_owner_or_administrator_discards_a_draft"):
            change(fresh(draft), **mark(person))

    change(fresh(draft), **mark(owner))
    change(fresh(draft), **NO_MARK)
    change(fresh(draft), **mark(factories.administrator()))
    assert not fresh(draft).is_open


@pytest.mark.parametrize("add", ADDING, ids=lambda door: door.__name__)
def test_nor_is_one_born_discarded_by_anybody_else(refunds, stranger, add):
    with refused("only_an_owner_or_administrator_discards_a_draft"):
        add(Policy(workflow=refunds, version=9, rules=LOOSE, **mark(stranger)))


@pytest.mark.parametrize("change", CHANGING, ids=lambda door: door.__name__)
def test_a_discarded_draft_is_only_restored(refunds, discarded, owner, change):
    other = factories.workflow("other", owner=owner)
    touched = [
        {"rules": {**LOOSE, "grace_seconds": 5}},
        {"reason": "Another"},
        {"improvement": "Finding 3"},
        {"version": 7},
        {"workflow_id": other.pk},
        {"signed_at": clock.now(), "signed_by_id": owner.pk, "signed_digest": bytes(fresh(discarded).digest)},
        {"discarded_because": "Another"},
    ]

    for values in touched:
        with refused("a_discarded_draft_is_only_restored"):
            change(fresh(discarded), **values)
        if "discarded_because" not in values:
            with refused("a_discarded_draft_is_only_restored"):
                change(fresh(discarded), **values, **NO_MARK)

    change(fresh(discarded), **NO_MARK)
    assert fresh(discarded).is_open and fresh(discarded).rules == LOOSE


@pytest.mark.parametrize("change", WRITING, ids=lambda door: door.__name__)
def test_a_discarded_draft_is_never_published(discarded, owner, change):
    publishing = {"published_at": clock.now(), "published_by_id": owner.pk}

    with refused("a_discarded_draft_is_never_published"):
        change(fresh(discarded), **publishing)
    with refused("a_discarded_draft_is_only_restored"):
        change(fresh(discarded), **publishing, **NO_MARK)
    change(fresh(discarded), **NO_MARK)
    with refused("a_discarded_draft_is_never_published"):
        change(fresh(discarded), **publishing, **mark(owner))


@pytest.mark.parametrize("change", CHANGING, ids=lambda door: door.__name__)
def test_a_discarded_draft_says_when_why_and_by_whom(draft, owner, change):
    for lacking in ({"discarded_at": None}, {"discarded_by_id": None}, {"discarded_because": ""}):
        with refused("a_discarded_draft_says_when_why_and_by_whom"):
            change(fresh(draft), **mark(owner) | lacking)


def test_a_discarded_draft_keeps_its_number(discarded):
    with refused("a_discarded_draft_keeps_its_number"):
        fresh(discarded).delete()
    with refused("a_discarded_draft_keeps_its_number"):
        sql("DELETE FROM workflows_policy WHERE id = %s", discarded.pk)


# Its pages


def test_it_is_discarded_and_restored_from_its_page(sign_in, refunds, draft, owner):
    client, page = sign_in(owner), to("policy_change", draft.pk)
    discard, restore = to("policy_discard", draft.pk), to("policy_restore", draft.pk)
    before = text(client.get(page))

    asked, unsaid = text(client.get(discard)), client.post(discard, {"reason": ""})
    client.post(discard, {"reason": "Begun by mistake."})
    after = text(client.get(page))
    client.post(restore, {"reason": ""})

    assert discard in before and restore not in before and "can be restored" in asked
    assert unsaid.status_code == 422 and "Say why." in text(unsaid)
    assert "Version 2 was discarded on" in after and "Why: Begun by mistake." in after
    assert restore in after and discard not in after
    for gone in (to("policy_publish", draft.pk), to("policy_edit_risk", draft.pk), to("policy_edit_document", draft.pk)):
        assert gone in before and gone not in after
    assert fresh(draft).is_open and discard in text(client.get(page))


def test_its_forms_lead_back_to_its_page_and_what_was_typed_meanwhile_is_not_lost(sign_in, discarded, owner):
    client, form = sign_in(owner), to("policy_edit_why", discarded.pk)

    away = client.get(form, follow=True)
    typed = client.post(form, {"why-reason": "Fewer looks at night.", "seen": "x"})

    assert away.redirect_chain == [(to("policy_change", discarded.pk), 302)] and "is edited no more" in text(away)
    assert typed.status_code == 409 and "owner discarded version 2 on" in text(typed)
    assert "Fewer looks at night." in text(typed)


@pytest.mark.parametrize("page", ["publish", "sign", "discard"])
@pytest.mark.parametrize("what", ["discarded", "published"])
def test_what_is_a_draft_no_more_is_not_asked_about_but_says_so(sign_in, refunds, discarded, owner, page, what):
    version, told = {
        "discarded": (discarded, "owner discarded version 2 on "),
        "published": (refunds.policy, "Refunds v1 was published by owner on "),
    }[what]

    away = sign_in(owner).get(to(f"policy_{page}", version.pk), follow=True)

    assert away.redirect_chain == [(to("policy_change", version.pk), 302)] and told in text(away)
    assert "begin a new draft from it" in text(away).lower()


def test_why_one_discards_what_another_discarded_meanwhile_is_not_lost(sign_in, discarded, owner):
    typed = sign_in(owner).post(to("policy_discard", discarded.pk), {"reason": "Too many looks at night."})

    assert typed.status_code == 422 and "owner discarded version 2 on " in text(typed)
    assert "Too many looks at night." in text(typed)


def test_the_versions_of_a_workflow_fold_what_was_discarded(sign_in, refunds, discarded, owner):
    client = sign_in(owner)

    shown = client.get(to("workflow_change", refunds.pk))
    compared = text(client.get(to("policy_difference", refunds.policy.pk)))
    listed = text(client.get(to("policy_changelist")))

    assert [policy.version for policy in shown.context["policies"]] == [1]
    assert "One discarded draft" in text(shown) and "Begun by mistake." in text(shown)
    assert "version 2 (discarded)" in compared and "Discarded" in listed


def test_a_new_draft_begins_from_the_newest_that_stands_and_can_from_a_discarded_one(sign_in, refunds, discarded, owner):
    client, begin = sign_in(owner), to("workflow_draft", refunds.pk)

    first = client.get(begin).context["form"]["start"].value()
    named = text(client.get(begin))
    client.post(f"{begin}?from=2", {"start": "2"})

    assert first == "1" and "Refunds v2 (discarded)" in named
    assert refunds.policies.get(version=3).rules == LOOSE
