"""What differs between two versions, in words: nothing silently, nothing that is the same."""

import msgspec
import pytest

from tests.factories import TIERS
from workflows.differences import Version, differences
from workflows.patterns import Rules, TierRule

MEDIUM = TIERS["medium"]
LEGAL = {"kind": "keywords", "name": "Legal", "words": ["court", "lawyer"], "desk": "review"}
TWO = [{"name": "Team lead"}, {"name": "Finance", "people": 2, "title": "controller"}]


def version(input_schema=None, output_schema=None, **rules):
    return Version(msgspec.convert({"tiers": TIERS, **rules}, Rules, strict=False), input_schema or {}, output_schema or {})


AT_APPROVAL = {"tier": "high", "desk": "approval", "due_minutes": 240}


def tiers(**medium):
    return {"tiers": {**TIERS, "medium": {**MEDIUM, **medium}}}


def fields(*required, **properties):
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


# before, after, the sentence
RULES = [
    # tiers
    ({}, tiers(threshold=0.7), "Medium risk: straight through from a confidence of 70 %, before 80 %."),
    ({}, tiers(sample_rate=0.125), "Medium risk: drawn for a sampled look: 12.5 %, before 5 %."),
    ({}, tiers(sample_floor=0.03), "Medium risk: never drawn less than 3 %, before nothing."),
    ({}, tiers(below="resolution"), "Medium risk: below the threshold it goes to resolution, before review."),
    ({}, tiers(due_minutes=90), "Medium risk: due in 90 minutes, before 8 hours."),
    ({}, tiers(warn_minutes=30), "Medium risk: warned before it is due by 30 minutes, before nothing."),
    ({}, {"dues": [AT_APPROVAL]}, "The due time of high risk at approval is new: 4 hours."),
    (
        {"dues": [AT_APPROVAL]},
        {"dues": [{**AT_APPROVAL, "due_minutes": 60}]},
        "The due time of high risk at approval: 1 hour, before 4 hours.",
    ),
    ({}, {"snooze_boost": 4}, "What comes back from a snooze is more urgent by 4, before 1."),
    ({}, tiers(pattern="approval"), "Medium risk: watched by approval, before threshold."),
    ({}, tiers(review_first=True), "Medium risk: reviewed before the approval: yes, before no."),
    (
        {},
        tiers(thresholds={"vip": 0.95}),
        "Medium risk: straight through from a confidence of, in the segment “vip” is new: 95 %.",
    ),
    (tiers(field_thresholds={"amount": 0.9}), {}, "Medium risk: confidence asked of the field “amount” is gone; it was 90 %."),
    (
        tiers(sample_rates={"vip": 0.1}),
        tiers(sample_rates={"vip": 0.2}),
        "Medium risk: drawn for a sampled look, in the segment “vip”: 20 %, before 10 %.",
    ),
    ({}, {"default_tier": "high"}, "Without anything that raises it, the risk is high, before medium."),
    # the risk map
    ({}, {"action_tiers": {"refund": "high"}}, "The risk of the action “refund” is new: high."),
    (
        {"action_tiers": {"refund": "high"}},
        {"action_tiers": {"refund": "low"}},
        "The risk of the action “refund”: low, before high.",
    ),
    ({"segment_tiers": {"vip": "high"}}, {}, "The risk of the segment “vip” is gone; it was high."),
    (
        {},
        {"amount_bands": [{"currency": "EUR", "amount": 1000, "tier": "high"}]},
        "The risk of an action from 1,000.00 EUR on is new: high.",
    ),
    (
        {"amount_bands": [{"currency": "EUR", "amount": 1000, "tier": "high"}]},
        {"amount_bands": [{"currency": "EUR", "amount": 500, "tier": "high"}]},
        "High risk begins at 500.00 EUR; it began at 1,000.00 EUR.",
    ),
    # triggers
    (
        {},
        {"triggers": [LEGAL]},
        "The trigger “Legal” is new: it fires when input has “court” or “lawyer”, and sends it to review.",
    ),
    (
        {"triggers": [LEGAL]},
        {},
        "The trigger “Legal” is gone. Before: it fires when input has “court” or “lawyer”, and sends it to review.",
    ),
    (
        {"triggers": [LEGAL]},
        {"triggers": [{**LEGAL, "words": ["court", "ombudsman"]}]},
        "The trigger “Legal”, words: ombudsman added; lawyer taken away.",
    ),
    ({"triggers": [LEGAL]}, {"triggers": [{**LEGAL, "raises": "high"}]}, "The trigger “Legal”, raises: high, before nothing."),
    (
        {"triggers": [LEGAL]},
        {"triggers": [{"kind": "low_confidence", "name": "Legal", "below": 0.5}]},
        "The trigger “Legal” is of another kind: it was keywords and is now low confidence.",
    ),
    (
        {"triggers": [LEGAL, {**LEGAL, "name": "Press"}]},
        {"triggers": [{**LEGAL, "name": "Press"}, LEGAL]},
        "The triggers are asked in another order: Press, Legal.",
    ),
    # approvals
    (
        {},
        {"chains": [{"steps": TWO, "action_type": "refund", "currency": "EUR", "amount": 1000}]},
        "The approval of the action “refund” from 1,000.00 EUR on is new: Team lead; then Finance, 2 people, as controller.",
    ),
    (
        {"chains": [{"steps": TWO, "tier": "high"}]},
        {"chains": [{"steps": TWO[:1], "tier": "high"}]},
        "The approval of any action of high risk: Team lead, before Team lead; then Finance, 2 people, as controller.",
    ),
    ({}, {"approval_minutes": 60}, "An approval expires after 1 hour, before 2 days."),
    (
        {},
        {"reason_codes": [{"code": "fraud", "label": "Looks like fraud", "verbs": ["reject"]}]},
        "The reason code “fraud” is new: Looks like fraud (reject).",
    ),
    # the rest
    ({}, {"action_from": {"amount": "total"}}, "The action's amount is read from total, before nothing."),
    ({}, {"grace_seconds": 300}, "Whoever decided may undo it for 5 minutes, before 0 seconds."),
    ({}, {"language_from": "input.language"}, "A case's language is read from input.language, before nothing."),
    ({"scorecard": 1}, {"scorecard": 2}, "The scorecard is version 2, before 1."),
    ({}, {"marks_required": True}, "Every review must be marked: yes, before no."),
    ({}, {"blind_first": True}, "A reviewer answers before the AI's answer is shown to him: yes, before no."),
]


