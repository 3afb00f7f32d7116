"""The output as a form: made from a schema, read back, and what nobody touched left exactly as it stood."""

import json

import pytest
from django import forms

from cases import outputs

SCHEMA = {
    "type": "object",
    "required": ["decision", "amount", "reply"],
    "properties": {
        "decision": {"type": "string", "enum": ["refund", "reject"]},
        "amount": {"type": "number"},
        "reply": {"type": "string", "maxLength": 900},
        "due": {"type": "string", "format": "date"},
        "goodwill": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "lines": {"type": "array", "items": {"type": "object"}},
        "address": {"$ref": "#/$defs/address"},
    },
    "$defs": {"address": {"type": "object", "properties": {"zip": {"type": ["string", "null"]}, "city": {"type": "string"}}}},
}
OUTPUT = {
    "decision": "refund",
    "amount": 42.5,
    "reply": "Dear Ana,\r\n\r\nhere it is. ",
    "due": "2026-06-03",
    "goodwill": True,
    "tags": ["lamp", "late"],
    "sizes": [1, 2],
    "lines": [{"sku": "L-1"}],
    "address": {"zip": "50667", "city": "Köln"},
    "trace": {"id": 7},
}


class Form(forms.Form):
    def __init__(self, schema, output, typed):
        self.made = outputs.fields(schema, output)
        super().__init__({**as_sent(self.made), **typed})
        self.fields.update(self.made)
        self.output = output

    def edited(self):
        assert self.is_valid(), self.errors
        return outputs.edited(self.output, self.made, self.cleaned_data, self.changed_data)


def as_sent(made):
    """What a browser sends back of an untouched form: line ends as CRLF, an unchecked box not at all."""
    shown = {name: field.initial for name, field in made.items() if field.initial not in (None, False)}
    return {name: str(value).replace("\n", "\r\n") if isinstance(value, str) else value for name, value in shown.items()}


def edit(output, schema=SCHEMA, **typed):
    return Form(schema, output, {f"output.{name}": value for name, value in typed.items()}).edited()


@pytest.mark.parametrize("output", [OUTPUT, {}, {"decision": "spam"}, {"amount": "12"}, {"deep": {"er": [None, {"x": 1e99}]}}])
@pytest.mark.parametrize("schema", [SCHEMA, {}])
def test_what_nobody_touched_stays(output, schema):
    made = outputs.fields(schema, output)
    unfit = [name for name, field in made.items() if not field.fits or field.required]

    if not unfit:
        assert edit(output, schema) == output


@pytest.mark.parametrize(
    ("typed", "path", "becomes"),
    [
        ({"decision": '"reject"'}, "decision", "reject"),
        ({"amount": "40"}, "amount", 40),
        ({"amount": "310,60"}, "amount", 310.6),
        ({"amount": "1,253.14"}, "amount", 1253.14),
        ({"amount": "1.253,14"}, "amount", 1253.14),
        ({"amount": "1.253"}, "amount", 1.253),
        ({"reply": "Dear Ana,\r\nno."}, "reply", "Dear Ana,\nno."),
        ({"goodwill": ""}, "goodwill", False),
        ({"tags": "lamp\r\n\r\nearly"}, "tags", ["lamp", "early"]),
        ({"sizes": "3\n4"}, "sizes", [3, 4]),
        ({"lines": '[{"sku": "L-2"}]'}, "lines", [{"sku": "L-2"}]),
        ({"tags": ""}, "tags", []),
        ({"reply": ""}, "reply", ""),
        ({"due": ""}, "due", outputs.MISSING),
    ],
)
def test_one_value_changes_and_no_other(typed, path, becomes):
    result = edit(OUTPUT, **typed)

    assert result.get(path, outputs.MISSING) == becomes
    assert {key: value for key, value in result.items() if key != path} == {k: v for k, v in OUTPUT.items() if k != path}


def test_nested_values_have_dotted_names_and_null_is_kept_where_it_may_be():
    result = edit(OUTPUT, **{"address.city": "Bonn", "address.zip": "", "trace.id": "8"})

    assert result["address"] == {"zip": None, "city": "Bonn"} and result["trace"] == {"id": 8}
    assert OUTPUT["address"] == {"zip": "50667", "city": "Köln"}


