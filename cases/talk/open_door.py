"""What the pages behind a signed link have in common: nobody signs in, so they are slowed down, kept by no cache, and told to no other site."""

from functools import wraps

from django.db import transaction
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.lockout import address_of
from accounts.strict import strict_page


def open_door(pace, template):
    """For a view of (request, token); `template` also says that somebody knocks too often."""

    def decorated(view):
        @never_cache
        @strict_page
        @transaction.non_atomic_requests
        @wraps(view)
        def page(request, token):
            wait = pace.wait(address_of(request))
            answer = too_often(request, template, wait) if wait else view(request, token)
            answer["Referrer-Policy"] = "same-origin"  # without any, a browser's form has no origin that could be checked
            answer["X-Robots-Tag"] = "noindex, nofollow"
            return answer

        return page

    return decorated


def too_often(request, template, wait):
    answer = render(request, template, {"says": _("Too many requests came from here. Try again in a minute.")}, status=429)
    answer["Retry-After"] = str(wait)
    return answer
