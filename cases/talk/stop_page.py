"""The link at the end of every mail: no more of them, without signing in. Mail programs press it by themselves (RFC 8058)."""

from django.db import transaction
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from audit import acting, trail
from cases.models import Wishes
from cases.talk import digests
from cases.talk.open_door import open_door
from cases.talk.pace import Pace

PACE = Pace("stop", each_minute=30)
PAGE = "cases/talk/stop.html"


@csrf_exempt  # a mail program has no cookie of ours; the signed link is what lets it, and it can do nothing else
@open_door(PACE, PAGE)
def page(request, token):
    """GET asks, so that a program that looks at links stops nothing; POST stops it."""
    with transaction.atomic():
        person = digests.whose(token)
    if person is None:
        return render(request, PAGE, {"says": _("This link leads nowhere. Perhaps it was cut short.")}, status=404)
    if request.method != "POST":
        return render(request, PAGE, {"says": _("No more mail from HITL Desk?"), "asks": True})
    with acting.scope(acting.on_behalf_of(person, request.request_id)), transaction.atomic():
        Wishes.objects.update_or_create(user=person, defaults={"mail": Wishes.Mail.OFF})
        trail.record("user.stop_mail", by=person, subject=person)
    return render(request, PAGE, {"says": _("You get no more mail from HITL Desk. On your desk you can have it again.")})
