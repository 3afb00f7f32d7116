"""The desks and the cases. Nothing here changes a case: every button leads to the workbench or the approvals."""

from django.contrib import admin
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import Vendor
from audit import clock
from audit.onlooking import OnlyLookedAt
from cases.approvals import ApprovalPages
from cases.bulk_pages import BulkPages
from cases.clock_pages import ClockPages
from cases.engagement_pages import EngagementPages
from cases.find_pages import FindPages
from cases.lead_pages import LeadPages
from cases.list_pages import ListPages
from cases.models import Case, Replay, Reveal
from cases.own_pages import OwnPages
from cases.pages import CasePages
from cases.rules_pages import RulesPages
from cases.ruling_pages import RulingPages
from cases.talk.file_pages import FilePages
from cases.talk.inquiry_pages import InquiryPages
from cases.talk.notice_pages import NoticePages
from cases.talk.pages import TalkPages
from cases.workbench import WorkPages
from workflows.models import Engagement, Owner, Proposal

WATCHERS = ("manager", "auditor")


@admin.register(Case)
class CaseAdmin(
    ListPages,
    BulkPages,
    FindPages,
    CasePages,
    WorkPages,
    ApprovalPages,
    TalkPages,
    InquiryPages,
    FilePages,
    NoticePages,
    ClockPages,
    RulingPages,
    OwnPages,
    OnlyLookedAt,
    ModelAdmin,
):
    """The cases: one list of all, one for each desk, and a page for whatever is done to one or many of them."""

    # who may: anybody of the staff looks at what `visible_to` shows him; nobody adds, edits or deletes

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def get_urls(self):
        return [
            *self.list_urls(),
            *self.bulk_urls(),
            *self.find_urls(),
            *self.clock_urls(),
            *self.ruling_urls(),
            *self.own_decision_urls(),
            *self.own_urls(),
            *self.work_urls(),
            *self.approval_urls(),
            *self.talk_urls(),
            *self.inquiry_urls(),
            *self.file_urls(),
            *self.notice_urls(),
        ]


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
    title, parameter_name = _("vendor"), "vendor"

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
        return super().changelist_view(request, {"title": gettext("What was revealed"), **(extra_context or {})})

    @display(description=_("When"))
    def when(self, made):
        return date_format(localtime(made.at), "j M Y, H:i:s")

    @display(description=_("To whom"))
    def who(self, made):
        return str(made.by)

    @display(description=_("Vendor"))
    def of_vendor(self, made):
        return str(made.mandate.vendor)

    @display(description=_("Case"))
    def of_case(self, made):
        link = reverse("admin:cases_case_change", args=[made.case_id])
        return format_html('<a class="text-link nowrap" href="{}">{}</a>', link, made.case)

    @display(description=_("What"))
    def what_told(self, made):
        return made.what or gettext("Everything")
