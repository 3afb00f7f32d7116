"""The desks and the cases. Nothing here changes a case: every button leads to the workbench or the approvals."""

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import Vendor
from audit import clock
from audit.onlooking import OnlyLookedAt
from cases import prose
from cases.approvals import ApprovalPages
from cases.clock_pages import ClockPages
from cases.engagement_pages import EngagementPages
from cases.lead_pages import LeadPages
from cases.models import Alert, Case, Pause, Replay, Reveal
from cases.pages import TIERS, CasePages
from cases.rules_pages import RulesPages
from cases.seen import Sight, found_by, open_pauses
from cases.states import APPROVAL, DESKS, State
from cases.talk.file_pages import FilePages
from cases.talk.inquiry_pages import InquiryPages
from cases.talk.notice_pages import NoticePages
from cases.talk.pages import TalkPages
from cases.workbench import WorkPages
from workflows.models import Engagement, Owner, Proposal, Workflow

WATCHERS = ("manager", "auditor")
FILTERED = ("state", "tier", "closed_as")
CONTENT = ("input", "context", "output", "standing_output", "confidences", "alternatives", "reasons", "received_action")


class OfWorkflow(admin.SimpleListFilter):
    """The workflows of which this person sees cases."""

    title, parameter_name = "workflow", "workflow"

    def lookups(self, request, model_admin):
        user = request.user
        seen = Workflow.objects.all()
        if not (user.is_in_house and user.office in ("manager", "auditor")):
            seen = seen.filter(Q(pk__in=user.seats.live().values("workflow")) | Q(pk__in=user.ownerships.values("workflow")))
        return list(seen.values_list("slug", "name"))

    def queryset(self, request, queryset):
        return queryset.filter(workflow__slug=self.value()) if self.value() else queryset


class IsOverdue(admin.SimpleListFilter):
    title, parameter_name = "due", "due"

    def lookups(self, request, model_admin):
        return [("over", "Overdue"), ("soon", "Due soon"), ("paused", "Paused")]

    def queryset(self, request, queryset):
        narrowed = {
            "over": queryset.overdue(),
            "soon": queryset.filter(is_due_soon=True),
            "paused": queryset.filter(paused_since__isnull=False),
        }
        return narrowed.get(self.value(), queryset)


@admin.register(Case)
class CaseAdmin(
    CasePages,
    WorkPages,
    ApprovalPages,
    TalkPages,
    InquiryPages,
    FilePages,
    NoticePages,
    ClockPages,
    OnlyLookedAt,
    ModelAdmin,
):
    """All cases, and one list a desk."""

    actions = None
    list_display = ["reference", "of_workflow", "action_told", "why", "tier_told", "state_told", "due", "holder"]
    list_filter = [OfWorkflow, "state", "tier", "closed_as", IsOverdue]
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ["external_id__startswith"]
    search_help_text = "A reference, or how it begins"
    list_before_template = "cases/above_list.html"
    list_fullwidth = True

    # who may: anybody of the staff looks at what `visible_to` shows him; nobody adds, edits or deletes

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    # which

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="cases_case_changelist"),
            path("desk/<str:desk>/", wrap(self.desk_list), name="cases_case_desk"),
            *self.clock_urls(),
            *self.own_urls(),
            *self.work_urls(),
            *self.approval_urls(),
            *self.talk_urls(),
            *self.inquiry_urls(),
            *self.file_urls(),
            *self.notice_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "All cases", **(extra_context or {})})

    def desk_list(self, request, desk):
        if desk not in DESKS:
            raise Http404(f"There is no desk “{desk[:20]}”.")
        if desk == APPROVAL:  # it has a page of its own
            return redirect("admin:cases_approvals")
        return self.changelist_view(request, {"desk": desk, "title": f"{State(desk).label} desk"})

    def get_queryset(self, request):
        cases = Case.objects.visible_to(request.user).select_related("workflow", "claimed_by")
        cases = cases.defer(*CONTENT) if request.user.is_in_house else cases.select_related("ai_release", "category")
        cases = cases.prefetch_related(Prefetch("pauses", Pause.objects.open(), to_attr="open_pauses"))
        warned = Alert.objects.open().filter(case=OuterRef("pk"), code=Alert.Code.DUE_SOON)
        cases = cases.annotate(is_due_soon=Exists(warned))
        desk = self._desk(request)
        return cases.filter(state=desk) if desk else cases

    def _desk(self, request):
        return request.resolver_match.kwargs.get("desk") if request.resolver_match else None

    def get_ordering(self, request):
        return ["-priority", "due_at", "id"] if self._desk(request) else ["-id"]

    def get_list_display(self, request):
        return [name for name in self.list_display if not (self._desk(request) and name == "state_told")]

    def get_list_filter(self, request):
        return [OfWorkflow, "tier", IsOverdue] if self._desk(request) else self.list_filter

    # what a vendor's person sees, and by what he finds and sorts: never by what is hidden from him

    def get_changelist_instance(self, request):
        found = super().get_changelist_instance(request)
        if not request.user.is_in_house:
            found.result_list = Sight(request.user).of_all(found.result_list)
        return found

    def get_search_results(self, request, queryset, search_term):
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return found, duplicates
        return found_by(found, request.user, external_id=lambda seen: seen.startswith(search_term.strip())), duplicates

    def lookup_allowed(self, lookup, value, request=None):
        """By the address alone one may filter by what the filters offer, and by nothing that would tell what is hidden."""
        if request is None or request.user.is_in_house:
            return super().lookup_allowed(lookup, value, request)
        return lookup.partition("__")[0] in FILTERED

    def get_sortable_by(self, request):
        return self.list_display if request.user.is_in_house else ["due"]

    # how a row reads

    @display(description="Reference", ordering="external_id")
    def reference(self, case):
        return format_html('<span class="nowrap">{}</span>', case.external_id)

    @display(description="Workflow")
    def of_workflow(self, case):
        return format_html('<span class="nowrap">{}</span>', case.workflow.name)

    @display(description="Action", empty_value="–")
    def action_told(self, case):
        return format_html('<span class="nowrap">{}</span>', case.action_sentence) if case.action_type else None

    @display(description="Why it is here")
    def why(self, case):
        return format_html('<span class="why" title="{0}">{0}</span>', case.sentence)

    @display(description="Tier", label=TIERS)
    def tier_told(self, case):
        return case.tier, case.get_tier_display()

    @display(description="Where", label={"closed": "", "review": "info", "resolution": "info", "approval": "primary"})
    def state_told(self, case):
        return case.state, case.get_closed_as_display() or case.get_state_display()

    @display(description="Due", ordering="due_at")
    def due(self, case):
        if not case.due_at:
            return "–"
        if case.paused_since:
            return "; ".join(map(prose.paused, open_pauses(case))) or "–"
        now = clock.now()
        late = "overdue" if case.due_at < now else "soon" if case.is_due_soon else ""
        return format_html('<span class="nowrap {}">{}</span>', late, prose.distance(case.due_at, now))

    @display(description="Claimed by")
    def holder(self, case):
        return str(case.claimed_by) if case.held_by(clock.now()) else "–"


