"""Workflows, policies, people and keys in the admin: through the verbs, with an audit event each, refusals as sentences."""

import json
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts.models import ApiKey, User, Vendor
from accounts.roles import KEY_VERBS
from audit.models import AuditEvent
from tests.factories import TIERS, UserFactory
from workflows import actions as workflows
from workflows import reading
from workflows.models import Policy, Workflow

pytestmark = pytest.mark.django_db


def to(name, *args):
    return reverse(f"admin:{name}", args=args)


def text(response):
    return response.content.decode()


def told(verb):
    return AuditEvent.objects.filter(verb=verb)


def documents(**rules):
    return {"rules": json.dumps({"tiers": TIERS, **rules}), "input_schema": "{}", "output_schema": "{}", "reason": "Better"}


# policies


def test_a_published_policy_is_not_edited_by_a_post(sign_in, refunds, owner):
    policy = refunds.policy
    before = policy.rules

    answer = sign_in(owner).post(to("workflows_policy_change", policy.pk), documents(grace_seconds=9))

    assert answer.status_code == 403
    assert Policy.objects.get(pk=policy.pk).rules == before
    assert "never changes" in text(sign_in(owner).get(to("workflows_policy_change", policy.pk)))


def test_draft_edit_and_publish(sign_in, refunds, owner):
    client = sign_in(owner)
    answer = client.post(to("workflows_workflow_draft", refunds.pk), documents())
    draft = Policy.objects.get(version=2)
    assert answer.url == to("workflows_policy_change", draft.pk)

    workflows.edit_draft(draft, by=owner, grace_seconds=60)
    assert Policy.objects.get(pk=draft.pk).rules["grace_seconds"] == 60 and told("policy.edit").exists()
    unsaid = client.post(to("workflows_policy_publish", draft.pk), {"reason": " "})
    client.post(to("workflows_policy_publish", draft.pk), {"reason": "Longer to undo"})

    assert unsaid.status_code == 422 and "Say why." in text(unsaid)
    assert refunds.policy.version == 2 and refunds.policy.reason == "Longer to undo"


def test_what_is_wrong_in_the_rules_is_a_sentence_and_what_was_typed_comes_back(sign_in, refunds, owner):
    client, address = sign_in(owner), to("workflows_workflow_draft", refunds.pk)

    broken = client.post(address, {**documents(), "rules": '{"tiers": '})
    unfit = client.post(address, documents(typo=1))

    assert broken.status_code == 422 and "This is not JSON" in text(broken) and "{&quot;tiers&quot;: " in text(broken)
    assert unfit.status_code == 422 and "unknown field `typo`" in text(unfit)
    assert Policy.objects.count() == 1


def test_a_new_draft_begins_from_a_version_or_from_sensible_defaults(sign_in, refunds, owner):
    client, address = sign_in(owner), to("workflows_workflow_draft", refunds.pk)
    assert client.get(address + "?from=1").context["form"]["start"].value() == "1"

    client.post(address, {"start": "1", "reason": "Better"})
    client.post(address, {"start": "", "reason": "Anew"})

    assert Policy.objects.get(version=2).rules == refunds.policy.rules
    assert Policy.objects.get(version=3).rules["tiers"]["medium"]["threshold"] == 0.9


def test_rules_are_read_out_as_sentences():
    rules = {
        "tiers": {**TIERS, "high": {"pattern": "approval", "due_minutes": 90, "review_first": True}},
        "amount_bands": [{"currency": "EUR", "amount": 200, "tier": "high"}],
        "triggers": [{"kind": "keywords", "name": "Legal", "words": ["court"], "desk": "resolution"}],
        "chains": [
            {
                "steps": [{"name": "Team lead"}, {"name": "Finance", "people": 2, "title": "finance"}],
                "amount": 1000,
                "currency": "EUR",
            }
        ],
        "grace_seconds": 300,
    }

    said = reading.read(rules)

    assert "High risk: never without an approval, after a review. Due in 90 minutes." in said
    assert "From 200.00 EUR on, an action is of high risk at least." in said
    assert "Trigger “Legal”: fires when input has “court”. It sends it to resolution." in said
    assert "For any action from 1,000.00 EUR on: Team lead (one person), then Finance (2 people, finance)." in said
    assert "Whoever decided may undo it for 5 minutes; then it takes effect." in said
    assert reading.read({"tiers": {}})[0].startswith("The rules cannot be read yet")


# workflows


def test_stop_and_resume_with_a_reason(sign_in, refunds, owner):
    client = sign_in(owner)
    client.post(to("workflows_workflow_stop", refunds.pk), {"reason": "Strange refunds"})
    for page in (
        to("workflows_workflow_change", refunds.pk),
        to("index"),
    ):  # of the workflow, and whoever works in it on his desk
        shown = " ".join(text(client.get(page)).split())
        assert (
            f"{owner} stopped it on" in shown
            and "“Strange refunds”. Nothing is released" in shown
            and f"{owner} can resume it." in shown
        )

    client.post(to("workflows_workflow_resume", refunds.pk), {"reason": "All well"})

    refunds.dial.refresh_from_db()
    assert refunds.dial.stopped_at is None and told("workflow.resume").get().words == "All well"


