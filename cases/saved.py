"""Views: lists of cases that people come back to, each under a name, kept for oneself or shared with a workflow's people."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import SavedView
from cases.states import DESKS

LONGEST = 1000
MOST = 50


def address_of(desk, query) -> str:
    """The list's address with these filters; “all” keeps an own first view from taking its place."""
    where = reverse("admin:cases_case_desk", args=[desk]) if desk else reverse("admin:cases_case_changelist")
    return f"{where}?{query or 'all=1'}"


def with_addresses(views) -> list[SavedView]:
    views = list(views)
    for view in views:
        view.address = address_of(view.desk, "&".join(filter(None, [view.query, f"view={view.pk}"])))
    return views


def first_of(user) -> SavedView | None:
    """What this person sees first."""
    found = with_addresses(SavedView.objects.filter(owner=user, is_default=True))
    return found[0] if found else None


def around(listing, chosen) -> dict:
    """The views beside a list, and the one that is shown."""
    views = with_addresses(SavedView.objects.visible_to(listing.user, listing.workflows).select_related("owner", "workflow"))
    return {"views": views, "view": next((view for view in views if str(view.pk) == chosen), None)}


def save(listing, name, *, by, shared_with="", is_first=False) -> SavedView:
    """Keep this list under a name; one's own view of that name is changed. `shared_with`: a workflow's slug, of those one sees."""
    name, desk = " ".join(name.split()), listing.desk
    workflow = next((each for each in listing.workflows if each.slug == shared_with), None)
    if not name or len(name) > 60:
        raise ValidationError({"name": _("Give the view a name of up to 60 characters.")})
    if desk and desk not in DESKS:
        raise ValidationError({"desk": _("There is no such desk.")})
    if not listing.is_valid:
        raise ValidationError({"query": _("A filter of this list is wrong. Mend it first.")})
    if shared_with and workflow is None:
        raise ValidationError({"shared_with": _("You can share a view with a workflow of which you see cases.")})
    if by.saved_views.exclude(name=name).count() >= MOST:
        raise ValidationError({"name": _("You have %(most)s views. Remove one first.") % {"most": MOST}})
    kept = {"desk": desk, "query": listing.query[:LONGEST], "workflow": workflow, "is_default": is_first}
    with transaction.atomic():
        if is_first:
            by.saved_views.exclude(name=name).update(is_default=False)
        view, _made = SavedView.objects.update_or_create(owner=by, name=name, defaults=kept)
    return with_addresses([view])[0]


def remove(view_id, *, by) -> SavedView:
    """Only one's own. Raises PermissionDenied."""
    view = SavedView.objects.filter(owner=by, pk=view_id).first()
    if view is None:
        raise PermissionDenied(_("Only whoever made a view removes it."))
    view.delete()
    return view
