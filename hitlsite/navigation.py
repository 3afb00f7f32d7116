"""What the admin's sidebar shows, and to whom. Read by the settings, so models are only named here, in strings."""

from functools import cache

from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, reverse, reverse_lazy
from django.utils.module_loading import import_string
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


def works_at(desk):
    """Whether he has a seat there, or one is lent to him."""
    return lambda request: import_string(f"hitlsite.desk.works_at_{desk}")(request)


def item(title, icon, name, may=None, *, args=(), badge=None, lit=None):
    """A link to the page of that name, for whom `may` lets see it; lit on it and on all below it, or where `lit` says so."""
    return {"title": title, "icon": icon, "name": name, "args": args, "may": may, "badge": badge, "lit": lit}


def desk(title, icon, name, page="admin:cases_case_desk", lit=None):
    args = () if page == "admin:cases_approvals" else (name,)
    return item(title, icon, page, works_at(name), args=args, badge=f"hitlsite.desk.at_{name}", lit=lit)


def at_approvals(request, link) -> bool:
    """On the approvals, and on one of them by itself."""
    return getattr(request.resolver_match, "url_name", "") in ("cases_approvals", "cases_case_approval")


def only_here(request, link) -> bool:
    """Lit on this very page alone, where those below it have entries of their own."""
    return request.path == link


def but_not_away(request, link) -> bool:
    """Lit on its pages, but for the one that has an entry of its own."""
    return request.path.startswith(link) and request.path != address("admin:accounts_user_away")


GROUPS = [
    {
        "title": _("Desk"),
        "items": [
            item(_("My desk"), "home", "admin:index"),
            item(_("Notices"), "notifications", "admin:cases_notices", badge="hitlsite.desk.unread_told"),
            desk(_("Review"), "rate_review", "review"),
            desk(_("Resolution"), "build", "resolution"),
            desk(_("Approvals"), "verified", "approval", "admin:cases_approvals", at_approvals),
            item(
                _("All cases"),
                "inbox",
                "admin:cases_case_changelist",
                lit=only_here,
            ),
            item(_("Questions and rulings"), "help", "admin:cases_rulings", is_in_house),
            item(_("What is stuck"), "report", "admin:cases_stuck", is_in_house),
            item(_("End of the shift"), "hourglass_bottom", "admin:cases_forecast", foresees),
        ],
    },
    {
        "title": _("Workflows"),
        "items": [
            item(_("Workflows"), "account_tree", "admin:workflows_workflow_changelist", is_in_house),
            item(_("Policies"), "rule", "admin:workflows_policy_changelist", is_in_house),
            item(_("Scorecards"), "grading", "admin:scorecards_scorecard_changelist", is_in_house),
            item(_("Playbook"), "menu_book", "admin:workflows_playbooksection_changelist", is_in_house),
            item(_("Calendars"), "calendar_month", "admin:workflows_calendar_changelist", is_in_house),
        ],
    },
    {
        "title": _("People"),
        "items": [
            item(
                _("People"),
                "group",
                "admin:accounts_user_changelist",
                is_in_house,
                lit=but_not_away,
            ),
            item(_("Who is away"), "event_busy", "admin:accounts_user_away", is_in_house),
            item(_("Vendors"), "handshake", "admin:accounts_vendor_changelist", is_in_house),
            item(
                _("Engagements"),
                "contract",
                "admin:workflows_engagement_changelist",
                is_in_house,
                lit=only_here,
            ),
            item(_("Who covers when"), "event_available", "admin:workflows_engagement_cover", is_in_house),
            item(_("My people and work"), "handshake", "admin:workflows_proposal_changelist", leads),
            item(_("API keys"), "key", "admin:accounts_apikey_changelist", administers),
        ],
    },
    {
        "title": _("Integrations"),
        "items": [
            item(_("Webhooks"), "webhook", "admin:integrations_webhookendpoint_changelist", administers),
            item(_("Deliveries"), "outbox", "admin:integrations_delivery_changelist", administers),
            item(_("Operations"), "monitor_heart", "admin:jobs_operations", administers),
            item(
                _("Jobs"),
                "schedule",
                "admin:jobs_job_changelist",
                administers,
                lit=only_here,
            ),
            item(_("API documentation"), "api", "swagger", is_in_house),
        ],
    },
    {
        "title": _("Quality"),
        "items": [
            item(_("Who still looks"), "visibility", "admin:quality_attention", is_in_house),
            item(_("Findings"), "pattern", "admin:improvements_findings", is_in_house),
        ],
    },
    {
        "title": _("Audit"),
        "items": [
            item(_("History"), "history", "admin:audit_auditevent_changelist", watches),
            item(_("Reveals"), "visibility", "admin:cases_reveal_changelist", is_in_house),
        ],
    },
]


def sidebar(request):
    """The pages that this person may open, group by group, as unfold wants to be told of them.

    All that unfold would ask of each entry is answered here: it makes a class for every question, and resolves every
    address again, which on a page of the desk took a tenth of the whole time.
    """
    groups = [
        {**group, "items": [_shown(each, request) for each in group["items"] if _is_for(each, request)]} for group in GROUPS
    ]
    return [group for group in groups if group["items"]]


def _is_for(entry, request) -> bool:
    return bool(address(entry["name"], *entry["args"])) and (entry["may"] is None or entry["may"](request))


def _shown(entry, request) -> dict:
    link = address(entry["name"], *entry["args"])
    told = {"title": str(entry["title"]), "icon": entry["icon"], "link": link, "active": _is_lit(entry, link, request)}
    return {**told, "badge": entry["badge"], "badge_variant": "primary"} if entry["badge"] else told


def _is_lit(entry, link, request) -> bool:
    if entry["lit"]:
        return entry["lit"](request, link)
    return request.path == link or (entry["name"] != "admin:index" and request.path.startswith(link))


def address(name, *args) -> str:
    """Of that page, or nothing where there is none: another app may not have its admin yet."""
    return _address(get_script_prefix(), name, args)


@cache
def _address(prefix, name, args) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


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
        {"title": _("My decisions"), "link": reverse_lazy("admin:cases_own_decisions")},
        {"title": _("Language and time"), "link": reverse_lazy("my_settings")},
        {"title": _("Sign-in and second factor"), "link": reverse_lazy("mfa_index")},
        {"title": _("How I want to hear of things"), "link": reverse_lazy("admin:cases_wishes")},
    ]
    if request.user.is_in_house:
        links.append({"title": gettext("I am away"), "link": f"{reverse('admin:index')}#going-away"})
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