def test_a_value_outside_the_list_must_be_replaced():
    form = Form(SCHEMA, {**OUTPUT, "decision": "spam"}, {})

    assert not form.is_valid() and "output.decision" in form.errors
    assert "“spam” is not permitted" in str(form["output.decision"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amount", "a lot"),
        ("amount", "NaN"),
        ("amount", "1e999"),
        ("amount", "1,253"),
        ("amount", "1,2,3"),
        ("lines", "[1,"),
        ("lines", "[1e999]"),
        ("sizes", "1\ntwo"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(name, text):
    form = Form(SCHEMA, OUTPUT, {f"output.{name}": text})

    assert not form.is_valid() and list(form.errors) == [f"output.{name}"]
    assert form.errors[f"output.{name}"][0].endswith(".")
    assert form[f"output.{name}"].value() == text


def test_a_value_of_the_wrong_kind_is_read_as_the_schema_wants_it():
    assert edit({**OUTPUT, "amount": "42"})["amount"] == 42


def test_a_value_within_others_is_called_by_all_of_them():
    address = {"$ref": "#/$defs/address"}
    schema = {**SCHEMA, "properties": {"billing": address, "shipping": address}}

    made = outputs.fields(schema, {"billing": {"geo": {"lat": 1}}})

    assert {name: str(field.label) for name, field in made.items()} == {
        "output.billing.zip": "Billing: Zip",
        "output.billing.city": "Billing: City",
        "output.billing.geo.lat": "Billing: Geo: Lat",
        "output.shipping.zip": "Shipping: Zip",
        "output.shipping.city": "Shipping: City",
    }


@pytest.mark.parametrize(
    ("due", "kind"), [("2026-06-03", "date"), ("2026-02-30", "text"), ("soon", "text"), (outputs.MISSING, "date")]
)
def test_a_day_that_is_none_is_shown_as_it_was_written(due, kind):
    field = outputs.fields(SCHEMA, {} if due is outputs.MISSING else {"due": due})["output.due"]

    assert field.widget.input_type == kind


@pytest.mark.parametrize("stands", [True, False, None])
@pytest.mark.parametrize(("typed", "becomes"), [("true", True), ("false", False), ("null", None)])
def test_what_may_be_yes_no_or_nothing_is_chosen(stands, typed, becomes):
    schema = {"properties": {"fits": {"type": ["boolean", "null"]}}}

    assert edit({"fits": stands}, schema, fits=typed) == {"fits": becomes}
    assert edit({"fits": stands}, schema) == {"fits": stands}


@pytest.mark.parametrize("schema", [{"type": "object"}, {"type": "object", "required": ["x"]}])
def test_where_the_schema_names_nothing_what_stands_is_edited(schema):
    assert edit({"x": "1", "y": {"z": 2}}, schema, x="2") == {"x": "2", "y": {"z": 2}}
    assert Form(schema, {}, {"output": '{"x": "2"}'}).edited() == {"x": "2"}
    assert Form({}, {"x": "1"}, {}).edited() == {"x": "1"}
    assert list(Form(schema, {}, {"output": "[2]"}).errors) == ["output"]


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ({"decision": "refund", "wide": {f"k{number}": number for number in range(1_200)}}, ["output.decision", "output.wide"]),
        ({f"k{number}": number for number in range(1_200)}, ["output"]),
    ],
)
def test_of_more_values_than_a_form_can_send_those_within_others_are_one_field(output, named):
    schema = {"properties": {name: {} for name in output if name == "decision"}}

    made = outputs.fields(schema, output)
    [last] = named[-1:]
    wide = {**(output["wide"] if last == "output.wide" else output), "k7": 8}
    typed = Form(schema, output, {last: json.dumps(wide)}).edited()

    assert list(made) == named
    assert Form(schema, output, {}).edited() == output
    assert typed == ({**output, "wide": wide} if last == "output.wide" else wide)


def test_what_is_required_comes_first():
    assert list(outputs.fields(SCHEMA, OUTPUT))[:3] == ["output.decision", "output.amount", "output.reply"]