@admin.register(Replay)
class ReplayAdmin(RulesPages, OnlyLookedAt, ModelAdmin):
    """Beside a version of the rules: its replays, a box to try it, and what the triggers did. No list of its own."""

    def has_module_permission(self, request):
        return False

    def get_urls(self):
        return self.own_urls()


@admin.register(Engagement)
class EngagementAdmin(EngagementPages):
    """Here and not beside the other definitions: ending one takes cases back, and its page shows their numbers."""


@admin.register(Proposal)
class ProposalAdmin(LeadPages):
    """Whom a lead proposes, and all else that he sees of his vendor."""


class ByVendor(admin.SimpleListFilter):
    title, parameter_name = "vendor", "vendor"

    def lookups(self, request, model_admin):
        return [(str(pk), name) for pk, name in Vendor.objects.values_list("pk", "name")]

    def queryset(self, request, queryset):
        return queryset.filter(vendor_id=self.value()) if (self.value() or "").isdecimal() else queryset


@admin.register(Reveal)
class RevealAdmin(OnlyLookedAt, ModelAdmin):
    """What was revealed to vendors' people, for whoever owns the quality or the risk of the workflow."""

    actions = None
    list_display = ["when", "who", "of_vendor", "of_case", "what_told", "reason"]
    list_filter = [ByVendor, ("by", admin.RelatedOnlyFieldListFilter)]
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_display_links = None
    list_before_template = "cases/reveals_list.html"
    sortable_by = []

    def get_urls(self):
        return [path("", self.admin_site.admin_view(self.changelist_view), name="cases_reveal_changelist")]

    def has_module_permission(self, request):
        user = request.user
        return user.is_active and user.is_staff and user.is_in_house

    def get_queryset(self, request):
        made = super().get_queryset(request).select_related("by", "case", "mandate__engagement__vendor", "mandate__workflow")
        if request.user.office in WATCHERS:
            return made
        owned = Owner.objects.acting_as(request.user, clock.now()).filter(of__in=["quality", "risk"])
        return made.filter(case__workflow__in=owned.values("workflow"))

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "What was revealed", **(extra_context or {})})

    @display(description="When")
    def when(self, made):
        return date_format(localtime(made.at), "j M Y, H:i:s")

    @display(description="To whom")
    def who(self, made):
        return str(made.by)

    @display(description="Vendor")
    def of_vendor(self, made):
        return str(made.mandate.vendor)

    @display(description="Case")
    def of_case(self, made):
        link = reverse("admin:cases_case_change", args=[made.case_id])
        return format_html('<a class="text-link nowrap" href="{}">{}</a>', link, made.case)

    @display(description="What")
    def what_told(self, made):
        return made.what or "Everything"
