"""The pages of a vendor's lead: his engagements, his people, their work. Nothing of another vendor, nor of the house."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext
from unfold.admin import ModelAdmin

from accounts import welcome
from accounts.asking import Asking
from accounts.forms import ReasonForm
from accounts.models import User
from accounts.permissions import leads
from audit import clock
from audit.onlooking import OnlyLookedAt
from cases import vendor_numbers
from workflows import actions
from workflows.engagement_forms import ProposalForm
from workflows.models import Engagement, Mandate, Proposal, Seat
from workflows.pages import typed

HOME = "admin:workflows_proposal_changelist"
LATELY = 20


class LeadPages(Asking, OnlyLookedAt, ModelAdmin):
    """One page with everything, and one a verb. Who leads no vendor's people is refused."""

    def has_module_permission(self, request):
        return leads(request.user)

    def has_view_permission(self, request, obj=None):
        return leads(request.user)

    def get_urls(self):
        wrap, page = self.admin_site.admin_view, "workflows_proposal_"
        return [
            path("", wrap(self.home), name=f"{page}changelist"),
            path("<int:mandate_id>/propose/", wrap(self.propose_page), name=f"{page}propose"),
            path("<int:proposal_id>/take-back/", wrap(self.take_back_page), name=f"{page}take_back"),
            path("people/<int:person_id>/withdraw/", wrap(self.withdraw_page), name=f"{page}withdraw"),
            path("seats/<int:seat_id>/withdraw/", wrap(self.withdraw_seat_page), name=f"{page}withdraw_seat"),
            path("people/<int:person_id>/link/", wrap(self.link_page), name=f"{page}link"),
        ]

    def home(self, request):
        vendor = self._vendor(request)
        mandates = _mandates(vendor)
        shown = {
            "title": gettext("{vendor}: people and work").format(vendor=vendor),
            "vendor": vendor,
            "engagements": Engagement.objects.filter(vendor=vendor).select_related("coverage", "ended_by"),
            "mandates": [(each, vendor_numbers.met(each), vendor_numbers.cost(each)) for each in mandates],
            "people": _people(vendor),
            "proposals": Proposal.objects.filter(mandate__engagement__vendor=vendor).select_related(
                "mandate__workflow", "proposed_by"
            )[:LATELY],
            "waiting": vendor_numbers.waiting(vendor),
            "today": vendor_numbers.today(vendor),
        }
        return self.page(request, "cases/engagements/lead.html", shown)

    def propose_page(self, request, mandate_id):
        given = next((each for each in _mandates(self._vendor(request)) if each.pk == mandate_id), None)
        if given is None:
            raise PermissionDenied
        at_once = given.accepts == Mandate.Accepts.VENDOR
        sentence = (
            gettext("Seated at once.") if at_once else gettext("Somebody of the house answers; until then nothing changes.")
        )
        said = (
            gettext("Proposed: the seat is given within seconds.")
            if at_once
            else gettext("Proposed: somebody of the house answers.")
        )
        told = {
            "title": gettext("Propose somebody for {workflow}").format(workflow=given.workflow),
            "button": gettext("Propose"),
            "sentence": sentence,
            "said": said,
        }
        act = partial(actions.propose, given, by=request.user)
        return self.ask(request, ProposalForm(given, typed(request)), act, back=reverse(HOME), **told)

    def take_back_page(self, request, proposal_id):
        found = Proposal.objects.select_related("mandate__engagement__vendor", "mandate__workflow").filter(
            pk=proposal_id, mandate__engagement__vendor=self._vendor(request)
        )
        return self._ask_about(
            request,
            found.first(),
            actions.take_back_proposal,
            gettext("Take back: {}"),
            gettext("Take it back"),
            gettext("It is taken back."),
            Form,
        )

    def withdraw_page(self, request, person_id):
        person = self._person(request, person_id)
        words = (
            gettext("Withdraw {}"),
            gettext("Withdraw"),
            gettext("{person} is withdrawn from every seat, and signed out.").format(person=person),
        )
        sentence = gettext(
            "From every seat, at once. What he is working on goes back to the desk, and his next click is a stranger's."
        )
        return self._ask_about(request, person, actions.withdraw, *words, ReasonForm, sentence=sentence)

    def withdraw_seat_page(self, request, seat_id):
        vendor = self._vendor(request)
        seat = Seat.objects.live().select_related("user__vendor", "workflow").filter(pk=seat_id, user__vendor=vendor).first()
        if seat is None:
            raise PermissionDenied
        act = partial(actions.withdraw, seat=seat)
        words = (gettext("Withdraw {seat}").format(seat=seat), gettext("Withdraw"), f"{seat}: withdrawn.")
        return self._ask_about(request, seat.user, act, *words, ReasonForm)

    def link_page(self, request, person_id):
        """The address at which somebody new chooses his password, shown once."""
        person = self._person(request, person_id)
        told = {
            "title": gettext("A link for {person}").format(person=person),
            "button": gettext("Make the link"),
            "back": reverse(HOME),
        }
        sentence = gettext(
            "{person} opens it, chooses a password, and signs in as {person_2}. It works once, for three days: give it to nobody else."
        ).format(person=person, person_2=person.username)
        act = partial(welcome.link, person, by=request.user, base=request.build_absolute_uri("/"))
        shown = partial(self._shown_once, request, person)
        return self.ask(request, Form(typed(request)), act, sentence=sentence, after=shown, **told)

    def _shown_once(self, request, person, link):
        answer = self.page(
            request,
            "cases/engagements/link.html",
            {"title": gettext("A link for {person}").format(person=person), "person": person, "link": link},
        )
        answer["Cache-Control"] = "no-store"
        return answer

    def _ask_about(self, request, about, verb, title, button, said, form_class, sentence=""):
        if about is None:
            raise PermissionDenied
        act = partial(verb, about, by=request.user)
        form = form_class(typed(request), label_suffix="")
        told = {"title": title.format(about), "button": button, "said": said, "sentence": sentence}
        return self.ask(request, form, act, back=reverse(HOME), **told)

    def _vendor(self, request):
        if not leads(request.user):
            raise PermissionDenied
        return request.user.vendor

    def _person(self, request, person_id) -> User:
        found = User.objects.select_related("vendor").filter(pk=person_id, vendor=self._vendor(request), kind=User.Kind.PERSON)
        if not found:
            raise PermissionDenied
        return found[0]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return redirect(HOME)


def _mandates(vendor) -> list[Mandate]:
    """What the vendor covers now."""
    live = Mandate.objects.at(clock.now()).filter(engagement__vendor=vendor)
    return list(live.select_related("engagement__vendor", "engagement__coverage", "workflow").order_by("workflow__name"))


def _people(vendor) -> list[tuple[User, list[Seat], bool]]:
    """Each person, his seats, and whether he has yet to choose a password."""
    people = User.objects.filter(vendor=vendor, kind=User.Kind.PERSON, is_active=True).order_by("first_name", "username")
    seats = Seat.objects.live().filter(user__in=people).select_related("workflow").order_by("workflow__name", "role")
    held = {}
    for seat in seats:
        held.setdefault(seat.user_id, []).append(seat)
    return [(each, held.get(each.pk, []), not each.has_usable_password()) for each in people]