def test_who_may_not_is_told_who_can(sign_in, refunds, owner, approver):
    rosa = UserFactory(username="rosa", first_name="Rosa", last_name="Keller")
    workflows.own(refunds, "risk", rosa, by=owner)

    refused = sign_in(approver).get(to("workflows_workflow_resume", refunds.pk))
    with pytest.raises(PermissionDenied) as seats:
        workflows.seat(approver, refunds, "approver", by=approver)

    assert refused.status_code == 403
    assert str(seats.value) == f"{approver} may not give a seat as approver in Refunds. {rosa} or an administrator can."


def test_seats_with_limits(sign_in, refunds, owner, stranger, vendor):
    client, address = sign_in(owner), to("workflows_workflow_seat", refunds.pk)
    theirs = UserFactory(vendor=vendor)

    wrong = client.post(address, {"user": stranger.pk, "role": "approver", "limits": "much"})
    outside = client.post(address, {"user": theirs.pk, "role": "approver"})
    client.post(address, {"user": stranger.pk, "role": "approver", "limits": "1000 EUR\nrefund 250 usd"})
    twice = client.post(address, {"user": stranger.pk, "role": "approver"})

    assert wrong.status_code == 422 and "“much” is no limit." in text(wrong)
    assert outside.status_code == 422 and "Only in-house people may approve." in text(outside)
    assert twice.status_code == 422 and "is there already. End that seat first" in text(twice)
    seat = stranger.seats.get()
    assert {(x.action_type, x.currency, x.amount) for x in seat.limits.all()} == {("", "EUR", 1000), ("refund", "USD", 250)}

    client.post(to("workflows_workflow_end_seat", seat.pk), {"reason": "Moved on"})
    assert not stranger.seats.live().exists()


def test_rates_and_owners(sign_in, refunds, owner, stranger):
    client = sign_in(owner)

    low = client.post(to("workflows_workflow_rate", refunds.pk), {"tier": "low", "rate": "1", "reason": "Less"})
    client.post(to("workflows_workflow_rate", refunds.pk), {"tier": "low", "rate": "12.5", "reason": "More"})
    client.post(to("workflows_workflow_own", refunds.pk), {"of": "exceptions", "user": stranger.pk})

    assert low.status_code == 422 and "Sampling never falls under 2 per cent." in text(low)
    assert refunds.rates.get().rate == 0.125
    assert refunds.owners.get(of="exceptions").user == stranger


def test_an_administrator_makes_a_workflow_with_its_dial(sign_in, administrator):
    charter = {
        "slug": "triage",
        "name": "Triage",
        "purpose": "",
        "what_is_right": "",
        "what_is_done": "",
        "minutes_by_hand": "",
    }

    sign_in(administrator).post(to("workflows_workflow_add"), charter)

    made = Workflow.objects.get(slug="triage")
    assert made.dial and made.categories.count() == 6 and told("workflow.create").count() == 1


def test_the_charter_is_changed_by_its_owner_and_told(sign_in, refunds, owner):
    charter = {"name": "Refunds", "purpose": "Pay back", "what_is_right": "", "what_is_done": "", "minutes_by_hand": "9"}

    sign_in(owner).post(to("workflows_workflow_change", refunds.pk), charter)

    refunds.refresh_from_db()
    assert refunds.purpose == "Pay back" and told("workflow.change").get().actor_id == owner.pk


def test_a_playbook_of_somebody_elses_workflow_is_not_written(sign_in, refunds, administrator, owner):
    other = workflows.create("other", "Other", by=administrator)
    section = {"workflow": other.pk, "title": "T", "text": "x", "criterion": "", "position": 1}

    answer = sign_in(owner).post(to("workflows_playbooksection_add"), section)

    assert answer.status_code == 200 and other.playbook.count() == 0


# people and keys

PERSON = {
    "username": "nina",
    "first_name": "Nina",
    "last_name": "Berg",
    "email": "",
    "kind": "person",
    "vendor": "",
    "office": "",
    "answers_for": "",
    "time_zone": "Europe/Oslo",
    "usable_password": "true",
    "password1": "a long and odd one",
    "password2": "a long and odd one",
}


def test_an_administrator_adds_a_person_who_may_sign_in(sign_in, administrator):
    sign_in(administrator).post(to("accounts_user_add"), {**PERSON, "is_superuser": "on"})

    nina = User.objects.get(username="nina")
    assert (
        nina.is_staff and not nina.is_superuser and nina.time_zone == "Europe/Oslo" and nina.check_password(PERSON["password1"])
    )
    assert told("user.add").get().subject_id == nina.pk


