"""The risk map: what an output is of when nothing raises it, and what action types, amounts and segments make of it."""

from decimal import Decimal

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows import money
from workflows.editing.fields import Amount, Choice, Currency, Duration, Percent, PercentByName, Text, Tick
from workflows.editing.forms import PartForm, Row, Rows, rows
from workflows.editing.sections import Section
from workflows.patterns import FLOOR, LOWEST_FLOOR, TIERS, AmountBand, TierRule

SHORT_TIERS = [("low", _("Low")), ("medium", _("Medium")), ("high", _("High"))]
LEAST = LOWEST_FLOOR * 100


class DefaultTier(PartForm):
    default_tier = Choice(
        label=_("An output is of"),
        choices=[("low", _("Low risk")), ("medium", _("Medium risk")), ("high", _("High risk"))],
        help_text=_("Unless something below, or a trigger, raises it. Nothing ever lowers a risk."),
    )


class ActionTier(Row):
    type = Text(label=_("Action"), max_length=60, help_text=_("As the AI names it, such as refund."))
    tier = Choice(label=_("Is of risk"), choices=SHORT_TIERS, initial="high")


class Band(Row):
    struct, blame = AmountBand, "amount"
    amount = Amount(required=True, label=_("From this amount on"), min_value=0)
    currency = Currency(required=True)
    tier = Choice(label=_("Is of risk at least"), choices=SHORT_TIERS, initial="high")

    def begin(self):
        return {**super().begin(), **({"amount": f"{self.stored['amount']}"} if self.stored else {})}


class BandRows(Rows):
    """No two of them begin at the same amount: which one counts would be anybody's guess."""

    def told_apart_by(self, form):
        amount, currency = form.cleaned_data.get("amount"), form.cleaned_data.get("currency")
        return (Decimal(amount), currency) if amount and currency else None

    def said_twice(self, value):
        said = gettext("A band from {readable} on stands in another row. Keep one of them.")
        return said.format(readable=money.readable(*value))


class SegmentTier(Row):
    segment = Text(label=_("Segment"), max_length=60, help_text=_("As it is sent with the case, such as VIP."))
    tier = Choice(label=_("Is of risk at least"), choices=SHORT_TIERS, initial="high")


ActionTiers = rows(
    ActionTier, noun=_("Action"), heading=_("By action"), unique="type",
    about=_("Which risk a type of action has. An action that is not named here has the risk above."),
)  # fmt: skip
Bands = rows(
    Band, formset=BandRows, unique="amount", noun=_("Band"), heading=_("By amount"),
    about=_("From an amount on, an action is of this risk at least. One row a band; amounts in another currency are judged "
    "by that currency's own rows."),
)  # fmt: skip
SegmentTiers = rows(
    SegmentTier, noun=_("Segment"), heading=_("By segment"), unique="segment",
    about=_("A segment is a group of cases the sender names: a country, a product, VIP customers."),
)  # fmt: skip


class RiskMap(Section):
    name, title = "risk", _("Risk map")
    about = _("How risky an output is. Of all that holds for it, the highest risk counts.")
    names = ("default_tier", "action_tiers", "amount_bands", "segment_tiers")
    other = {"default_tier": None, "action_tiers": {}, "amount_bands": [], "segment_tiers": {}}

    def build(self):
        pairs = self.rule("action_tiers", {}), self.rule("segment_tiers", {})
        self.default = self.made(DefaultTier, "default", {})
        self.default.initial["default_tier"] = self.rule("default_tier", "medium")
        self.actions = self.made(ActionTiers, "actions", [{"type": a, "tier": tier} for a, tier in pairs[0].items()])
        self.bands = self.made(Bands, "bands", self.rule("amount_bands", []))
        self.segments = self.made(SegmentTiers, "segments", [{"segment": s, "tier": tier} for s, tier in pairs[1].items()])
        return [self.default, self.actions, self.bands, self.segments]

    def changed(self):
        return {
            "default_tier": self.default.cleaned_data["default_tier"],
            "action_tiers": {row["type"]: row["tier"] for row in self.actions.documents()},
            "amount_bands": self.bands.documents(),
            "segment_tiers": {row["segment"]: row["tier"] for row in self.segments.documents()},
        }

    @classmethod
    def unlike(cls, policy):
        tier = policy.rules.get("default_tier", "medium")
        return {**cls.other, "default_tier": next(each for each in TIERS if each != tier)}


DRAWN = ("sample_rate", "sample_rates", "sample_floor", "sampled")


