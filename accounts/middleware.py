"""For whom this request acts, and in which language it is answered: settled once, before any transaction begins."""

from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone, translation

from accounts.keys import BadKey, owner_of
from audit import acting, trail

API = "/api/"


class ActingMiddleware:
    """Reads the API key or the session, tells `audit.acting`, and writes refusals down once the request's work is over."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        user = self._who(request)
        who = acting.on_behalf_of(user)
        request.request_id, request.acting = who.request_id, who
        with _at_home(request, user):
            with trail.scope(who):
                response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        response["X-Request-Id"] = who.request_id
        return response

    def _who(self, request):
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not request.path_info.startswith(API):  # a key opens no page, nor changes whose it is
            return request.user
        try:
            request.key_user = owner_of(text.strip())
        except BadKey as error:
            request.key_error = error
            return None
        return request.key_user


@contextmanager
def _at_home(request, user):
    """Times in the person's zone, words in the person's language."""
    zone = getattr(user, "time_zone", None) or "UTC"
    with timezone.override(zone), translation.override(spoken_in(request, user)):
        yield


def spoken_in(request, user) -> str:
    """What he chose, else what his browser asks for. Programs read English, whoever runs them."""
    if request.path_info.startswith(API):
        return settings.LANGUAGE_CODE
    return getattr(user, "language", "") or translation.get_language()
