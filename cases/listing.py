"""The list of cases: its filters, read from the address, and what of the cases fits them.

Filters offer what stands in small tables or in choices; none asks the cases for their distinct values. To a vendor's people only
those filters are offered that tell nothing of what is hidden from them.
"""

from django import forms
from django.db.models import Exists, JSONField, OuterRef, Prefetch, Q, prefetch_related_objects
from django.db.models.expressions import RawSQL
from django.forms.renderers import Jinja2
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Vendor
from audit import clock
from cases import awaited, finding, paging
from cases.models import Alert, Case, Decision, Pause, seen_workflows
from cases.seen import Sight
from cases.states import DESKS, OPEN, ClosedAs, State
from workflows.models import TIER_CHOICES, AIRelease, ExceptionCategory, Policy, compiled_policy

CONTENT = ("input", "context", "output", "standing_output", "confidences", "alternatives", "received_action")
# Of what stands the short values that its schema requires, where no action says what it comes to: all that names it, see `prose.gist`.
REQUIRED_OUTPUT = """
CASE WHEN cases_case.action_type = '' THEN (
  SELECT coalesce(jsonb_object_agg(named.name, stands.value), '{}') FROM workflows_policy p
   CROSS JOIN LATERAL jsonb_array_elements_text(p.output_schema -> 'required') named(name)
   CROSS JOIN LATERAL (SELECT coalesce(cases_case.standing_output, cases_case.output) -> named.name AS value) stands
   WHERE p.id = cases_case.policy_id AND length(stands.value::text) < 300) END
"""
ANY = ("", _("Any"))
OPEN_ONES = "open"
AWAITED = "awaited"
HOUSE = "house"
LED = {"ai_release", "category"}  # filters with an index that leads through the list
LONGEST = 1000  # of what a view keeps
LATELY = 1000  # decisions of a person


