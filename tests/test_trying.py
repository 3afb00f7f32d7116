"""Try it: one output, typed in, routed by a version; nothing is kept."""

import json

import msgspec
import pytest
from django.urls import reverse

from accounts.actions import settle_in
from audit import clock
from audit.models import AuditEvent
from cases.example import example
from cases.intake import Intake
from cases.models import Case
from cases.replay import draft_of
from cases.rules_forms import TryForm, first_of
from cases.trying import tried
from tests import factories
from workflows import actions as workflows
from workflows.routing import Dial

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules():
    words = {"kind": "keywords", "name": "Risk words", "words": ["lawyer"], "desk": "review", "tag": "legal"}
    sure = {"kind": "low_confidence", "name": "Unsure", "below": 0.1}
    return {"action_tiers": {"refund": "high"}, "triggers": [words, sure]}


def typed(**more):
    output = {"decision": "refund"}
    return {"input": '{"text": "Hello"}', "output": json.dumps(output), "confidence": "0.9", **more}


@pytest.fixture
def ask(client, owner, refunds):
    """Open the page as the owner; what is typed, and gives the page."""
    client.force_login(owner)
    page = reverse("admin:cases_try_policy", args=[refunds.policy.pk])

    def ask(query="", **fields):
        answer = client.post(page + query, fields) if fields else client.get(page + query)
        return answer.status_code, answer.content.decode()

    return ask


def test_it_says_what_would_become_of_it_and_stores_nothing(ask):
    before = AuditEvent.objects.count()

    status, shown = ask(**typed())

    assert status == 200
    assert '<h2 id="answer">Go</h2>' in shown
    assert "Straight through: confidence 0.9 is at or above 0.8 (medium risk)." in shown
    assert "Would be drawn for a look with probability 0.0500" in shown
    assert "<li>Risk words</li>" in shown and "<li>Unsure</li>" in shown
    assert not Case.objects.exists() and AuditEvent.objects.count() == before


def test_it_shows_the_trigger_that_fired_with_what_it_saw_and_the_other_one(ask):
    _, shown = ask(**typed(input='{"text": "My lawyer says"}'))

    assert "Held for review: “lawyer” is a risk word." in shown
    assert '<dt>Word</dt><dd><span class="text" dir="auto">lawyer</span></dd>' in shown
    assert "<li>Risk words</li>" not in shown and "<li>Unsure</li>" in shown


@pytest.fixture
def titled(refunds, owner):
    """A version whose schema calls a field by a title, and a trigger that names it by its path."""
    schema = {"properties": {"amount": {"type": "number", "title": "Amount due"}}}
    missing = {"kind": "required_fields", "name": "Missing", "fields": ["output.amount"]}
    factories.policy(refunds, owner, rules={"triggers": [missing]}, output_schema=schema)


def test_it_calls_fields_by_their_titles_in_the_readers_language(titled, ask, owner):
    _, shown = ask(**typed())
    settle_in(owner, by=owner, language="de", time_zone="UTC")
    _, german = ask(**typed())

    assert "Amount due is missing." in shown and "output.amount" not in shown
    assert "<dt>Absent</dt>" in shown and "<dt>Risk</dt><dd>Medium</dd>" in shown
    assert "es fehlt: Amount due" in german and "<dd>Mittel</dd>" in german


def test_a_case_to_start_from_says_why_by_titles_too(titled, ask, send):
    send(0.9, output={"decision": "refund"})

    _, shown = ask()

    assert "Held for resolution: Amount due is missing." in shown


def test_the_page_can_be_sent_off_just_as_it_stands(ask, refunds):
    shown = TryForm(initial=first_of(refunds.policy))

    status, answer = ask(**{field.html_name: field.value() or "" for field in shown})
    listed, _ = ask(**typed(alternatives='[{"label": "refund", "confidence": 0.4}]'))

    assert status == listed == 200
    assert '<h2 id="answer">' in answer


