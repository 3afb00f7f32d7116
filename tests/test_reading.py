"""A policy read out: a sentence for every rule. Pure: no database."""

import msgspec
import pytest

from tests.factories import TIERS
from workflows.patterns import Rules
from workflows.reading import CLAUSES, effect, fires_when, read
from workflows.triggers import Trigger
from workflows.triggers.ready_made import READY_MADE

SENTENCES = [
    ({"kind": "required_fields", "fields": ["input.a", "input.b"]}, "fires when input.a or input.b is missing"),
    (
        {"kind": "conflict", "left": "output.amount", "right": "context.total", "must": "be_at_most", "tolerance": 0.5},
        "fires unless output.amount is at most context.total, give or take 0.5 (days for dates)",
    ),
    (
        {"kind": "duplicate", "days": 14},
        "fires where the same customer, action type and amount, or the same input, came before within 14 days",
    ),
    ({"kind": "duplicate", "same": "input", "days": 1}, "fires where the same input came before within 1 day"),
    ({"kind": "low_confidence", "below": 0.5, "field": "iban"}, "fires when the confidence in iban is missing or below 50 %"),
    ({"kind": "ambiguous", "margin": 0.1}, "fires when the best two alternatives are closer than 10 points of per cent"),
    ({"kind": "keywords", "words": ["a", "b"]}, "fires when input has “a” or “b”"),
    (
        {"kind": "keywords", "by_language": {"de": list("abcdefg")}, "language_from": "input.l"},
        "fires when input has in de: “a”, “b”, “c”, “d”, “e” or 2 more (the language is in input.l)",
    ),
    ({"kind": "required_wording", "phrases": ["x", "y"], "needs": "all"}, "fires unless output says “x” and “y”"),
    ({"kind": "promises", "of": ["guarantee", "deadline"]}, "fires when output promises a customer a guarantee or deadline"),
    (
        {"kind": "protected_account", "references": ["C-1"], "fact": "context.vip"},
        "fires for the customer or payee “C-1” or where context.vip is “true”",
    ),
    (
        {"kind": "action", "types": ["refund"], "currency": "EUR", "amount": 50},
        "fires on the action “refund” from 50.00 EUR on",
    ),
    ({"kind": "action", "on_money": True}, "fires on any action with an amount"),
    ({"kind": "field_is_one_of", "field": "output.x", "values": [True, 3]}, "fires when output.x is “true” or “3”"),
    ({"kind": "repeat_contact", "contacts": 2}, "fires when the same customer wrote 2 times or more within the 7 days before"),
    (
        {"kind": "expression", "expression": "confidence < 0.5", "when_missing": "fires"},
        "fires when confidence < 0.5 holds, or something it asks for is missing",
    ),
]


@pytest.mark.parametrize(("trigger", "expected"), SENTENCES)
def test_when_a_trigger_fires(trigger, expected):
    assert fires_when(msgspec.convert({"name": "T", **trigger}, Trigger)) == expected


def test_every_kind_of_trigger_is_read_out():
    kinds = {kind.__struct_config__.tag for kind in Trigger.__args__}

    assert kinds == set(CLAUSES) == {trigger["kind"] for trigger, _ in SENTENCES}
    assert {trigger["kind"] for trigger in READY_MADE} == kinds


def test_what_a_trigger_does():
    duplicate = msgspec.convert({"kind": "duplicate", "name": "D", "desk": "review", "tag": "twice"}, Trigger)
    words = msgspec.convert({"kind": "keywords", "name": "K", "raises": "high", "desk": "review", "tag": "x"}, Trigger)

    assert effect(duplicate) == "holds it for resolution and tags it “twice”"
    assert effect(words) == "raises the risk to high, sends it to review and tags it “x”"


def test_a_whole_policy_reads_as_sentences():
    rules = {
        "tiers": {
            **TIERS,
            "medium": {
                "pattern": "threshold",
                "threshold": 0.8,
                "thresholds": {"vip": 0.95},
                "field_thresholds": {"iban": 0.9},
                "sample_rates": {"vip": 0.2},
                "sample_floor": 0.04,
            },
        },
        "segment_tiers": {"vip": "medium"},
        "chains": [
            {
                "steps": [{"name": "Team lead"}, {"name": "Finance", "people": 2, "title": "controller"}],
                "action_type": "refund",
                "currency": "EUR",
                "amount": 5000,
                "tier": "high",
            }
        ],
        "reason_codes": [{"code": "fraud", "label": "Fraud suspected", "verbs": ["reject", "send_back"]}],
        "action_from": {"amount": "amount"},
    }
    msgspec.convert(rules, Rules, strict=False)

    said = read(rules)

    for sentence in (
        "Medium risk: straight through at a confidence of 80 % or more, and of 90 % in iban too, below it to review. 95 % in “vip”. "
        "5 % of what goes straight through is drawn for a look, released meanwhile. 20 % in “vip”. Never less than 4 %. Due in 8 hours.",
        "The segment “vip” is of medium risk at least.",
        "The action is read from the output: its amount in amount.",
        "For the action “refund” from 5,000.00 EUR on of high risk or higher: Team lead (one person), then Finance (2 people, controller).",
        "A reason to choose for reject or send back: “Fraud suspected”.",
        "An approval not given in 2 days goes to the owner of risk.",
    ):
        assert sentence in said
    assert all(sentence.endswith(".") for sentence in said)


def test_rules_that_cannot_be_read_say_where():
    [said] = read({"tiers": TIERS, "triggers": [{"kind": "expression", "name": "E", "expression": "foo > 1"}]})

    assert "Trigger “E”: there is no “foo” in a case." in said
