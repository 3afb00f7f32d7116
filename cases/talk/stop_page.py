"""The link at the end of every mail: no more of them, without signing in. Mail programs press it by themselves (RFC 8058)."""

from django.db import transaction
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.lockout import address_of
from accounts.strict import strict_page
from audit import acting, trail
from cases.models import Wishes
from cases.talk import digests
from cases.talk.pace import Pace

PACE = Pace("stop", each_minute=30)


@csrf_exempt  # a mail program has no cookie of ours; the signed link is what lets it, and it can do nothing else
@never_cache
@strict_page
@transaction.non_atomic_requests
def page(request, token):
    """GET asks, so that a program that looks at links stops nothing; POST stops it."""
    if wait := PACE.wait(address_of(request)):
        answer = _told(request, 429, _("Too many requests came from here. Try again in a minute."))
        answer["Retry-After"] = str(wait)
        return answer
    with transaction.atomic():
        person = digests.whose(token)
    if person is None:
        return _told(request, 404, _("This link leads nowhere. Perhaps it was cut short."))
    if request.method != "POST":
        return _told(request, 200, _("No more mail from HITL Desk?"), asks=True)
    with acting.scope(acting.on_behalf_of(person, request.request_id)), transaction.atomic():
        Wishes.objects.update_or_create(user=person, defaults={"mail": Wishes.Mail.OFF})
        trail.record("user.stop_mail", by=person, subject=person)
    return _told(request, 200, _("You get no more mail from HITL Desk. On your desk you can have it again."))


def _told(request, status, says, **more):
    answer = render(request, "cases/talk/stop.html", {"says": says, **more}, status=status)
    answer["Referrer-Policy"] = "same-origin"
    return answer