class Filters(forms.Form):
    """What the list is narrowed to. Every field is optional."""

    default_renderer = Jinja2()  # the language that renders faster: see the workbench's form

    q = forms.CharField(label=_("Search"), required=False, max_length=200)
    text = forms.BooleanField(label=_("In the text"), required=False)
    workflow = forms.ChoiceField(label=_("Workflow"), required=False)
    state = forms.ChoiceField(
        label=_("Where"), required=False, choices=[ANY, (OPEN_ONES, _("Open")), *State.choices[1:]]
    )  # no case is stored at intake
    tier = forms.ChoiceField(label=_("Tier"), required=False, choices=[ANY, *TIER_CHOICES])
    due = forms.ChoiceField(
        label=_("Due"),
        required=False,
        choices=[ANY, ("over", _("Overdue")), ("soon", _("Due soon")), ("paused", _("Paused")), (AWAITED, _("I wait for it"))],
    )
    held = forms.ChoiceField(
        label=pgettext_lazy("by whom a case is", "Held"),
        required=False,
        choices=[ANY, ("free", _("By nobody")), ("mine", _("By me")), ("others", _("By others"))],
    )
    decided = forms.ChoiceField(
        label=_("Decided"), required=False, choices=[ANY, ("today", _("By me, today")), ("me", _("By me, lately"))]
    )
    closed_as = forms.ChoiceField(label=_("Closed as"), required=False, choices=[ANY, *ClosedAs.choices])
    vendor = forms.ChoiceField(label=_("Side"), required=False)
    category = forms.ChoiceField(label=_("Exception"), required=False)
    trigger = forms.CharField(label=_("Trigger"), required=False, max_length=120)
    segment = forms.CharField(label=_("Segment"), required=False, max_length=60)
    ai_release = forms.ChoiceField(label=_("AI release"), required=False)

    NOT_FOR_VENDORS = ("decided", "vendor", "category", "trigger", "segment", "ai_release")
    NOT_AT_A_DESK = ("state", "decided", "closed_as")

    def __init__(self, asked, *, user, desk, workflows):
        super().__init__(asked, label_suffix="")
        self.user, self.workflows = user, workflows
        for name in (*(() if user.is_in_house else self.NOT_FOR_VENDORS), *(self.NOT_AT_A_DESK if desk else ())):
            self.fields.pop(name, None)
        self.fields["workflow"].choices = [ANY, *((each.slug, each.name) for each in workflows)]
        if user.is_in_house:
            self._offer_to_the_house()

    def _offer_to_the_house(self):
        self.fields["vendor"].choices = [
            ANY,
            (HOUSE, _("The house")),
            *((str(pk), name) for pk, name in Vendor.objects.values_list("pk", "name")),
        ]
        labels = dict(self.categories.values_list("slug", "label"))
        self.fields["category"].choices = [ANY, *sorted(labels.items(), key=lambda each: each[1])]
        releases = AIRelease.objects.order_by("-first_seen_at", "-pk")
        self.fields["ai_release"].choices = [ANY, *((str(each.pk), str(each)) for each in releases)]

    @property
    def categories(self):
        return ExceptionCategory.objects.filter(workflow__in=[each.pk for each in self.workflows])

    def triggers(self) -> list[str]:
        """The names that the policies in force have, to choose from; an earlier one's can be typed."""
        chosen = self.data.get("workflow")
        within = [each.pk for each in self.workflows if chosen in (None, "", each.slug)]
        latest = Policy.objects.in_force(clock.now()).filter(workflow__in=within)
        latest = latest.order_by("workflow_id", "-version").distinct("workflow_id")
        return sorted({each.name for pk in latest.values_list("pk", flat=True) for each in compiled_policy(pk).rules.triggers})

    # from what was asked to what fits

    def narrow(self, cases, asked):
        """`asked`: the cleaned values that are not empty."""
        for name, value in asked.items():
            if narrow := getattr(self, f"_by_{name}", None):
                cases = narrow(cases, value)
        return cases

    def _by_workflow(self, cases, slug):
        return cases.filter(workflow=next(each.pk for each in self.workflows if each.slug == slug))

    def _by_state(self, cases, state):
        return cases.filter(state__in=OPEN) if state == OPEN_ONES else cases.filter(state=state)

    def _by_tier(self, cases, tier):
        return cases.filter(tier=tier)

    def _by_closed_as(self, cases, how):
        return cases.filter(closed_as=how)

    def _by_due(self, cases, due):
        if due == "over":
            return cases.overdue()
        if due == AWAITED:
            return cases.filter(pk__in=awaited.cases_of(self.user))
        warned = Alert.objects.open().filter(code=Alert.Code.DUE_SOON)
        return cases.filter(paused_since__isnull=False) if due == "paused" else cases.filter(pk__in=warned.values("case"))

    def _by_held(self, cases, held):
        live = Q(claimed_until__gt=clock.now())
        mine = Q(claimed_by=self.user)
        return cases.filter(
            {"free": Q(state__in=OPEN) & ~(live & Q(claimed_until__isnull=False)), "mine": live & mine, "others": live & ~mine}[
                held
            ]
        )

    def _by_decided(self, cases, when):
        """Of what he decided the newest: an index has a person's decisions in their order, and nobody looks through more."""
        mine = Decision.objects.filter(by=self.user)
        if when == "today":
            mine = mine.filter(at__gte=clock.midnight(clock.now()))
        return cases.filter(pk__in=list(mine.order_by("-pk").values_list("case", flat=True)[:LATELY]))

    def _by_vendor(self, cases, side):
        return cases.filter(vendor=None if side == HOUSE else int(side))

    def _by_category(self, cases, slug):
        return (
            Sight(self.user)
            .unowed(cases)
            .filter(category__in=list(self.categories.filter(slug=slug).values_list("pk", flat=True)))
        )

    def _by_trigger(self, cases, name):
        return Sight(self.user).unowed(cases).filter(reasons__contains=[{"name": name}])

    def _by_segment(self, cases, segment):
        return cases.filter(segment=segment)

    def _by_ai_release(self, cases, pk):
        return cases.filter(ai_release=int(pk))


