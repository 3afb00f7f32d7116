"""What the workflow is about: the fields of the input and of the output, and where in the output the action stands."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.editing import paths
from workflows.editing.fields import Choice, Lines, Text, Tick, Whole
from workflows.editing.forms import PartForm, Row, rows
from workflows.editing.schema import fields_of, schema_of
from workflows.editing.sections import Section
from workflows.json_field import Json
from workflows.schemas import properties

WORDS = {
    "text": "text",
    "number": "number",
    "whole": _("whole number"),
    "yes_no": _("yes or no"),
    "date": "date",
    "choice": _("one of a list"),
}
PARTS = ("type", "amount", "currency", "payee")


class FieldRow(Row):
    name = Text(label=_("Field"), max_length=60, help_text=_("As the AI names it: amount, reply_text. No spaces."))
    title = Text(
        label=_("As people read it"), required=False, max_length=120, help_text=_("Empty: made from the field's name.")
    )
    kind = Choice(label=_("Kind"), choices=list(WORDS.items()), initial="text")
    required = Tick(label=_("Must be there"))
    longest = Whole(
        label=_("Longest, in characters"), required=False, min_value=1, max_value=1_000_000, help_text=_("For a text.")
    )
    options = Lines(label=_("The list"), rows=2, longest=200, help_text=_("For one of a list: one a line."))

    def clean_name(self):
        name = self.cleaned_data["name"]
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
            raise ValidationError(_("Write a name of letters, digits, _ and -, beginning with a letter."))
        return name

    def clean(self):
        cleaned = super().clean()
        kind = cleaned.get("kind")
        if kind == "choice" and not cleaned.get("options") and "options" in cleaned:
            self.add_error("options", gettext("Write what may be chosen, one a line."))
        if kind != "choice" and cleaned.get("options"):
            self.add_error("options", gettext("Only “one of a list” has a list. Choose that kind, or empty the list."))
        if kind != "text" and cleaned.get("longest"):
            self.add_error("longest", gettext("Only a text has a length. Choose that kind, or empty this."))
        return cleaned


Fields = rows(
    FieldRow, noun=_("Field"), heading=_("Fields"), unique="name", blank=4,
    about=_("Outputs that break what is said here are never released: they go to resolution, named as missing data or formatting."),
)  # fmt: skip


class Whether(PartForm):
    closed = Tick(label=_("Refuse fields that are not listed"), help_text=_("Otherwise the sender may add others."))


class Advanced(PartForm):
    heading = _("As a JSON Schema")
    about = _(
        "This schema says more than the list of fields can show, so it is edited as a document. Nothing of it is lost. "
        "Empty it and save to begin a list of fields."
    )
    schema = Json(label=_("JSON Schema"), required=False, rows=24)


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
            names = dict.fromkeys([*schema.get("required", ()), *properties(schema)])
            return [
                gettext("A document for engineers (JSON Schema) says it{value}.").format(
                    value=": " + ", ".join(names) if names else ""
                )
            ]
        fields = [_told(field) for field in known[0]]
        return [*fields, gettext("Other fields are refused.")] if known[1] else fields


def _told(field) -> str:
    kind = WORDS[field["kind"]]
    if field["kind"] == "choice":
        kind = gettext("one of {map}").format(map=", ".join(map(str, field["options"])))
    if field["longest"]:
        kind += gettext(" of at most {field} characters").format(field=field["longest"])
    named = f"“{field['title']}” ({field['name']})" if field["title"] else f"“{field['name']}”"
    return f"{named}: {kind}{', must be there' if field['required'] else ''}."


class Output(Content):
    name, title = "output", _("What the AI gives")
    names = ("output_schema",)
    about = _("The fields of an output. The form in which people correct it is made from them.")
    otherwise = _("Anything may come; nothing is checked.")


class Input(Content):
    name, title = "input", _("What the AI was given")
    names = ("input_schema",)
    about = _("The fields of the input that is sent along, so that whoever looks sees what the AI saw.")
    otherwise = _("Anything may come; nothing is checked.")


class ActionForm(PartForm):
    """The four parts of an action, each a field of the output or sent apart."""

    type = Choice(
        label=_("What is done"), required=False, help_text=_("The field that says refund, payout, change of address…")
    )
    amount = Choice(label=_("The amount"), required=False)
    currency = Choice(label=_("Its currency"), required=False)
    payee = Choice(label=_("To whom"), required=False)

    def __init__(self, *args, policy, stored=None, **options):
        super().__init__(*args, policy=policy, stored=stored, **options)
        known = paths.fields(policy)
        for name, field in self.fields.items():
            kept = [self.stored[name]] if self.stored.get(name) and self.stored[name] not in known else []
            field.choices = [("", gettext("Not in the output: sent apart")), *((path, path) for path in [*known, *kept])]


class Action(Section):
    name, title = "action", _("Where the action stands")
    names = ("action_from",)
    about = _(
        "An action is what an output would do, such as a refund of 50.00 EUR to C-1042. Say which fields of the output "
        "hold it: whoever corrects the output then corrects the action too."
    )
    otherwise = _("The action is sent apart from the output.")

    def build(self):
        self.form = self.made(ActionForm, "action", self.rule("action_from", {}))
        return [self.form]

    def changed(self):
        return {"action_from": self.form.document()}

    @classmethod
    def sentences(cls, policy):
        named = policy.rules.get("action_from", {})
        words = {
            "type": gettext("What is done"),
            "amount": gettext("The amount"),
            "currency": gettext("Its currency"),
            "payee": gettext("To whom"),
        }
        return [
            gettext("{words} stands in “{named}”.").format(words=words[part], named=named[part])
            for part in PARTS
            if named.get(part)
        ]
