"""Try it: one output, typed in, routed by a version; nothing is kept."""

import json
from datetime import timedelta

import msgspec
import pytest
from django.conf.global_settings import DATA_UPLOAD_MAX_NUMBER_FIELDS
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


@pytest.mark.parametrize("by_value", [True, False])
def test_the_page_can_be_sent_off_just_as_it_stands(ask, refunds, by_value):
    shown = TryForm(refunds.policy, said=first_of(refunds.policy) | {"by_value": by_value})

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


# value by value

LINE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}, "price": {"type": "number"}}}
NAMING = {
    "input_schema": {
        "required": ["is_new"],
        "properties": {"customer": {"properties": {"name": {"type": "string"}}}, "is_new": {"type": "boolean"}},
    },
    "output_schema": {
        "required": ["decision"],
        "properties": {
            "decision": {"enum": ["refund", "decline"]},
            "amount": {"type": "number", "title": "Amount due"},
            "lines": {"type": "array", "items": LINE},
        },
    },
}


@pytest.fixture
def naming(refunds, owner):
    """A version whose schemas name what is in them, and which reads the amount in the output."""
    return factories.policy(refunds, owner, rules={"action_from": {"amount": "amount"}}, **NAMING)


def as_a_browser_sends(form, **typed):
    """What stands in the form, with what is typed into it."""
    stands = {field.html_name: field.value() for field in form if field.value() is not False or field.is_hidden}
    return {name: value for name, value in (stands | typed).items() if value is not None}


@pytest.fixture
def page(ask, client, refunds):
    """Open the page, type into what it shows and send it off; gives the answer, with its form."""

    def page(query="", form=None, **typed):
        at = reverse("admin:cases_try_policy", args=[refunds.policy.pk]) + query
        return client.post(at, as_a_browser_sends(form, **typed)) if form else client.get(at)

    return page


def test_each_value_has_a_field_and_one_that_is_emptied_is_not_sent(naming):
    begun = TryForm(naming, said=first_of(naming))
    values = {"input.customer.name": "Ada", "output.decision": '"decline"', "output.amount": "310,60", "confidence": "0,9"}
    form = TryForm(naming, as_a_browser_sends(begun, **values, **{"output.lines.0.text": "Fee"}))
    emptied = TryForm(naming, as_a_browser_sends(begun, **values | {"input.customer.name": "", "output.amount": ""}))

    assert form.is_valid() and emptied.is_valid()
    assert form.item.input == {"customer": {"name": "Ada"}, "is_new": False}
    assert form.item.output == {"decision": "decline", "amount": 310.6, "lines": [{"text": "Fee"}]}
    assert form.item.confidence == 0.9
    assert emptied.item.input == {"customer": {}, "is_new": False}
    assert emptied.item.output == {"decision": "decline", "lines": []}
    assert "Not sent" in str(begun["output.decision"])


def test_of_what_is_required_and_left_empty_only_a_no_is_sent(naming):
    form = TryForm(naming, {"by_value": "True"})

    assert form.is_valid()
    assert (form.item.input, form.item.output) == ({"is_new": False}, {})


def test_what_the_rules_read_in_the_output_is_not_asked_twice(naming, page):
    form = page().context["form"]
    as_json = page(form=form, **{"as": "json"}).context["form"]
    sent = TryForm(naming, said=first_of(naming) | {"amount": "7"})

    assert "amount" not in [field.name for field in form.short()]
    assert "amount" in [field.name for field in as_json.short()] and "amount" in [field.name for field in sent.short()]


def test_more_values_than_a_request_may_carry_stand_as_json(naming):
    many = {f"f{number}": "x" for number in range(350)}

    form = TryForm(naming, said={"by_value": True, **dict.fromkeys(("input", "output", "context", "confidences"), many)})

    assert len(form.fields) < 1000 == DATA_UPLOAD_MAX_NUMBER_FIELDS
    assert form["output.f349"].value() == "x" and not form["context"].is_hidden


def test_what_was_typed_as_fields_is_shown_as_json_and_back(naming, page):
    typed = {"output.amount": "310.60", "input.customer.name": "Ada", "customer_reference": "C-1042"}

    as_json = page(form=page().context["form"], **typed, **{"as": "json"}).context["form"]
    output = json.dumps({**json.loads(as_json["output"].value()), "decision": "decline", "note": "Odd"})
    broken = page(form=as_json, output='{"decision": ', **{"as": "fields"})
    fields = page(form=as_json, output=output, context='{"vip": true}', **{"as": "fields"}).context["form"]

    assert json.loads(as_json["output"].value())["amount"] == 310.6
    assert list(broken.context["form"].errors) == ["output"] and b'<textarea name="input"' in broken.content
    assert json.loads(as_json["input"].value())["customer"] == {"name": "Ada"}
    assert fields["output.decision"].value() == '"decline"' and fields["output.note"].value() == "Odd"
    assert fields["output.amount"].value() == 310.6 and fields["context.vip"].value() is True
    assert fields["customer_reference"].value() == "C-1042"


def test_after_an_answer_one_changes_one_value_and_tries_again(naming, page):
    typed = {"output.amount": "310,60", "output.decision": "", "confidence": "0,9", "action_type": "refund", "currency": "EUR"}
    first = page(form=page().context["form"], **typed)
    again = page(form=first.context["form"], **{"output.decision": '"refund"'})

    assert "decision" in first.context["sentence"] and first.context["tried"].verdict == "held"
    assert again.context["tried"].verdict == "go"
    assert again.context["form"]["output.amount"].value() == "310,60" and again.context["form"]["confidence"].value() == "0,9"