class Listing:
    """One list as one person asked for it: of all cases, or of a desk."""

    def __init__(self, user, asked: QueryDict, desk=""):
        self.user, self.desk, self.asked = user, desk, asked
        self.workflows = list(seen_workflows(user).only("pk", "slug", "name"))
        self.filters = Filters(asked, user=user, desk=desk, workflows=self.workflows)

    @cached_property
    def chosen(self) -> dict:
        """What the filters say, but for what they leave open."""
        self.filters.is_valid()
        return {name: value for name, value in self.filters.cleaned_data.items() if value not in ("", False, None)}

    @property
    def query(self) -> str:
        """The filters as they stand in an address; what is no filter is left out."""
        kept = QueryDict(mutable=True)
        for name in self.filters.fields:
            if value := self.asked.get(name):
                kept[name] = value
        return kept.urlencode()

    @property
    def is_valid(self) -> bool:
        return self.filters.is_valid()

    @cached_property
    def begin_so(self) -> list[int]:
        """The ids of what the searched reference or number begins, as this person sees it; none where the text was asked for."""
        text = self.chosen.get("q")
        if not text or self.chosen.get("text"):
            return []
        if self.user.is_in_house:
            return finding.by_reference(text)
        return finding.as_seen(self.visible, self.user, text)

    @property
    def searches_text(self) -> bool:
        """No reference begins so, or the text was asked for."""
        return bool(self.chosen.get("q")) and not self.begin_so

    @property
    def visible(self):
        return Case.objects.visible_to(self.user, workflows=[each.pk for each in self.workflows])

    @cached_property
    def cases(self):
        """What fits, in no order."""
        cases = self.visible
        cases = self.filters.narrow(cases.filter(state=self.desk) if self.desk else cases, self.chosen)
        if self.begin_so:
            return cases.filter(pk__in=self.begin_so)
        return self._saying(cases, self.chosen["q"]) if self.searches_text else cases

    def _saying(self, cases, text):
        if not self.user.is_in_house:
            return cases.filter(pk__in=finding.as_seen(cases, self.user, text, in_words=True))
        found = finding.by_words(cases, text) if self.few is None else cases.filter(pk__in=self.few)
        return Sight(self.user).unowed(found, unless=finding.the_input_says(text))

    @cached_property
    def few(self) -> list[int] | None:
        """Of the house: the ids of all in whose texts the words stand, where they are few; a list then looks at nothing else."""
        return finding.few_saying(self.chosen["q"]) if self.searches_text and self.user.is_in_house else None

    def page(self, after="", *, size=paging.SIZE, cases=None) -> paging.Page:
        """A page of it; of `cases`, where only some of what fits is wanted."""
        cases = self.cases if cases is None else cases
        if self.desk:
            within = self.chosen.get("workflow")
            return paging.most_urgent(
                cases, [each.pk for each in self.workflows if within in (None, each.slug)], after=after, size=size
            )
        return paging.newest(cases, after=after, size=size, at_once=self.is_known, **self._way)

    @property
    def _way(self) -> dict:
        """How an index leads to a page."""
        by_words = self.searches_text and self.user.is_in_house and self.few is None
        return {"led": bool(self.chosen.keys() & LED), "ids": ("pk", "findable__pk") if by_words else ("pk",)}

    @property
    def is_known(self) -> bool:
        """Whether its cases are known by their ids, so that nothing has to be read in between."""
        return bool(self.begin_so) or self.few is not None or "decided" in self.chosen or self.chosen.get("due") == AWAITED

    def count(self, page, cases=None) -> tuple[int, bool]:
        """(how many fit, whether that is all of them). Of a very long list only the newest are counted: so many there are at least.

        `cases`: of which it is a page, where only some of what fits is wanted.
        """
        cases = self.cases if cases is None else cases
        if not page.after:
            return len(page.ids), True
        if self.desk or self.is_known:
            return paging.counted(cases)
        if page.looked_back_to is not None:
            return len(page.ids), False
        number, is_all = paging.counted(cases, first=page.ids[0], **self._way)
        return max(number, len(page.ids)), is_all

    def rows(self, ids) -> list:
        """Those cases, in that order, as this person sees them."""
        cases = Case.objects.filter(pk__in=ids).select_related("workflow", "claimed_by", "vendor")
        if self.user.is_in_house:
            cases = cases.defer(*CONTENT).annotate(required_output=RawSQL(REQUIRED_OUTPUT, [], JSONField()))
        else:
            cases = cases.select_related("ai_release", "category")
        warned = Alert.objects.open().filter(case=OuterRef("pk"), code=Alert.Code.DUE_SOON)
        cases = cases.annotate(is_due_soon=Exists(warned)).prefetch_related(
            Prefetch("pauses", Pause.objects.open(), to_attr="open_pauses")
        )
        cases = list(cases.order_by("-pk"))
        prefetch_related_objects([case for case in cases if case.assigned_to_id], "assigned_to")
        known = {case.pk: case for case in Sight(self.user).of_all(cases)}
        return [known[pk] for pk in ids if pk in known]

    def workable(self):
        """Of these what this person could take now: nobody else holds it, it is not paused, and he has not passed it on."""
        now = clock.now()
        free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_by=self.user)
        return self.cases.filter(free, paused_since=None).exclude(passed_by__contains=[self.user.pk])


def roles_of(user) -> set[str]:
    return set(user.seats.live().values_list("role", flat=True))


def own_desks(roles) -> list[str]:
    """The desks at which whoever has these roles works: there a case opens on the workbench."""
    return [desk for desk, role in DESKS.items() if role in roles]
