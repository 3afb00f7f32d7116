"""The output as a form: made from a schema, read back, and what nobody touched left exactly as it stood."""

import json

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

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
    def __init__(self, schema, output, typed, new=1):
        self.made = outputs.fields(schema, output, new)
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


# a moment


WHEN = {"properties": {"at": {"type": "string", "format": "date-time"}, "reply": {"type": "string"}}}
MOMENTS = {
    "2026-06-03T08:00:00Z": "2026-06-03T10:00",
    "2026-06-03t08:00:05.250z": "2026-06-03T10:00:05",
    "2026-06-03 23:30:00-05:00": "2026-06-04T06:30",
    "2026-10-25T01:30:00Z": "2026-10-25T02:30",  # the second half past two of that night
    "2026-01-03T08:00+0100": "2026-01-03T08:00",
}


@pytest.fixture
def berlin():
    with timezone.override("Europe/Berlin"):
        yield


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("stands", MOMENTS)
def test_a_moment_is_shown_by_ones_own_clock_and_untouched_stays_to_the_sign(stands):
    field = outputs.fields(WHEN, {"at": stands})["output.at"]

    assert (field.initial, field.widget.input_type) == (MOMENTS[stands], "datetime-local")
    assert field.help_text == "By the clock of Europe/Berlin."
    assert edit({"at": stands}, WHEN, reply="So.") == {"at": stands, "reply": "So."}
    assert edit({"at": stands}, WHEN, at=f"{MOMENTS[stands]}:00"[:19]) == {"at": stands}


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("stands", "becomes"),
    [
        ("2026-06-03T08:00:00Z", "2026-07-01T13:15:00Z"),
        ("2026-06-03t08:00:00.250z", "2026-07-01t13:15:00z"),
        ("2026-06-03 23:30:00-05:00", "2026-07-01 08:15:00-05:00"),
        ("2026-01-03T08:00:00+0100", "2026-07-01T14:15:00+0100"),
        ("", "2026-07-01T13:15:00Z"),
        (None, "2026-07-01T13:15:00Z"),
        (outputs.MISSING, "2026-07-01T13:15:00Z"),
    ],
)
def test_another_moment_is_written_as_the_one_that_stood(stands, becomes):
    output = {} if stands is outputs.MISSING else {"at": stands}

    assert edit(output, WHEN, at="2026-07-01T15:15") == {"at": becomes}
    assert edit(output, WHEN, at="2026-07-01T15:15:07")["at"] == becomes.replace(":00", ":07", 1)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    "stands", ["2026-06-03T08:00:00", "2026-02-30T08:00:00Z", "0001-01-01T00:00:00+14:00", "soon", "[at 1]"]
)
def test_what_names_no_moment_is_edited_as_the_text_that_it_is(stands):
    field = outputs.fields(WHEN, {"at": stands})["output.at"]

    assert (field.initial, field.widget.input_type, field.help_text) == (stands, "text", "")
    assert edit({"at": stands}, WHEN, at="2026-06-03T08:00:00Z") == {"at": "2026-06-03T08:00:00Z"}


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("written", ["tomorrow", "2026-02-30T08:00", "2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_moment_that_no_clock_shows_once_is_asked_for_again(written):
    form = Form(WHEN, {"at": "2026-06-03T08:00:00Z"}, {"output.at": written})

    assert list(form.errors) == ["output.at"] and form["output.at"].value() == written


@pytest.mark.usefixtures("berlin")
def test_a_moment_can_be_filled_so_that_it_says_another_one():
    filled = outputs.typed(WHEN, {"at": "2026-06-03T08:00:00Z"}, {"at": "2026-06-04T08:00:00Z"})

    assert filled["output.at"] == "2026-06-04T10:00"


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


# a list of an enum's values


TOPICS = {"properties": {"topics": {"type": "array", "items": {"$ref": "#/$defs/topic"}}, "reply": {"type": "string"}}}
TOPICS["$defs"] = {"topic": {"enum": ["Lamp", "late", "a b", True, 3]}}


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("late\r\nlate\r\nLamp", ["late", "late", "Lamp"]),
        (" LAMP \r\n\r\na b", ["Lamp", "a b"]),
        ("yes\r\n3", [True, 3]),
        ("", []),
    ],
)
def test_of_permitted_values_one_a_line_is_written(written, becomes):
    assert edit({"topics": ["Lamp", "late"]}, TOPICS, topics=written) == {"topics": becomes}
    assert edit({"topics": [True, "late"]}, TOPICS, reply="So.") == {"topics": [True, "late"], "reply": "So."}