@pytest.mark.parametrize(("before", "after", "sentence"), RULES, ids=[sentence for *_, sentence in RULES])
def test_a_difference_reads_as_a_sentence(before, after, sentence):
    told = differences(version(**before), version(**after))

    assert [sentence for _, sentences in told for sentence in sentences] == [sentence]


SCHEMAS = [
    (fields(), fields(amount={"type": "number"}), "The field “amount” is new: number."),
    (fields(), fields(queue={"enum": ["cards", "fraud"]}), "The field “queue” is new: one of cards, fraud."),
    (fields(amount={}), fields(), "The field “amount” is gone."),
    (fields(amount={}), fields("amount", amount={}), "The field “amount” is now required."),
    (fields("amount", amount={}), fields(amount={}), "The field “amount” is no longer required."),
    (fields(queue={"enum": ["a", "b"]}), fields(queue={"enum": ["a", "c"]}), "The field “queue”, enum: c added; b taken away."),
    (fields(amount={"minimum": 0}), fields(amount={"minimum": 1}), "The field “amount”, minimum: 1, before 0."),
    (fields(buyer=fields(name={"type": "string"})), fields(buyer=fields()), "The field “buyer.name” is gone."),
    (fields(), {**fields(), "additionalProperties": False}, "As a whole, additionalProperties: no, before nothing."),
    (fields(x=True), fields(x={"type": "string"}), 'The field “x”: {"type":"string"}, before yes.'),
]


@pytest.mark.parametrize(("before", "after", "sentence"), SCHEMAS, ids=[sentence for *_, sentence in SCHEMAS])
@pytest.mark.parametrize("side", ["input_schema", "output_schema"])
def test_what_a_document_contains_differs_in_words_too(side, before, after, sentence):
    told = differences(version(**{side: before}), version(**{side: after}))

    assert told == [(f"What the {side.partition('_')[0]} contains", [sentence])]


def test_the_same_says_nothing():
    both = [version(triggers=[LEGAL], chains=[{"steps": TWO}], output_schema=fields("x", x={})) for _ in range(2)]

    assert differences(*both) == []


def test_another_order_is_told():
    chains = [{"steps": TWO}, {"steps": TWO[:1], "tier": "high"}]

    assert differences(version(chains=chains), version(chains=chains[::-1])) == [
        ("Order", ["The same rules stand in another order."])
    ]


def test_no_field_of_the_rules_changes_silently():
    """A field added to the rules tomorrow is told, too."""
    written = {name for before, after, _ in RULES for name in {**before, **after}}

    assert set(Rules.__struct_fields__) - written <= {
        "lease_seconds",
        "approvals",
        "another_approver_takes_edits",
        "no_action_needs_approval",
    }
    for plain in ({"lease_seconds": 60}, {"another_approver_takes_edits": True}, {"no_action_needs_approval": True}):
        assert differences(version(), version(**plain)), plain


def test_no_field_of_a_tier_changes_silently():
    written = {name for before, after, _ in RULES for one in (before, after) for name in one.get("tiers", {}).get("medium", {})}

    assert set(TierRule.__struct_fields__) - written == {"sampled"}
    assert differences(version(), version(**tiers(sampled="held")))
