"""Routing, as a table: what an output is, and where it goes. Pure: no database but for the cache of versions."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.models import compiled_policy
from workflows.patterns import RANK, Rules
from workflows.routing import Dial, action_in, compile_policy, draw, route
from workflows.triggers import folded_text

OUTPUT = {"type": "object", "required": ["decision"], "properties": {"decision": {"enum": ["refund", "reject"]}}}
WORDS = {"kind": "keywords", "name": "Legal", "words": ["lawyer", "straße", "más tarde"], "desk": "review", "tag": "legal"}
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
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
        "alternatives": None,
        "segment": "",
        "channel": "",
        "customer_reference": "",
        "received_at": NOW,
        "earlier": [],
        **facts,
    }
    action, conflicts = action_in(facts["output"], sent, policy.rules)
    return route({**facts, "action": action}, policy, dial, draw=lot, conflicts=conflicts)


def action(amount=None, type="refund", currency="EUR"):
    return {"type": type, "amount": None if amount is None else Decimal(str(amount)), "currency": currency if amount else ""}


def tier(name, **rule):
    return {"tiers": {**RULES["tiers"], name: {**RULES["tiers"][name], **rule}}}


def fires(kind="field_is_one_of", name="F", **more):
    """A policy with one trigger, which fires on every output unless `more` says otherwise."""
    asks = {"field": "output.decision", "values": ["refund"]} if kind == "field_is_one_of" else {}
    return {"triggers": [{"kind": kind, "name": name, **asks, **more}]}


def both(*policies):
    return {"triggers": [trigger for policy in policies for trigger in policy["triggers"]]}


WORD, SAYS = {"triggers": [WORDS]}, {"input": {"text": "My LAWYER says"}}
REQUIRED = fires("required_fields", name="Account", fields=["input.account"])
CONFLICT = fires("conflict", left="output.amount", right="context.total")
AT_ODDS = {"output": {"decision": "refund", "amount": 7}, "context": {"total": 8}}
DUPLICATE = fires("duplicate", days=9)
BEFORE = {"earlier": [{**action(5), "id": 1, "external_id": "R-1", "at": NOW, "same_customer": True, "same_input": True}]}
LOW, HIGH = {"default_tier": "low"}, {"default_tier": "high"}
HELD, STOPPED = {"sampled": "held", "sample_rate": 1.0}, {"dial": Dial(stopped=True)}
FROM_OUTPUT = {"action_from": {"amount": "amount"}}
BROKEN, UNSURE = {"output": {"decision": "dance"}}, {"confidence": 0.1}
GO, DRAWN = ("closed", True), ("review", True)
REVIEW, RESOLUTION, APPROVAL = ("review", False), ("resolution", False), ("approval", False)

# the policy says (beyond RULES)        what comes in                         where it goes, its tier, drawn for a look?
TABLE = {
    "the pattern of the tier": [
        ("confident", {}, {"confidence": 0.8}, GO, "medium"),
        ("unsure", {}, {"confidence": 0.7999}, REVIEW, "medium"),
        ("no confidence", {}, {"confidence": None}, REVIEW, "medium"),
        ("unsure, to resolution", tier("medium", below="resolution"), UNSURE, RESOLUTION, "medium"),
        ("low goes through", LOW, UNSURE, GO, "low"),
        ("low needs no confidence", LOW, {"confidence": None}, GO, "low"),
        ("high waits, however sure", HIGH, {"confidence": 1.0}, APPROVAL, "high"),
        ("review before approval", {**tier("high", review_first=True), **HIGH}, {}, REVIEW, "high"),
        ("low by approval too", {**tier("low", pattern="approval"), **LOW}, {}, APPROVAL, "low"),
        ("high by confidence", {**tier("high", pattern="threshold", threshold=0.9), **HIGH}, {"confidence": 0.9}, GO, "high"),
    ],
    "thresholds by segment and field": [
        ("the segment's own, higher", tier("medium", thresholds={"vip": 0.95}), {"segment": "vip"}, REVIEW, "medium"),
        (
            "the segment's own, lower",
            tier("medium", thresholds={"bulk": 0.1}),
            {"segment": "bulk", "confidence": 0.1},
            GO,
            "medium",
        ),
        ("another segment's", tier("medium", thresholds={"vip": 0.95}), {"segment": "x"}, GO, "medium"),
        ("a field is sure", tier("medium", field_thresholds={"iban": 0.9}), {"confidences": {"iban": 0.9}}, GO, "medium"),
        (
            "a field is unsure",
            tier("medium", field_thresholds={"iban": 0.9}),
            {"confidences": {"iban": 0.89}},
            REVIEW,
            "medium",
        ),
        ("a field says nothing", tier("medium", field_thresholds={"iban": 0.9}), {}, REVIEW, "medium"),
        (
            "a field has none usable",
            tier("medium", field_thresholds={"iban": 0.0}),
            {"confidences": {"iban": None}},
            REVIEW,
            "medium",
        ),
    ],
    "sampling": [
        ("low is drawn", LOW, {"lot": 0.0999}, DRAWN, "low", True),
        ("low is not drawn", LOW, {"lot": 0.1}, GO, "low"),
        ("confident is drawn", {}, {"lot": 0.0499}, DRAWN, "medium", True),
        ("held is never drawn", {}, {"lot": 0.0, **UNSURE}, REVIEW, "medium"),
        ("high is never drawn", HIGH, {"lot": 0.0}, APPROVAL, "high"),
        ("drawn and held", {**tier("low", **HELD), **LOW}, {}, REVIEW, "low", True),
        ("the segment's rate", tier("medium", sample_rates={"vip": 1.0}), {"segment": "vip"}, DRAWN, "medium", True),
        ("the dial's rate", {}, {"dial": Dial(rates={("medium", "vip"): 1.0}), "segment": "vip"}, DRAWN, "medium", True),
        ("the dial's for another segment", {}, {"dial": Dial(rates={("medium", "vip"): 1.0}), "segment": "x"}, GO, "medium"),
        ("the dial's for the tier", {}, {"dial": Dial(rates={("medium", ""): 0.9})}, DRAWN, "medium", True),
        (
            "the policy's segment before the dial's tier",
            tier("medium", sample_rates={"vip": 0.3}),
            {"dial": Dial(rates={("medium", ""): 0.9}), "segment": "vip"},
            GO,
            "medium",
        ),
        ("no dial below the default floor", LOW, {"dial": Dial(rates={("low", ""): 0.02}), "lot": 0.04}, DRAWN, "low", True),
        (
            "nor below a rate under it",
            tier("medium", sample_rate=0.03),
            {"dial": Dial(rates={("medium", ""): 0.02}), "lot": 0.029},
            DRAWN,
            "medium",
            True,
        ),
        (
            "a dial down to the named floor",
            {**tier("low", sample_floor=0.02), **LOW},
            {"dial": Dial(rates={("low", ""): 0.02}), "lot": 0.04},
            GO,
            "low",
        ),
        ("a floor above the rate", {**tier("low", sample_floor=0.6), **LOW}, {}, DRAWN, "low", True),
    ],
    "what raises the tier": [
        ("an action", LOW, {"action": action()}, GO, "medium"),
        ("an action to approve", LOW, {"action": action(type="close_account")}, APPROVAL, "high"),
        ("an action in capitals", LOW, {"action": action(type="Close_Account")}, RESOLUTION, "low"),
        ("an action that no rule names", LOW, {"action": action(type="Note")}, GO, "low"),
        ("an action never lowers", HIGH, {"action": action()}, APPROVAL, "high"),
        ("under the band", LOW, {"action": action("499.99")}, GO, "medium"),
        ("in the band", LOW, {"action": action(500)}, APPROVAL, "high"),
        ("another currency", LOW, {"action": action(500, currency="GBP")}, GO, "medium"),
        (
            "the amount in the output counts",
            FROM_OUTPUT,
            {"output": {"decision": "refund", "amount": 700}, "action": {"type": "refund", "currency": "EUR"}},
            APPROVAL,
            "high",
        ),
        ("a segment in capitals", {"segment_tiers": {"vip": "high"}}, {"segment": "VIP "}, RESOLUTION, "medium"),
        ("a segment", {"segment_tiers": {"vip": "high"}}, {"segment": "vip"}, APPROVAL, "high"),
        ("a segment never lowers", {"segment_tiers": {"vip": "low"}}, {"segment": "vip"}, GO, "medium"),
        ("another segment", {"segment_tiers": {"vip": "high"}}, {"segment": "x"}, GO, "medium"),
        ("a trigger", fires(raises="high"), {}, APPROVAL, "high"),
        ("a trigger to the middle", {**LOW, **fires(raises="medium")}, UNSURE, REVIEW, "medium"),
        ("a trigger never lowers", {**HIGH, **fires(raises="low")}, {}, APPROVAL, "high"),
        ("the highest of all", {**LOW, **fires(raises="medium")}, {"action": action(500)}, APPROVAL, "high"),
    ],
    "triggers that name a desk": [
        ("a word", WORD, SAYS, REVIEW, "medium"),
        ("part of a word", WORD, {"input": {"text": "lawyers"}}, GO, "medium"),
        ("accents and case", WORD, {"input": {"a": ["MAS TARDE"], "text": ""}}, REVIEW, "medium"),
        ("sharp s", WORD, {"input": {"text": "in der STRASSE"}}, REVIEW, "medium"),
        ("resolution before review", both(WORD, fires(desk="resolution")), SAYS, RESOLUTION, "medium"),
        ("before the threshold", {**tier("medium", below="resolution"), **WORD}, {**SAYS, **UNSURE}, REVIEW, "medium"),
        ("low too", {**LOW, **fires(desk="review")}, {"lot": 0.0}, REVIEW, "low"),
        ("only a tag", fires(tag="x"), {}, GO, "medium"),
        ("only a category", fires(category="edge-case"), {}, GO, "medium"),
        ("review before an approval", {**HIGH, **fires(desk="review")}, {}, REVIEW, "high"),
        ("resolution before an approval", {**HIGH, **fires(desk="resolution")}, {}, RESOLUTION, "high"),
        (
            "confidence of one field",
            fires("low_confidence", below=0.5, field="iban", desk="resolution"),
            {"confidences": {"iban": 0.4}},
            RESOLUTION,
            "medium",
        ),
        ("an ambiguous one", fires("ambiguous", margin=0.2, desk="review"), {"alternatives": [0.8]}, REVIEW, "medium"),
        (
            "an amount",
            {**LOW, **fires("action", currency="EUR", amount=50, desk="review")},
            {"action": action(50)},
            REVIEW,
            "medium",
        ),
        (
            "a protected account",
            fires("protected_account", fact="context.vip", desk="review"),
            {"context": {"vip": True}},
            REVIEW,
            "medium",
        ),
        (
            "a promise",
            fires("promises", of=["guarantee"], desk="review"),
            {"output": {"decision": "refund", "t": "We guarantee it"}},
            REVIEW,
            "medium",
        ),
        ("wording that lacks", fires("required_wording", phrases=["terms"], desk="review"), {}, REVIEW, "medium"),
        ("a repeated contact", fires("repeat_contact", desk="review"), BEFORE, REVIEW, "medium"),
        ("an expression", fires("expression", expression="confidence < 0.95", desk="review"), {}, REVIEW, "medium"),
        ("an expression without its field", fires("expression", expression="input.x > 1", desk="review"), {}, GO, "medium"),
        ("an expression that fails", fires("expression", expression="input.text > 1", desk="review"), {}, REVIEW, "medium"),
    ],
    "exceptions go before all else": [
        ("a broken output", {}, BROKEN, RESOLUTION, "medium"),
        ("a broken input", {}, {"input": {}}, RESOLUTION, "medium"),
        ("broken before approval", HIGH, BROKEN, RESOLUTION, "high"),
        ("broken before sampling", LOW, {**BROKEN, "lot": 0.0}, RESOLUTION, "low"),
        ("broken before a desk", WORD, {**SAYS, **BROKEN}, RESOLUTION, "medium"),
        ("a required field", REQUIRED, {"input": {"text": "x", "account": " "}}, RESOLUTION, "medium"),
        (
            "a required field, whatever the desk",
            fires("required_fields", fields=["input.a"], desk="review"),
            {},
            RESOLUTION,
            "medium",
        ),
        ("fields in conflict", CONFLICT, AT_ODDS, RESOLUTION, "medium"),
        ("fields in agreement", CONFLICT, {**AT_ODDS, "context": {"total": "7.00"}}, GO, "medium"),
        ("a conflict before approval", {**HIGH, **CONFLICT}, AT_ODDS, RESOLUTION, "high"),
        ("a duplicate", DUPLICATE, BEFORE, RESOLUTION, "medium"),
        ("a duplicate that raises", fires("duplicate", raises="high"), BEFORE, RESOLUTION, "high"),
        (
            "the output and the action disagree",
            FROM_OUTPUT,
            {"output": {"decision": "refund", "amount": 70}, "action": action(50)},
            RESOLUTION,
            "medium",
        ),
        (
            "an amount that cannot be read lowers no risk",
            {**LOW, **FROM_OUTPUT},
            {"output": {"decision": "refund", "amount": "NaN"}, "action": action(500)},
            RESOLUTION,
            "high",
        ),
        (
            "an amount without a currency",
            FROM_OUTPUT,
            {"output": {"decision": "refund", "amount": 70}, "action": action()},
            RESOLUTION,
            "medium",
        ),
    ],
    "the stop switch": [
        ("straight through", LOW, {**STOPPED, "lot": 0.0}, REVIEW, "low"),
        ("confident", {}, STOPPED, REVIEW, "medium"),
        ("unsure, as routed", tier("medium", below="resolution"), {**STOPPED, **UNSURE}, RESOLUTION, "medium"),
        ("high, as routed", HIGH, STOPPED, APPROVAL, "high"),
        ("broken, as routed", {}, {**STOPPED, **BROKEN}, RESOLUTION, "medium"),
        ("a word, as routed", WORD, {**STOPPED, **SAYS}, REVIEW, "medium"),
    ],
}
ROWS = [(f"{heading}: {name}", *rest) for heading, rows in TABLE.items() for name, *rest in rows]


@pytest.mark.parametrize(
    ("rules", "facts", "expected"), [(r, f, tuple(e)) for _, r, f, *e in ROWS], ids=[row[0] for row in ROWS]
)
def test_where_an_output_goes(rules, facts, expected):
    compiled = policy(**rules)
    (where, tier, drawn) = expected if len(expected) == 3 else (*expected, False)

    way = routed(compiled, **facts)

    assert ((way.state, way.released), way.tier, way.sampled) == (where, tier, drawn)
    assert way.sentence.endswith(".")
    assert way.requires_approval == (compiled.rules.tiers[tier].pattern == "approval")
    assert (way.chain is not None) == way.requires_approval
    assert way.probability == 1.0 or way.state == "closed" or way.sampled
    assert way.state == "closed" or way.sampled or way.reasons


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


@pytest.mark.parametrize(
    ("rules", "facts", "sentence", "category"),
    [
        (both(fires(tag="first"), WORD), SAYS, "Held for review: “lawyer” is a risk word.", ""),
        (
            both(WORD, fires(desk="resolution", category="edge-case")),
            SAYS,
            "Held for resolution: decision is “refund”.",
            "edge-case",
        ),
        (
            both(fires(category="edge-case", desk="review"), REQUIRED),
            {},
            "Held for resolution: input.account is missing.",
            "missing-data",
        ),
        (CONFLICT, AT_ODDS, "Held for resolution: output.amount (7) must equal context.total (8).", "policy-conflict"),
        (DUPLICATE, BEFORE, "Held for resolution: a case with the same input came moments before (R-1).", "duplicate"),
        (fires("duplicate", category="edge-case"), BEFORE, None, "edge-case"),
        ({}, BROKEN, None, "formatting"),
        ({}, {"output": {}}, None, "missing-data"),
        (
            {"segment_tiers": {"vip": "high"}},
            {"segment": "vip"},
            "Held for approval: high risk needs an approval: the segment is “vip”.",
            "",
        ),
        (
            tier("medium", field_thresholds={"iban": 0.9}),
            {"confidences": {"iban": 0.5}},
            "Held for review: confidence in iban 0.5 is below 0.9 (medium risk).",
            "",
        ),
        ({}, STOPPED, "Held for review: the workflow is stopped.", ""),
    ],
)
def test_the_sentence_names_the_reason_that_decided(rules, facts, sentence, category):
    way = routed(policy(**rules), **facts)

    assert sentence in (None, way.sentence)
    assert way.category == category


def chain(people, **holds_for):
    return {"steps": [{"name": "Step", "people": count} for count in people], **holds_for}


@pytest.mark.parametrize(
    ("chains", "proposed", "expected"),
    [
        ([], action(9000), [1]),
        ([chain([2])], action(1), [2]),
        ([chain([1, 1], currency="EUR", amount=5000)], action(4999), [1]),
        ([chain([1, 1], currency="EUR", amount=5000)], action(5000), [1, 1]),
        ([chain([1, 1], currency="EUR", amount=5000)], action(5000, currency="USD"), [1]),
        ([chain([3], action_type="refund")], action(1, type="close_account"), [1]),
        ([chain([3], tier="medium")], action(1), [3]),  # a tier, or a higher one
        ([chain([2]), chain([1, 2], action_type="refund"), chain([1])], action(1), [1, 2]),  # the most approvals
        ([chain([2]), chain([1, 1])], action(1), [1, 1]),  # of equals, the later
    ],
)
def test_the_chain_an_action_needs(chains, proposed, expected):
    way = routed(policy(**HIGH, chains=chains), action=proposed)

    assert [step.people for step in way.chain.steps] == expected


@pytest.mark.parametrize(
    ("said", "sent", "amount", "conflicts"),
    [
        ("sNaN", 50, "50", ["the action's amount is “50”, the output's “NaN”", "The amount is not a number"]),
        ([5000], 50, "50", ["the action's amount is “50”, the output's “NaN”", "The amount is not a number"]),
        (
            "10.005",
            50,
            "50",
            ["the action's amount is “50”, the output's “10.005”", "EUR has 2 decimal places; the amount has more"],
        ),
        ("Infinity", None, None, ["The amount is not a number"]),
        ([5000], None, None, ["The amount is not a number"]),
        (True, None, None, ["The amount is not a number"]),
        ("1e9999999999999999999", None, None, ["The amount is not a number"]),
        ("1E+3", None, "1000", []),
        ("0E-999999999999", None, "0", []),  # written out, it would fill the memory
        (-0.0, None, "0", []),
    ],
)
def test_an_amount_that_no_person_would_write(said, sent, amount, conflicts):
    proposed, found = action_in(
        {"amount": said}, {**action(sent or 1), "amount": sent and Decimal(sent), "payee": ""}, policy(**FROM_OUTPUT).rules
    )

    assert found == conflicts
    assert str(proposed["amount"]) == str(amount)


@pytest.mark.django_db
def test_a_published_version_is_compiled_once_in_a_process(refunds, django_assert_num_queries):
    version = refunds.policy.pk
    compiled = compiled_policy(version)

    with django_assert_num_queries(0):
        assert compiled_policy(version) is compiled


def test_a_policy_knows_how_far_it_looks_back():
    assert policy(**both(DUPLICATE, fires("repeat_contact", name="R", days=30))).looks_back == 30
    assert policy(**WORD).looks_back == 0


SHARES = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
SEGMENTS = ("", "vip", "bulk")
ORDER = {"sampling": 0, "threshold": 1, "approval": 2}


@st.composite
def policies(draw):
    """A policy whose higher tiers are watched no less than its lower ones: of others the owner is warned."""
    patterns = sorted(draw(st.tuples(*[st.sampled_from(sorted(ORDER))] * 3)), key=ORDER.get)
    thresholds = sorted(draw(st.tuples(SHARES, SHARES, SHARES)))
    rates = sorted(draw(st.tuples(*[st.sampled_from([0.02, 0.05, 0.4, 1.0])] * 3)))
    held, below = draw(st.sampled_from(["released", "held"])), draw(st.sampled_from(["review", "resolution"]))
    field_thresholds = draw(st.dictionaries(st.sampled_from(["iban"]), SHARES))
    tiers = {
        name: {
            "pattern": pattern,
            "threshold": threshold,
            "field_thresholds": field_thresholds,
            "sample_rate": rate,
            "sampled": held,
            "below": below,
        }
        for name, pattern, threshold, rate in zip(RANK, patterns, thresholds, rates, strict=True)
    }
    tier_names, desks = st.sampled_from(sorted(RANK)), st.sampled_from([None, "review", "resolution"])
    return {
        "tiers": tiers,
        "default_tier": draw(tier_names),
        "action_tiers": {"refund": draw(tier_names)},
        "segment_tiers": {"vip": draw(tier_names)},
        "amount_bands": [{"currency": "EUR", "amount": amount, "tier": draw(tier_names)} for amount in (100, 500)],
        "triggers": [
            {
                "kind": "field_is_one_of",
                "name": str(n),
                "field": f"context.risk{n}",
                "values": [True],
                "raises": draw(st.none() | tier_names),
                "desk": draw(desks),
            }
            for n in range(2)
        ]
        + [
            {"kind": "expression", "name": "E", "expression": "action.amount >= 300", "raises": draw(tier_names)},
            {"kind": "low_confidence", "name": "C", "below": draw(SHARES), "desk": draw(desks)},
            {"kind": "conflict", "name": "X", "left": "context.one", "right": "context.two"},
            {"kind": "ambiguous", "name": "A", "margin": draw(st.sampled_from([0.1, 0.3])), "desk": draw(desks)},
        ],
        "chains": [
            {
                "steps": [{"name": "s", "people": draw(st.integers(1, 3))}],
                "currency": "EUR",
                "amount": amount,
                "tier": draw(tier_names),
            }
            for amount in (50, 450)
        ],
    }


def scrutiny(way):
    """How closely it is looked at: may it act, is it looked at, how likely; its tier, and the approvals it needs."""
    held = 3 if not way.released and not way.sampled else 2 if not way.released else 1 if way.sampled else 0
    return (
        held,
        way.probability,
        RANK[way.tier],
        way.requires_approval,
        sum(s.people for s in way.chain.steps) if way.chain else 0,
    )


RISKS = {  # what raises the risk of an output: given its facts, the riskier ones
    "less confident": lambda facts, less, more: {**facts, "confidence": min(facts["confidence"], less)},
    "no confidence": lambda facts, less, more: {**facts, "confidence": None},
    "a field less sure": lambda facts, less, more: {**facts, "confidences": {"iban": min(facts["confidences"]["iban"], less)}},
    "a field says nothing": lambda facts, less, more: {**facts, "confidences": {}},
    "an alternative": lambda facts, less, more: {**facts, "alternatives": [*facts["alternatives"], less]},
    "a larger amount": lambda facts, less, more: {**facts, "action": action(facts["action"]["amount"] + more)},
    "one more trigger": lambda facts, less, more: {**facts, "context": {**facts["context"], "risk0": True}},
    "another trigger": lambda facts, less, more: {**facts, "context": {**facts["context"], "risk1": True}},
    "a conflict": lambda facts, less, more: {**facts, "context": {**facts["context"], "one": 1, "two": 2}},
    "a broken output": lambda facts, less, more: {**facts, "output": {"decision": "dance"}},
    "a segment of its own tier": lambda facts, less, more: {**facts, "segment": "vip"},
    "stopped": lambda facts, less, more: {**facts, "dial": Dial(stopped=True)},
}


@pytest.mark.parametrize("risk", RISKS)
@settings(max_examples=60, deadline=None)
@given(
    rules=policies(),
    confidence=SHARES,
    iban=SHARES,
    less=SHARES,
    amount=st.sampled_from([1, 60, 299, 480]),
    more=st.sampled_from([0, 50, 500]),
    lot=st.sampled_from([0.0, 0.03, 0.3, 0.9]),
    risks=st.sets(st.sampled_from(["risk0", "risk1"])),
    alternatives=st.lists(SHARES, max_size=2),
)
def test_more_risk_never_means_less_scrutiny(risk, rules, confidence, iban, less, amount, more, lot, risks, alternatives):
    compiled = policy(**rules)
    facts = {
        "confidence": confidence,
        "confidences": {"iban": iban},
        "alternatives": alternatives,
        "action": action(amount),
        "lot": lot,
        "context": dict.fromkeys(risks, True),
    }

    before = scrutiny(routed(compiled, **facts))
    after = scrutiny(routed(compiled, **RISKS[risk](facts, less, more)))

    assert all(now >= then for now, then in zip(after, before, strict=True)), (before, after)


@given(
    rules=policies(), to=st.sampled_from(["default_tier", "action", "segment", "trigger"]), lot=st.sampled_from([0.0, 0.3, 0.9])
)
def test_a_higher_tier_of_anything_never_means_less_scrutiny(rules, to, lot):
    facts = {"action": action(60), "segment": "vip", "context": {"risk0": True}, "lot": lot, "confidence": 0.6}
    raised = {
        "default_tier": {"default_tier": "high"},
        "action": {"action_tiers": {"refund": "high"}},
        "segment": {"segment_tiers": {"vip": "high"}},
        "trigger": {"triggers": [{**rules["triggers"][0], "raises": "high"}, *rules["triggers"][1:]]},
    }[to]

    before = scrutiny(routed(policy(**rules), **facts))
    after = scrutiny(routed(policy(**{**rules, **raised}), **facts))

    assert all(now >= then for now, then in zip(after, before, strict=True)), (before, after)


def test_folding_a_text_ignores_case_and_accents():
    assert folded_text("Más TARDE, Straße") == "mas tarde, strasse"
