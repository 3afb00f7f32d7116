"""What the admin's sidebar shows, and to whom. Read by the settings, so models are only named here, in strings."""

from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


def is_in_house(request) -> bool:
    return request.user.is_in_house


def administers(request) -> bool:
    return request.user.is_in_house and request.user.office == "administrator"


def watches(request) -> bool:
    """Managers, auditors and administrators."""
    return request.user.is_in_house and request.user.office in ("manager", "auditor", "administrator")


def foresees(request) -> bool:
    """The house, and whoever leads a vendor's people."""
    return request.user.is_in_house or request.user.office == "vendor_lead"


def leads(request) -> bool:
    """A vendor's lead."""
    return not request.user.is_in_house and request.user.office == "vendor_lead"


IN_HOUSE, ADMINISTERS, WATCHES, FORESEES, LEADS = (
    f"hitlsite.navigation.{name}" for name in ("is_in_house", "administers", "watches", "foresees", "leads")
)


def there_is(name) -> bool:
    """Whether a page of that name exists: another app may not have its admin yet."""
    try:
        return bool(str(reverse_lazy(name)))
    except NoReverseMatch:
        return False


def item(title, icon, link, permission=None, **more):
    return {"title": title, "icon": icon, "link": reverse_lazy(link), "name": link, "permission": permission, **more}


def desk(title, icon, name, page="cases_case_desk", **more):
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{page}", args=[name] if page == "cases_case_desk" else []),
        "name": "admin:index",
        "permission": f"hitlsite.desk.works_at_{name}",
        "badge": f"hitlsite.desk.at_{name}",
        "badge_variant": "primary",
        **more,
    }


def at_approvals(request) -> bool:
    """On the approvals, and on one of them by itself."""
    return getattr(request.resolver_match, "url_name", "") in ("cases_approvals", "cases_case_approval")


def only_here(link):
    """Lit on this very page alone: unfold lights every link that the address begins with."""
    return lambda request: request.path == str(link)


def all_but(link, other):
    """Lit on its pages, but for the one that has an entry of its own."""
    return lambda request: request.path.startswith(str(link)) and request.path != str(other)


GROUPS = [
    {
        "title": _("Desk"),
        "items": [
            item(_("My desk"), "home", "admin:index"),
            {**item(_("Notices"), "notifications", "admin:cases_notices"), "badge": "hitlsite.desk.unread_told"},
            desk(_("Review"), "rate_review", "review"),
            desk(_("Resolution"), "build", "resolution"),
            desk(_("Approvals"), "verified", "approval", "cases_approvals", active=at_approvals),
            item(
                _("All cases"),
                "inbox",
                "admin:cases_case_changelist",
                active=only_here(reverse_lazy("admin:cases_case_changelist")),
            ),
            item(_("Questions and rulings"), "help", "admin:cases_rulings", IN_HOUSE),
            item(_("What is stuck"), "report", "admin:cases_stuck", IN_HOUSE),
            item(_("End of the shift"), "hourglass_bottom", "admin:cases_forecast", FORESEES),
        ],
    },
    {
        "title": _("Workflows"),
        "items": [
            item(_("Workflows"), "account_tree", "admin:workflows_workflow_changelist", IN_HOUSE),
            item(_("Policies"), "rule", "admin:workflows_policy_changelist", IN_HOUSE),
            item(_("Scorecards"), "grading", "admin:scorecards_scorecard_changelist", IN_HOUSE),
            item(_("Playbook"), "menu_book", "admin:workflows_playbooksection_changelist", IN_HOUSE),
            item(_("Calendars"), "calendar_month", "admin:workflows_calendar_changelist", IN_HOUSE),
        ],
    },
    {
        "title": _("People"),
        "items": [
            item(
                _("People"),
                "group",
                "admin:accounts_user_changelist",
                IN_HOUSE,
                active=all_but(reverse_lazy("admin:accounts_user_changelist"), reverse_lazy("admin:accounts_user_away")),
            ),
            item(_("Who is away"), "event_busy", "admin:accounts_user_away", IN_HOUSE),
            item(_("Vendors"), "handshake", "admin:accounts_vendor_changelist", IN_HOUSE),
            item(
                _("Engagements"),
                "contract",
                "admin:workflows_engagement_changelist",
                IN_HOUSE,
                active=only_here(reverse_lazy("admin:workflows_engagement_changelist")),
            ),
            item(_("Who covers when"), "event_available", "admin:workflows_engagement_cover", IN_HOUSE),
            item(_("My people and work"), "handshake", "admin:workflows_proposal_changelist", LEADS),
            item(_("API keys"), "key", "admin:accounts_apikey_changelist", ADMINISTERS),
        ],
    },
    {
        "title": _("Integrations"),
        "items": [
            item(_("Webhooks"), "webhook", "admin:integrations_webhookendpoint_changelist", ADMINISTERS),
            item(_("Deliveries"), "outbox", "admin:integrations_delivery_changelist", ADMINISTERS),
            item(_("Operations"), "monitor_heart", "admin:jobs_operations", ADMINISTERS),
            item(
                _("Jobs"),
                "schedule",
                "admin:jobs_job_changelist",
                ADMINISTERS,
                active=only_here(reverse_lazy("admin:jobs_job_changelist")),
            ),
            item(_("API documentation"), "api", "swagger", IN_HOUSE),
        ],
    },
    {
        "title": _("Quality"),
        "items": [
            item(_("Who still looks"), "visibility", "admin:quality_attention", IN_HOUSE),
            item(_("Findings"), "pattern", "admin:improvements_findings", IN_HOUSE),
        ],
    },
    {
        "title": _("Audit"),
        "items": [
            item(_("History"), "history", "admin:audit_auditevent_changelist", WATCHES),
            item(_("Reveals"), "visibility", "admin:cases_reveal_changelist", IN_HOUSE),
        ],
    },
]


def sidebar(request):
    """The groups with the pages that exist."""
    return [{**group, "items": [each for each in group["items"] if there_is(each["name"])]} for group in GROUPS]


BLUE = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}


def about_me(request) -> list[dict]:
    """The links of one's own account; before them the way to find anything, to which Ctrl-K leads from every page."""
    links = [
        {"title": _("Find (Ctrl K)"), "link": reverse_lazy("admin:cases_case_find")},
        {"title": _("Language and time"), "link": reverse_lazy("my_settings")},
        {"title": _("Sign-in and second factor"), "link": reverse_lazy("mfa_index")},
        {"title": _("How I want to hear of things"), "link": reverse_lazy("admin:cases_wishes")},
    ]
    if request.user.is_in_house:
        links.append({"title": gettext("I am away"), "link": reverse("admin:accounts_user_absent", args=[request.user.pk])})
    return links


UNFOLD = {
    "SITE_TITLE": _("HITL Desk"),
    "SITE_HEADER": _("HITL Desk"),
    "SITE_SYMBOL": "fact_check",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("hitlsite/icon.svg")}],
    "ACCOUNT": {"navigation": lambda request: about_me(request)},
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("hitlsite/desk.css")],
    "SCRIPTS": [lambda request: static("desk/find.js")],
    "COLORS": {"primary": BLUE},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": sidebar},
}
