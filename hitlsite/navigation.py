"""What the admin's sidebar shows, and to whom."""

UNFOLD = {
    "SITE_TITLE": "HITL Desk",
    "SITE_HEADER": "HITL Desk",
    "SITE_SYMBOL": "fact_check",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": []},
}