def test_after_an_answer_there_is_room_for_one_more_item(naming, page):
    shown = page(form=page().context["form"], **{"output.lines.0.text": "Fee"}).context["form"]

    assert shown["output.lines.0.text"].value() == "Fee"
    assert shown["output.lines.1.text"].value() == ""


@pytest.mark.parametrize("asked", [{}, {"as": "json"}])
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("output.amount", "much", "Give a number."),
        ("output.amount", "1.000,0,0", "Write "),
        ("confidence", "7", "less than or equal to 1"),
        ("context", "{", "This is not JSON"),
    ],
)
def test_a_fault_stands_at_the_value_and_nothing_is_lost(naming, page, field, typed, said, asked):
    answer = page(form=page().context["form"], **{field: typed, "input.customer.name": "Ada", **asked})
    form = answer.context["form"]

    assert answer.status_code == 422 and answer.context["tried"] is None
    assert list(form.errors) == [field] and said in str(form.errors[field])
    assert form[field].value() == typed and form["input.customer.name"].value() == "Ada"


@pytest.mark.parametrize("schema", [{}, {"type": "object"}])
def test_a_version_that_names_nothing_is_tried_as_json(page, refunds, owner, schema):
    factories.policy(refunds, owner, input_schema=schema, output_schema=schema)

    shown = page()
    answer = page(form=shown.context["form"], output='{"decision": "refund"}', confidence="0.9")

    assert b'name="as"' not in shown.content
    assert b'<textarea name="output"' in shown.content and b'<textarea name="input"' in shown.content
    assert answer.context["tried"].verdict == "go"


# from a case


def test_a_case_is_named_by_its_reference_or_its_number_and_what_it_sent_is_filled_in(page, send):
    case = send(output={"decision": "partial"}, segment="retail", context={"vip": True}, action={"type": "refund"})
    form = page().context["form"]

    by_reference, by_number = page(form=form, case=case.external_id), page(form=form, case=f" {case.pk} ")
    filled = page(by_reference.url[by_reference.url.index("?") :]).context["form"]

    assert by_reference.url == by_number.url
    stands = {field.name: field.value() for field in filled}
    told = {"output.decision": "partial", "context.vip": True, "segment": "retail", "action_type": "refund", "confidence": 0.5}
    assert stands | told == stands


def test_what_is_no_case_of_the_workflow_is_not_filled_in_and_nothing_is_lost(page, send, integration, owner):
    workflows.seat(integration, factories.workflow("triage", owner=owner), "integration", by=owner)
    other = send(workflow="triage", output={"decision": "secret"})
    form = page().context["form"]

    for named in (other.external_id, str(other.pk), "999999", "9" * 30, "²"):
        answer = page(form=form, case=named, **{"output.decision": "typed"})

        assert answer.status_code == 422 and answer.context["tried"] is None
        assert list(answer.context["form"].errors) == ["case"] and answer.context["form"]["case"].value() == named
        assert answer.context["form"]["output.decision"].value() == "typed"
        assert b"secret" not in answer.content + page(f"?case={named}").content


def test_nor_is_a_case_that_one_may_not_see(page, send, client):
    case = send(output={"decision": "secret"})
    client.force_login(factories.administrator())
    form = page().context["form"]

    answers = [page(), page(f"?case={case.pk}"), *(page(form=form, case=named) for named in (case.external_id, str(case.pk)))]

    assert [answer.status_code for answer in answers] == [200, 200, 422, 422]
    assert b"secret" not in b"".join(answer.content for answer in answers)


def test_the_newest_case_of_each_desk_and_tier_is_offered(page, send):
    straight, _, held = send(0.9), send(0.2), send(0.2)
    high = send(0.9, action={"type": "refund"})

    offered = page().context["offered"]

    assert [case for case, *_ in offered] == [high, held, straight]
    assert [why.partition(":")[0] for *_, why in offered] == ["Held for approval", "Held for review", "Straight through"]


def test_a_case_that_is_tried_again_has_before_it_what_came_before_it(page, send, refunds, owner):
    factories.policy(refunds, owner, rules={"triggers": [{"kind": "duplicate", "name": "Twice", "days": 7}]})
    first, second = (send(0.9, received_at=clock.now() - timedelta(days=30)) for _ in range(2))

    answers = [page(at := f"?case={each}", form=page(at).context["form"]) for each in (first, second)]

    assert [answer.context["tried"].way.sentence for answer in answers] == [first.sentence, second.sentence]
    assert (first.routed["to"], second.routed["to"]) == ("closed", "resolution")


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
        ({"properties": {"on": {"type": "string", "format": "date"}}}, {"on": "2026-01-01"}),
        ({"$defs": {"p": {"type": "null"}}, "properties": {"p": {"$ref": "#/$defs/p"}}}, {"p": None}),
    ],
)
def test_an_example_fits_its_schema(schema, made):
    assert example(schema) == made


def test_an_example_has_every_field_that_the_schema_asks_for():
    assert example({"required": ["message"], "properties": {"amount": {"type": "number"}}}) == {"message": "…", "amount": 0}
