"""The policy editor: every section as a form, through one verb; what is typed is never lost, what is published never edited."""

import json
import re
from typing import get_args

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from msgspec import convert

from audit.models import AuditEvent
from integrations.problems import Conflict
from workflows import actions as workflows
from workflows.editing.pages import LISTS, SECTIONS
from workflows.editing.schema import fields_of, schema_of
from workflows.editing.triggers import KINDS
from workflows.models import Policy
from workflows.triggers import Trigger

pytestmark = pytest.mark.django_db

RULES = {
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": 0.125, "sample_rates": {"VIP": 0.2}, "sample_floor": 0.03},
        "medium": {
            "pattern": "threshold",
            "threshold": 0.9,
            "thresholds": {"VIP": 0.95},
            "field_thresholds": {"iban": 0.985},
            "below": "resolution",
            "sampled": "held",
            "due_minutes": 90,
            "warn_minutes": 30,
        },
        "high": {"pattern": "approval", "review_first": True, "due_minutes": 2880},
    },
    "default_tier": "low",
    "action_tiers": {"refund": "high", "note": "low"},
    "amount_bands": [
        {"currency": "EUR", "amount": "50", "tier": "medium"},
        {"currency": "JPY", "amount": "20000", "tier": "high"},
    ],
    "segment_tiers": {"VIP": "high"},
    "action_from": {"type": "decision"},
    "chains": [{"steps": [{"name": "Finance", "people": 2}], "action_type": "refund", "amount": "200", "currency": "EUR"}],
    "dues": [{"tier": "high", "desk": "review", "due_minutes": 240}],
    "snooze_boost": 3,
    "approval_minutes": 1440,
    "another_approver_takes_edits": True,
    "reason_codes": [{"code": "goodwill", "label": "Goodwill", "verbs": ["approve", "reject"]}],
    "scorecard": 3,
    "marks_required": True,
    "blind_first": True,
    "grace_seconds": 300,
    "language_from": "input.language",
}


@pytest.fixture
def draft(refunds, owner, output_schema):
    return workflows.draft(refunds, by=owner, rules=RULES, output_schema=output_schema)


@pytest.fixture
def page(client, owner, draft):
    client.force_login(owner)
    return lambda name: reverse(f"admin:workflows_policy_edit_{name}", args=[draft.pk])


def shown(response) -> dict:
    """What a browser would send back of the page as it is shown."""
    typed = {"seen": response.context["seen"]}
    for part in response.context["section"].parts:
        forms = [part.management_form, *part.forms] if hasattr(part, "management_form") else [part]
        for form in forms:
            for field in form:
                value = field.value()
                if value is not None and value is not False and value != "":
                    typed[field.html_name] = "on" if value is True else value
    return typed


def text(response):
    return response.content.decode()


def fresh(policy):
    return Policy.objects.get(pk=policy.pk)


# round trips


@pytest.mark.parametrize("name", [name for name in SECTIONS if name not in LISTS])
def test_a_section_saved_as_it_is_shown_changes_nothing(client, page, draft, name):
    before = fresh(draft)

    answer = client.post(page(name), shown(client.get(page(name))))

    assert answer.status_code == 302, answer.context["section"].faulty
    after = fresh(draft)
    assert workflows.check(after.rules, {}, {}, draft.workflow) == workflows.check(before.rules, {}, {}, draft.workflow)
    assert (after.input_schema, after.output_schema) == (before.input_schema, before.output_schema)


def test_the_risk_map_is_written_row_by_row(client, page, draft):
    typed = shown(client.get(page("risk"))) | {
        "default-default_tier": "medium",
        "actions-0-DELETE": "on",
        "bands-2-amount": "199,99",
        "bands-2-currency": "eur",
        "bands-2-tier": "high",
    }

    client.post(page("risk"), typed)

    rules = fresh(draft).rules
    assert rules["default_tier"] == "medium" and len(rules["action_tiers"]) == 1
    assert rules["amount_bands"][2] == {"amount": "199.99", "currency": "EUR", "tier": "high"}


