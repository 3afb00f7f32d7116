"""What a policy's owner is warned of before publishing. Pure: no database."""

import msgspec
import pytest

from tests.factories import TIERS
from workflows.patterns import Rules
from workflows.warnings import warnings
from workflows.weight import Grave, by_weight, has_grave

SOUND = {
    "default_tier": "low",
    "action_tiers": {"refund": "medium"},
    "amount_bands": [{"currency": "EUR", "amount": 500, "tier": "high"}],
}


def warned(schemas=None, **rules):
    tiers = {**TIERS, **rules.pop("tiers", {})}
    return warnings(msgspec.convert({"tiers": tiers, **SOUND, **rules}, Rules, strict=False), schemas)


def band(amount, tier, currency="EUR"):
    return {"currency": currency, "amount": amount, "tier": tier}


def chain(people, amount=None, **more):
    named = {"amount": amount, "currency": "EUR"} if amount is not None else {}
    return {"steps": [{"name": "Team", "people": people}], **named, **more}


def words(**more):
    return {"kind": "keywords", "name": "Risk", "words": ["lawyer"], "desk": "review", **more}


SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "order": {"properties": {"total": {}}}, "free": {}}}


def test_a_sound_policy_has_no_warnings():
    triggers = [words(), {"kind": "duplicate", "name": "D"}, {"kind": "required_fields", "name": "R", "fields": ["input.text"]}]

    assert warned(triggers=triggers, chains=[chain(1, 500), chain(2, 5000)]) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"default_tier": "medium"}, "The action “refund” changes nothing: every output is of medium risk"),
        ({"default_tier": "medium"}, "Nothing is ever of low risk. Lower the default tier"),
        ({"amount_bands": []}, "Nothing is ever of high risk. Name an action"),
        (
            {"tiers": {"high": {"pattern": "approval", "warn_minutes": 600}}},
            "The high tier is warned 10 hours before it is due, and has 8 hours at most at some desk",
        ),
        (
            {"dues": [{"tier": "high", "desk": "approval", "due_minutes": 3000}]},
            "The high tier has more time than the low tier at approval. Give it less",
        ),
        (
            {"approval_minutes": 60},
            "An approval of low risk expires after 1 hour, before it is due in 8 hours.",
        ),
        ({"segment_tiers": {"vip": "low"}}, "The segment “vip” changes nothing: every output is of low risk"),
        ({"triggers": [words(raises="low", desk=None)]}, "Trigger “Risk” changes nothing: every output is of low risk"),
        (
            {"triggers": [words(raises="low")]},
            "Raising the risk by trigger “Risk” changes nothing: every output is of low risk",
        ),
        ({"amount_bands": [band(0, "high"), band(500, "medium")]}, "The band from 500.00 EUR on (medium risk) changes nothing"),
        ({"amount_bands": [band(5, "high"), band(50, "high")]}, "The band from 50.00 EUR on (high risk) changes nothing"),
        (
            {"tiers": {"medium": {"pattern": "approval"}, "high": {"pattern": "sampling"}}},
            "The high tier is watched less (sampling)",
        ),
        (
            {"tiers": {"low": {"pattern": "threshold", "threshold": 0.9}}},
            "The medium tier goes straight through at a lower confidence (80 %) than the low tier (90 %)",
        ),
        (
            {"tiers": {"low": {"pattern": "sampling", "sample_rate": 0.5}}},
            "The medium tier is sampled less (5 %) than the low tier",
        ),
        (
            {"tiers": {"low": {"pattern": "threshold", "threshold": 0.5, "thresholds": {"vip": 0.9}}}},
            "In the segment “vip” the medium tier goes straight through at a lower confidence (80 %) than the low tier (90 %).",
        ),
        (
            {"tiers": {"low": {"pattern": "threshold", "threshold": 0.5, "field_thresholds": {"iban": 0.9}}}},
            "The medium tier asks less of iban (0 %) than the low tier (90 %).",
        ),
        (
            {"tiers": {"low": {"pattern": "sampling", "sample_rates": {"vip": 0.25}}}},
            "In the segment “vip” the medium tier is sampled less (5 %) than the low tier (25 %).",
        ),
        (
            {"tiers": {"low": {"pattern": "sampling", "sampled": "held"}}},
            "What is drawn for a look is held in the low tier and released in the medium tier.",
        ),
        (
            {"triggers": [{"kind": "expression", "name": "E", "expression": "confidence < 0.5", "raises": "high"}]},
            "Trigger “E” looks at the confidence and stays silent where none was given",
        ),
        (
            {"triggers": [{"kind": "low_confidence", "name": "C", "below": 0.9, "desk": "review"}]},
            "The threshold of the medium tier (80 %) decides nothing: trigger “C” holds all below 90 %",
        ),
        (
            {
                "tiers": {"medium": {"pattern": "threshold", "threshold": 0.8, "field_thresholds": {"iban": 0.5}}},
                "triggers": [{"kind": "low_confidence", "name": "C", "below": 0.7, "field": "iban", "desk": "review"}],
            },
            "The threshold of iban in the medium tier (50 %) decides nothing",
        ),
        (
            {"tiers": {"high": {"pattern": "approval", "sample_rate": 0.5}}},
            "The sampling rates and thresholds of the high tier",
        ),
        (
            {"tiers": {"low": {"pattern": "sampling", "sample_floor": 0.1}}},
            "The low tier's sampling rate 5 % is below its floor 10 %",
        ),
        ({"triggers": [words(desk=None)]}, "Trigger “Risk” does nothing when it fires"),
        ({"triggers": [words(words=[])]}, "Trigger “Risk” has no words"),
        ({"triggers": [words(language_from="input.language")]}, "Trigger “Risk” looks for a language but has no words for any"),
        (
            {"triggers": [{"kind": "duplicate", "name": "D", "desk": "review"}]},
            "Trigger “D” sends to review, but goes to resolution",
        ),
        (
            {"triggers": [{"kind": "protected_account", "name": "P", "raises": "high"}]},
            "Trigger “P” names no account and no fact",
        ),
        (
            {"triggers": [{"kind": "action", "name": "M", "on_money": True, "types": ["x"], "tag": "m"}]},
            "Trigger “M” fires on any amount",
        ),
        (
            {
                "triggers": [
                    words(within="output.text"),
                    {
                        "kind": "required_wording",
                        "name": "W",
                        "phrases": ["Ask a Lawyer."],
                        "within": "output",
                        "desk": "review",
                    },
                ]
            },
            "Trigger “W” asks for “Ask a Lawyer.”, and trigger “Risk” fires on “lawyer” in it",
        ),
        ({"chains": [chain(2, 500), chain(1, 5000)]}, "The chain from 5,000.00 EUR on asks for fewer approvals"),
        ({"chains": [chain(2, currency="USD")]}, "There is an approval chain for USD but no amount band in USD"),
        (
            {"chains": [chain(2)], "tiers": {"high": {"pattern": "threshold", "threshold": 0.9}}},
            "There are approval chains, but no tier",
        ),
    ],
)
def test_each_oddity_is_a_sentence_that_says_what_to_do(rules, expected):
    found = warned(**rules)

    assert [one for one in found if one.startswith(expected)], found
    assert all(one.endswith(".") for one in found)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("input.text", True),
        ("input.order.total", True),
        ("input.free.anything", True),
        ("input.nope", False),
        ("input.order.nope", False),
        ("context.anything", True),
    ],
)
def test_a_field_that_the_schema_does_not_have(path, known):
    found = warned({"input": SCHEMA}, triggers=[{"kind": "required_fields", "name": "R", "fields": [path]}])

    assert found == (
        []
        if known
        else [f"Trigger “R” looks at {path}, which the input's schema does not have. Correct the path, or the schema."]
    )


