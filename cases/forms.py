"""The forms of the verbs. A form is made of parts; each part brings its fields and reads its share of the verb's arguments."""

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, gettext_lazy

from audit import clock
from audit.phrases import retold
from cases import outputs, reveals, rulings, seen, sides, standard, until
from cases.corrections import differences
from cases.masking import is_placeholder
from cases.models import BreakGlassReview, Pause, Rework
from cases.states import DESKS
from integrations.problems import sentence
from scorecards import actions as scorecards
from workflows.amount_field import AmountField
from workflows.models import compiled_policy

ON_THE_DESK = """
SELECT u.id, coalesce(nullif(btrim(concat_ws(' ', u.first_name, u.last_name)), ''), u.username) FROM accounts_user u
 WHERE u.is_active AND u.id <> ALL(%(others)s) AND (%(vendor)s::bigint IS NULL OR u.vendor_id IS NULL OR u.vendor_id = %(vendor)s)
   AND EXISTS (SELECT FROM workflows_seat s
    WHERE s.user_id = u.id AND s.workflow_id = %(workflow)s AND s.role = %(role)s AND s.ended_at IS NULL)
   AND NOT EXISTS (SELECT FROM accounts_absence a
    WHERE a.user_id = u.id AND a.since <= %(now)s AND %(now)s < least(a.until, a.ended_at))
 ORDER BY u.first_name, u.username
"""
NA = "N/A"
ACTION = {
    "type": (gettext_lazy("What is done"), 60),
    "amount": (gettext_lazy("Amount"), None),
    "currency": (gettext_lazy("Currency"), 3),
    "payee": (gettext_lazy("To whom"), 200),
}


class Part:
    """Nothing to say: the button is the answer. `rare`: the fields that a page folds away, and `more`: what it says of them."""

    rare: tuple[str, ...] = ()
    more = ""

    def fields(self, case, user) -> dict:
        return {}

    def arguments(self, form) -> dict:
        return {}


class Reason(Part):
    """Why, in words; or what else `label` asks."""

    def __init__(self, required=True, help_text=gettext_lazy("It stays in the case's story, with your name."), label=None):
        self.required, self.help_text = required, help_text
        self.label = label or (gettext_lazy("Why?") if required else gettext_lazy("Anything to add?"))

    def fields(self, case, user):
        widget = forms.Textarea(attrs={"rows": 3, **({"autofocus": True} if self.required else {})})
        said = {"required": gettext("Say why.")}
        made = forms.CharField(
            label=self.label,
            required=self.required,
            max_length=10_000,
            widget=widget,
            help_text=self.help_text,
            error_messages=said,
        )
        return {"reason": made}

    def arguments(self, form):
        return {"reason": form.cleaned_data["reason"]}


class ReasonCode(Part):
    """The policy's list of reasons for this verb, where it has one."""

    def __init__(self, verb):
        self.verb = verb

    def fields(self, case, user):
        listed = [each for each in compiled_policy(case.policy_id).rules.reason_codes if self.verb in each.verbs]
        made = forms.ChoiceField(
            label=gettext("For which reason?"),
            choices=[("", gettext("Choose")), *((each.code, each.label) for each in listed)],
            error_messages={"required": gettext("Choose a reason.")},
        )
        return {"reason_code": made} if listed else {}

    def arguments(self, form):
        return {"reason_code": form.cleaned_data.get("reason_code") or None}


class MoreTime(Part):
    """How much longer an approval may wait."""

    def fields(self, case, user):
        made = forms.IntegerField(
            label=gettext("Minutes from now"),
            min_value=1,
            max_value=60 * 24 * 366,
            widget=forms.NumberInput(attrs={"min": "1"}),
        )
        return {"minutes": made}

    def arguments(self, form):
        return {"minutes": form.cleaned_data["minutes"]}


def another_moment(label, help_text=""):
    """Beside the usual moments: one that is written, by the clock of whoever writes it."""
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=help_text,
        error_messages={"invalid": gettext_lazy("Write a date and a time, such as 2026-06-01 09:00.")},
    )


