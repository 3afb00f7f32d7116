"""The pages about versions and limits: what is shown before the button, and what a refusal keeps."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from cases import replay
from tests import factories
from tests.factories import TIERS, UserFactory
from workflows import actions as workflows
from workflows.models import Owner, Policy

pytestmark = pytest.mark.django_db

LOOSE = {"tiers": {**TIERS, "medium": {"pattern": "threshold", "threshold": 0.5}}}


@pytest.fixture
def draft(refunds, owner):
    return workflows.draft(refunds, by=owner, rules=LOOSE, output_schema=refunds.policy.output_schema)


def to(name, *args):
    return reverse(f"admin:workflows_{name}", args=args)


def text(response):
    return response.content.decode()


def test_publishing_shows_the_difference_first(sign_in, draft, owner):
    shown = text(sign_in(owner).get(to("policy_publish", draft.pk)))

    assert "What differs from version 1" in shown and "straight through from a confidence of 50 %, before 80 %." in shown
    assert "Nobody reviews: no reviewer has a seat." in shown
    assert "Publish version 2" in shown


def test_a_gap_takes_the_button_away_and_says_who_closes_it(sign_in, refunds, draft, owner):
    Owner.objects.filter(of="exceptions").delete()
    client, address = sign_in(owner), to("policy_publish", draft.pk)

    shown = text(client.get(address))
    posted = client.post(address, {"reason": "x"})

    assert "Nobody owns exceptions. An administrator can name one." in shown and "Publish version 2" not in shown
    assert posted.status_code == 422 and not Policy.objects.get(pk=draft.pk).published_at
    assert "Nobody owns exceptions." in text(client.get(to("workflow_change", refunds.pk)))


def test_a_time_that_is_over_is_named_at_its_field_and_what_was_typed_stays(sign_in, draft, owner):
    typed = {"reason": "Fewer looks", "effective_from": "2020-01-01 10:00", "improvement": "Finding 3"}

    answer = sign_in(owner).post(to("policy_publish", draft.pk), typed)

    assert answer.status_code == 422 and "effective_from" in answer.context["form"].errors
    assert "Fewer looks" in text(answer) and "Finding 3" in text(answer)


def test_whoever_read_another_difference_is_told_who_published_meanwhile(sign_in, refunds, draft, owner):
    third = workflows.draft(refunds, by=owner, rules=LOOSE)
    client = sign_in(owner)
    seen = client.get(to("policy_publish", third.pk)).context["form"].initial["seen"]
    workflows.publish(draft, by=owner, reason="x")

    answer = client.post(to("policy_publish", third.pk), {"reason": "Mine", "seen": seen})

    assert answer.status_code == 422 and "owner published version 2 on" in text(answer) and "Mine" in text(answer)


def test_two_people_publish_by_their_pages(sign_in, refunds, draft, owner):
    second = UserFactory(username="second")
    workflows.own(refunds, "risk", second, by=factories.administrator())
    client = sign_in(owner)
    client.post(to("workflow_two", refunds.pk), {"reason": "Money moves"})
    assert "another owner than you must sign" in text(client.get(to("policy_publish", draft.pk)))

    client = sign_in(second)
    page = client.get(to("policy_sign", draft.pk))
    client.post(to("policy_sign", draft.pk), {"digest": page.context["form"].initial["digest"], "reason": "Read it"})
    client = sign_in(owner)
    assert "second signed exactly this content" in text(client.get(to("policy_publish", draft.pk)))
    client.post(to("policy_publish", draft.pk), {"reason": "Fewer looks"})

    policy = Policy.objects.get(pk=draft.pk)
    assert (policy.published_by, policy.signed_by) == (owner, second)


def test_a_grave_warning_is_marked_and_asked_about_and_a_refusal_loses_nothing(sign_in, refunds, owner):
    risky = {**TIERS, "medium": {"pattern": "sampling"}, "high": {"pattern": "sampling"}}
    bands = [{"currency": "EUR", "amount": 500, "tier": "high"}]
    draft = workflows.draft(refunds, by=owner, rules={"tiers": risky, "amount_bands": bands})
    client, address = sign_in(owner), to("policy_publish", draft.pk)
    grave = '<li class="grave"><strong>Grave:</strong> High risk goes straight through'

    workflows.ask_two_people(refunds, by=owner, reason="x")
    unsigned = text(client.get(address))
    workflows.let_one_publish(refunds, by=owner, reason="x")
    refused = client.post(address, {"reason": "Fewer looks"})

    assert grave in unsigned and "publish all the same" not in unsigned  # no button, nothing to tick
    assert grave in text(client.get(to("policy_change", draft.pk))) and grave in text(refused)
    assert refused.status_code == 422 and "I have read these, and publish all the same" in text(refused)
    assert list(refused.context["form"].errors) == ["asked"] and "Fewer looks" in text(refused)
    assert not Policy.objects.get(pk=draft.pk).published_at
    assert client.post(address, {"reason": "Fewer looks", "asked": "on"}).status_code == 302
    assert Policy.objects.get(pk=draft.pk).reason == "Fewer looks"


def test_a_draft_that_was_overtaken_says_so_and_its_content_goes_on_in_a_new_one(sign_in, refunds, draft, owner):
    later = workflows.draft(refunds, by=owner, rules={**LOOSE, "grace_seconds": 5})
    client, page, publish = sign_in(owner), to("policy_change", draft.pk), f'href="{to("policy_publish", draft.pk)}"'
    assert publish in text(client.get(page)) and "published no more" not in text(client.get(page))
    workflows.publish(later, by=owner, reason="x")

    shown = text(client.get(page))
    again = f"{to('workflow_draft', refunds.pk)}?from={draft.version}"
    client.post(again, {"start": str(draft.version)})

    assert "owner published version 3 on" in shown and "it can be published no more" in shown and publish not in shown
    assert f'class="button primary" href="{again}"' in shown
    assert "published no more" not in text(client.get(to("policy_change", later.pk)))
    assert refunds.policies.get(version=4).rules == LOOSE
    assert publish.replace(str(draft.pk), str(refunds.policies.get(version=4).pk)) in text(
        client.get(to("policy_change", refunds.policies.get(version=4).pk))
    )


def test_publishing_says_that_the_draft_was_changed_after_its_replay(sign_in, draft, owner):
    asked = replay.make(replay.replay(draft, by=owner))
    client, address = sign_in(owner), to("policy_publish", draft.pk)
    changed = "The draft was changed after this replay."

    before = text(client.get(address))
    workflows.edit_draft(draft, by=owner, grace_seconds=5)
    after = text(client.get(address))

    assert asked.finished_at and changed not in before and "What this version would have done" in before
    assert changed in after and f'href="{reverse("admin:cases_replay_policy", args=[draft.pk])}">Replay it again' in after


def test_a_draft_in_which_nothing_differs_is_asked_about(sign_in, refunds, owner):
    first = refunds.policy
    same = {name: getattr(first, name) for name in ("rules", "input_schema", "output_schema")}
    draft = workflows.draft(refunds, by=owner, **same)
    client, address = sign_in(owner), to("policy_publish", draft.pk)

    refused = client.post(address, {"reason": "x"})

    assert refused.status_code == 422 and "Nothing differs from version 1. Publish it all the same" in text(refused)
    assert client.post(address, {"reason": "x", "asked": "on"}).status_code == 302
    assert Policy.objects.get(pk=draft.pk).published_at


def test_an_owners_signature_on_his_own_draft_closes_nobody_elses_way(sign_in, refunds, draft, owner):
    second = UserFactory(username="second")
    workflows.own(refunds, "risk", second, by=factories.administrator())
    workflows.ask_two_people(refunds, by=owner, reason="Money moves")
    page, sign = to("policy_change", draft.pk), f'href="{to("policy_sign", draft.pk)}"'
    alone = "Only you may publish this, and what you sign yourself you cannot publish: let another owner sign."

    before = text(sign_in(owner).get(page))
    workflows.sign(draft, by=owner)
    after, publishing = text(sign_in(owner).get(page)), text(sign_in(owner).get(to("policy_publish", draft.pk)))
    seconds = text(sign_in(second).get(page))
    workflows.sign(draft, by=second)

    assert sign in before and alone in before and alone in text(sign_in(owner).get(to("policy_sign", draft.pk)))
    assert sign not in after
    assert "owner has signed it. Somebody else publishes it, or another owner signs, too." in publishing
    assert sign in seconds and alone not in seconds
    assert "Somebody else publishes it, or another owner signs, too." in seconds
    assert sign not in text(sign_in(owner).get(page)) and sign not in text(sign_in(second).get(page))
    workflows.publish(draft, by=owner, reason="x")


def test_nobody_signs_what_somebody_edited_meanwhile(sign_in, refunds, draft, owner):
    workflows.ask_two_people(refunds, by=owner, reason="x")
    client = sign_in(owner)
    digest = client.get(to("policy_sign", draft.pk)).context["form"].initial["digest"]
    Policy.objects.filter(pk=draft.pk).update(rules={**LOOSE, "grace_seconds": 5})

    answer = client.post(to("policy_sign", draft.pk), {"digest": digest})

    assert answer.status_code == 422 and "Somebody edited this draft since you read it." in text(answer)


def test_rolling_back_from_the_old_versions_page(sign_in, refunds, draft, owner):
    first = refunds.policy
    workflows.publish(draft, by=owner, reason="x")
    client = sign_in(owner)
    assert to("policy_roll_back", first.pk) in text(client.get(to("policy_change", first.pk)))
    assert to("policy_roll_back", draft.pk) not in text(client.get(to("policy_change", draft.pk)))

    shown = text(client.get(to("policy_roll_back", first.pk)))
    assert '<input type="hidden" name="seen" value="2"' in shown
    client.post(to("policy_roll_back", first.pk), {"reason": "Too many errors"})

    assert "straight through from a confidence of 80 %, before 50 %." in shown
    assert refunds.policy.version == 3 and refunds.policy.rules == first.rules


def test_rolling_back_asks_about_the_grave_of_the_old_version_as_publishing_does(sign_in, refunds, owner):
    risky = {**TIERS, "medium": {"pattern": "sampling"}, "high": {"pattern": "sampling"}}
    bands = [{"currency": "EUR", "amount": 500, "tier": "high"}]
    old = factories.policy(refunds, owner, rules={"tiers": risky, "amount_bands": bands})
    factories.policy(refunds, owner)
    client, address = sign_in(owner), to("policy_roll_back", old.pk)
    grave = '<li class="grave"><strong>Grave:</strong> High risk goes straight through'
    mild = "Nobody reviews: no reviewer has a seat."

    shown, refused = text(client.get(address)), client.post(address, {"reason": "Too many errors"})

    assert grave in shown and mild in shown and shown.index(grave) < shown.index(mild)
    assert "I have read these, and publish all the same" in shown
    assert refused.status_code == 422 and list(refused.context["form"].errors) == ["asked"]
    assert "Too many errors" in text(refused) and refunds.policy.version == 3
    assert client.post(address, {"reason": "Too many errors", "asked": "on"}).status_code == 302
    assert refunds.policy.rolls_back_to == old


def test_rolling_back_to_what_says_the_same_is_asked_about(sign_in, refunds, owner):
    first = refunds.policy
    same = {name: getattr(first, name) for name in ("rules", "input_schema", "output_schema")}
    workflows.publish(workflows.draft(refunds, by=owner, **same), by=owner, reason="x")
    client, address = sign_in(owner), to("policy_roll_back", first.pk)

    refused = client.post(address, {"reason": "x"})

    assert refused.status_code == 422 and "Nothing differs from version 2. Publish it all the same" in text(refused)
    assert client.post(address, {"reason": "x", "asked": "on"}).status_code == 302


def test_a_gap_takes_the_button_away_where_a_rollback_would_be_in_force_at_once(sign_in, refunds, draft, owner):
    first = refunds.policy
    workflows.publish(draft, by=owner, reason="x")
    Owner.objects.filter(of="exceptions").delete()
    client, address = sign_in(owner), to("policy_roll_back", first.pk)

    alone = text(client.get(address))
    workflows.ask_two_people(refunds, by=owner, reason="x")
    waiting = text(client.get(address))

    assert "Nobody owns exceptions." in alone and "Roll back to version 1</button>" not in alone
    assert "Nobody owns exceptions." in waiting and "Roll back to version 1</button>" in waiting


def test_any_two_versions_are_compared(sign_in, refunds, draft, owner, stranger):
    workflows.publish(draft, by=owner, reason="x")
    workflows.draft(refunds, by=owner, rules={**LOOSE, "grace_seconds": 60})
    client, address = sign_in(stranger), to("policy_difference", refunds.policies.get(version=3).pk)

    assert "From version 2 to version 3" in text(client.get(address))
    assert "From version 1 to version 3" in text(client.get(address, {"with": "1"}))
    assert "From version 2 to version 3" in text(client.get(address, {"with": "nonsense"}))


def test_the_first_version_is_compared_with_nothing(sign_in, refunds, stranger):
    shown = text(sign_in(stranger).get(to("policy_difference", refunds.policy.pk)))

    assert "This is the first version" in shown


def test_limits_are_set_and_removed_on_their_page(sign_in, refunds, owner, approver):
    seat, client = approver.seats.get(), sign_in(owner)
    address = to("workflow_limit", seat.pk)

    wrong = client.post(address, {"currency": "XYZ", "amount": "5"})
    odd = client.post(address, {"currency": "chf", "amount": "500", "action_type": "refund", "reason": "Swiss"}, follow=True)
    client.post(address, {"currency": "EUR", "amount": ""})

    assert wrong.status_code == 422 and "“XYZ” is not a currency code" in text(wrong)
    assert "name no amount in CHF. Check that its cases come in it." in text(odd)
    assert [str(limit) for limit in seat.limits.all()] == ["500.00 CHF"]
    assert AuditEvent.objects.filter(verb__in=["seat.set_limit", "seat.remove_limit"]).count() == 2


def test_limits_read_as_amounts_do_everywhere(sign_in, refunds, owner, approver):
    seat = approver.seats.get()
    for currency, amount in (("EUR", Decimal(1500)), ("JPY", Decimal(20000))):
        workflows.set_limit(seat, "", currency, amount, by=owner)
    client = sign_in(owner)

    for page in (to("workflow_change", refunds.pk), to("workflow_limit", seat.pk), to("workflow_may", refunds.pk)):
        assert "1,500.00 EUR" in text(client.get(page)) and "20,000 JPY" in text(client.get(page))
    assert [str(limit) for limit in seat.limits.all()] == ["1,500.00 EUR", "20,000 JPY"]


@pytest.mark.parametrize(
    ("words", "read"), [("Finding 12", "Finding 12."), ("Finding 12.", "Finding 12."), ("Why so late?", "Why so late?")]
)
def test_where_a_version_comes_from_ends_in_one_full_stop(sign_in, draft, owner, words, read):
    workflows.publish(draft, by=owner, reason="x", improvement=words)

    assert f"It comes from {read} To change anything" in text(sign_in(owner).get(to("policy_change", draft.pk)))


@pytest.mark.parametrize(
    ("page", "crumbs"),
    [
        ("workflows_workflow", ["Workflows", "Refunds"]),
        ("workflows_policy", ["Workflows", "Policies", "Refunds v1"]),
        ("accounts_user", ["People", "Users", "Owner"]),
    ],
)
def test_an_app_is_not_named_twice_where_its_list_has_its_name(sign_in, refunds, owner, page, crumbs):
    thing = {"workflows_workflow": refunds, "workflows_policy": refunds.policy, "accounts_user": owner}[page]

    shown = text(sign_in(owner).get(reverse(f"admin:{page}_change", args=[thing.pk])))

    above = re.findall(r'<a class="align-middle inline-block[^>]* href="([^"]+)">([^<]+)</a>', shown)
    assert [name for _, name in above] == crumbs
    assert above[-2][0] == reverse(f"admin:{page}_changelist")


def test_nobody_opens_his_own_limit(sign_in, refunds, owner):
    seat = workflows.seat(owner, refunds, "approver", by=factories.administrator())

    answer = sign_in(owner).post(to("workflow_limit", seat.pk), {"currency": "EUR", "amount": "9"})

    assert answer.status_code == 403 and "Nobody sets his own limit." in text(answer)
    assert AuditEvent.objects.filter(verb="workflow.limit_approver_refused").count() == 1


def test_who_may_not_finds_no_button(sign_in, refunds, draft, stranger, owner):
    shown = text(sign_in(stranger).get(to("policy_change", draft.pk)))

    assert to("policy_publish", draft.pk) not in shown and to("policy_difference", draft.pk) in shown
