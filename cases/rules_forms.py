"""The forms of looking at a version of the rules: an output to try, and the days of a replay."""

from contextlib import suppress

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    CHECKBOX_CLASSES,
    INPUT_CLASSES,
    TEXTAREA_CLASSES,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from cases import outputs
from cases.example import example
from cases.forms import ACTION, Suggested
from cases.intake import Intake, Refusal, sent_action
from cases.replay import MOST_DAYS
from workflows.amount_field import TYPED, AmountField
from workflows.forms import Json
from workflows.patterns import Rules

DRESSED = {forms.CheckboxInput: CHECKBOX_CLASSES, forms.Textarea: TEXTAREA_CLASSES}
MOST_FIELDS = 2 * outputs.MOST_FIELDS  # for all parts together: a request with a thousand is refused


def _text(label, length, **more):
    return forms.CharField(label=label, max_length=length, required=False, widget=UnfoldAdminTextInputWidget, **more)


class Confidence(forms.FloatField):
    """Typed with a point or a comma."""

    def to_python(self, value):
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class TryForm(forms.Form):
    """One output, as an integration would send it: value by value, or as JSON. What was typed as the one can be shown as the other.

    Value by value, the JSON is sent along unseen: it is what the fields were made of. A value that is emptied is not sent.
    """

    case = _text(
        _("Start from a case"), 200, help_text=_("Its reference or its number. The fields below then show what came in.")
    )
    by_value = forms.BooleanField(required=False, widget=forms.HiddenInput)
    input = Json(label=_("Input"), rows=8, required=False, help_text=_("What the AI was given."))
    output = Json(label=_("Output"), rows=8, required=False, help_text=_("What the AI proposes."))
    context = Json(label=_("Context"), rows=3, required=False, help_text=_("Facts sent along."))
    action_type = _text(
        _("Action"), 60, help_text=_("Such as “refund”; empty where the output itself says it, or none is proposed.")
    )
    amount = AmountField(label=_("Amount"), required=False)
    currency = _text(_("Currency"), 3)
    payee = _text(_("To whom"), 200)
    confidence = Confidence(
        label=_("Confidence"),
        required=False,
        min_value=0,
        max_value=1,
        widget=UnfoldAdminTextInputWidget(attrs=TYPED),
        help_text=_("From 0 to 1; empty: none."),
    )
    confidences = Json(rows=2, required=False, label=_("Confidence per field"), help_text=_('Such as {"label": 0.8}.'))
    alternatives = Json(
        label=_("Alternatives"),
        rows=2,
        kind=list,
        required=False,
        help_text=_('A list, such as [{"label": "refund", "confidence": 0.4}].'),
    )
    segment = _text(_("Segment"), 60)
    channel = _text(_("Channel"), 60)
    customer_reference = _text(_("Customer reference"), 200)

    PROPOSED = ("input", "output")
    BESIDE = ("context", "confidences", "alternatives")
    SHORT = ("action_type", "amount", "currency", "payee", "confidence", "segment", "channel", "customer_reference")

    def __init__(self, policy, typed=None, *, said=None):
        super().__init__(typed, initial=said, label_suffix="")
        self.policy, self.rules = policy, _rules(policy)
        self.is_by_value = self.fields["by_value"].clean(self["by_value"].value())
        if self.rules and self.rules.action_types:
            self.fields["action_type"].widget = Suggested(self.rules.action_types)
            _dressed(self.fields["action_type"])
        schemas = {"input": policy.input_schema, "output": policy.output_schema}
        self.parts, left = {}, MOST_FIELDS
        for part in (*schemas, "context", "confidences"):
            made = self._values(part, schemas.get(part, {}))
            self.parts[part] = made if len(made) <= left else {}
            left -= len(self.parts[part])
        if self.is_by_value:
            for part, made in self.parts.items():
                self.fields.update(made)
                self.fields[part].widget = forms.HiddenInput() if made else self.fields[part].widget

    def _values(self, part, schema) -> dict[str, forms.Field]:
        """A field for each of its values, empty or not, as the workbench has them; none where only JSON can say it."""
        try:
            made = outputs.fields(schema, self.fields[part].clean(self[part].value()))
        except ValidationError:
            return {}
        for field in made.values():
            field.required = field.must = field.needed = False  # what is missing is for the rules to find
            field.fits = field.fits or not isinstance(field, outputs.Yes)
            _dressed(field)
        return {} if "output" in made else {name.replace("output", part, 1): field for name, field in made.items()}

    # as the page shows it

    def has_values(self) -> bool:
        return any(self.parts.values())

    def proposed(self):
        return self._shown(self.PROPOSED)

    def beside(self):
        """What few ask for. As JSON it is folded away."""
        return self._shown(self.BESIDE)

    def _shown(self, names):
        """(the JSON, the fields made of it) of each part."""
        return [(self[name], [self[each] for each in self.parts.get(name, ()) if each in self.fields]) for name in names]

    def short(self):
        """The rest; but for what the rules read in the output, where no case said it apart."""
        read = self.rules.action_from if self.rules and self.is_by_value else None
        of_output = {"action_type" if name == "type" else name for name in ACTION if getattr(read, name, "")}
        return [self[name] for name in self.SHORT if name not in of_output or self[name].value() not in outputs.BLANK]

    def anew(self, by_value=True):
        """What was typed, to be typed on in fields made of it."""
        said = {name: self.cleaned_data[name] for name in self.base_fields}
        return TryForm(self.policy, said={**said, "by_value": by_value})

    def changes_a_list(self) -> bool:
        return any(getattr(self.fields[name], "row", None) for name in self.changed_data)

    # as it is read

    def case_named(self) -> str:
        self.full_clean()
        return self.cleaned_data.get("case", "")

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
            made = self.parts if self.is_by_value else {}
            cleaned |= {part: outputs.edited(cleaned[part], made[part], cleaned, self.changed_data) for part in made}
            self.item = self._as_sent(cleaned)
        return cleaned

    def _as_sent(self, cleaned) -> Intake | None:
        names = ("input", "output", "context", "confidences", "confidence", "segment", "channel", "customer_reference")
        action = {name: cleaned[name] for name in ("amount", "currency", "payee")} | {"type": cleaned["action_type"]}
        whole = {name: cleaned[name] for name in names} | {"alternatives": cleaned["alternatives"] or None, "action": action}
        try:
            item = msgspec.convert({"workflow": "try", "external_id": "try", **whole}, Intake)
            sent_action(item)
        except Refusal as refusal:
            self.add_error("amount" if refusal.code == "bad_amount" else "action_type", str(refusal))
        except msgspec.ValidationError as fault:
            self.add_error(_where(str(fault), self.fields), f"{str(fault).partition(' - at')[0]}.")
        else:
            return item