class Until(Part):
    """When it goes on: one of the usual moments, or another; both by the clock of whoever chooses."""

    def __init__(self, required=True, rare=False):
        self.required, self.rare = required, ("until", "until_other") if rare else ()

    def fields(self, case, user):
        offered = [(name, label) for name, (label, _) in self._offered().items()]
        first = [] if self.required else [("", gettext("Nobody knows"))]
        zone = timezone.get_current_timezone_name()
        return {
            "until": forms.ChoiceField(
                label=gettext("Until when?") if self.required else gettext("Until when, as far as is planned?"),
                required=self.required,
                choices=[*first, *offered, (until.OTHER, gettext("Another time, as written below"))],
                error_messages={"required": gettext("Choose until when.")},
            ),
            "until_other": another_moment(
                gettext("Another time"), gettext("By the clock of {zone}, within 90 days.").format(zone=zone)
            ),
        }

    def _offered(self):
        return until.choices(timezone.localtime(clock.now()))

    def arguments(self, form):
        chosen, other = form.cleaned_data["until"], form.cleaned_data.get("until_other")
        if other and chosen not in ("", until.OTHER):
            raise ValidationError(
                {"until_other": gettext("Two moments are named: clear this one, or choose “Another time” above.")}
            )
        if other or chosen == until.OTHER:
            return {"until": other}
        return {"until": self._offered()[chosen][1] if chosen else None}


SAY_WHOM = gettext_lazy("Say on whom.")


def whom_field(case, **about):
    """Who somebody is, in words. Where it is the customer and the case names him, it may stay empty; a script fills in the name then.

    Who sees that name masked has to say whom he means.
    """
    customer = case.customer_reference
    if not customer or customer != seen.whole(case).customer_reference:
        return forms.CharField(max_length=200, **about)
    hint = gettext("For the customer it may stay empty: {customer}.").format(customer=customer)
    about["help_text"] = " ".join(filter(None, [str(about.get("help_text", "")), hint]))
    about["widget"].attrs["data-customer"] = customer
    return forms.CharField(max_length=200, required=False, **about)


def whom(form, missing) -> str:
    """Raises ValidationError with `missing` where nobody is named and it is not the customer."""
    if named := form.cleaned_data["whom"]:
        return named
    if form.cleaned_data["on"] != Pause.Kind.CUSTOMER:
        raise ValidationError({"whom": missing})
    return form.case.customer_reference


class OnWhom(Part):
    """On whom it waits."""

    def fields(self, case, user):
        kinds = [
            ("", gettext("Choose")),
            (Pause.Kind.CUSTOMER, gettext("The customer")),
            (Pause.Kind.TEAM, gettext("Another team")),
        ]
        return {
            "on": forms.ChoiceField(
                label=gettext("On whom does it wait?"),
                choices=kinds,
                error_messages={"required": gettext("Choose on whom it waits.")},
            ),
            "whom": whom_field(
                case,
                label=gettext("Who is that?"),
                widget=forms.TextInput(attrs={"placeholder": gettext("Finance, the courier, the account's holder")}),
                error_messages={"required": SAY_WHOM},
            ),
        }

    def arguments(self, form):
        return {"on": form.cleaned_data["on"], "whom": whom(form, SAY_WHOM)}


class Which(Part):
    """Which of the pauses is over, where there are several."""

    def fields(self, case, user):
        standing = seen.open_pauses(case)
        made = forms.ChoiceField(
            label=gettext("What is over?"),
            required=False,
            choices=[("", gettext("All of it: it goes on")), *((pause.pk, str(pause)) for pause in standing)],
        )
        return {"pause": made} if len(standing) > 1 else {}

    def arguments(self, form):
        chosen = form.cleaned_data.get("pause")
        return {"pause": int(chosen) if chosen else None}


class Ticks(Part):
    """Which points of the standard somebody has ticked at approval: all, some or none, as he says."""

    def fields(self, case, user):
        points = standard.to_tick(case)
        made = forms.MultipleChoiceField(
            required=False,
            choices=[(point.version, point.title) for point in points],
            error_messages={"invalid_choice": standard.CHANGED},
        )
        return {"ticked": made} if points else {}

    def arguments(self, form):
        return {"ticked": form.cleaned_data.get("ticked")}


