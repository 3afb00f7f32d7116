"""What the workflow is about: the fields of the input and of the output, and where in the output the action stands."""

import re

from django.core.exceptions import ValidationError

from workflows.editing import paths
from workflows.editing.fields import Choice, Lines, Text, Tick, Whole
from workflows.editing.forms import PartForm, Row, rows
from workflows.editing.schema import fields_of, schema_of
from workflows.editing.sections import Section
from workflows.json_field import Json

WORDS = {
    "text": "text",
    "number": "number",
    "whole": "whole number",
    "yes_no": "yes or no",
    "date": "date",
    "choice": "one of a list",
}
PARTS = ("type", "amount", "currency", "payee")


class FieldRow(Row):
    name = Text(label="Field", max_length=60, help_text="As the AI names it: amount, reply_text. No spaces.")
    title = Text(label="As people read it", required=False, max_length=120, help_text="Empty: made from the field's name.")
    kind = Choice(label="Kind", choices=list(WORDS.items()), initial="text")
    required = Tick(label="Must be there")
    longest = Whole(label="Longest, in characters", required=False, min_value=1, max_value=1_000_000, help_text="For a text.")
    options = Lines(label="The list", rows=2, longest=200, help_text="For one of a list: one a line.")

    def clean_name(self):
        name = self.cleaned_data["name"]
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
            raise ValidationError("Write a name of letters, digits, _ and -, beginning with a letter.")
        return name

    def clean(self):
        cleaned = super().clean()
        kind = cleaned.get("kind")
        if kind == "choice" and not cleaned.get("options") and "options" in cleaned:
            self.add_error("options", "Write what may be chosen, one a line.")
        if kind != "choice" and cleaned.get("options"):
            self.add_error("options", "Only “one of a list” has a list. Choose that kind, or empty the list.")
        if kind != "text" and cleaned.get("longest"):
            self.add_error("longest", "Only a text has a length. Choose that kind, or empty this.")
        return cleaned


Fields = rows(
    FieldRow, noun="Field", heading="Fields", unique="name", blank=4,
    about="Outputs that break what is said here are never released: they go to resolution, named as missing data or formatting.",
)  # fmt: skip


class Whether(PartForm):
    closed = Tick(label="Refuse fields that are not listed", help_text="Otherwise the sender may add others.")


class Advanced(PartForm):
    heading = "As a JSON Schema"
    about = (
        "This schema says more than the list of fields can show, so it is edited as a document. Nothing of it is lost. "
        "Empty it and save to begin a list of fields."
    )
    schema = Json(label="JSON Schema", required=False, rows=24)


class Content(Section):
    """The fields of one side; or its schema as a document, where fields would lose something of it."""

    side = ""
    words = ""

    def build(self):
        stored = getattr(self.policy, self.names[0])
        known = fields_of(stored)
        if known is None:
            self.document = self.made(Advanced, "advanced", {"schema": stored})
            return [self.document]
        self.document = None
        self.fields = self.made(Fields, "fields", known[0])
        self.whether = self.made(Whether, "whether", {"closed": known[1]})
        return [self.fields, self.whether]

    def changed(self):
        if self.document:
            return {self.names[0]: self.document.cleaned_data["schema"]}
        kept = [form.cleaned_data for form in self.fields.kept]
        return {self.names[0]: schema_of(kept, closed=self.whether.cleaned_data["closed"])}

    @classmethod
    def sentences(cls, policy):
        known = fields_of(schema := getattr(policy, cls.names[0]))
        if known is None:
            names = dict.fromkeys([*schema.get("required", ()), *paths.properties(schema)])
            return [f"A document for engineers (JSON Schema) says it{': ' + ', '.join(names) if names else ''}."]
        fields = [_told(field) for field in known[0]]
        return [*fields, "Other fields are refused."] if known[1] else fields


def _told(field) -> str:
    kind = WORDS[field["kind"]]
    if field["kind"] == "choice":
        kind = f"one of {', '.join(map(str, field['options']))}"
    if field["longest"]:
        kind += f" of at most {field['longest']} characters"
    named = f"“{field['title']}” ({field['name']})" if field["title"] else f"“{field['name']}”"
    return f"{named}: {kind}{', must be there' if field['required'] else ''}."


class Output(Content):
    name, title = "output", "What the AI gives"
    names = ("output_schema",)
    about = "The fields of an output. The form in which people correct it is made from them."
    otherwise = "Anything may come; nothing is checked."


class Input(Content):
    name, title = "input", "What the AI was given"
    names = ("input_schema",)
    about = "The fields of the input that is sent along, so that whoever looks sees what the AI saw."
    otherwise = "Anything may come; nothing is checked."


class ActionForm(PartForm):
    """The four parts of an action, each a field of the output or sent apart."""

    type = Choice(label="What is done", required=False, help_text="The field that says refund, payout, change of address…")
    amount = Choice(label="The amount", required=False)
    currency = Choice(label="Its currency", required=False)
    payee = Choice(label="To whom", required=False)

    def __init__(self, *args, policy, stored=None, **options):
        super().__init__(*args, policy=policy, stored=stored, **options)
        known = paths.fields(policy)
        for name, field in self.fields.items():
            kept = [self.stored[name]] if self.stored.get(name) and self.stored[name] not in known else []
            field.choices = [("", "Not in the output: sent apart"), *((path, path) for path in [*known, *kept])]


class Action(Section):
    name, title = "action", "Where the action stands"
    names = ("action_from",)
    about = (
        "An action is what an output would do, such as a refund of 50.00 EUR to C-1042. Say which fields of the output "
        "hold it: whoever corrects the output then corrects the action too."
    )
    otherwise = "The action is sent apart from the output."

    def build(self):
        self.form = self.made(ActionForm, "action", self.rule("action_from", {}))
        return [self.form]

    def changed(self):
        return {"action_from": self.form.document()}

    @classmethod
    def sentences(cls, policy):
        named = policy.rules.get("action_from", {})
        words = {"type": "What is done", "amount": "The amount", "currency": "Its currency", "payee": "To whom"}
        return [f"{words[part]} stands in “{named[part]}”." for part in PARTS if named.get(part)]