def _rules(policy) -> Rules | None:
    """None where a draft's cannot be read yet."""
    with suppress(ValueError):
        return msgspec.convert(policy.rules, Rules, strict=False)


def _dressed(field):
    """In the clothes of the admin's own fields."""
    if isinstance(field, outputs.Choice):
        none = [] if "" in dict(field.choices) else [("", gettext("Not sent"))]
        field.widget = UnfoldAdminSelectWidget(choices=[*none, *field.choices])
    else:
        known = next((classes for kind, classes in DRESSED.items() if isinstance(field.widget, kind)), INPUT_CLASSES)
        field.widget.attrs |= {"class": " ".join(known), "dir": "auto"}


def _where(fault, fields):
    """The field that a fault names (“… - at `$.input`”)."""
    name = fault.rpartition("$.")[2].strip("`").partition(".")[0].partition("[")[0]
    return name if name in fields else None


def first_of(policy) -> dict:
    """An output to start from, made from the version's schemas."""
    return {
        "by_value": True,
        "input": example(policy.input_schema),
        "output": example(policy.output_schema),
        "context": {},
        "confidences": {},
        "alternatives": [],
    }


def as_received(case) -> dict:
    """A case as it came in."""
    sent = case.sent_action if case.sent_action is not None else case.received_action or {}
    plain = {
        name: getattr(case, name) for name in ("input", "output", "confidence", "segment", "channel", "customer_reference")
    }
    return {
        **plain,
        "case": case.external_id,
        "by_value": True,
        "context": case.context or {},
        "confidences": case.confidences or {},
        "alternatives": case.alternatives or [],
        "action_type": sent.get("type", ""),
        **{name: sent.get(name, "") for name in ("amount", "currency", "payee")},
    }


class DaysForm(forms.Form):
    days = forms.IntegerField(
        initial=30, min_value=1, max_value=MOST_DAYS, label=_("Days"), widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("The cases received in so many days until now. Test cases and probes do not count."),
    )  # fmt: skip


def clean_days(text, default=30) -> int:
    """The days asked for in an address; the usual ones where that is no number."""
    try:
        return min(max(int(text), 1), MOST_DAYS)
    except (TypeError, ValueError):
        return default