class Place(Part):
    """Which of the hidden fields is to be shown."""

    def fields(self, case, user):
        hidden = getattr(case, "hidden_places", [])
        made = forms.ChoiceField(
            label=gettext("What do you need to see?"),
            required=False,
            choices=[*((place, place) for place in hidden), ("", gettext("Everything in this case"))],
            initial=hidden[0] if hidden else "",
            help_text=reveals.left(case, user),
        )
        return {"what": made}

    def arguments(self, form):
        return {"what": form.cleaned_data["what"]}


class Glass(Part):
    """The approval goes past limit, title and expiry, and is reviewed by somebody else."""

    def arguments(self, form):
        return {"break_glass": True}


class Verdict(Part):
    """What another person says of the broken glass."""

    def fields(self, case, user):
        return {
            "verdict": forms.ChoiceField(
                label=gettext("Was it right?"),
                choices=[("", gettext("Choose")), *BreakGlassReview.Verdict.choices],
            ),
            "note": forms.CharField(
                label=gettext("Why?"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
            ),
        }

    def arguments(self, form):
        return {name: form.cleaned_data[name] for name in ("verdict", "note")}


class Category(Part):
    """What kind of exception it is."""

    def __init__(self, required=False):
        self.required = required

    def fields(self, case, user):
        known = [(slug, seen.said(case, label)) for slug, label in case.workflow.categories.values_list("slug", "label")]
        made = forms.ChoiceField(
            label=gettext("Kind of exception"),
            required=self.required,
            choices=[("", self._none_of_them(case)), *known],
            initial=case.category.slug if case.category_id else "",
            error_messages={"required": gettext("Say what kind of exception it was.")},
        )
        return {"category": made}

    def _none_of_them(self, case) -> str:
        if self.required:
            return gettext("Choose")
        return gettext("Leave as it is") if case.category_id else gettext("None so far")

    def arguments(self, form):
        return {"category": form.cleaned_data["category"] or None}


class RestsOn(Part):
    """The section of the playbook or the ruling on which the judgment rests, where there are any."""

    def fields(self, case, user):
        offered = rulings.to_rest_on(case)
        made = forms.ChoiceField(
            label=gettext("What does it rest on?"),
            required=False,
            choices=[("", gettext("On none of these")), *offered.items()],
            help_text=gettext("The section of the playbook, or the ruling on this case."),
        )
        return {"rests_on": made} if offered else {}

    def arguments(self, form):
        kind, _, number = (form.cleaned_data.get("rests_on") or "").partition(":")
        return {kind: int(number)} if number else {}


class Output(Part):
    """The output as it should be, a field for each value."""

    def fields(self, case, user):
        return outputs.fields(compiled_policy(case.policy_id).output_schema, case.standing, outputs.MOST_NEW)

    def arguments(self, form):
        made = {name: field for name, field in form.fields.items() if hasattr(field, "path")}
        return {"output": outputs.edited(form.case.standing, made, form.cleaned_data, form.changed_data)}


class OwnAnswer(Part):
    """What this person would have answered: a field for each value that the schema names, all of them empty."""

    legend = "Your own answer"

    def fields(self, case, user):
        made = outputs.fields(compiled_policy(case.policy_id).output_schema, {}, outputs.MOST_NEW)
        for field in made.values():
            field.must = field.needed and not isinstance(field, outputs.Yes)
            field.required = field.must and (field.row is None or (field.row.needed and not field.row.number))
            field.error_messages["required"] = gettext("Fill this in.")
        return made

    def arguments(self, form):
        made = {name: field for name, field in form.fields.items() if hasattr(field, "path")}
        return {"output": outputs.without_blanks(outputs.edited({}, made, form.cleaned_data, form.changed_data))}


class Suggested(forms.TextInput):
    """A text that may be chosen from a list, or be another one."""

    def __init__(self, suggested):
        super().__init__()
        self.suggested = suggested

    def render(self, name, value, attrs=None, renderer=None):
        its_list = f"{attrs['id']}-suggested"
        options = format_html_join("", '<option value="{}"></option>', ((each,) for each in self.suggested))
        shown = super().render(name, value, {**attrs, "list": its_list}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', shown, its_list, options)


class Action(Part):
    """The action, but for what the policy reads in the output; only what was changed is said."""

    def fields(self, case, user):
        read = compiled_policy(case.policy_id).rules.action_from
        if not case.action_type and not any(getattr(read, name) for name in ACTION):
            return {}  # a workflow of answers alone; where outputs carry actions, one that proposes none may have to
        free = [name for name in ACTION if not getattr(read, name) and not is_placeholder(case.action[name])]
        return {f"action.{name}": self._field(case, name) for name in free}

    def _field(self, case, name):
        label, longest = ACTION[name]
        kept = {"label": label, "required": False, "initial": case.action[name]}
        if name == "type":
            kept["help_text"] = gettext("Empty where nothing is to be done.")
            if known := compiled_policy(case.policy_id).rules.action_types:
                kept["widget"] = Suggested(known)
        if name == "amount":
            return AmountField(widget=forms.TextInput, decimal_places=3, **kept)
        return forms.CharField(max_length=longest, **kept)

    def arguments(self, form):
        names = [name for name in ACTION if f"action.{name}" in form.changed_data]
        return {"action": {name: form.cleaned_data[f"action.{name}"] for name in names} or None}


class RootCause(Part):
    """Why the AI was wrong: said of every value that was changed."""

    def fields(self, case, user):
        made = forms.CharField(
            label=gettext("Why was the AI wrong?"),
            required=False,
            max_length=120,
            widget=forms.TextInput(attrs={"placeholder": gettext("Misread the input")}),
            help_text=gettext("The root cause, in a few words. It is kept with every value you changed."),
        )
        return {"root_cause": made}

    def arguments(self, form):
        cause, output = form.cleaned_data["root_cause"], Output().arguments(form)["output"]
        changed = [path for path, *_ in differences(form.case.standing, output)]
        changed += [name for name in form.changed_data if name.startswith("action.")]
        return {"root_causes": dict.fromkeys(changed, cause) if cause else None}


class MarkRadios(forms.RadioSelect):
    """The options of a criterion; the page asks for a root cause where a failure is chosen, and knows which was chosen beforehand."""

    def __init__(self, failures, preset):
        super().__init__()
        self.failures, self.preset = failures, preset

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"] |= {"data-failure": "yes"} if value in self.failures else {}
        option["attrs"] |= {"data-preset": "yes"} if value == self.preset else {}
        return option


class Marks(Part):
    """The scorecard of the case's policy version. `best`: the best option of each criterion is chosen beforehand."""

    def __init__(self, best=False):
        self.best = best

    def card(self, case):
        number = compiled_policy(case.policy_id).rules.scorecard
        return scorecards.as_card(scorecards.published(case.workflow, number)) if number is not None else None

    def fields(self, case, user):
        card, made = self.card(case), {}
        for criterion in card.criteria if card else ():
            made[f"mark.{criterion.key}"] = self._options(criterion)
            if criterion.root_causes:
                made[f"cause.{criterion.key}"] = self._causes(criterion)
        return made

    def _options(self, criterion):
        best = max(criterion.options, key=criterion.options.get) if self.best else ""
        names = [*criterion.options, *([NA] if criterion.may_be_na else [])]
        return forms.ChoiceField(
            label=criterion.label,
            required=self.best,
            choices=[(name, name) for name in names],
            initial=best,
            widget=MarkRadios([name for name, points in criterion.options.items() if not points], best),
            help_text=gettext("Critical: a failure fails the whole card.") if criterion.critical else "",
        )

    def _causes(self, criterion):
        choices = [("", gettext("If it failed, choose why")), *((cause, cause) for cause in criterion.root_causes)]
        label = gettext("Why “{criterion}” failed").format(criterion=criterion.label)
        return forms.ChoiceField(label=label, required=False, choices=choices)

    def arguments(self, form):
        card, said = self.card(form.case), form.cleaned_data
        keys = [criterion.key for criterion in card.criteria if said.get(f"mark.{criterion.key}")] if card else []
        marks = {key: self._mark(said[f"mark.{key}"], said.get(f"cause.{key}", "")) for key in keys}
        return {"marks": scorecards.read_marks(marks) or None}

    def _mark(self, option, cause):
        return {"na": True} if option == NA else {"option": option, "root_cause": cause}


class To(Part):
    """Who takes it over: somebody with a seat at this desk, of one's own vendor or in-house."""

    def fields(self, case, user):
        made = forms.TypedChoiceField(
            label=gettext("To whom?"),
            required=False,
            choices=[("", gettext("Whoever else is on this desk")), *self._people(case, user)],
            coerce=int,
            empty_value=None,
        )
        return {"to": made, **self._sides(case, user)}

    def _people(self, case, user) -> list[tuple[int, str]]:
        about = {"workflow": case.workflow_id, "role": DESKS.get(case.state, ""), "now": clock.now(), "vendor": user.vendor_id}
        with connection.planned_once() as cursor:
            cursor.execute(ON_THE_DESK, {**about, "others": [*case.passed_by, user.pk]})
            return cursor.fetchall()

    def _sides(self, case, user):
        """The other sides of the desk, where there are any."""
        others = sides.Desks([case.workflow_id], clock.now()).sides(case.workflow_id, case.state)
        others = [side for side in others if side.vendor != (case.vendor_id or sides.HOUSE)]
        named = [("house" if side.vendor == sides.HOUSE else side.vendor, retold(side.name)) for side in others]
        if not user.is_in_house:
            named = [(value, name) for value, name in named if value == "house"]
        choices = [("", gettext("The side that has it, or the person's")), *named]
        options = {"label": gettext("Or to which side?"), "required": False}
        return {"side": forms.TypedChoiceField(choices=choices, coerce=_side, empty_value=None, **options)} if named else {}

    def arguments(self, form):
        return {"to": form.cleaned_data["to"], "side": form.cleaned_data.get("side")}


def _side(value):
    return value if value == "house" else int(value)


class Measured(Part):
    """Where a mistake was found after release, how bad it was, and what it cost."""

    def fields(self, case, user):
        plain = {"required": False, "widget": forms.TextInput}
        return {
            "place": forms.ChoiceField(label=gettext("Found by"), choices=Rework.Place.choices, initial="other"),
            "severity": forms.ChoiceField(label=gettext("How bad"), choices=Rework.Severity.choices),
            "minutes": AmountField(
                label=gettext("Minutes it takes"), min_value=0, max_value=9_999_999, decimal_places=1, **plain
            ),
            "cost": AmountField(label=gettext("What it costs"), min_value=0, decimal_places=3, **plain),
            "currency": forms.CharField(
                label=gettext("Currency"),
                required=False,
                max_length=3,
                initial=case.currency,
            ),
        }

    def arguments(self, form):
        return {name: form.cleaned_data[name] for name in ("place", "severity", "minutes", "cost", "currency")}


class VerbForm(forms.Form):
    """One verb on one case. `revision` says which content its reader had before him, `desk` and `step` (of the chain) where the case was then."""

    revision = forms.IntegerField(widget=forms.HiddenInput(), required=False)
    desk = forms.CharField(widget=forms.HiddenInput(), required=False)
    step = forms.IntegerField(widget=forms.HiddenInput(), required=False)

    def __init__(self, parts, case, user, typed=None):
        super().__init__(typed, label_suffix="")
        self.parts, self.case = parts, case
        self.fields["revision"].initial = case.revision
        for part in parts:
            self.fields.update(part.fields(case, user))

    def arguments(self) -> dict:
        """The verb's keyword arguments; what was left empty and is optional is not said."""
        said = {name: value for part in self.parts for name, value in part.arguments(self).items()}
        return {name: value for name, value in said.items() if value is not None}

    def take(self, refusal):
        """Each fault of a ValidationError at its field, at the nearest one above it, or at the first of its list; the rest over the form."""
        faults = refusal.message_dict if hasattr(refusal, "error_dict") else {NON_FIELD_ERRORS: refusal.messages}
        for path, said in faults.items():
            for each in said:
                self.add_error(self._nearest(path), sentence(each))

    def _nearest(self, path):
        steps = path.split(".")
        above = [".".join(steps[:length]) for length in range(len(steps), 0, -1)]
        return next((name for name in above if name in self.fields), self._first_of_its_list(path))

    def _first_of_its_list(self, path):
        """A list that is shown item by item has no field of its own."""
        rows = {name: field.row for name, field in self.fields.items() if getattr(field, "row", None)}
        there = [name for name, row in rows.items() if f"{path}.".startswith(f"{row.list_name}.")]
        return next((name for name in there if name.startswith(f"{path}.")), next(iter(there), None))