def test_a_tier_is_written_in_per_cent_and_hours(client, page, draft):
    typed = shown(client.get(page("medium"))) | {
        "tier-threshold": "87.5",
        "tier-thresholds": "VIP: 99 %\nNew: 80",
        "tier-sample_rate": "2,5 %",
        "tier-due_minutes": "1 day 4 hours",
    }

    client.post(page("medium"), typed)

    rule = fresh(draft).rules["tiers"]["medium"]
    assert (rule["threshold"], rule["sample_rate"], rule["due_minutes"]) == (0.875, 0.025, 28 * 60)
    assert rule["thresholds"] == {"VIP": 0.99, "New": 0.8}
    assert fresh(draft).rules["tiers"]["high"] == RULES["tiers"]["high"]


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("approval", []),
        ("sampling", ["sample_rate", "sampled"]),
        ("threshold", ["sample_rate", "sampled", "threshold", "thresholds", "field_thresholds", "below"]),
    ],
)
def test_of_a_tier_is_kept_what_its_pattern_asks_for(client, page, draft, pattern, kept):
    """What is not shown is not kept, so that no warning tells to remove what nobody sees."""
    typed = shown(client.get(page("medium"))) | {"tier-pattern": pattern, "tier-sample_rate": "7"}

    client.post(page("medium"), typed)

    rule = fresh(draft).rules["tiers"]["medium"]
    defaults = {"sample_floor": None, "review_first": False}
    said = {name for name in rule if rule[name] != defaults.get(name)}
    assert said == {"pattern", "due_minutes", "warn_minutes", *kept}


# triggers: every kind, by its form