def test_two_triggers_of_one_name_are_an_error():
    with pytest.raises(msgspec.ValidationError, match="Two triggers are named “Risk”"):
        warned(triggers=[words(), words()])


def test_the_amount_read_from_a_field_that_is_not_there():
    [found] = warned({"output": SCHEMA}, action_from={"amount": "sum"})

    assert found.startswith("The action's amount is read from sum, which the output's schema does not have.")


TYPED = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "supplier": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sum": {"type": "number"}}}},
    },
}


def field_is(path):
    return {"kind": "field_is_one_of", "name": "F", "field": path, "values": ["x"], "desk": "review"}


def expression(text):
    return {"kind": "expression", "name": "E", "expression": text, "desk": "review"}


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        (field_is("supplier_is_new"), "Write context.supplier_is_new."),
        (field_is("supplier"), "Write output.supplier."),
        (words(within="text"), "Write input.text."),
        (field_is("action.sum"), "Write action.type / action.amount / action.currency / action.payee."),
        (expression("output.amout > 5000.0"), "Trigger “E” looks at output.amout, which the output's schema does not have (perhaps output.amount is meant)."),
        (expression("output.supplier > 5.0"), "Trigger “E” can never be judged: it compares or joins values of different kinds"),
        (expression("output.supplier"), "Trigger “E” can never be judged: it gives no yes or no."),
    ],
)  # fmt: skip
def test_what_no_case_can_have_is_a_grave_warning_that_says_what_to_write(trigger, said):
    [found] = warned({"input": SCHEMA, "output": TYPED}, triggers=[trigger])

    assert said in found and isinstance(found, Grave)


@pytest.mark.parametrize(
    "trigger",
    [
        field_is("context.supplier_is_new"),
        field_is("segment"),
        field_is("action.payee"),
        words(within="output"),
        expression("output.amount > 5000"),
        expression("output.amount > context.order.paid * 0.5 && has(context.vip)"),
        expression('output.supplier in ["A", "B"] || confidences.iban < 0.5'),
        expression("output.lines.exists(l, l.sum > 5.0)"),
        expression('timestamp(output.supplier) > timestamp("2026-01-01T00:00:00Z")'),
    ],
)
def test_what_a_case_may_have_is_not_warned_of(trigger):
    assert warned({"input": SCHEMA, "output": TYPED}, triggers=[trigger]) == []


def test_a_threshold_for_a_field_that_is_not_there():
    medium = {"pattern": "threshold", "threshold": 0.8, "field_thresholds": {"suplier": 0.9}}
    [found] = warned({"output": TYPED}, tiers={"medium": medium})

    assert "threshold for a single field looks at output.suplier" in found and "output.supplier is meant" in found


def test_high_risk_that_nobody_looks_at_is_grave_and_stands_first():
    found = by_weight(warned(tiers={"high": {"pattern": "sampling"}, "low": {"pattern": "sampling", "sample_floor": 0.1}}))

    assert [str(one)[:32] for one in found if isinstance(one, Grave)] == [
        "High risk goes straight through:",
        "The high tier is watched less (s",
    ]
    assert [isinstance(one, Grave) for one in found] == [True, True, False]
    assert has_grave(found) and not has_grave(found[2:])
