"""Fields by their titles where a kept sentence names them by their paths: exactly there, and nowhere else."""

import json
from types import SimpleNamespace

import msgspec
import pytest
from django.utils import translation

from cases.titles import Titles
from tests.test_docs import EXAMPLES
from tests.test_triggers import facts
from workflows.patterns import Rules
from workflows.triggers import Trigger

SCHEMA = {
    "properties": {
        "amount": {"type": "number", "title": "Amount due"},
        "customer": {"title": "Customer", "properties": {"given_name": {"title": "Given name"}, "age": {}}},
        "bare": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
    },
    "$defs": {"address": {"title": "Address", "properties": {"city": {"title": "City"}}}},
}
INPUT = {"properties": {"amount": {"title": "Amount due"}, "text": {"title": "What the customer wrote"}}}
TIERS = {tier: {"pattern": "sampling", "due_minutes": 60} for tier in ("low", "medium", "high")}


@pytest.fixture(autouse=True)
def english_again():
    yield
    translation.activate("en")


def titles(*reasons, triggers=(), **rules) -> Titles:
    rules = msgspec.convert({"tiers": TIERS, **rules, "triggers": list(triggers)}, Rules, strict=False)
    policy = SimpleNamespace(input_schema=INPUT, output_schema=SCHEMA, rules=rules)
    return Titles(SimpleNamespace(reasons=list(reasons)), policy)


def fired(trigger, **case):
    """What the case keeps of a trigger that fired, as JSON keeps it: without an order."""
    made = msgspec.convert(trigger, Trigger)
    kept = json.dumps(made.prepare()(facts(**case)), default=str, sort_keys=True)
    return {"name": trigger["name"], "kind": trigger["kind"], **json.loads(kept)}


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("output.amount", "Amount due"),
        ("output.customer.given_name", "Customer: Given name"),
        ("output.address.city", "Address: City"),
        ("input.text", "What the customer wrote"),
        ("action.payee", "Action: To whom"),
        ("output.customer.age", "output.customer.age"),  # no title
        ("output.bare", "output.bare"),
        ("output.lines.0", "output.lines.0"),  # not in the schema
        ("context.order.total", "context.order.total"),
        ("output", "output"),
    ],
)
def test_a_field_is_called_as_the_form_calls_it_where_it_has_a_title(path, title):
    assert titles().of(path) == title


CONFLICT = {"kind": "conflict", "name": "Ordered", "left": "output.amount", "right": "context.total"}
UNSURE = {"kind": "low_confidence", "name": "Unsure", "below": 0.6, "field": "amount"}


@pytest.mark.parametrize(
    ("trigger", "case", "says"),
    [
        (
            CONFLICT,
            {"output": {"amount": 119}, "context": {"total": 100}},
            "Amount due (119) must equal context.total (100)",
        ),
        (
            {**CONFLICT, "left": "context.total", "right": "output.amount", "must": "be_at_most"},
            {"output": {"amount": 100}, "context": {"total": 119}},
            "context.total (119) must be at most Amount due (100)",
        ),
        (
            {"kind": "required_fields", "name": "Missing", "fields": ["input.text", "context.x", "output.amount"]},
            {},
            "What the customer wrote and context.x and Amount due are missing",
        ),
        (UNSURE, {"confidences": {"amount": 0.41}}, "confidence in Amount due 0.41 is below 0.6"),
        (UNSURE, {"confidences": {}}, "no confidence in Amount due was given"),
        (
            {"kind": "required_wording", "name": "Says", "phrases": ["Dear"], "within": "output.customer.given_name"},
            {"output": {}},
            "Customer: Given name must say “dear”",
        ),
        (
            {"kind": "protected_account", "name": "Vip", "fact": "input.text", "values": ["vip"]},
            {"input": {"text": "vip"}},
            "the account is protected: What the customer wrote is vip",
        ),
        (
            {"kind": "field_is_one_of", "name": "Round", "field": "output.amount", "values": ["100"]},
            {"output": {"amount": 100}},
            "Amount due is “100”",
        ),
        (
            {"kind": "expression", "name": "More", "expression": "output.amount > 3", "when_missing": "fires"},
            {"output": {}},
            "“More” misses Amount due",
        ),
    ],
)
def test_a_reason_names_its_fields_by_their_titles(trigger, case, says):
    reason = fired(trigger, **case)

    told = titles(reason, triggers=[trigger])

    assert reason["says"] != says  # it is kept with the path
    assert told.says(reason) == says
    assert told.sentence(f"Held for review: {reason['says']}.") == f"Held for review: {says}."
    approval = {"name": "Approval", "kind": "approval", "says": f"high risk needs an approval: {reason['says']}"}
    assert titles(reason, approval, triggers=[trigger]).says(approval) == f"high risk needs an approval: {says}"


def test_what_broke_the_schema_and_a_field_s_threshold_are_named_too():
    broken = {"name": "Schema", "kind": "schema", "at": "output.amount", "says": "output.amount breaks the schema (-1 is low)"}
    below = {"name": "Threshold", "kind": "threshold", "says": "confidence in amount 0.4 is below 0.6 (medium risk)"}
    tiers = {
        **TIERS,
        "medium": {**TIERS["medium"], "pattern": "threshold", "threshold": 0.5, "field_thresholds": {"amount": 0.6}},
    }

    told = titles(broken, below, tiers=tiers)

    assert told.says(broken) == "Amount due breaks the schema (-1 is low)"
    assert told.facts(broken) == [("where", "Amount due")]
    assert told.says(below) == "confidence in Amount due 0.4 is below 0.6 (medium risk)"