def test_which_values_are_permitted_is_said_beside_the_list_and_of_any_other():
    form = Form(TOPICS, {"topics": ["late"]}, {"output.topics": "late\r\nspam"})

    assert form["output.topics"].help_text == "One a line, of these: Lamp, late, a b, yes, 3."
    assert form.errors == {"output.topics": ["“spam” is not permitted. One a line, of these: Lamp, late, a b, yes, 3."]}


@pytest.mark.parametrize("permitted", [["1", 1], ["a\nb"], [["a"]], [""]])
def test_values_that_lines_cannot_tell_apart_stay_json(permitted):
    schema = {"properties": {"topics": {"type": "array", "items": {"enum": permitted}}}}

    assert type(outputs.fields(schema, {"topics": permitted})["output.topics"]) is outputs.Json


# a list of objects


ITEM = {
    "type": "object",
    "title": "Item",
    "required": ["amount", "sku"],
    "properties": {
        "sku": {"type": "string"},
        "amount": {"type": "number"},
        "tax": {"enum": ["full", "none"]},
        "due": {"type": "string", "format": "date"},
        "gift": {"type": "boolean"},
    },
}
POSITIONS = {
    "properties": {"reply": {"type": "string"}, "positions": {"type": "array", "items": {"$ref": "#/$defs/item"}}},
    "$defs": {"item": ITEM},
}
TWO = {"positions": [{"sku": "L-1", "amount": 4.50, "note": " x\r\n"}, {"amount": 3, "sku": "L-2", "gift": True}]}


def positions(schema=POSITIONS, output=TWO, **said):
    typed = {f"positions.{name.replace('_', '.', 1)}": value for name, value in said.items()}
    return edit(output, schema, **typed).get("positions", outputs.MISSING)


def test_each_item_is_called_by_its_list_and_its_number():
    made = outputs.fields(POSITIONS, TWO)

    assert {name: str(field.label) for name, field in made.items() if name.startswith("output.positions.1")} == {
        "output.positions.1.amount": "Positions 2: Amount",
        "output.positions.1.sku": "Positions 2: Sku",
        "output.positions.1.tax": "Positions 2: Tax",
        "output.positions.1.due": "Positions 2: Due",
        "output.positions.1.gift": "Positions 2: Gift",
        "output.positions.1": "Positions 2: Leave it out",
    }
    assert str(made["output.positions.2.amount"].label) == "Positions 3, new: Amount"
    assert made["output.positions.0.note"].initial == " x\n"
    assert {(field.row.number, field.within) for field in made.values() if field.row} == {
        *((0, "Positions 1"), (1, "Positions 2"), (2, "Positions 3, new")),
    }
    assert [field.short for field in made.values() if field.row][-5:] == ["Amount", "Sku", "Tax", "Due", "Gift"]
    assert made["output.positions.2.amount"].help_text == "While all of it is empty, nothing is added."


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ({}, TWO["positions"]),
        ({"1_amount": "3,5"}, [TWO["positions"][0], {**TWO["positions"][1], "amount": 3.5}]),
        ({"1_gift": ""}, [TWO["positions"][0], {**TWO["positions"][1], "gift": False}]),
        ({"0": "on"}, TWO["positions"][1:]),
        ({"0": "on", "1": "on"}, []),
        ({"0": "on", "0_amount": "", "1_sku": "L-3"}, [{**TWO["positions"][1], "sku": "L-3"}]),
        ({"2_amount": "7"}, [*TWO["positions"], {"amount": 7, "sku": ""}]),
        ({"2_amount": "7", "2_tax": '"none"'}, [*TWO["positions"], {"amount": 7, "sku": "", "tax": "none"}]),
        ({"0": "on", "2_amount": "7", "2_sku": "L-9"}, [TWO["positions"][1], {"amount": 7, "sku": "L-9"}]),
    ],
)
def test_an_item_changes_goes_or_comes(said, becomes):
    before = json.dumps(TWO)

    assert json.dumps(positions(**said)) == json.dumps(becomes)
    assert json.dumps(TWO) == before


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ({"2.amount": "7", "3.amount": "8"}, [*TWO["positions"], {"amount": 7, "sku": ""}, {"amount": 8, "sku": ""}]),
        ({"4.amount": "9"}, [*TWO["positions"], {"amount": 9, "sku": ""}]),
        (
            {"0": "on", "2.amount": "7", "4.sku": "L", "4.amount": "9"},
            [TWO["positions"][1], {"amount": 7, "sku": ""}, {"amount": 9, "sku": "L"}],
        ),
        ({}, TWO["positions"]),
    ],
)
def test_several_items_come_at_once_and_empty_ones_between_them_do_not(said, becomes):
    typed = {f"output.positions.{name}": value for name, value in said.items()}

    assert json.dumps(Form(POSITIONS, TWO, typed, new=3).edited()["positions"]) == json.dumps(becomes)
    filled = outputs.typed(POSITIONS, TWO, {"positions": becomes}, new=3)
    again = {name: "" if value in (None, False) else value for name, value in filled.items()}
    assert Form(POSITIONS, TWO, again, new=3).edited() == {"positions": becomes}


