"""The history, to read: managers, auditors and administrators of the house. Nobody changes it, and the database sees to that."""

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from audit import moments, trail
from audit.models import AuditEvent
from audit.onlooking import OnlyLookedAt

OFFICES = ("manager", "auditor", "administrator")
NOUNS = {
    "case": gettext_lazy("Cases"),
    "evaluation": gettext_lazy("Scorecard marks"),
    "workflow": gettext_lazy("Workflows"),
    "policy": gettext_lazy("Policies"),
    "scorecard": gettext_lazy("Scorecards"),
    "seat": gettext_lazy("Seats"),
    "owner": gettext_lazy("Owners"),
    "user": gettext_lazy("People"),
    "vendor": gettext_lazy("Vendors"),
    "apikey": gettext_lazy("API keys"),
    "webhook": gettext_lazy("Webhooks"),
    "job": gettext_lazy("Jobs"),
}


class About(admin.SimpleListFilter):
    """By the noun that the verb begins with; an index finds them."""

    title, parameter_name = gettext_lazy("what it is about"), "about"

    def lookups(self, request, model_admin):
        return list(NOUNS.items())

    def queryset(self, request, queryset):
        return queryset.filter(verb__startswith=f"{self.value()}.") if self.value() in NOUNS else queryset


class Refused(admin.SimpleListFilter):
    title, parameter_name = "outcome", "outcome"

    def lookups(self, request, model_admin):
        return [("refused", gettext("Refused attempts"))]

    def queryset(self, request, queryset):
        return queryset.filter(verb__endswith="_refused") if self.value() else queryset


@admin.register(AuditEvent)
class EventAdmin(OnlyLookedAt, ModelAdmin):
    actions = None
    list_display = ["when", "what_happened", "subject", "who", "verb"]
    list_filter = [About, Refused]
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ["-id"]
    sortable_by = []
    search_fields = ["subject_id"]  # for the box to be there; what it finds is said below
    search_help_text = gettext_lazy("A subject, such as: case 12")
    fields = ["when", "what_happened", "subject", "who", "verb", "body", "words", "request_id"]
    readonly_fields = fields

    def has_module_permission(self, request):
        user = request.user
        return user.is_active and user.is_staff and user.vendor_id is None and user.office in OFFICES

    def get_search_results(self, request, queryset, search_term):
        """Exactly one subject, by its type and number; anything else finds nothing."""
        if not search_term.strip():
            return queryset, False
        kind, _, number = search_term.strip().lower().rpartition(" ")
        if not number.isdecimal() or len(number) > 18 or not kind:
            return queryset.none(), False
        return queryset.filter(subject_type=kind.replace(" ", ""), subject_id=int(number)), False

    @display(description=gettext_lazy("When"))
    def when(self, event):
        return date_format(localtime(event.at), "j M Y, H:i:s")

    @display(description=gettext_lazy("Who"))
    def who(self, event):
        return event.actor_name

    @display(description=gettext_lazy("What happened"))
    def what_happened(self, event):
        said = trail.sentence(event, told=moments.told).removeprefix("was ")
        return said[:1].upper() + said[1:]

    @display(description=gettext_lazy("About"))
    def subject(self, event):
        return f"{event.subject_type} {event.subject_id}"
