"""For whom this request acts: settled once, before any transaction begins."""

from django.utils import timezone

from accounts.keys import BadKey, owner_of
from audit import acting, trail


class ActingMiddleware:
    """Reads the API key or the session, tells `audit.acting`, and writes refusals down once the request's work is over."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        user = self._who(request)
        with acting.scope(acting.on_behalf_of(user)) as who, timezone.override(getattr(user, "time_zone", None) or "UTC"):
            request.request_id, request.acting = who.request_id, who
            try:
                response = self.get_response(request)
            finally:
                trail.write_refusals()
        response["X-Request-Id"] = who.request_id
        return response

    def _who(self, request):
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not request.path_info.startswith(
            "/api/"
        ):  # a key opens no page, nor changes whose it is
            return request.user
        try:
            request.key_user = owner_of(text.strip())
        except BadKey as error:
            request.key_error = error
            return None
        return request.key_user
