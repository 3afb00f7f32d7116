"""The pages that ask before a verb on a workflow. Each says at once whether this person may."""

from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.asking import Asking
from accounts.forms import ReasonForm
from accounts.permissions import is_in_house_staff
from accounts.roles import Role
from audit import trail
from workflows import actions, gaps
from workflows.forms import (
    CalendarChoiceForm,
    DelegationForm,
    DraftForm,
    LimitForm,
    OptionalReasonForm,
    OwnerForm,
    RateForm,
    SeatForm,
    StaffedForm,
)
from workflows.models import Delegation, Seat, Workflow
from workflows.permissions import may, may_lend, refusal

# page → (its verb for `may`, form, the verb's function, title, what happens, button, what is said after)
WORKFLOW_PAGES = {
    "seat": ("appoint", SeatForm, actions.seat, _("Give a seat"), "", _("Give the seat"), _("The seat is given.")),
    "own": ("appoint", OwnerForm, actions.own, _("Name an owner"), "", _("Name the owner"), _("The owner is named.")),
    "stop": (
        "stop", ReasonForm, actions.stop, _("Stop the workflow"),
        _("Nothing is released without a person until somebody who owns the risk resumes."), _("Stop"), _("The workflow is stopped."),
    ),
    "resume": (
        "resume", ReasonForm, actions.resume, _("Resume the workflow"),
        _("From the next case on the policy decides again."), _("Resume"), _("The workflow runs again."),
    ),
    "two": (
        "ask_two_people", ReasonForm, actions.ask_two_people, _("Ask for two people"),
        _("From now on a version is published only after another owner has signed exactly its content. "
        "Only the owner of risk takes this back."),
        _("Ask for two people"), _("From now on two people publish."),
    ),
    "one": (
        "let_one_publish", ReasonForm, actions.let_one_publish, _("Let one person publish"),
        _("From now on the owner of policy publishes alone."), _("Let one person publish"), _("From now on one person publishes."),
    ),
    "calendar": (
        "set_calendar", CalendarChoiceForm, actions.set_calendar, _("Set the hours"),
        _("What becomes due from now on becomes due within these hours. What is due already keeps its time."),
        _("Set the hours"), _("The hours are set."),
    ),
    "staffed": (
        "set_staffed", StaffedForm, actions.set_staffed, _("Say when the house is there"),
        _("In these hours the house's own people work here: cases are allocated, and gaps in who covers when are reckoned, by them."),
        _("Set the hours"), _("The hours of the house's people are set."),
    ),
    "rate": (
        "set_rate", RateForm, actions.set_rate, _("Set a sampling rate"),
        _("From the next case on, so many of what goes straight through are drawn for a look."), _("Set the rate"), _("The rate is set."),
    ),
}  # fmt: skip


def allowed(request, verb, workflow) -> bool:
    """`may`, asked once a request: a page asks for every button."""
    answers = request.__dict__.setdefault("workflow_answers", {})
    if (verb, workflow.pk) not in answers:
        answers[verb, workflow.pk] = is_in_house_staff(request.user) and may(request.user, verb, workflow)
    return answers[verb, workflow.pk]


def refuse(request, verb, workflow, why=""):
    """Raises PermissionDenied. Who sends the form all the same has tried: that is noted, as the verb itself would."""
    if request.method == "POST" and workflow:
        trail.refused(f"workflow.{verb}", by=request.user, subject=workflow, why=refusal(request.user, verb, workflow))
    raise PermissionDenied(why)


def typed(request):
    return request.POST if request.method == "POST" else None


def address(thing) -> str:
    return reverse(f"admin:workflows_{thing._meta.model_name}_change", args=[thing.pk])


