"""The forms of looking at a version of the rules: an output to try, and the days of a replay."""

import msgspec
from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from cases.example import example
from cases.intake import Intake, Refusal, sent_action
from cases.replay import MOST_DAYS
from workflows.amount_field import AmountField
from workflows.forms import Json


def _text(label, length, **more):
    return forms.CharField(label=label, max_length=length, required=False, widget=UnfoldAdminTextInputWidget, **more)


class TryForm(forms.Form):
    """One output, as an integration would send it."""

    input = Json(label=_("Input"), rows=8, required=False, help_text=_("What the AI was given."))
    output = Json(label=_("Output"), rows=8, required=False, help_text=_("What the AI proposes."))
    context = Json(label=_("Context"), rows=3, required=False, help_text=_("Facts sent along."))
    action_type = _text(
        _("Action"), 60, help_text=_("Such as “refund”; empty where the output itself says it, or none is proposed.")
    )
    amount = AmountField(required=False)
    currency = _text(_("Currency"), 3)
    payee = _text(_("To whom"), 200)
    confidence = forms.FloatField(
        label=_("Confidence"),
        required=False,
        min_value=0,
        max_value=1,
        widget=UnfoldAdminDecimalFieldWidget,
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

    SHORT = ("action_type", "amount", "currency", "payee", "confidence", "segment", "channel", "customer_reference")

    def long(self):
        return [field for field in self if field.name not in self.SHORT]

    def short(self):
        return [field for field in self if field.name in self.SHORT]

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
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


def _where(fault, fields):
    """The field that a fault names (“… - at `$.input`”)."""
    name = fault.rpartition("$.")[2].strip("`").partition(".")[0].partition("[")[0]
    return name if name in fields else None


def first_of(policy) -> dict:
    """An output to start from, made from the version's schemas."""
    return {
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