@pytest.mark.parametrize(
    "reason",
    [
        {"name": "Words", "kind": "keywords", "word": "output.amount", "says": "“output.amount” is a risk word"},
        {"name": "Ordered", "kind": "conflict", "says": "it concerns a field that is not shown to you"},  # a vendor's
        {"name": "Absent", "kind": "required_fields", "says": "output.amount is missing"},  # no facts say that it is a path
        {"name": "Ordered", "kind": "conflict", "seen": {"output.amount": "1"}, "says": "output.amount (1) must equal it (2)"},
        {
            "name": "Ordered",
            "kind": "conflict",
            "seen": {"output.amount": "1", "a": "2"},
            "says": "\ue000 (1) must equal a (2)",
        },
    ],
)
def test_what_only_looks_like_a_path_stays_as_it_was_kept(reason):
    assert titles(reason).says(reason) == reason["says"]


def test_a_value_that_looks_like_a_path_stays_beside_the_field():
    reason = fired(
        CONFLICT, output={"amount": "output.amount"}, context={"total": "output.amount (1) must equal context.total"}
    )

    says = titles(reason, triggers=[CONFLICT]).says(reason)

    assert says == "Amount due (output.amount) must equal context.total (output.amount (1) must equal context.total)"


@pytest.mark.parametrize(
    ("left", "right", "in_english", "in_german"),
    [
        ("2026-12-02", "2026-12-01", ("2 Dec 2026", "1 Dec 2026"), ("2 Dez 2026", "1 Dez 2026")),
        ("2026-12-02", "at once", ("2026-12-02", "at once"), ("2026-12-02", "at once")),  # they were no two days
        ("2026-12-02T09:00:00Z", "2026-12-01", ("2026-12-02T09:00:00Z", "2026-12-01"), ("2026-12-02T09:00:00Z", "2026-12-01")),
        ("20261202", "20261201", ("20261202", "20261201"), ("20261202", "20261201")),  # numbers
        ("2026-02-31", "2026-02-28", ("2026-02-31", "2026-02-28"), ("2026-02-31", "2026-02-28")),
    ],
)
def test_two_days_that_a_rule_held_against_each_other_are_read_as_days(left, right, in_english, in_german):
    before = {**CONFLICT, "must": "be_before"}
    reason = fired(before, output={"amount": left}, context={"total": right})

    told = titles(reason, triggers=[before])

    assert told.says(reason) == "Amount due ({}) must be before context.total ({})".format(*in_english)
    with translation.override("de"):
        assert told.says(reason) == "Amount due ({}) muss vorher sein: context.total ({})".format(*in_german)
    assert reason["says"] == f"output.amount ({left}) must be before context.total ({right})"  # over REST it is as it was kept


def test_two_fields_of_one_title_keep_their_paths():
    reason = fired({**CONFLICT, "right": "input.amount"}, output={"amount": 1}, input={"amount": 2})

    assert titles(reason).says(reason) == "output.amount (1) must equal input.amount (2)"


def test_a_title_is_told_in_a_sentence_of_another_language_and_is_not_translated_itself():
    reason = fired(CONFLICT, output={"amount": 119}, context={"total": 100})

    told = titles(reason, triggers=[CONFLICT])
    told.schemas["output"] = {"properties": {"amount": {"title": "amount"}}}  # which the catalogue knows

    with translation.override("de"):
        assert told.says(reason) == "amount (119) muss gleich sein: context.total (100)"


def named(path: str) -> dict:
    """A schema that has a title for the path alone."""
    first, *rest = path.split(".")
    return {"properties": {first: named(".".join(rest)) if rest else {"title": "THE FIELD"}}}


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "output." in json.dumps(each["trigger"])])
def test_the_words_of_every_trigger_that_names_a_field_are_known(example):
    """The sentences are made by the triggers; here they are known by how they are made. This holds the two together."""
    trigger, reason = example["trigger"], fired(example["trigger"], **example["case"])
    path = next(value for value in trigger.values() if str(value).startswith("output."))
    told = titles(reason, triggers=[trigger])
    told.schemas["output"] = named(path.removeprefix("output."))

    says = told.says(reason)

    names_it = path in reason["says"] or reason["says"].startswith(path.split(".")[-1])
    assert ("THE FIELD" in says) is names_it


def test_facts_are_told_with_titles_and_moments():
    before = {
        "name": "Twice",
        "kind": "duplicate",
        "case": 7,
        "external_id": "R-1",
        "at": "2026-05-30T09:00:00.123+00:00",
        "says": "…",
    }
    absent = {"name": "Missing", "kind": "required_fields", "absent": ["output.amount", "context.x"], "says": "…"}
    field = {"name": "Round", "kind": "field_is_one_of", "field": "output.amount", "value": "2026-05-30T09:00:00Z", "says": "…"}

    assert titles(before).facts(before) == [("case", "R-1"), ("at", "30 May 2026, 09:00")]
    assert titles(absent).facts(absent) == [("absent", "Amount due, context.x")]
    assert titles(field).facts(field) == [
        ("field", "Amount due"),
        ("value", "2026-05-30T09:00:00Z"),
    ]  # a value stays as it came
