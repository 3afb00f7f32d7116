"""The rules, in the admin: in-house people read them; owners and administrators change them, through the verbs."""

from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import TextField
from django.shortcuts import redirect
from unfold.decorators import display
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from accounts.admin import LookedAt
from accounts.permissions import administers, is_in_house_staff
from audit import clock
from workflows import actions, reading
from workflows.forms import NewWorkflowForm, PolicyForm
from workflows.models import AIRelease, Delegation, ExceptionCategory, PlaybookSection, Policy, Workflow
from workflows.pages import WORKFLOW_PAGES, PolicyPages, WorkflowPages, allowed


class Defined(LookedAt):
    """What may be changed by whoever may define its workflow."""

    formfield_overrides = {TextField: {"widget": UnfoldAdminExpandableTextareaWidget(attrs={"rows": 2})}}

    def has_change_permission(self, request, obj=None):
        if obj is None:
            return self.has_add_permission(request)
        return allowed(request, "define", obj if isinstance(obj, Workflow) else obj.workflow)

    def has_add_permission(self, request):
        return is_in_house_staff(request.user) and definable_by(request.user).exists()

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "workflow":
            kwargs["queryset"] = definable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def definable_by(user):
    """The workflows in which this person may define."""
    return Workflow.objects.all() if administers(user) else Workflow.objects.filter(pk__in=user.ownerships.values("workflow"))


@admin.register(Workflow)
class WorkflowAdmin(WorkflowPages, Defined):
    """The charter as a form; policies, owners, seats and rates below it, each changed by its own page."""

    told = "workflow"
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
        return [*self.own_urls(), *super().get_urls()]

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

    def log_addition(self, request, obj, message):
        """The verb has recorded it."""

    @display(description="In force")
    def in_force(self, workflow):
        published = [policy.version for policy in workflow.policies.all() if policy.published_at]
        return f"version {max(published)}" if published else "nothing published yet"

    @display(description="State", label={"running": "success", "stopped": "danger"})
    def state(self, workflow):
        return "stopped" if workflow.dial.stopped_at else "running"


def as_told(request, workflow) -> dict:
    """What stands around the charter, and the buttons for this person."""
    stopped = bool(workflow.dial.stopped_at)
    offered = {name: allowed(request, page[0], workflow) for name, page in WORKFLOW_PAGES.items()}
    offered |= {"stop": offered["stop"] and not stopped, "resume": offered["resume"] and stopped}
    return {
        "workflow": workflow,
        "offered": {**offered, "draft": allowed(request, "define", workflow)},
        "policies": workflow.policies.select_related("published_by"),
        "owners": workflow.owners.select_related("user"),
        "seats": workflow.seats.live().select_related("user__vendor").prefetch_related("limits"),
        "delegations": Delegation.objects.filter(seat__workflow=workflow, ended_at=None, until__gt=clock.now()).select_related(
            "to", "seat__user", "seat__workflow"
        ),
        "rates": workflow.rates.all(),
        "categories": workflow.categories.all(),
    }


@admin.register(Policy)
class PolicyAdmin(PolicyPages, Defined):
    """A draft is a form; what is published is shown, and no more. Both are read out as sentences."""

    told = "policy"
    form = PolicyForm
    list_display = ["__str__", "workflow", "version", "state", "published_at", "published_by", "reason"]
    list_filter = ["workflow"]
    list_select_related = ["workflow", "published_by"]
    fields = ["rules", "input_schema", "output_schema", "reason"]
    change_form_outer_before_template = "workflows/policy.html"

    def get_urls(self):
        return [*self.own_urls(), *super().get_urls()]

    def has_add_permission(self, request):
        return False  # a draft begins on its workflow's page

    def has_change_permission(self, request, obj=None):
        if obj is None:
            return is_in_house_staff(request.user)
        return not obj.published_at and super().has_change_permission(request, obj)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("workflow", "published_by")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        policy = self.get_object(request, object_id) if self.has_view_permission(request) else None
        shown = {}
        if policy:
            may_publish = not policy.published_at and allowed(request, "publish_policy", policy.workflow)
            may_draft = allowed(request, "define", policy.workflow)
            shown = {"read": reading.read(policy.rules), "may_publish": may_publish, "may_draft": may_draft}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def changeform_view(self, request, *args, **kwargs):
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError as refusal:
            if getattr(refusal.__cause__.diag, "constraint_name", "") != "published_policy_and_scorecard_never_change":
                raise
            messages.error(
                request, "Somebody published this version meanwhile, so nothing was saved. Begin a new draft from it."
            )
            return redirect("admin:workflows_policy_changelist")

    @display(description="State", ordering="published_at", label={"Draft": "warning", "Published": "success"})
    def state(self, policy):
        return "Published" if policy.published_at else "Draft"


@admin.register(ExceptionCategory)
class CategoryAdmin(Defined):
    told = "category"
    list_display = ["label", "slug", "workflow"]
    list_filter = ["workflow"]
    list_select_related = ["workflow"]

    def get_readonly_fields(self, request, obj=None):
        return ["workflow", "slug"] if obj else []  # policies name it by its slug


@admin.register(PlaybookSection)
class PlaybookAdmin(Defined):
    told = "playbook"
    list_display = ["title", "workflow", "criterion", "position"]
    list_filter = ["workflow"]
    list_select_related = ["workflow"]

    def get_readonly_fields(self, request, obj=None):
        return ["workflow"] if obj else []

    def has_delete_permission(self, request, obj=None):
        return obj is not None and self.has_change_permission(request, obj)


@admin.register(AIRelease)
class AIReleaseAdmin(LookedAt):
    list_display = ["model_name", "model_version", "prompt_version", "first_seen_at"]
    readonly_fields = ["first_seen_at"]