def test_a_vendors_person_is_no_manager(sign_in, administrator, vendor):
    answer = sign_in(administrator).post(to("accounts_user_add"), {**PERSON, "vendor": vendor.pk, "office": "manager"})

    assert "Managers, auditors and administrators are in-house people." in text(answer)
    assert not User.objects.filter(username="nina").exists()


def test_a_person_is_changed_and_it_is_told_without_his_data(sign_in, administrator, stranger):
    changed = {**PERSON, "username": "stranger", "is_active": "on"}

    sign_in(administrator).post(to("accounts_user_change", stranger.pk), changed)

    stranger.refresh_from_db()
    assert stranger.first_name == "Nina" and "Nina" not in json.dumps(told("user.change").get().body)


def test_a_password_is_set_and_told(sign_in, administrator, stranger):
    typed = {name: PERSON[name] for name in ("password1", "password2", "usable_password")}

    sign_in(administrator).post(to("auth_user_password_change", stranger.pk), typed)

    stranger.refresh_from_db()
    assert stranger.check_password(PERSON["password1"]) and told("user.change").exists()


def test_the_machine_is_not_edited(sign_in, administrator, machine):
    assert sign_in(administrator).post(to("accounts_user_change", machine.pk), PERSON).status_code == 403


def test_vendors_are_told_too(sign_in, administrator):
    sign_in(administrator).post(to("accounts_vendor_add"), {"name": "Lisbon Support", "time_zone": "Europe/Lisbon"})

    assert Vendor.objects.get().name == "Lisbon Support" and told("vendor.add").exists()


def test_a_key_is_shown_once_and_revoked(sign_in, administrator, integration):
    client = sign_in(administrator)
    asked = {"user": integration.pk, "name": "Shop", "mode": "live", "verbs": ["receive", "read"], "expires_at": ""}

    made = client.post(to("accounts_apikey_add"), asked)
    key = ApiKey.objects.get()
    assert f"{key.prefix}" in text(made) and "no-store" in made["Cache-Control"]
    shown = made.context["text"]
    assert shown not in text(client.get(to("accounts_apikey_change", key.pk)))
    client.post(to("accounts_apikey_revoke", key.pk), {"reason": "Leaked"})

    key.refresh_from_db()
    assert key.revoked_at and told("apikey.revoke").get().words == "Leaked"


def test_each_verb_says_what_it_does_and_those_of_an_integration_are_ticked(sign_in, administrator):
    shown = sign_in(administrator).get(to("accounts_apikey_add")).content.decode()
    boxes = re.findall(
        r'<input type="checkbox" name="verbs" value="(\w+)"([^>]*)>\s*<span>[\w ]+: [A-Z][^<]{9,}\.</span>', shown
    )

    assert sorted(verb for verb, _ in boxes) == KEY_VERBS
    assert [verb for verb, how in boxes if re.search(r"\bchecked(?![:\w])", how)] == [
        "read",
        "receive",
        "reopen",
        "rework",
        "withdraw",
    ]
    assert [verb for verb, _ in boxes][:5] == ["read", "receive", "reopen", "rework", "withdraw"]


def test_a_date_of_a_key_that_is_none_is_refused_with_an_example(sign_in, administrator, integration):
    asked = {"user": integration.pk, "name": "Shop", "mode": "live", "verbs": ["read"], "expires_at": "soon"}

    answer = sign_in(administrator).post(to("accounts_apikey_add"), asked)

    assert answer.status_code == 422 and "Write the day and the time as 2027-01-31 12:00." in text(answer)
    assert not ApiKey.objects.exists()


def test_a_third_live_key_is_refused_in_words(sign_in, administrator, integration):
    client = sign_in(administrator)
    asked = {"user": integration.pk, "name": "Shop", "mode": "live", "verbs": ["read"]}

    answers = [client.post(to("accounts_apikey_add"), asked) for _ in range(3)]

    assert answers[2].status_code == 422 and "Two keys are live already." in text(answers[2])


# the history


def test_the_history_reads_as_prose_and_finds_one_subject(sign_in, refunds, administrator, send, reviewer):
    case = send()
    client = sign_in(administrator)

    found = text(client.get(to("audit_auditevent_changelist"), {"q": f"case {case.pk}"}))
    policies = text(client.get(to("audit_auditevent_changelist"), {"about": "policy"}))

    assert "Received and routed: " in found and "policy.publish" not in found
    assert "policy.publish" in policies and "case.received" not in policies


def test_only_who_may_lend_a_seat_is_offered_to(sign_in, refunds, owner, approver, reviewer):
    address = to("workflows_workflow_delegate", approver.seats.get().pk)

    offered = {
        person: address in text(sign_in(person).get(to("workflows_workflow_change", refunds.pk)))
        for person in (owner, approver, reviewer)
    }

    assert offered == {owner: True, approver: True, reviewer: False}