TRIGGERS = {
    "required_fields": {"fields": ["output.decision", "context.contract.number"]},
    "conflict": {"left": "output.amount", "right": "context.paid", "must": "be_at_most", "tolerance_share": 0.01},
    "duplicate": {"same": "action", "days": 14},
    "low_confidence": {"below": 0.8, "field": "iban"},
    "ambiguous": {"margin": 0.1, "alternatives_required": True},
    "keywords": {"words": ["chargeback"], "by_language": {"de": ["Anwalt", "das Gericht"]}, "language_from": "input.language"},
    "required_wording": {"phrases": ["You may appeal"], "needs": "all", "within": "output.decision"},
    "promises": {"of": ["guarantee", "deadline"], "words": ["my word on it"]},
    "protected_account": {"references": ["C-1"], "fact": "context.vip", "values": [True, "gold", 7]},
    "action": {"types": ["refund"], "currency": "EUR", "amount": "199.99"},
    "field_is_one_of": {"field": "output.decision", "values": ["refund", False, 3]},
    "repeat_contact": {"days": 7, "contacts": 2},
    "expression": {"expression": "confidence < 0.5", "when_missing": "fires"},
}
EFFECT = {"raises": "high", "desk": "resolution", "category": "edge-case", "tag": "odd"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_of_every_kind_reads_as_it_was_written(draft, kind):
    stored = {"kind": kind, "name": "It", **TRIGGERS[kind], **EFFECT}
    form = KINDS[kind](prefix="trigger", policy=draft, stored=stored)

    sent = KINDS[kind](in_a_browser(form), prefix="trigger", policy=draft)

    assert sent.is_valid(), sent.errors
    assert convert(sent.document(), form.struct) == convert(stored, form.struct)


def in_a_browser(form):
    return {
        field.html_name: "on" if field.value() is True else field.value()
        for field in form
        if field.value() not in (None, False)
    }


def test_every_kind_that_routing_knows_has_its_form():
    assert {struct.__struct_config__.tag for struct in get_args(Trigger)} <= set(KINDS)


@pytest.fixture
def at(draft):
    return lambda name, *more: reverse(f"admin:workflows_policy_{name}", args=[draft.pk, *more])


def write(client, address, **typed):
    return client.post(
        address, {f"trigger-{name}": value for name, value in typed.items()} | {"seen": client.get(address).context["seen"]}
    )


def test_triggers_are_added_edited_moved_and_removed(client, page, at, draft):
    cards = client.get(at("add_triggers"))
    assert "Risk words" in text(cards) and "?kind=keywords" in text(cards)
    write(client, at("add_triggers") + "?kind=keywords", name="Legal", words="lawyer\ncourt", within="input", raises="high")
    write(client, at("add_triggers") + "?kind=low_confidence", name="Unsure", below="60", desk="resolution")
    assert [each["name"] for each in fresh(draft).rules["triggers"]] == ["Legal", "Unsure"]

    typed = shown(client.get(at("item_triggers", 1))) | {"trigger-below": "70"}
    client.post(at("item_triggers", 1), typed | {"position": "1", "kind": "low_confidence"})
    assert fresh(draft).rules["triggers"][1] == {"kind": "low_confidence", "name": "Unsure", "below": 0.7, "desk": "resolution"}

    seen = client.get(page("triggers")).context["seen"]
    client.post(page("triggers"), {"seen": seen, "up": "1"})
    assert [each["name"] for each in fresh(draft).rules["triggers"]] == ["Unsure", "Legal"]

    gone = client.get(at("remove_triggers", 0))
    assert "Remove “Unsure”?" in text(gone)
    client.post(at("remove_triggers", 0), {"seen": gone.context["seen"]})
    assert [each["name"] for each in fresh(draft).rules["triggers"]] == ["Legal"]


def test_a_kind_that_does_not_exist_is_asked_for_again(client, page, at, draft):
    assert "Add a trigger" in text(client.get(at("add_triggers") + "?kind=oracle&start=99"))
    assert "Add a trigger" in text(client.post(at("add_triggers"), {"kind": "oracle", "trigger-name": "x"}))
    assert client.get(at("item_triggers", 7)).status_code == 404


def test_a_trigger_may_name_a_category_that_is_new(client, page, at, draft):
    write(
        client, at("add_triggers") + "?kind=keywords", name="Legal", words="court", within="input", new_category="Legal threat"
    )

    assert fresh(draft).rules["triggers"][0]["category"] == "legal-threat"
    assert draft.workflow.categories.get(slug="legal-threat").label == "Legal threat"


def test_a_category_is_not_left_behind_by_a_trigger_that_was_not_saved(client, page, at, draft, owner):
    sent = {
        "trigger-name": "Legal",
        "trigger-words": "court",
        "trigger-within": "input",
        "trigger-new_category": "Legal threat",
    }

    answer = client.post(at("add_triggers") + "?kind=keywords", sent | {"seen": "of old"})

    assert answer.status_code == 409 and not draft.workflow.categories.filter(slug="legal-threat").exists()


@pytest.mark.parametrize(
    ("kind", "typed", "field", "said"),
    [
        ("keywords", {"words": ""}, "words", "at least one word"),
        ("required_fields", {}, "others", "at least one field"),
        ("low_confidence", {"below": "110"}, "below", "at most 100"),
        ("action", {"amount": "5"}, "amount", "An amount needs its currency."),
        ("keywords", {"words": "x", "by_language": "Anwalt"}, "by_language", "Write each line as “de: Anwalt”."),
        ("keywords", {"words": "x", "name": ""}, "name", "required"),
        ("keywords", {"words": "x", "name": "Taken"}, "name", "Another trigger is called “Taken”."),
        ("keywords", {"words": "x", "category": "edge-case", "new_category": "Odd"}, "new_category", "not both"),
        (
            "expression",
            {"expression": '"abc"', "when_missing": "silent"},
            "expression",
            "This gives no yes or no, whatever a case says.",
        ),
    ],
)
def test_a_fault_of_a_trigger_stands_at_its_field(client, page, at, draft, owner, kind, typed, field, said):
    workflows.edit_draft(draft, by=owner, triggers=[{"kind": "low_confidence", "name": "Taken", "below": 0.1}])

    answer = write(client, at("add_triggers") + f"?kind={kind}", **{"name": "It", "within": "input"} | typed)

    assert answer.status_code == 422
    assert said in " ".join(answer.context["section"].form.errors.get(field, [])), answer.context["section"].form.errors
    assert len(fresh(draft).rules["triggers"]) == 1


def test_a_trigger_that_somebody_moved_meanwhile_is_found_again(client, page, at, draft, owner):
    one, two = ({"kind": "low_confidence", "name": name, "below": 0.5} for name in ("One", "Two"))
    workflows.edit_draft(draft, by=owner, triggers=[one, two])
    asked = client.get(at("item_triggers", 0))
    hidden = {"position": "0", "kind": "low_confidence", "was": asked.context["section"].was}
    typed = shown(asked) | hidden | {"trigger-below": "90"}
    workflows.edit_draft(draft, by=owner, triggers=[two, one])

    lost = client.post(at("item_triggers", 0), typed)
    assert lost.status_code == 409 and lost.context["section"].position == 1
    client.post(at("item_triggers", 0), typed | {"seen": lost.context["seen"], "position": "1"})

    assert [(each["name"], each["below"]) for each in fresh(draft).rules["triggers"]] == [("Two", 0.5), ("One", 0.9)]


def test_a_trigger_that_somebody_removed_meanwhile_is_added_as_a_new_one(client, page, at, draft, owner):
    one, two = ({"kind": "low_confidence", "name": name, "below": 0.5} for name in ("One", "Two"))
    workflows.edit_draft(draft, by=owner, triggers=[one, two])
    asked = client.get(at("item_triggers", 0))
    typed = shown(asked) | {"position": "0", "kind": "low_confidence", "was": asked.context["section"].was}
    workflows.edit_draft(draft, by=owner, triggers=[two])

    lost = client.post(at("item_triggers", 0), typed)
    assert lost.status_code == 409 and "adds yours as a new one" in text(lost)
    client.post(at("item_triggers", 0), typed | {"seen": lost.context["seen"], "position": "", "was": ""})

    assert [each["name"] for each in fresh(draft).rules["triggers"]] == ["Two", "One"]


# what it is about

AMOUNT = {"type": "number", "title": "Amount"}
LOSSLESS = [
    {},
    {"type": "object", "properties": {"amount": AMOUNT, "on": {"type": "string", "format": "date"}}, "required": ["on"]},
    {"type": "object", "properties": {"why": {"type": "string", "maxLength": 9}}, "additionalProperties": False},
    {"type": "object", "properties": {"do": {"type": "string", "enum": ["refund", "keep"]}, "sure": {"type": "boolean"}}},
]
TOO_RICH = [
    {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0}}},
    {"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}},
    {"type": "object", "properties": {}, "anyOf": [{"required": ["a"]}]},
    {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    {"type": "object", "required": ["a"], "properties": {}},
    {"type": "object", "properties": {"a": True}},
    {"$ref": "#/$defs/x"},
    {"required": "a"},
]


@pytest.mark.parametrize("schema", LOSSLESS)
def test_a_schema_as_rows_and_back_is_the_same(schema):
    assert schema_of(fields_of(schema)[0], closed=fields_of(schema)[1]) == schema


@pytest.mark.parametrize("schema", TOO_RICH)
def test_a_schema_that_rows_would_lose_something_of_is_a_document(schema):
    assert fields_of(schema) is None


def test_a_rich_schema_is_edited_as_a_document_and_kept(client, page, draft, owner):
    workflows.edit_draft(draft, by=owner, output_schema=TOO_RICH[0], action_from=None)

    client.post(page("output"), shown(client.get(page("output"))))
    assert fresh(draft).output_schema == TOO_RICH[0]
    broken = client.post(page("output"), {"advanced-schema": '{"type": ', "seen": "x"})

    assert broken.status_code == 422 and "This is not JSON" in text(broken) and "{&quot;type&quot;: " in text(broken)


def test_fields_make_the_schema(client, page, draft):
    typed = shown(client.get(page("output"))) | {
        "fields-1-name": "amount",
        "fields-1-kind": "number",
        "fields-1-required": "on",
        "fields-2-name": "reason",
        "fields-2-kind": "choice",
        "fields-2-options": "late\nbroken",
        "whether-closed": "on",
    }

    client.post(page("output"), typed)

    assert fresh(draft).output_schema == {
        "type": "object",
        "properties": {
            "decision": {"type": "string"},
            "amount": {"type": "number"},
            "reason": {"type": "string", "enum": ["late", "broken"]},
        },
        "required": ["decision", "amount"],
        "additionalProperties": False,
    }


def test_the_action_is_chosen_from_the_outputs_fields(client, page, draft):
    client.post(
        page("action"), {"action-type": "decision", "action-amount": "", "seen": client.get(page("action")).context["seen"]}
    )

    assert fresh(draft).rules["action_from"] == {"type": "decision"}
    wrong = client.post(page("action"), {"action-type": "no such field"})
    assert wrong.status_code == 422


# approvals


def test_a_chain_of_two_steps_is_built(client, page, at, draft):
    typed = {
        "seen": client.get(at("add_chains")).context["seen"],
        "chain-action_type": "payout",
        "chain-amount": "1000",
        "chain-currency": "EUR",
        "steps-TOTAL_FORMS": "3",
        "steps-INITIAL_FORMS": "0",
        "steps-0-name": "Team lead",
        "steps-0-people": "1",
        "steps-1-name": "Finance",
        "steps-1-people": "2",
        "steps-1-title": "finance",
        "steps-2-people": "1",
    }

    client.post(at("add_chains"), typed)

    assert fresh(draft).rules["chains"][1] == {
        "action_type": "payout",
        "amount": "1000",
        "currency": "EUR",
        "steps": [{"name": "Team lead", "people": 1}, {"name": "Finance", "people": 2, "title": "finance"}],
    }
    none = client.post(
        at("add_chains"), typed | {"steps-0-name": "", "steps-1-name": "", "steps-1-title": "", "steps-1-people": "1"}
    )
    assert none.status_code == 422 and "A chain has one to five steps." in text(none)
    odd = client.post(at("add_chains"), typed | {"chain-currency": ""})
    assert odd.status_code == 422 and odd.context["section"].form.errors["amount"] == ["An amount needs its currency."]


def test_each_chain_is_read_out_alone_and_what_holds_for_all_of_them_once(client, page, at, draft):
    draft.rules = {**draft.rules, "chains": RULES["chains"] + [{"steps": [{"name": "Board", "people": 1}]}]}
    draft.save(update_fields=["rules"])

    listed, whole = (
        text(client.get(at("edit_chains"))),
        text(client.get(reverse("admin:workflows_policy_change", args=[draft.pk]))),
    )

    chains = ("For the action “refund” from 200.00 EUR on: Finance (2 people)", "For any action: Board (one person)")
    assert [listed.count(told) for told in chains] == [1, 1]
    assert "where no chain holds" not in listed
    assert whole.count("where no chain holds") == whole.count(chains[0]) > 0


def test_a_chain_saved_as_it_is_shown_changes_nothing(client, page, at, draft):
    client.post(at("item_chains", 0), shown(client.get(at("item_chains", 0))) | {"position": "0"})

    assert fresh(draft).rules["chains"] == RULES["chains"]


def test_a_reasons_code_comes_from_its_words(client, page, draft):
    typed = shown(client.get(page("reasons"))) | {"reasons-1-label": "Over the Limit!", "reasons-1-verbs": ["approve"]}

    client.post(page("reasons"), typed)

    assert fresh(draft).rules["reason_codes"][1] == {"code": "over-the-limit", "label": "Over the Limit!", "verbs": ["approve"]}


def test_a_desk_gets_its_own_due_time_once(client, page, draft):
    typed = shown(client.get(page("deadlines")))
    typed |= {"dues-1-tier": "high", "dues-1-desk": "approval", "dues-1-due_minutes": "4 hours"}
    client.post(page("deadlines"), typed)
    assert fresh(draft).rules["dues"][1] == {"tier": "high", "desk": "approval", "due_minutes": 240}

    again = {
        **shown(client.get(page("deadlines"))),
        "dues-2-tier": "high",
        "dues-2-desk": "approval",
        "dues-2-due_minutes": "5",
    }

    assert "This tier has a time at this desk in another row" in text(client.post(page("deadlines"), again))


def test_marks_need_a_scorecard(client, page, draft):
    answer = client.post(page("decisions"), shown(client.get(page("decisions"))) | {"decisions-scorecard": ""})

    assert answer.status_code == 422 and "Say which scorecard" in text(answer)


# faults


@pytest.mark.parametrize(
    ("name", "field", "typed", "said"),
    [
        ("medium", "tier-threshold", "", "Write from which confidence on an output goes straight through"),
        ("medium", "tier-threshold", "900", "Write at most 100"),
        ("medium", "tier-sample_rate", "1", "Write at least 2"),
        ("medium", "tier-sample_floor", "50", "the least cannot be more than that"),
        ("medium", "tier-thresholds", "VIP 95", "Write each line as “VIP: 95”"),
        ("medium", "tier-due_minutes", "soon", "“soon” is not a time"),
        ("medium", "tier-due_minutes", "90 seconds", "in whole minutes"),
        ("risk", "bands-0-amount", "12.3456", "EUR has 2 decimal places; the amount has more."),
        ("risk", "bands-0-currency", "EURO", "at most 3 characters"),
        ("risk", "bands-0-currency", "XQX", "is not a currency code"),
        ("risk", "bands-0-amount", "-3", "greater than or equal to 0"),
        ("risk", "actions-0-type", "note", "“note” stands in two rows."),
    ],
)
def test_a_fault_stands_at_its_field_and_what_was_typed_comes_back(client, page, draft, name, field, typed, said):
    sent = shown(client.get(page(name))) | {field: typed}
    if field == "actions-0-type":
        sent |= {"actions-1-type": "note"}

    answer = client.post(page(name), sent)

    assert answer.status_code == 422 and fresh(draft).rules == RULES
    at = {form[key].html_name: " ".join(faults) for form in every_form(answer) for key, faults in form.errors.items()}
    assert said in at.get(field, "") or said in at.get("actions-1-type", ""), at
    assert re.search(rf'id="id_{field}_error" role="alert"|id="id_actions-1-type_error"', text(answer))
    assert shown(answer).get(field, "") == typed


def every_form(response):
    for part in response.context["section"].parts:
        yield from part.forms if hasattr(part, "forms") else [part]


# two at once, and who


def test_no_two_bands_begin_at_the_same_amount(client, page, draft):
    typed = shown(client.get(page("risk")))
    again = {"bands-2-amount": "50.00", "bands-2-currency": "eur", "bands-2-tier": "high"}

    answer = client.post(page("risk"), typed | again)

    assert answer.status_code == 422 and fresh(draft).rules["amount_bands"] == RULES["amount_bands"]
    assert "A band from 50.00 EUR on stands in another row. Keep one of them." in text(answer)
    assert client.post(page("risk"), typed | again | {"bands-2-currency": "JPY"}).status_code == 302


def test_what_somebody_else_wrote_meanwhile_is_not_written_over_unseen(client, page, draft, owner):
    typed = shown(client.get(page("risk"))) | {"default-default_tier": "high"}
    workflows.edit_draft(draft, by=owner, default_tier="medium")

    first = client.post(page("risk"), typed)
    assert first.status_code == 409 and f"{owner.username} changed this draft" in text(first)
    assert first.context["section"].default["default_tier"].value() == "high"
    assert fresh(draft).rules["default_tier"] == "medium"

    client.post(page("risk"), typed | {"seen": first.context["seen"]})
    assert fresh(draft).rules["default_tier"] == "high"


def test_another_section_may_change_meanwhile(client, page, draft, owner):
    typed = shown(client.get(page("risk"))) | {"default-default_tier": "high"}
    workflows.edit_draft(draft, by=owner, tiers={**RULES["tiers"], "low": {"pattern": "sampling"}})

    assert client.post(page("risk"), typed).status_code == 302
    assert fresh(draft).rules["tiers"]["low"] == {"pattern": "sampling"}


def test_a_version_published_meanwhile_takes_no_edit_and_keeps_what_was_typed(client, page, draft, owner):
    typed = shown(client.get(page("risk"))) | {"default-default_tier": "high"}
    workflows.publish(draft, by=owner, reason="Go")

    answer = client.post(page("risk"), typed)

    assert answer.status_code == 409 and "never changes" in text(answer)
    assert answer.context["section"].default["default_tier"].value() == "high"
    assert client.get(page("risk")).url == reverse("admin:workflows_policy_change", args=[draft.pk])


@pytest.mark.parametrize("who", ["stranger", "reviewer", "vendor_reviewer", "approver"])
def test_only_who_defines_may_edit(client, request, page, draft, who):
    client.force_login(request.getfixturevalue(who))

    assert {client.get(page(name)).status_code for name in SECTIONS} == {403}
    assert {client.post(page(name), {}).status_code for name in SECTIONS} == {403}
    assert fresh(draft).rules == RULES


# the verb


def test_an_edit_is_one_event_that_says_what_changed_and_an_empty_one_none(draft, owner):
    workflows.edit_draft(draft, by=owner, default_tier="high", grace_seconds=60)
    workflows.edit_draft(draft, by=owner, default_tier="high")

    event = AuditEvent.objects.get(verb="policy.edit")
    assert event.body["changed"] == {
        "default_tier": {"from": "low", "to": "high"},
        "grace_seconds": {"from": 300, "to": 60},
    }


def test_an_edit_that_would_leave_no_policy_is_refused_whole(draft, owner):
    with pytest.raises(ValidationError, match="No such exception category"):
        workflows.edit_draft(
            draft, by=owner, triggers=[{"kind": "low_confidence", "name": "x", "below": 0.5, "category": "nope"}]
        )

    assert fresh(draft).rules == RULES


def test_none_takes_a_rule_away(draft, owner):
    workflows.edit_draft(draft, by=owner, segment_tiers=None)

    assert "segment_tiers" not in fresh(draft).rules


def test_a_stranger_edits_nothing_through_the_verb_either(draft, stranger, owner):
    with pytest.raises(Exception, match="may not define"):
        workflows.edit_draft(draft, by=stranger, default_tier="high")
    workflows.publish(draft, by=owner, reason="Go")
    with pytest.raises(Conflict, match="never changes"):
        workflows.edit_draft(draft, by=owner, default_tier="high")


# reading


def test_a_policy_is_read_out_section_by_section(client, page, draft):
    answer = client.get(reverse("admin:workflows_policy_change", args=[draft.pk]))

    said = {section["name"]: section["sentences"] for section in answer.context["sections"]}
    assert "The action “refund” is of high risk." in said["risk"]
    assert all(sentence.startswith("Medium risk") for sentence in said["medium"])
    assert page("risk") in text(answer)


def test_reading_out_thirty_triggers_asks_no_more_queries(client, draft, owner, django_assert_max_num_queries):
    many = [{"kind": "low_confidence", "name": f"No {n}", "below": n / 100} for n in range(30)]
    workflows.edit_draft(draft, by=owner, triggers=many)
    client.force_login(owner)
    address = reverse("admin:workflows_policy_change", args=[draft.pk])
    client.get(address)

    with django_assert_max_num_queries(11):
        assert text(client.get(address)).count("No 29") >= 1


def test_a_published_policy_shows_no_edit(client, page, refunds):
    answer = client.get(reverse("admin:workflows_policy_change", args=[refunds.policy.pk]))

    assert answer.status_code == 200 and "/edit/" not in text(answer)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_page_asks_few_queries(client, page, name, django_assert_max_num_queries):
    client.get(page(name))
    with django_assert_max_num_queries(11):
        client.get(page(name))


# as a document


def test_a_draft_is_taken_out_and_pasted_back(client, page, draft):
    sent = shown(client.get(page("document")))
    document = json.loads(sent["whole-document"])
    assert document["rules"] == RULES

    client.post(page("document"), sent | {"whole-document": json.dumps(document | {"rules": {**RULES, "grace_seconds": 9}})})

    assert fresh(draft).rules["grace_seconds"] == 9


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('{"rules": ', "This is not JSON"),
        ("[]", "Write a JSON object"),
        ('{"rules": {"note": "\\u0000"}}', "no NUL character"),
        ('{"rules": {"note": "\\ud800"}}', "This is not JSON"),
        ('{"rules": {"note": NaN}}', "This is not JSON"),
        ("[" * 100000, "This is not JSON"),
        ('{"rules": {}}', "missing required field `tiers`"),
        ('{"rules": {"tiers": {}}, "scheme": {}}', "Unknown: scheme."),
        ('{"output_schema": {}}', "The document has no rules."),
    ],
)
def test_a_document_that_is_no_policy_comes_back_with_what_is_wrong(client, page, draft, document, said):
    answer = client.post(page("document"), shown(client.get(page("document"))) | {"whole-document": document})

    assert answer.status_code == 422 and said in " ".join(answer.context["section"].form.errors["document"])
    assert answer.context["section"].form["document"].value() == document and fresh(draft).rules == RULES
