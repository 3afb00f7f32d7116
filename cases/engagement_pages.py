"""The house's pages of engagements: contracts, mandates, their ends, proposals to answer, and who covers when. Doors: they ask, call and show."""

from datetime import date
from functools import partial

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext
from unfold.decorators import display

from accounts.admin import LookedAt
from accounts.asking import Asking
from accounts.forms import ReasonForm
from accounts.permissions import is_in_house_staff
from accounts.roles import Role
from audit import clock, moments, trail
from audit.models import AuditEvent
from cases import ending, vendor_numbers
from workflows import actions, cover, covering
from workflows.actions.engagements import may_engage
from workflows.calendar import DAY
from workflows.engagement_forms import EngagementForm, MandateForm
from workflows.models import Engagement, Mandate, Proposal, Workflow
from workflows.pages import allowed, typed

GONE = gettext_lazy("There is no such page, or not for you.")
RELATED = ("engagement__vendor", "engagement__coverage", "workflow")


def address(engagement) -> str:
    return reverse("admin:workflows_engagement_change", args=[engagement.pk])


class EngagementPages(Asking, LookedAt):
    """In-house people look; administrators and owners agree, change and end, each by its own page."""

    list_display = ["name", "vendor", "first_day", "ends_on", "coverage_told", "covers", "state"]
    list_filter = ["vendor"]
    list_select_related = ["vendor", "coverage"]
    search_fields = ["name__istartswith", "vendor__name__istartswith"]

    def has_add_permission(self, request):
        return is_in_house_staff(request.user) and may_engage(request.user)

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("mandates__workflow")

    def get_urls(self):
        wrap, page = self.admin_site.admin_view, "workflows_engagement_"
        return [
            path("cover/", wrap(self.cover_page), name=f"{page}cover"),
            path("<int:engagement_id>/change/", wrap(self.contract_page), name=f"{page}change"),
            path("<int:engagement_id>/edit/", wrap(self.edit_page), name=f"{page}edit"),
            path("<int:engagement_id>/end/", wrap(self.end_page), name=f"{page}end"),
            path("<int:engagement_id>/mandate/", wrap(self.mandate_page), name=f"{page}mandate"),
            path("mandates/<int:mandate_id>/edit/", wrap(self.edit_mandate_page), name=f"{page}edit_mandate"),
            path("mandates/<int:mandate_id>/end/", wrap(self.end_mandate_page), name=f"{page}end_mandate"),
            path("proposals/<int:proposal_id>/accept/", wrap(self.accept_page), name=f"{page}accept"),
            path("proposals/<int:proposal_id>/decline/", wrap(self.decline_page), name=f"{page}decline"),
            *super().get_urls(),
        ]

    # the contract

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        told = {
            "title": gettext("New engagement"),
            "button": gettext("Agree it"),
            "back": reverse("admin:workflows_engagement_changelist"),
        }
        sentence = gettext("The contract with a vendor. What it covers, and for how much, is said per workflow afterwards.")
        act = partial(_engage, by=request.user)
        return self.ask(
            request, EngagementForm(typed(request)), act, sentence=sentence, after=lambda made: redirect(address(made)), **told
        )

    def contract_page(self, request, engagement_id):
        engagement = self._one(request, engagement_id)
        mandates = list(engagement.mandates.select_related(*RELATED))
        live = [each for each in mandates if not each.ended_at] if not engagement.ended_at else []
        proposals = Proposal.objects.waiting().filter(mandate__in=live).select_related("mandate__workflow", "proposed_by")
        shown = {
            "engagement": engagement,
            "title": str(engagement),
            "state": state_of(engagement)[1],
            "may_change": may_engage(request.user, engagement) and not engagement.ended_at,
            "may_mandate": not engagement.ended_at and _mandatable(request.user, engagement).exists(),
            "mandates": [_as_told(request, each) for each in mandates],
            "proposals": [(each, actions.may_answer(request.user, each)) for each in proposals],
            "people": _people(engagement.vendor, [each.workflow_id for each in live]),
            "waiting": vendor_numbers.waiting(engagement.vendor),
            "today": vendor_numbers.today(engagement.vendor),
            "history": _history(engagement, mandates),
            "warnings": [warning for each in live for warning in warnings(each.workflow)],
        }
        return self.page(request, "cases/engagements/engagement.html", {**shown, "original": engagement})

    def edit_page(self, request, engagement_id):
        engagement = self._changeable(request, engagement_id)
        form = EngagementForm(typed(request), engagement=engagement)
        told = {
            "title": gettext("Change {engagement}").format(engagement=engagement),
            "button": gettext("Save"),
            "said": gettext("The contract is changed."),
            "original": engagement,
        }
        act = partial(actions.change_engagement, engagement, by=request.user)
        return self.ask(request, form, act, back=address(engagement), **told)

    def end_page(self, request, engagement_id):
        engagement = self._changeable(request, engagement_id)
        told = {
            "title": gettext("End {engagement} early").format(engagement=engagement),
            "button": gettext("End it now"),
            "original": engagement,
        }
        sentence = gettext(
            "At once: every seat within it ends, who holds no other is signed out, and its open cases come back to the house, "
            "also those that somebody is working on. This cannot be taken back."
        )
        act = partial(ending.end_engagement, engagement, by=request.user)
        done = partial(self._came_back, request, engagement, gettext("The engagement has ended."))
        form = ReasonForm(typed(request), label_suffix="")
        return self.ask(request, form, act, back=address(engagement), sentence=sentence, after=done, **told)

    def _came_back(self, request, engagement, said, number):
        self.message_user(
            request,
            " ".join(
                [
                    str(said),
                    ngettext(
                        "{number} open case came back to the house.", "{number} open cases came back to the house.", number
                    ).format(number=number),
                ]
            ),
        )
        return redirect(address(engagement))

    # mandates

    def mandate_page(self, request, engagement_id):
        engagement = self._one(request, engagement_id)
        free = _mandatable(request.user, engagement)
        if engagement.ended_at or not free.exists():
            raise PermissionDenied
        form = MandateForm(typed(request), workflows=free)
        told = {
            "title": gettext("New mandate: {engagement}").format(engagement=engagement),
            "button": gettext("Give the mandate"),
            "said": gettext("The mandate is given."),
        }
        act = partial(_mandate, engagement, by=request.user)
        return self.ask(request, form, act, back=address(engagement), original=engagement, **told)

    def edit_mandate_page(self, request, mandate_id):
        given = self._mandate(request, mandate_id)
        done = partial(self._came_back, request, given.engagement, gettext("The mandate is changed."))
        told = {
            "title": gettext("Change {given}").format(given=given),
            "button": gettext("Save"),
            "original": given.engagement,
            "after": done,
        }
        act = partial(ending.change_mandate, given, by=request.user)
        return self.ask(request, MandateForm(typed(request), given=given), act, back=address(given.engagement), **told)

    def end_mandate_page(self, request, mandate_id):
        given = self._mandate(request, mandate_id)
        done = partial(self._came_back, request, given.engagement, gettext("The mandate has ended."))
        told = {
            "title": gettext("End {given}").format(given=given),
            "button": gettext("End it now"),
            "original": given.engagement,
            "after": done,
        }
        sentence = gettext("At once: the vendor's seats in this workflow end, and its open cases there come back to the house.")
        act = partial(ending.end_mandate, given, by=request.user)
        form = ReasonForm(typed(request), label_suffix="")
        return self.ask(request, form, act, back=address(given.engagement), sentence=sentence, **told)

    # proposals

    def accept_page(self, request, proposal_id):
        proposal = self._proposal(request, proposal_id)
        about = f"{proposal.name} ({proposal.username}{', ' + proposal.email if proposal.email else ''})"
        sentence = (
            gettext("{about} is seated at once.").format(about=about)
            if proposal.person
            else gettext("{about} gets an account and the seat; the lead passes on a link to choose the password.").format(
                about=about
            )
        )
        told = {
            "title": gettext("Accept {proposal}").format(proposal=proposal),
            "button": gettext("Accept"),
            "said": gettext("{proposal} is seated.").format(proposal=proposal.name),
            "sentence": sentence,
        }
        act = partial(actions.accept, proposal, by=request.user)
        contract = proposal.mandate.engagement
        return self.ask(request, Form(typed(request)), act, back=address(contract), original=contract, **told)

    def decline_page(self, request, proposal_id):
        proposal = self._proposal(request, proposal_id)
        told = {
            "title": gettext("Decline {proposal}").format(proposal=proposal),
            "button": gettext("Decline"),
            "said": gettext("{proposal} is declined.").format(proposal=proposal.name),
        }
        act = partial(actions.decline, proposal, by=request.user)
        contract, form = proposal.mandate.engagement, ReasonForm(typed(request), label_suffix="")
        return self.ask(request, form, act, back=address(contract), original=contract, **told)

    # who covers when

    def cover_page(self, request):
        if not is_in_house_staff(request.user):
            raise PermissionDenied
        zone = timezone.get_current_timezone_name()
        monday = cover.monday_of(_day(request.GET.get("week")) or timezone.localtime(clock.now()).date())
        weeks = covering.weeks(Workflow.objects.all(), monday, zone)
        shown = {
            "title": gettext("Who covers when: week of {monday:%-d %B %Y}").format(monday=monday),
            "weeks": weeks,
            "zone": zone,
            "monday": monday,
            "before": monday - 7 * DAY,
            "after": monday + 7 * DAY,
        }
        return self.page(request, "cases/engagements/cover.html", shown)

    # what the pages share

    def _one(self, request, engagement_id) -> Engagement:
        if not is_in_house_staff(request.user):
            raise PermissionDenied
        found = Engagement.objects.select_related("vendor", "coverage", "ended_by").filter(pk=engagement_id).first()
        if found is None:
            raise Http404(GONE)
        return found

    def _changeable(self, request, engagement_id) -> Engagement:
        engagement = self._one(request, engagement_id)
        if engagement.ended_at is None and not may_engage(request.user, engagement):
            raise PermissionDenied
        return engagement  # one that has ended is refused by the verb, which says who ended it

    def _mandate(self, request, mandate_id) -> Mandate:
        given = (
            Mandate.objects.select_related(*RELATED).filter(pk=mandate_id).first() if is_in_house_staff(request.user) else None
        )
        if given is None or not allowed(request, "mandate", given.workflow):
            raise PermissionDenied
        return given

    def _proposal(self, request, proposal_id) -> Proposal:
        related = ("mandate__workflow", "mandate__engagement__vendor", "person")
        found = (
            Proposal.objects.select_related(*related).filter(pk=proposal_id).first()
            if is_in_house_staff(request.user)
            else None
        )
        if found is None or not actions.may_answer(request.user, found):
            raise PermissionDenied
        return found

    # how a row reads

    @display(description=gettext_lazy("From"))
    def first_day(self, engagement):
        return _unbroken(engagement.since)

    @display(description=gettext_lazy("Until"))
    def ends_on(self, engagement):
        return _unbroken(engagement.ends)

    @display(description=gettext_lazy("There"))
    def coverage_told(self, engagement):
        return str(engagement.coverage or gettext("around the clock"))

    @display(description=gettext_lazy("Covers"), empty_value=gettext_lazy("nothing yet"))
    def covers(self, engagement):
        return ", ".join(f"{each.workflow} {each.share} %" for each in engagement.mandates.all() if not each.ended_at) or None

    @display(description=gettext_lazy("State"), label={"live": "success", "to come": "info", "ended": "", "over": "warning"})
    def state(self, engagement):
        return state_of(engagement)


