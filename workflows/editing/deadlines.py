"""How soon, where a desk has another time than its tier; and how urgent what was put off comes back."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.editing.fields import Choice, Duration, Whole
from workflows.editing.forms import PartForm, Row, rows
from workflows.editing.risk import SHORT_TIERS
from workflows.editing.sections import Section
from workflows.patterns import DueAt

DESKS = [("review", _("Review")), ("resolution", _("Resolution")), ("approval", _("Approval"))]


class Due(Row):
    struct, blame = DueAt, "due_minutes"
    tier = Choice(label=_("What is of risk"), choices=SHORT_TIERS)
    desk = Choice(label=_("Is due at"), choices=DESKS)
    due_minutes = Duration(
        label=_("In"),
        unit=60,
        least=1,
        most=60 * 24 * 366,
        help_text=_("After it came to that desk, in the hours of the workflow's calendar: 30 minutes, 8 hours, 2 days."),
    )


class Boost(PartForm):
    snooze_boost = Whole(
        label=_("What comes back from a snooze is more urgent by"),
        min_value=0,
        max_value=9,
        help_text=_(
            "Of two cases the more urgent comes first, then the one due sooner. 1 puts it before all that was never late nor snoozed."
        ),
    )


Dues = rows(
    Due, noun=_("Due time"), heading=_("At one desk"),
    about=_("A desk that is not named here has the time that the tier says."),
)  # fmt: skip


class Deadlines(Section):
    name, title = "deadlines", _("Due times of the desks")
    names = ("dues", "snooze_boost")
    about = _(
        "A case is due so long after it came to its desk. How long, and when to warn before, each tier says; here a desk may have its "
        "own time. While a case waits on somebody or is snoozed, its clock stands."
    )
    other = {"dues": None, "snooze_boost": None}
    otherwise = _("Every desk has the time that the tier says. What comes back from a snooze is one step more urgent.")

    def build(self):
        self.rows = self.made(Dues, "dues", self.rule("dues", []))
        self.boost = self.made(Boost, "boost", {"snooze_boost": self.rule("snooze_boost", 1)})
        return [self.rows, self.boost]

    def is_valid(self):
        if not super().is_valid():
            return False
        places = [(form.cleaned_data["tier"], form.cleaned_data["desk"]) for form in self.rows.kept]
        for form, place in zip(self.rows.kept, places, strict=True):
            if places.count(place) > 1:
                form.add_error("desk", gettext("This tier has a time at this desk in another row. Keep one of them."))
        return len(set(places)) == len(places)

    def changed(self):
        boost = self.boost.cleaned_data["snooze_boost"]
        return {"dues": self.rows.documents(), "snooze_boost": None if boost == 1 else boost}
