"""The builder: a quality owner puts a scorecard together, tries it, publishes it. What is published is shown and no more."""

from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Count, Max, TextField
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from audit import trail
from scorecards import actions
from scorecards.buttons import Buttons, address, asks, remembered
from scorecards.forms import READY_MADE, CriterionForm, NewScorecardForm, ScorecardForm
from scorecards.models import Criterion, Option, RootCause, Scorecard, Section
from scorecards.permissions import definable_by, may_look

NEVER = "published_policy_and_scorecard_never_change"


def card_of(row) -> Scorecard:
    return row.section.scorecard if isinstance(row, Criterion) else row


class Definition:
    """Who may look and who may change, for pages and inlines alike: our own `may`, never Django's permissions."""

    def has_view_permission(self, request, obj=None):
        return may_look(request.user)

    def has_change_permission(self, request, obj=None):
        if obj is None:
            return self.has_add_permission(request)
        card = card_of(obj)
        return not card.published_at and asks(request, "define", card.workflow)

    def has_add_permission(self, request, obj=None):
        if obj is not None:
            return self.has_change_permission(request, obj)
        user = request.user
        return remembered(request, gettext("define anything"), lambda: may_look(user) and definable_by(user).exists())

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)


class DefinitionAdmin(Definition, ModelAdmin):
    """A page of the builder. Its history is the audit trail; a lost race is a sentence."""

    actions = None
    show_facets = admin.ShowFacets.NEVER
    formfield_overrides = {TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}

    def has_module_permission(self, request):
        return may_look(request.user)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except IntegrityError as refusal:
            if getattr(refusal.__cause__.diag, "constraint_name", "") != NEVER:
                raise
            messages.error(
                request, gettext("Somebody published this card meanwhile, so nothing was saved. Copy it to a new draft.")
            )
            return redirect("admin:scorecards_scorecard_changelist")

    def log_addition(self, request, obj, message):
        self.log_change(request, obj, message)

    def log_change(self, request, obj, message):
        if message:
            facts = {"criterion": obj.key} if isinstance(obj, Criterion) else {}
            trail.record("scorecard.edit", by=request.user, subject=card_of(obj), changed=message, **facts)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            self.log_change(request, obj, [{"deleted": {"name": obj._meta.verbose_name, "object": str(obj)}}])


class DefinitionInline(Definition, TabularInline):
    """Rows in the order of their positions: dragged, or typed where there is no mouse."""

    extra = 0
    hide_title = True

    def get_formset(self, request, obj=None, **kwargs):
        self.ordering_field = "position" if self.has_change_permission(request, obj) else None  # handles to drag by
        return super().get_formset(request, obj, **kwargs)


class SectionInline(DefinitionInline):
    model = Section
    fields = ["title", "position"]