def test_it_names_the_approvals_and_every_fault_of_the_schema(ask):
    _, approval = ask(**typed(action_type="refund", amount="240", currency="EUR"))
    _, broken = ask(**typed(output='{"decision": 7}'))

    assert "<dt>Approvals</dt><dd>Approval</dd>" in approval
    assert "Held for resolution" in broken and "output.decision: 7 is not of type" in broken


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"output": '{"decision": '}, "This is not JSON: look at line 1, at its sign 14. It reads like {"),
        ({"input": "[1]"}, "Write a JSON object, in braces."),
        ({"alternatives": "{}"}, "Write a JSON list, in square brackets."),
        ({"action_type": "refund", "amount": "1.000", "currency": "EUR"}, "can be read in two ways"),
        ({"action_type": "refund", "amount": "-5", "currency": "EUR"}, "The amount is negative."),
        ({"action_type": "refund", "amount": "5", "currency": "XXQ"}, "is not a currency code"),
        ({"amount": "5", "currency": "EUR"}, "needs its type"),
        ({"confidence": "7"}, "less than or equal to 1"),
    ],
)
def test_a_fault_stands_at_its_field_and_what_was_typed_comes_back(ask, fields, said):
    status, shown = ask(**typed(customer_reference="C-1042", **fields))

    assert status == 422
    assert said in shown.replace("&#x27;", "'")
    assert 'value="C-1042"' in shown


def test_it_begins_with_an_example_or_with_a_case_as_it_came_in(ask, send):
    case = send(output={"decision": "partial"}, segment="retail")

    _, plain = ask()
    _, begun = ask(f"?case={case.pk}")

    assert "decision&quot;: &quot;…" in plain
    assert "partial" in begun and 'value="retail"' in begun


def test_a_case_that_is_not_yours_to_see_is_no_example(ask, send, client):
    assert ask("?case=999999")[0] == ask("?case=x")[0] == 200


@pytest.mark.parametrize(("confidence", "action"), [(0.9, None), (0.2, None), (0.9, {"type": "refund"})])
def test_it_says_what_intake_does(send, refunds, confidence, action):
    case = send(confidence=confidence, action=action)
    item = msgspec.convert(
        {
            "workflow": "refunds",
            "external_id": "x",
            "input": case.input,
            "output": case.output,
            "confidence": confidence,
            "action": action,
        },
        Intake,
    )

    told = tried(item, draft_of(refunds.policy).compiled(), Dial(), now=clock.now())

    assert (told.way.sentence, told.way.tier, told.way.approvals) == (case.sentence, case.tier, case.approvals_needed)
    assert told.verdict == ("go" if case.released_at else "held")


def test_a_draft_that_cannot_be_read_says_so_and_loses_nothing(client, refunds, owner):
    draft = workflows.draft(refunds, by=owner, rules=refunds.policy.rules)
    draft.rules = {"tiers": {}}
    draft.save(update_fields=["rules"])
    client.force_login(owner)

    answer = client.post(reverse("admin:cases_try_policy", args=[draft.pk]), typed())

    assert answer.status_code == 422
    assert "This version cannot be applied yet" in answer.content.decode()


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({}, {}),
        (
            {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer", "minimum": 3}}},
            {"a": "…", "n": 3},
        ),
        ({"properties": {"c": {"enum": ["x", "y"]}, "d": {"default": 5}, "e": {"const": 7}}}, {"c": "x", "d": 5, "e": 7}),
        ({"properties": {"l": {"type": "array", "items": {"type": "boolean"}, "minItems": 1}}}, {"l": [False]}),
        ({"$defs": {"p": {"type": "null"}}, "properties": {"p": {"$ref": "#/$defs/p"}}}, {"p": None}),
    ],
)
def test_an_example_fits_its_schema(schema, made):
    assert example(schema) == made


def test_an_example_has_every_field_that_the_schema_asks_for():
    assert example({"required": ["message"], "properties": {"amount": {"type": "number"}}}) == {"message": "…", "amount": 0}
