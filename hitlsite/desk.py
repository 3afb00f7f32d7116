"""My desk: the admin's start page, and the counts beside the desks in the sidebar."""

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.timesince import timesince

from audit import clock
from cases.models import Case
from cases.states import DESKS, State


def my_desk(request, context):
    """What the start page shows: a card for each desk at which this person holds a seat."""
    return {**context, "title": "My desk", "desks": [_card(desk, request.user) for desk in my_desks(request)]}


def my_desks(request) -> list[str]:
    """The desks at which this person holds a seat, asked once a request."""
    if not hasattr(request, "my_desks"):
        roles = set(request.user.seats.live().values_list("role", flat=True))
        request.my_desks = [desk for desk, role in DESKS.items() if role in roles]
    return request.my_desks


def _card(desk, user) -> dict:
    """One desk as its own people see it: what waits on their side, since when, and what is late."""
    now = clock.now()
    mine = user.seats.live().filter(role=DESKS[desk]).values("workflow")
    here = Case.objects.visible_to(user).filter(state=desk, workflow__in=mine, vendor=user.vendor_id)
    counted = here.aggregate(
        waiting=Count("pk"),
        oldest=Min("received_at"),
        late=Count("pk", filter=Q(due_at__lt=now)),
        held=Count("pk", filter=Q(claimed_until__gt=now) & ~Q(claimed_by=user)),
    )
    oldest = timesince(counted["oldest"], now, depth=1) if counted["oldest"] else ""
    vendors = Case.objects.visible_to(user).filter(state=desk, vendor__isnull=False).count() if user.is_in_house else 0
    return {**counted, "oldest": oldest, "vendors": vendors, "desk": desk, "label": State(desk).label, "link": desk_link(desk)}


def desk_link(desk) -> str:
    return reverse("admin:cases_case_desk", args=[desk])


def count_at(desk, request) -> str:
    """How many cases of that desk this person may see: one query for all desks, once a request."""
    if not hasattr(request, "desk_counts"):
        seen = Case.objects.visible_to(request.user).filter(state__in=list(DESKS))
        request.desk_counts = dict(seen.order_by().values_list("state").annotate(Count("pk", distinct=True)))
    return str(request.desk_counts.get(desk, 0))


def at_review(request):
    return count_at("review", request)


def at_resolution(request):
    return count_at("resolution", request)


def at_approval(request):
    return count_at("approval", request)


def works_at_review(request):
    return "review" in my_desks(request)


def works_at_resolution(request):
    return "resolution" in my_desks(request)


def works_at_approval(request):
    return "approval" in my_desks(request)