@admin.register(Scorecard)
class ScorecardAdmin(Buttons, DefinitionAdmin):
    """The cards of every workflow, and a card's page: its sections here, each criterion on a page of its own."""

    list_display = ["name", "workflow", "version", "state", "pass_mark_in_per_cent", "number_of_criteria"]
    list_filter = ["workflow"]
    show_full_result_count = False
    change_form_outer_before_template = "scorecards/state.html"
    change_form_outer_after_template = "scorecards/criteria.html"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("workflow").annotate(criteria=Count("sections__criteria"))

    @display(description=_("State"), ordering="published_at", label={"Draft": "warning", "Published": "success"})
    def state(self, card):
        return gettext("Published") if card.published_at else gettext("Draft")

    @display(description=_("Pass mark"), ordering="pass_mark")
    def pass_mark_in_per_cent(self, card):
        return f"{card.pass_mark} %"

    @display(description=_("Criteria"), ordering="criteria")
    def number_of_criteria(self, card):
        return card.criteria

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, form=ScorecardForm if change else NewScorecardForm, **kwargs)

    def get_fieldsets(self, request, obj=None):
        fields = ["workflow", "name", "pass_mark", "definition_of_done"]
        return [(None, {"fields": fields if obj else ["start", *fields]})]

    def get_readonly_fields(self, request, obj=None):
        return ["workflow"] if obj else []

    def get_inlines(self, request, obj):
        return [SectionInline] if obj and self.has_change_permission(request, obj) else []

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        return super().formfield_for_foreignkey(db_field, request, queryset=definable_by(request.user), **kwargs)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        sections = Section.objects.filter(scorecard=object_id) if object_id.isdecimal() else Section.objects.none()
        shown = sections.prefetch_related("criteria__options", "criteria__root_causes")
        return super().change_view(request, object_id, form_url, {"sections": list(shown), **(extra_context or {})})

    def save_model(self, request, obj, form, change):
        if change:
            return super().save_model(request, obj, form, change)
        fields = {name: form.cleaned_data[name] for name in ScorecardForm.Meta.fields if form.cleaned_data[name] != ""}
        start = actions.ready_made if form.cleaned_data["start"] == READY_MADE else actions.draft
        made = start(fields.pop("workflow"), by=request.user, **fields)
        obj.__dict__.update(made.__dict__)  # the admin goes on with the row that the verb has made

    def delete_model(self, request, obj):
        actions.discard(obj, by=request.user)

    def log_addition(self, request, obj, message):
        """The verb has recorded it."""

    def log_deletions(self, request, queryset):
        """The verb records it."""

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(request, gettext("{obj} is ready to be edited.").format(obj=obj))
        return redirect(address(obj))


class OptionInline(DefinitionInline):
    model = Option
    fields = ["label", "points", "position"]


class RootCauseInline(DefinitionInline):
    model = RootCause
    fields = ["label", "position"]


@admin.register(Criterion)
class CriterionAdmin(DefinitionAdmin):
    """One criterion with its options and root causes. Reached from its card, and back to it."""

    form = CriterionForm
    inlines = [OptionInline, RootCauseInline]
    change_form_outer_before_template = "scorecards/state.html"
    fieldsets = [
        (None, {"fields": ["section", "label", "key", "help"]}),
        (_("How it counts"), {"fields": [("weight", "position"), ("critical", "may_be_na")]}),
        (_("Examples"), {"fields": ["good_example", "bad_example"]}),
    ]

    def has_module_permission(self, request):
        return False

    def has_add_permission(self, request, obj=None):
        """From a card's page only, which names the section."""
        return super().has_add_permission(request, obj) and (obj is not None or request.GET.get("section", "").isdecimal())

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("section__scorecard__workflow")

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else {"key": ["label"]}

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        return super().formfield_for_foreignkey(db_field, request, queryset=self._sections(request), **kwargs)

    def get_changeform_initial_data(self, request):
        """A new criterion comes last in its section."""
        initial = super().get_changeform_initial_data(request)
        last = self._sections(request).filter(pk=initial["section"]).aggregate(last=Max("criteria__position"))["last"]
        return {**initial, "position": (last or 0) + 1}

    def _sections(self, request):
        """The sections of the criterion's card, or of the card that the named section is on; drafts this person may change."""
        criterion, section = request.resolver_match.kwargs.get("object_id", ""), request.GET.get("section", "")
        sections = Section.objects.filter(scorecard__published_at=None, scorecard__workflow__in=definable_by(request.user))
        if criterion.isdecimal():
            return sections.filter(scorecard__sections__criteria=criterion)
        return sections.filter(scorecard__sections=section) if section.isdecimal() else sections.none()

    def changelist_view(self, request, extra_context=None):
        return redirect("admin:scorecards_scorecard_changelist")

    def response_post_save_add(self, request, obj):
        return redirect(address(obj.section.scorecard))

    def response_post_save_change(self, request, obj):
        return redirect(address(obj.section.scorecard))

    def response_delete(self, request, obj_display, obj_id):
        messages.success(request, gettext("“{obj_display}” is deleted.").format(obj_display=obj_display))
        return redirect(request.scorecard_address)

    def delete_model(self, request, obj):
        request.scorecard_address = address(obj.section.scorecard)
        super().delete_model(request, obj)
