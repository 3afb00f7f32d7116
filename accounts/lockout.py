"""Five failures lock one account for one address, for a quarter of an hour. The account stays open from elsewhere."""

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_credentials
from axes.utils import reset
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import administering
from audit import trail


def name_of(request, credentials) -> str:
    """The account's own name, by whichever way it was named: so e-mail and name share one count."""
    credentials = credentials or {}
    typed = (credentials.get("username") or credentials.get("email") or "").strip()
    account = _account(typed)
    return account.username if account else typed.lower()[:150]


def _account(typed) -> User | None:
    if not typed or "\0" in typed:
        return None
    found = User.objects.filter(Q(username__iexact=typed) | Q(email__iexact=typed)).order_by("pk")
    return next((user for user in found if user.username.lower() == typed.lower()), None) or found.first()


def address_of(request) -> str:
    """The caller's address; behind proxies of ours, what the outermost of them saw. The rest of the header is hearsay."""
    told = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if each.strip()]
    if settings.HITLDESK_PROXIES and len(told) >= settings.HITLDESK_PROXIES:
        return told[-settings.HITLDESK_PROXIES]
    return request.META.get("REMOTE_ADDR", "")


def is_locked(request, username) -> bool:
    return not AxesProxyHandler.is_allowed(request, get_credentials(username))


def refuse_while_locked(request, username):
    if is_locked(request, username):
        request.axes_locked_out = True
        raise refusal(request)


def refusal(request) -> ValidationError | None:
    if not getattr(request, "axes_locked_out", False):
        return None
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return ValidationError(
        gettext(
            "Too many attempts have failed. Sign-in from here is locked for {minutes} minutes. Wait, or ask an administrator to unlock it."
        ).format(minutes=minutes)
    )


def count(request, username):
    """For answers that Django's own authenticate() has not counted."""
    user_login_failed.send(sender=__name__, credentials=get_credentials(username), request=request)


def tell(request, username, why):
    """One event for a failure, and one more when it locks. The address stands in the words, where it can be erased."""
    machine = User.objects.machine()
    about = User.objects.filter(username=username).first() or machine  # a name that is nobody's may be a mistyped password
    trail.record(
        "user.sign_in_failed",
        by=machine,
        subject=about,
        words=f"from {address_of(request)}",
        why=why,
    )
    if getattr(request, "axes_locked_out", False):
        trail.record("user.lock", by=machine, subject=about, words=f"from {address_of(request)}")


def unlock(user, *, by, reason=""):
    """From every address. Raises ValidationError where nothing is locked or counted."""
    with administering("unlock", by=by, about=user):
        if not reset(username=user.username):
            raise ValidationError(
                format_lazy(_("No failed attempt is counted for {user}. There is nothing to unlock."), user=user)
            )
        trail.record("user.unlock", by=by, subject=user, words=reason)


def answer(request, response=None, credentials=None):
    """The page as it is, with the sentence on it; only its status says that it is too much."""
    if response is not None:
        response.status_code = 429
        response["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return response
