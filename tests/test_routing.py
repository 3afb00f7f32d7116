"""Routing, as a table: what an output is, and where it goes. Pure: no database."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.patterns import RANK, Rules
from workflows.routing import Dial, action_in, compile_policy, draw, route
from workflows.triggers import folded_text

OUTPUT = {"type": "object", "required": ["decision"], "properties": {"decision": {"enum": ["refund", "reject"]}}}
WORDS = {"kind": "keywords", "name": "Legal", "words": ["lawyer", "straße", "más tarde"], "desk": "review", "tag": "legal"}
RULES = {
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": 0.1},
        "medium": {"pattern": "threshold", "threshold": 0.8},
        "high": {"pattern": "approval"},
    },
    "action_tiers": {"refund": "medium", "close_account": "high"},
    "amount_bands": [{"currency": "EUR", "amount": 500, "tier": "high"}],
}


def policy(**rules):
    document = msgspec.convert({**RULES, **rules}, Rules, strict=False)
    return compile_policy(document, {"type": "object", "required": ["text"]}, OUTPUT)


def routed(policy, dial=Dial(), lot=0.5, **facts):
    sent = {"type": "", "amount": None, "currency": "", "payee": "", **facts.pop("action", {})}
    facts = {
        "input": {"text": "Hello"},
        "output": {"decision": "refund"},
        "context": {},
        "confidence": 0.9,
        "confidences": {},
        "segment": "",
        **facts,
    }
    action, conflicts = action_in(facts["output"], sent, policy.rules)
    return route({**facts, "action": action}, policy, dial, draw=lot, conflicts=conflicts)


LOW, HIGH = {"default_tier": "low"}, {"default_tier": "high"}
TABLE = [
    # what the policy says         what comes in                                    → state, released, tier, sampled
    ("confident", {}, {"confidence": 0.8}, ("closed", True, "medium", False)),
    ("unsure", {}, {"confidence": 0.7999}, ("review", False, "medium", False)),
    ("no confidence", {}, {"confidence": None}, ("review", False, "medium", False)),
    ("low goes through", LOW, {"confidence": 0.1}, ("closed", True, "low", False)),
    ("low is drawn", LOW, {"lot": 0.0999}, ("review", True, "low", True)),
    ("low is not drawn", LOW, {"lot": 0.1}, ("closed", True, "low", False)),
    ("confident is drawn", {}, {"lot": 0.0499}, ("review", True, "medium", True)),
    ("held is never drawn", {}, {"lot": 0.0, "confidence": 0.1}, ("review", False, "medium", False)),
    ("high waits", HIGH, {"confidence": 1.0}, ("approval", False, "high", False)),
    ("high is never drawn", HIGH, {"lot": 0.0}, ("approval", False, "high", False)),
    ("an action raises", LOW, {"action": {"type": "refund"}}, ("closed", True, "medium", False)),
    ("an action to approve", LOW, {"action": {"type": "close_account"}}, ("approval", False, "high", False)),
    (
        "under the band",
        LOW,
        {"action": {"type": "refund", "amount": Decimal("499.99"), "currency": "EUR"}},
        ("closed", True, "medium", False),
    ),
    (
        "in the band",
        LOW,
        {"action": {"type": "refund", "amount": Decimal(500), "currency": "EUR"}},
        ("approval", False, "high", False),
    ),
    (
        "another currency",
        LOW,
        {"action": {"type": "refund", "amount": Decimal(500), "currency": "GBP"}},
        ("closed", True, "medium", False),
    ),
    ("a broken output", {}, {"output": {"decision": "dance"}}, ("resolution", False, "medium", False)),
    ("a broken input", {}, {"input": {}}, ("resolution", False, "medium", False)),
    ("broken before high", HIGH, {"output": {}}, ("resolution", False, "high", False)),
    ("a word", {"triggers": [WORDS]}, {"input": {"text": "My LAWYER says"}}, ("review", False, "medium", False)),
    ("part of a word", {"triggers": [WORDS]}, {"input": {"text": "lawyers"}}, ("closed", True, "medium", False)),
    (
        "accents and case",
        {"triggers": [WORDS]},
        {"input": {"a": ["MAS TARDE"], "text": ""}},
        ("review", False, "medium", False),
    ),
    ("sharp s", {"triggers": [WORDS]}, {"input": {"text": "in der STRASSE"}}, ("review", False, "medium", False)),
    (
        "a required field",
        {"triggers": [{"kind": "required_fields", "name": "R", "fields": ["input.account"]}]},
        {"input": {"text": "x", "account": " "}},
        ("resolution", False, "medium", False),
    ),
    (
        "one of a list raises",
        {
            "triggers": [
                {"kind": "field_is_one_of", "name": "F", "field": "output.decision", "values": ["refund"], "raises": "high"}
            ]
        },
        {},
        ("approval", False, "high", False),
    ),
    (
        "a trigger never lowers",
        {
            **HIGH,
            "triggers": [
                {"kind": "field_is_one_of", "name": "F", "field": "output.decision", "values": ["refund"], "raises": "low"}
            ],
        },
        {},
        ("approval", False, "high", False),
    ),
    (
        "confidence of one field",
        {"triggers": [{"kind": "low_confidence", "name": "C", "below": 0.5, "field": "decision", "desk": "resolution"}]},
        {"confidences": {"decision": 0.4}},
        ("resolution", False, "medium", False),
    ),
    (
        "an action from an amount on",
        {
            **LOW,
            "triggers": [
                {"kind": "action", "name": "A", "types": ["refund"], "currency": "EUR", "amount": 50, "desk": "review"}
            ],
        },
        {"action": {"type": "refund", "amount": Decimal(50), "currency": "EUR"}},
        ("review", False, "medium", False),
    ),
    ("stopped, straight through", LOW, {"dial": Dial(stopped=True), "lot": 0.0}, ("review", False, "low", False)),
    ("stopped, high as routed", HIGH, {"dial": Dial(stopped=True)}, ("approval", False, "high", False)),
    (
        "the stratum's own rate",
        {},
        {"dial": Dial(rates={("medium", "vip"): 1.0}), "segment": "vip"},
        ("review", True, "medium", True),
    ),
    ("another segment", {}, {"dial": Dial(rates={("medium", "vip"): 1.0}), "segment": "x"}, ("closed", True, "medium", False)),
    (
        "sampled and held",
        {"tiers": {**RULES["tiers"], "low": {"pattern": "sampling", "sampled": "held", "sample_rate": 1.0}}, **LOW},
        {},
        ("review", False, "low", True),
    ),
    (
        "review before approval",
        {"tiers": {**RULES["tiers"], "high": {"pattern": "approval", "review_first": True}}, **HIGH},
        {},
        ("review", False, "high", False),
    ),
    (
        "below to resolution",
        {"tiers": {**RULES["tiers"], "medium": {"pattern": "threshold", "threshold": 0.95, "below": "resolution"}}},
        {},
        ("resolution", False, "medium", False),
    ),
    (
        "the output and the action disagree",
        {"action_from": {"amount": "amount"}},
        {
            "output": {"decision": "refund", "amount": 70},
            "action": {"type": "refund", "amount": Decimal(50), "currency": "EUR"},
        },
        ("resolution", False, "medium", False),
    ),
    (
        "the amount in the output counts",
        {"action_from": {"amount": "amount"}},
        {"output": {"decision": "refund", "amount": 700}, "action": {"type": "refund", "currency": "EUR"}},
        ("approval", False, "high", False),
    ),
]


@pytest.mark.parametrize(("rules", "facts", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_where_an_output_goes(rules, facts, expected):
    way = routed(policy(**rules), **facts)

    assert (way.state, way.released, way.tier, way.sampled) == expected
    assert way.sentence.endswith(".")
    assert way.requires_approval == (way.tier == "high")
    assert way.probability == 1.0 or way.state == "closed" or way.sampled


def test_every_held_output_says_why_with_the_facts_it_saw():
    way = routed(policy(triggers=[WORDS]), input={"text": "my lawyer"}, confidence=0.3)

    assert way.reasons == [{"name": "Legal", "kind": "keywords", "word": "lawyer", "says": "“lawyer” is a risk word"}]
    assert (way.sentence, way.tags) == ("Held for review: “lawyer” is a risk word.", ["legal"])


def test_the_draw_is_the_same_at_every_retry_and_evenly_spread():
    lots = [draw(b"secret", f"case {n}") for n in range(20_000)]

    assert lots[0] == draw(b"secret", "case 0") != draw(b"another", "case 0")
    assert abs(sum(lots) / len(lots) - 0.5) < 0.01
    assert abs(sum(lot < 0.05 for lot in lots) / len(lots) - 0.05) < 0.006


def test_a_long_list_of_words_never_takes_long():
    keywords = {"kind": "keywords", "name": "Many", "words": [f"{'a' * n}(a+)+$" for n in range(1, 60)], "desk": "review"}

    assert routed(policy(triggers=[keywords]), input={"text": "a" * 200_000}).state == "closed"


SCRUTINY = {"closed": 0, "review": 1, "resolution": 1, "approval": 2}


@given(
    confidence=st.floats(0, 1),
    less=st.floats(0, 1),
    amount=st.integers(0, 2000),
    more=st.integers(0, 2000),
    lot=st.floats(0, 1, exclude_max=True),
    tier=st.sampled_from(["low", "medium", "high"]),
)
def test_more_risk_never_means_less_scrutiny(confidence, less, amount, more, lot, tier):
    def scrutiny(confidence, amount, tier):
        action = {"type": "refund", "amount": Decimal(amount), "currency": "EUR"}
        way = routed(policy(default_tier=tier), confidence=confidence, action=action, lot=lot)
        return (not way.released, RANK[way.tier], SCRUTINY[way.state] if not way.sampled else 0)

    before = scrutiny(max(confidence, less), min(amount, more), "low")
    after = scrutiny(min(confidence, less), max(amount, more), tier)

    assert after[0] >= before[0] and after[1] >= before[1] and after[2] >= before[2]


def test_folding_a_text_ignores_case_and_accents():
    assert folded_text("Más TARDE, Straße") == "mas tarde, strasse"
