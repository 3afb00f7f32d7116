"""At high risk the second factor is asked for again: whoever left his desk open, or lost his session, approves nothing."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied

from accounts import factors

ASKED_AGAIN = ("approve", "edit", "break_glass")
FRESH = 15  # minutes
WHY = _("At high risk, give your second factor again in the browser (/sign-in/code/again/), then send this once more.")


def is_asked_again(request, verb, case) -> bool:
    """Whether this session must give it first. A key is its own matter: it was made for its verbs, and there is nobody to ask."""
    if verb not in ASKED_AGAIN or case is None or case.tier != "high" or getattr(request, "key_user", None):
        return False
    return not factors.recently_verified(request, FRESH)


def minutes(case) -> dict[str, int]:
    """For each verb that asks for it here: how long one that was given counts."""
    return dict.fromkeys(ASKED_AGAIN, FRESH) if case.tier == "high" else {}


def refuse_until_asked_again(request, verb, case):
    """Over REST."""
    if is_asked_again(request, verb, case):
        raise PermissionDenied(WHY, "second_factor_needed")