class WorkflowPages(Asking):
    """Seats, owners, the stop switch, rates and new drafts, from a workflow's page."""

    def own_urls(self):
        wrap = self.admin_site.admin_view
        each = [
            path(f"<int:workflow_id>/{name}/", wrap(self.verb_page), {"name": name}, f"workflows_workflow_{name}")
            for name in WORKFLOW_PAGES
        ]
        return [
            *each,
            path("<int:workflow_id>/draft/", wrap(self.draft_page), name="workflows_workflow_draft"),
            path("seats/<int:seat_id>/end/", wrap(self.end_seat_page), name="workflows_workflow_end_seat"),
            path("seats/<int:seat_id>/limit/", wrap(self.limit_page), name="workflows_workflow_limit"),
            path("seats/<int:seat_id>/delegate/", wrap(self.delegate_page), name="workflows_workflow_delegate"),
            path(
                "delegations/<int:delegation_id>/end/", wrap(self.end_delegation_page), name="workflows_workflow_end_delegation"
            ),
        ]

    def verb_page(self, request, workflow_id, name):
        verb, form_class, act, title, sentence, button, said = WORKFLOW_PAGES[name]
        workflow = self._one(request, workflow_id, verb)
        form = form_class(typed(request), label_suffix="")
        told = {"title": f"{title}: {workflow}", "sentence": sentence, "button": button, "said": said}
        return self.ask(
            request, form, partial(_on, act, workflow, request.user), back=address(workflow), original=workflow, **told
        )

    def draft_page(self, request, workflow_id):
        """A draft from the version named in the address, or from nothing."""
        workflow = self._one(request, workflow_id, "define")
        first = {"start": request.GET["from"]} if "from" in request.GET else None
        form = DraftForm(workflow, typed(request), initial=first)
        make = partial(actions.draft, workflow, by=request.user)
        told = {
            "title": gettext("New draft: {workflow}").format(workflow=workflow),
            "button": gettext("Begin the draft"),
            "original": workflow,
            "template": "workflows/edit_begin.html",
        }
        return self.ask(request, form, make, back=address(workflow), after=lambda made: redirect(address(made)), **told)

    def end_seat_page(self, request, seat_id):
        seat = get_object_or_404(Seat.objects.live().select_related("user", "workflow"), pk=seat_id)
        workflow = self._one(request, seat.workflow_id, "appoint")
        act = partial(actions.end_seat, seat, by=request.user)
        told = {
            "title": gettext("End a seat: {seat}").format(seat=seat),
            "button": gettext("End the seat"),
            "said": gettext("{seat}: the seat is ended.").format(seat=seat),
        }
        return self.ask(
            request, OptionalReasonForm(typed(request), label_suffix=""), act, back=address(workflow), original=workflow, **told
        )

    def limit_page(self, request, seat_id):
        """One limit of an approver's seat: set, raised, lowered, or (with no amount) removed."""
        seat = get_object_or_404(Seat.objects.live().filter(role=Role.APPROVER).select_related("user", "workflow"), pk=seat_id)
        workflow = self._one(request, seat.workflow_id, "limit_approver")
        form = LimitForm(typed(request), label_suffix="")
        told = {
            "title": f"Limits: {seat}",
            "button": gettext("Save the limit"),
            "original": workflow,
            "limits": seat.limits.all(),
        }
        act = partial(_limit, seat, by=request.user)
        done = partial(self._limited, request, workflow, form)
        return self.ask(
            request, form, act, back=address(workflow), after=done, template="workflows/limit.html", sentence="", **told
        )

    def _limited(self, request, workflow, form, _):
        currency = form.cleaned_data["currency"]
        messages.success(request, gettext("The limit is saved."))
        if form.cleaned_data["amount"] is not None and currency not in gaps.currencies_in_use(workflow):
            messages.warning(
                request,
                gettext("The rules of {workflow} name no amount in {currency}. Check that its cases come in it.").format(
                    workflow=workflow, currency=currency
                ),
            )
        return redirect(address(workflow))

    def delegate_page(self, request, seat_id):
        seat = self._lendable(request, get_object_or_404(Seat.objects.live().select_related("user", "workflow"), pk=seat_id))
        act = partial(actions.delegate, seat, by=request.user)
        told = {
            "title": f"Delegate: {seat}",
            "button": gettext("Delegate"),
            "said": gettext("The seat is delegated."),
            "original": seat.workflow,
        }
        return self.ask(request, DelegationForm(typed(request), label_suffix=""), act, back=address(seat.workflow), **told)

    def end_delegation_page(self, request, delegation_id):
        given = get_object_or_404(Delegation.objects.select_related("seat__user", "seat__workflow", "to"), pk=delegation_id)
        workflow = self._lendable(request, given.seat).workflow
        act = partial(actions.end_delegation, given, by=request.user)
        told = {
            "title": gettext("End a delegation: {given}").format(given=given),
            "button": gettext("End it"),
            "said": gettext("The delegation is ended."),
            "original": workflow,
        }
        return self.ask(request, OptionalReasonForm(typed(request), label_suffix=""), act, back=address(workflow), **told)

    def _lendable(self, request, seat):
        """The seat, where this person may lend it."""
        if not is_in_house_staff(request.user) or not may_lend(request.user, seat):
            refuse(request, "delegate", seat.workflow)
        return seat

    def _one(self, request, workflow_id, verb):
        workflow = Workflow.objects.filter(pk=workflow_id).first()
        if not is_in_house_staff(request.user):
            refuse(request, verb, workflow)
        if workflow is None:
            raise Http404(_("There is no such workflow."))
        if not allowed(request, verb, workflow):
            refuse(request, verb, workflow, refusal(request.user, verb, workflow))
        return workflow


def _limit(seat, *, by, action_type, currency, amount, reason):
    if amount is None:
        actions.remove_limit(seat, action_type, currency, by=by, reason=reason)
    else:
        actions.set_limit(seat, action_type, currency, amount, by=by, reason=reason)


def _on(act, workflow, by, **said):
    """The verbs on a workflow take the person or thing first where they are about one."""
    if "user" in said and act is actions.seat:
        held = said["user"].seats.live().filter(workflow=workflow, role=said["role"]).first()
        if held:
            raise ValidationError(
                format_lazy(
                    _("{held} is there already. End that seat first, then give it anew with its title and limits."), held=held
                )
            )
        return act(said.pop("user"), workflow, by=by, **said)
    return act(workflow, by=by, **said)