class Watch(PartForm):
    """How one tier is watched. What its pattern does not ask for is not shown, by the style sheet, and not kept."""

    struct, blame = TierRule, "threshold"
    asks = {
        "sampling": DRAWN,
        "threshold": ("threshold", "below", "thresholds", "field_thresholds", *DRAWN),
        "approval": ("review_first",),
    }
    pattern = Choice(
        label=_("Pattern"),
        choices=[
            ("sampling", _("Sampling: straight through, some drawn for a look")),
            ("threshold", _("Threshold: straight through if the AI is confident enough")),
            ("approval", _("Approval: never without a person's approval")),
        ],
        help_text=_("What is asked below depends on it."),
    )
    threshold = Percent(
        label=_("Confident enough from, in per cent"),
        required=False,
        help_text=_("90 means: at a confidence of 90 % or more the output goes straight through."),
    )
    below = Choice(
        label=_("Below that it goes to"),
        choices=[
            ("review", _("Review: somebody accepts or corrects it")),
            ("resolution", _("Resolution: somebody works the case out")),
        ],
    )
    thresholds = PercentByName(
        label=_("Another threshold for a segment"),
        help_text=_("One a line, in per cent: VIP: 95"),
    )
    field_thresholds = PercentByName(
        label=_("A threshold for a single field"),
        help_text=_("One a line: iban: 98. Each field named here must reach its own confidence too."),
    )
    review_first = Tick(
        label=_("Review before approval"),
        help_text=_("A reviewer looks first; what he accepts goes on to the approver."),
    )
    sample_rate = Percent(
        label=_("Drawn for a look, in per cent"),
        least=LEAST,
        help_text=format_lazy(
            _("Of what goes straight through, so many are looked at by a person. Never under {least:g}; {usual:g} is usual."),
            least=LEAST,
            usual=FLOOR * 100,
        ),
    )
    sample_rates = PercentByName(
        label=_("Another rate for a segment"),
        least=LEAST,
        help_text=_("One a line, in per cent: VIP: 20"),
    )
    sample_floor = Percent(
        label=_("Never less than, in per cent"),
        least=LEAST,
        required=False,
        help_text=format_lazy(
            _(
                "Whoever owns the quality may turn the rate while the policy is in force, but not below this. "
                "Empty: {usual:g}, or the rate where that is less."
            ),
            usual=FLOOR * 100,
        ),
    )
    sampled = Choice(
        label=_("What is drawn is meanwhile"),
        choices=[
            ("released", _("Released: it takes effect, the look comes after")),
            ("held", _("Held: nothing until somebody looked")),
        ],
    )
    due_minutes = Duration(
        label=_("Due in"),
        unit=60,
        least=1,
        most=60 * 24 * 366,
        help_text=_("Until then a person should have decided: 30 minutes, 8 hours, 2 days."),
    )
    warn_minutes = Duration(
        label=_("Warned before that by"),
        required=False,
        unit=60,
        least=1,
        most=60 * 24 * 366,
        help_text=_("So long before it is due, in the hours of the calendar, whoever works it is warned. Empty: nobody is."),
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for pattern, names in self.asks.items():
            for name in names:
                self.fields[name].asked_by = [*getattr(self.fields[name], "asked_by", []), pattern]

    def document(self):
        of_others = {name for names in self.asks.values() for name in names} - {*self.asks[self.cleaned_data["pattern"]]}
        return {name: value for name, value in super().document().items() if name not in of_others}

    def clean(self):
        cleaned = super().clean()
        floor, rate = cleaned.get("sample_floor"), cleaned.get("sample_rate")
        if floor and rate and floor > rate:
            self.add_error(
                "sample_floor",
                gettext("The rate above is {rate:g}: the least cannot be more than that.").format(rate=rate * 100),
            )
        return cleaned

    def judge(self):
        if self.cleaned_data["pattern"] == "threshold" and self.cleaned_data["threshold"] is None:
            raise ValueError(_("Write from which confidence on an output goes straight through, such as 90."))
        super().judge()


class TierSection(Section):
    """One of the three."""

    tier = ""
    about = _("What happens to an output of this risk, how much of it is looked at, and how soon.")
    names = ("tiers",)

    def build(self):
        self.watch = self.made(Watch, "tier", self.rule("tiers")[self.tier])
        return [self.watch]

    def changed(self):
        return {"tiers": {**self.rule("tiers"), self.tier: self.watch.document()}}

    @classmethod
    def unlike(cls, policy):
        tiers = policy.rules["tiers"]
        pattern = tiers[cls.tier]["pattern"]
        other = {"pattern": "sampling" if pattern == "approval" else "approval", "due_minutes": 60 * 24 * 366}
        return {"tiers": {**tiers, cls.tier: other}}


class Low(TierSection):
    name = tier = "low"
    title = _("How low risk is watched")


class Medium(TierSection):
    name = tier = "medium"
    title = _("How medium risk is watched")


class High(TierSection):
    name = tier = "high"
    title = _("How high risk is watched")
