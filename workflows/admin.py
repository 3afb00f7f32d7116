"""The rules, in the admin: in-house people read them; owners and administrators change them, through the verbs."""

from django.contrib import admin
from django.db.models import Exists, OuterRef, TextField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from accounts.admin import LookedAt
from accounts.models import Absence
from accounts.permissions import administers, is_in_house_staff
from audit import clock
from workflows import actions, gaps, stops
from workflows.authority_pages import AuthorityPages
from workflows.calendar_admin import CalendarAdmin
from workflows.editing.pages import Editing
from workflows.forms import NewWorkflowForm
from workflows.models import AIRelease, Calendar, Delegation, ExceptionCategory, PlaybookSection, Policy, Workflow
from workflows.pages import WORKFLOW_PAGES, WorkflowPages, allowed
from workflows.permissions import may_lend_any
from workflows.version_pages import PolicyPages


class Defined(LookedAt):
    """What may be changed by whoever may define its workflow. The verbs are what changes it, and what tells of it."""

    formfield_overrides = {TextField: {"widget": UnfoldAdminExpandableTextareaWidget(attrs={"rows": 2})}}

    def has_change_permission(self, request, obj=None):
        if obj is None:
            return self.has_add_permission(request)
        return allowed(request, "define", obj if isinstance(obj, Workflow) else obj.workflow)

    def has_add_permission(self, request):
        return is_in_house_staff(request.user) and definable_by(request.user).exists()

    def save_model(self, request, obj, form, change):
        if not change:
            return actions.add(obj, by=request.user)
        actions.change(obj, by=request.user, **{name: getattr(obj, name) for name in form.changed_data})

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "workflow":
            kwargs["queryset"] = definable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def definable_by(user):
    """The workflows in which this person may define."""
    return Workflow.objects.all() if administers(user) else Workflow.objects.filter(pk__in=user.ownerships.values("workflow"))


@admin.register(Workflow)
class WorkflowAdmin(AuthorityPages, WorkflowPages, Defined):
    """The charter as a form; policies, owners, seats and rates below it, each changed by its own page."""

    list_display = ["name", "slug", "in_force", "state"]
    search_fields = ["name__istartswith", "slug__startswith"]
    fields = ["slug", "name", "purpose", "what_is_right", "what_is_done", "minutes_by_hand"]
    change_form_outer_before_template = "workflows/buttons.html"
    change_form_outer_after_template = "workflows/workflow.html"

    def has_add_permission(self, request):
        return administers(request.user)

    def has_change_permission(self, request, obj=None):
        return is_in_house_staff(request.user) if obj is None else super().has_change_permission(request, obj)

    def get_urls(self):
        return [*self.own_urls(), *self.authority_urls(), *super().get_urls()]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("dial").prefetch_related("policies")

    def get_readonly_fields(self, request, obj=None):
        return ["slug"] if obj else []

    def get_form(self, request, obj=None, **kwargs):
        return super().get_form(request, obj, **({} if obj else {"form": NewWorkflowForm}), **kwargs)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        workflow = self.get_object(request, object_id) if self.has_view_permission(request) else None
        shown = as_told(request, workflow) if workflow else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def save_model(self, request, obj, form, change):
        if change:
            return super().save_model(request, obj, form, change)
        made = actions.create(by=request.user, **form.cleaned_data)
        obj.__dict__.update(made.__dict__)  # the admin goes on with the row that the verb has made

    @display(description=_("In force"))
    def in_force(self, workflow):
        now = clock.now()
        begun = [policy.version for policy in workflow.policies.all() if policy.is_in_force_at(now)]
        return gettext("version {max}").format(max=max(begun)) if begun else gettext("nothing published yet")

    @display(description=_("State"), label={"running": "success", "stopped": "danger"})
    def state(self, workflow):
        return ("stopped", gettext("stopped")) if workflow.dial.stopped_at else ("running", gettext("running"))


def as_told(request, workflow) -> dict:
    """What stands around the charter, and the buttons for this person."""
    stopped = bool(workflow.dial.stopped_at)
    policies = workflow.policies.select_related("published_by", "discarded_by")
    may_do = {name: allowed(request, page[0], workflow) for name, page in WORKFLOW_PAGES.items()}
    two = workflow.two_people_publish
    may_do |= {"two": may_do["two"] and not two, "one": may_do["one"] and two}
    may_do["limit"] = allowed(request, "limit_approver", workflow)
    may_do |= {"stop": may_do["stop"] and not stopped, "resume": may_do["resume"] and stopped}
    return {
        "workflow": workflow,
        "stopped": stops.among([workflow.pk]) if stopped else [],
        "offered": {**may_do, "draft": allowed(request, "define", workflow)},
        "policies": [policy for policy in policies if not policy.discarded_at],
        "discarded": [policy for policy in policies if policy.discarded_at],
        "in_force": workflow.policy,
        "gaps": gaps.gaps(workflow),
        "warnings": gaps.warnings_in_force(workflow),
        "lends_any": may_lend_any(request.user, workflow),
        "owners": workflow.owners.select_related("user"),
        "seats": workflow.seats.live()
        .select_related("user__vendor")
        .prefetch_related("limits")
        .annotate(away=Exists(Absence.objects.at(clock.now()).filter(user=OuterRef("user")))),
        "delegations": Delegation.objects.filter(seat__workflow=workflow, ended_at=None, until__gt=clock.now()).select_related(
            "to", "seat__user", "seat__workflow"
        ),
        "rates": workflow.rates.all(),
        "categories": workflow.categories.all(),
    }


@admin.register(Policy)
class PolicyAdmin(PolicyPages, Editing, LookedAt):
    """A policy is read out, section by section; a draft's sections are edited, each on a page of its own."""

    list_display = ["__str__", "workflow", "version", "state", "published_at", "published_by", "reason"]
    list_filter = ["workflow"]
    list_select_related = ["workflow", "published_by"]

    def get_urls(self):
        return [*self.own_urls(), *self.editing_urls(), *super().get_urls()]

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .select_related("workflow", "published_by", "signed_by", "discarded_by", "rolls_back_to")
        )

    @display(description=_("State"), ordering="published_at", label={"Draft": "warning", "Published": "success"})
    def state(self, policy):
        if policy.discarded_at:
            return gettext("Discarded")
        return gettext("Published") if policy.published_at else gettext("Draft")


@admin.register(ExceptionCategory)
class CategoryAdmin(Defined):
    list_display = ["label", "slug", "workflow"]
    list_filter = ["workflow"]
    list_select_related = ["workflow"]

    def get_readonly_fields(self, request, obj=None):
        return ["workflow", "slug"] if obj else []  # policies name it by its slug


@admin.register(PlaybookSection)
class PlaybookAdmin(Defined):
    list_display = ["title", "workflow", "criterion", "position", "is_draft"]
    list_filter = ["workflow"]
    list_select_related = ["workflow"]

    def get_readonly_fields(self, request, obj=None):
        return ["workflow"] if obj else []

    def has_delete_permission(self, request, obj=None):
        return obj is not None and self.has_change_permission(request, obj)

    def delete_model(self, request, obj):
        actions.remove(obj, by=request.user)


@admin.register(AIRelease)
class AIReleaseAdmin(LookedAt):
    list_display = ["model_name", "model_version", "prompt_version", "first_seen_at"]
    readonly_fields = ["first_seen_at"]


admin.site.register(Calendar, CalendarAdmin)