def _unbroken(moment):
    return format_html('<span class="nowrap">{}</span>', f"{timezone.localtime(moment):%Y-%m-%d}")


def state_of(engagement) -> tuple[str, str]:
    """Its state now, and how it is called."""
    now = clock.now()
    if engagement.ended_at:
        return "ended", gettext("ended")
    if engagement.is_live_at(now):
        return "live", pgettext("contract", "live")
    return ("to come", gettext("to come")) if engagement.since > now else ("over", pgettext("contract", "over"))


def warnings(workflow):
    """Where nobody would be given what comes in."""
    if workflow.seats.live().filter(user__vendor=None, role="reviewer").exists():
        return
    shares = (
        Mandate.objects.at(clock.now()).filter(workflow=workflow, roles__contains=["reviewer"]).values_list("share", flat=True)
    )
    if not sum(shares):
        yield gettext(
            "Nobody of the house reviews in {workflow}, and the vendors' shares are 0 %. Give a seat, or a vendor a share."
        ).format(workflow=workflow)


def _as_told(request, given) -> dict:
    """A mandate with what was met and what it cost, and whether this person may change it."""
    return {
        "given": given,
        "met": vendor_numbers.met(given),
        "cost": vendor_numbers.cost(given),
        "may": not given.ended_at and not given.engagement.ended_at and allowed(request, "mandate", given.workflow),
    }