def test_a_list_grows_by_as_many_as_it_may_have_and_as_a_form_can_send():
    def new(schema, output):
        made = outputs.fields(schema, output, 5)
        return {field.row.number for field in made.values() if field.row and field.row.is_new}

    long = {"properties": {f"k{number}": {"type": "string"} for number in range(90)}}

    assert new(POSITIONS, TWO) == {2, 3, 4, 5, 6} and new(POSITIONS, {}) == {0, 1, 2, 3, 4}
    assert new({"properties": {"positions": {"type": "array", "maxItems": 3, "items": ITEM}}}, TWO) == {2}
    assert new({"properties": {"positions": {"type": "array", "items": long}}}, {}) == {0}


@pytest.mark.parametrize(("typed", "where"), [({"2.sku": "L-9"}, "2.amount"), ({"0.amount": ""}, "0.amount")])
def test_what_an_item_must_have_is_asked_at_its_field(typed, where):
    form = Form(POSITIONS, TWO, {f"output.positions.{name}": value for name, value in typed.items()})

    with pytest.raises(ValidationError) as refused:
        form.edited()

    assert refused.value.message_dict == {f"output.positions.{where}": ["Fill this in."]}


@pytest.mark.parametrize(
    ("kind", "stands"), [("array", {}), (["array", "null"], {"positions": None}), ("array", {"positions": []})]
)
def test_where_there_is_no_item_one_may_be_added(kind, stands):
    schema = {"properties": {"positions": {"type": kind, "items": ITEM}}}

    assert edit(stands, schema) == stands
    assert positions(schema, stands, **{"0_amount": "1", "0_sku": "L"}) == [{"amount": 1, "sku": "L"}]
    assert edit({}, {**schema, "required": ["positions"]}) == {"positions": []}


def test_a_text_that_an_item_must_have_is_there_though_empty():
    schema = {"properties": {"positions": {"type": "array", "items": {**ITEM, "required": ["sku", "amount"]}}}}

    assert positions(schema, **{"2_amount": "7"})[2] == {"sku": "", "amount": 7}


def test_what_is_hidden_in_an_item_stays():
    output = {"positions": [{"sku": "[sku 1]", "amount": "[amount 1]"}]}

    assert positions(POSITIONS, output, **{"0_gift": "on"}) == [{**output["positions"][0], "gift": True}]


def test_of_more_values_than_a_form_can_send_lists_are_one_field_first():
    items = {"properties": {f"k{number}": {"type": "string"} for number in range(60)}}
    schema = {"properties": {"to": {"properties": {"zip": {}}}, "lines": {"type": "array", "items": items}}}

    assert list(outputs.fields(schema, {"lines": [{}] * 7})) == ["output.to.zip", "output.lines"]


def test_a_full_list_grows_no_further():
    schema = {"properties": {"positions": {"type": "array", "maxItems": 2, "items": ITEM}}}

    assert not [name for name in outputs.fields(schema, TWO) if ".2" in name]


@pytest.mark.parametrize(
    ("items", "stands"),
    [
        (ITEM, [{"sku": "L"}] * 21),
        (ITEM, ["L-1"]),
        (ITEM, "[positions 1]"),
        ({"properties": {"sku": {"type": "object"}}}, [{"sku": {}}]),
        ({"properties": {f"k{number}": {"type": "string"} for number in range(60)}}, [{}] * 7),
        ({"type": "object"}, [{"sku": "L"}]),
    ],
)
def test_what_is_too_much_or_not_plain_stays_one_field(items, stands):
    schema = {"properties": {"reply": {"type": "string"}, "positions": {"type": "array", "items": items}}}

    assert list(outputs.fields(schema, {"positions": stands})) == ["output.reply", "output.positions"]
    assert edit({"positions": stands}, schema, reply="So.") == {"positions": stands, "reply": "So."}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"0": "on"},
        {"1": "on"},
        {"0": "on", "1": "on"},
        {"2_sku": "L-3", "2_amount": "1"},
        {"0": "on", "1_amount": "8", "2_sku": "L-3", "2_amount": "1"},
        {"0_sku": "L-2", "1_gift": ""},
    ],
)
def test_fields_can_be_filled_so_that_they_say_another_output(said):
    output = {"positions": positions(**said)}
    filled = outputs.typed(POSITIONS, TWO, output)

    typed = {name: "" if value in (None, False) else value for name, value in filled.items()}

    assert Form(POSITIONS, TWO, typed).edited() == output
