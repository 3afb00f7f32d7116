"""The editor's pages: a draft section by section. Each says at once whether this person may, and keeps what was typed."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.asking import Asking
from accounts.permissions import is_in_house_staff
from integrations.problems import Conflict
from workflows import actions, gaps, reading
from workflows.editing import paths
from workflows.editing.approvals import Approvals, ChainItem, Chains, Decisions, ReasonCodes
from workflows.editing.content import Action, Input, Output
from workflows.editing.deadlines import Deadlines
from workflows.editing.document import Document
from workflows.editing.fields import COMMON_CURRENCIES
from workflows.editing.items import List, TriggerItem, Triggers, number
from workflows.editing.risk import High, Low, Medium, RiskMap
from workflows.editing.sections import readable
from workflows.editing.triggers import kinds
from workflows.editing.why import Why
from workflows.models import Policy
from workflows.pages import address, allowed, refuse, typed
from workflows.triggers.ready_made import READY_MADE, ready_made
from workflows.version_pages import odd, offered

PARTS_OF_A_CARD = ("title", "about", "example")
READ_OUT = (
    Output,
    Input,
    Action,
    RiskMap,
    Low,
    Medium,
    High,
    Triggers,
    Approvals,
    Chains,
    ReasonCodes,
    Decisions,
    Deadlines,
    Why,
)
SECTIONS = {section.name: section for section in (*READ_OUT, Document)}
LISTS = {each.name: each for each in SECTIONS.values() if issubclass(each, List)}
ITEMS = {"triggers": TriggerItem, "chains": ChainItem}


class Editing(Asking):
    """For the policy's admin."""

    def editing_urls(self):
        """Every section has its page; a list has one to add to it, and one for each item."""
        pages = [(f"edit/{name}", f"edit_{name}", self.list_page if name in LISTS else self.section_page) for name in SECTIONS]
        for name in LISTS:
            pages += [
                (f"edit/{name}/add", f"add_{name}", self.item_page),
                (f"edit/{name}/<int:position>", f"item_{name}", self.item_page),
                (f"edit/{name}/<int:position>/remove", f"remove_{name}", self.remove_page),
            ]
        wrap = self.admin_site.admin_view
        return [
            path(f"<int:policy_id>/{route}/", wrap(view), {"name": called.partition("_")[2]}, f"workflows_policy_{called}")
            for route, called, view in pages
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The policy, read out; GET only: what is written is written on the sections' pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        policy = self.get_object(request, object_id)
        if policy is None:
            raise Http404(_("There is no such policy."))
        if request.method == "POST":
            raise PermissionDenied(format_lazy(_("{policy} is edited section by section."), policy=policy))
        return self.page(request, "workflows/policy.html", as_told(request, policy))

    def section_page(self, request, policy_id, name):
        policy = self.draft(request, policy_id)
        if away := self.not_here(request, policy, name):
            return away
        section = SECTIONS[name](policy, typed(request))
        return self.edit(request, policy, section)

    def list_page(self, request, policy_id, name):
        """The list; a POST moves one item up or down."""
        policy = self.draft(request, policy_id)
        if away := self.not_here(request, policy):
            return away
        section = LISTS[name](policy)
        if request.method != "POST":
            return self.shown(request, policy, section, address(policy))
        by = -1 if "up" in request.POST else 1
        place = number(request.POST.get("up") or request.POST.get("down"))
        return self.rewrite(request, policy, section, section.moved(place, by) if place is not None else {})

    def remove_page(self, request, policy_id, name, position):
        policy = self.draft(request, policy_id)
        section = LISTS[name](policy)
        if away := self.not_here(request, policy):
            return away
        if position >= len(section.items):
            raise Http404(_("There is no such item."))
        if request.method == "POST":
            return self.rewrite(request, policy, section, section.without(position))
        section.template = "workflows/edit_remove.html"
        return self.shown(request, policy, section, section_address(policy, name), item=section.items[position])

    def rewrite(self, request, policy, section, changed):
        """Write the list; a lost race is a sentence, and the list as it is now."""
        try:
            actions.edit_draft(policy, by=request.user, seen=request.POST.get("seen", ""), **changed)
        except Conflict as lost:
            messages.error(request, str(lost))
        return redirect(section_address(policy, section.name))

    def item_page(self, request, policy_id, name, position=None):
        policy = self.draft(request, policy_id)
        if away := self.not_here(request, policy):
            return away
        if position is not None and request.method != "POST" and position >= len(policy.rules.get(name, [])):
            raise Http404(_("There is no such item."))
        section = self.item(request, policy, name, position)
        return (
            self.edit(request, policy, section, back=section_address(policy, name)) if section else self.cards(request, policy)
        )

    def item(self, request, policy, name, position):
        """The item's form; None where its kind is not chosen yet."""
        options = {"position": position, "start": ready_made(number(request.GET.get("start")))}
        if name == "triggers":
            listed = policy.rules.get(name, [])[position : position + 1] if position is not None else []
            stored = listed[0]["kind"] if listed else options["start"].get("kind")
            asked = request.POST.get("kind") or request.GET.get("kind")
            options["kind"] = asked if asked in kinds() else stored
            if options["kind"] not in kinds():
                return None
        return ITEMS[name](policy, typed(request), **options)

    def cards(self, request, policy):
        """Choose what kind of trigger."""
        section = Triggers(policy)
        section.title, section.template = gettext("Add a trigger"), "workflows/edit_cards.html"
        cards = [{"kind": tag, **{part: getattr(form, part) for part in PARTS_OF_A_CARD}} for tag, form in kinds().items()]
        offered = [{"place": place, "name": each["name"]} for place, each in enumerate(READY_MADE) if each["kind"] in kinds()]
        back = section_address(policy, "triggers")
        return self.shown(request, policy, section, back, cards=cards, ready_made=offered)

    def draft(self, request, policy_id) -> Policy:
        """The policy, for somebody who may define it."""
        policy = Policy.objects.select_related("workflow").filter(pk=policy_id).first() if policy_id < 2**63 else None
        if not is_in_house_staff(request.user):
            refuse(request, "define", policy and policy.workflow)
        if policy is None:
            raise Http404(_("There is no such policy."))
        if not allowed(request, "define", policy.workflow):
            why = format_lazy(_("{user} may not define in {workflow}."), user=request.user, workflow=policy.workflow)
            refuse(request, "define", policy.workflow, why)
        return policy

    def not_here(self, request, policy, name=""):
        """Away from where nothing can be edited; what was typed is answered by the verb."""
        if policy.published_at and request.method != "POST":
            messages.error(
                request, gettext("{policy} is published and never changes. Begin a new draft from it.").format(policy=policy)
            )
            return redirect(address(policy))
        if policy.discarded_at and request.method != "POST":
            messages.error(
                request,
                gettext("{policy} is edited no more. Restore it first, or begin a new draft from it.").format(policy=policy),
            )
            return redirect(address(policy))
        if name != "document" and not readable(policy):
            messages.error(request, gettext("The forms cannot show this draft. Mend its document first, or begin a new draft."))
            return redirect(section_address(policy, "document"))
        return None

    def edit(self, request, policy, section, *, store=None, back=None):
        """Show the section; write it, or say what is wrong at its field."""
        back = back or address(policy)
        if request.method != "POST":
            return self.shown(request, policy, section, back)
        if not section.is_valid():
            return self.shown(request, policy, section, back, status=422)
        try:
            with transaction.atomic():
                (store or section.store)(by=request.user, seen=request.POST.get("seen", ""))
        except ValidationError as fault:
            section.take(fault)
            return self.shown(request, policy, section, back, status=422)
        except Conflict as lost:
            section.refusals = [str(lost)]
            policy.refresh_from_db()
            section.read_anew(policy)
            return self.shown(request, policy, section, back, status=409)
        except PermissionDenied as refusal:
            section.refusals = [str(refusal)]
            return self.shown(request, policy, section, back, status=403)
        messages.success(request, section.said)
        return redirect(request.get_full_path() if "stay" in request.POST else back)

    def shown(self, request, policy, section, back, status=200, **more):
        page = {
            "policy": policy,
            "original": policy,
            "section": section,
            "title": f"{section.title}: {policy}",
            "seen": actions.as_seen(policy, section.names),
            "suggestions": suggestions(policy),
            "back": back,
            **more,
        }
        return self.page(request, section.template, page, status=status)


def suggestions(policy) -> dict[str, list[str]]:
    """The lists to choose from while typing, by name."""
    return {
        "paths": paths.known(policy),
        "fields": paths.fields(policy),
        "currencies": COMMON_CURRENCIES,
        "titles": gaps.titles(policy.workflow),
    }


def as_told(request, policy) -> dict:
    """The page of a policy: its state, its sections in words, and what this person may do."""
    may_define = allowed(request, "define", policy.workflow)
    may_edit = may_define and policy.is_open
    legible = readable(policy)
    return {
        "original": policy,
        "title": str(policy),
        **offered(request, policy),
        "may_edit": may_edit and legible,
        "sections": [told(policy, section) for section in READ_OUT] if legible else [],
        "document": section_address(policy, "document") if may_edit else "",
        "read": reading.read(policy.rules),
        "warnings": odd(policy) if legible and may_edit else [],
    }


def told(policy, section) -> dict:
    return {
        "name": section.name,
        "title": section.title,
        "sentences": section.sentences(policy) or [section.otherwise],
        "link": section_address(policy, section.name),
    }


def section_address(policy, name) -> str:
    return reverse(f"admin:workflows_policy_edit_{name}", args=[policy.pk])