def _people(vendor, workflows):
    """Who of the vendor is seated in these workflows."""
    seats = vendor.people.filter(seats__ended_at=None, seats__workflow__in=workflows).values_list(
        "pk", "first_name", "last_name", "username", "seats__role", "seats__workflow__name"
    )
    found = {}
    for pk, first, last, username, role, workflow in seats.order_by("first_name", "username", "seats__workflow__name"):
        found.setdefault((pk, f"{first} {last}".strip() or username), []).append(
            gettext("{role} in {workflow}").format(role=Role(role).label, workflow=workflow)
        )
    return [(name, ", ".join(held)) for (_, name), held in found.items()]


def _history(engagement, mandates):
    """What was agreed and changed, newest first, in sentences; a mandate's with its workflow."""
    of = {
        ("engagement", engagement.pk): gettext("The contract"),
        **{("mandate", each.pk): gettext("The mandate for {workflow}").format(workflow=each.workflow) for each in mandates},
    }
    events = AuditEvent.objects.filter(subject_type="engagement", subject_id=engagement.pk) | AuditEvent.objects.filter(
        subject_type="mandate", subject_id__in=[each.pk for each in mandates]
    )
    told = [event for event in events.order_by("-at", "-number")[:40] if not event.verb.endswith("_refused")]
    return [
        (event, of[event.subject_type, event.subject_id], trail.sentence(event, told=moments.told), _changed(event))
        for event in told
    ]


def _changed(event):
    """Each term with its before and after."""
    changed = event.body.get("changed")
    return [(name.replace("_", " "), *_sides(pair)) for name, pair in changed.items()] if isinstance(changed, dict) else []


def _sides(pair):
    return [
        ", ".join(side) or "none" if isinstance(side, list) else "none" if side in (None, "", gettext("None")) else side
        for side in pair
    ]


def _mandatable(user, engagement):
    """Workflows it does not cover yet, and for which this person may say so."""
    covered = engagement.mandates.filter(ended_at=None).values("workflow")
    free = Workflow.objects.exclude(pk__in=covered)
    if user.office == "administrator":
        return free
    return free.filter(pk__in=user.ownerships.values("workflow"))


def _engage(*, by, vendor, **terms):
    return actions.engage(vendor, by=by, **terms)


def _mandate(engagement, *, by, workflow, **terms):
    return actions.mandate(engagement, workflow, by=by, **terms)


def _day(said) -> date | None:
    try:
        day = date.fromisoformat(said or "")
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None
