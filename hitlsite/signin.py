"""Whose work needs a second factor, and the door that stays shut without it."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseRedirect
from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _

from accounts import factors
from accounts.roles import Office, Role
from audit import clock
from integrations import problems
from integrations.middleware import API
from workflows.models import Delegation, Owner, Seat

NAME = "mfa_reauthenticate"
TO_GIVE_IT = {NAME, "mfa_reauthenticate_webauthn", "account_logout"}
TO_SET_IT_UP = {"mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate", "account_logout"}
WHY = _("Your work needs a second factor. Sign in with it in a browser, or use an API key.")


def needs_second_factor(user) -> bool:
    """Approvers, owners of anything, whoever acts for one of them, administrators, and vendors' leads."""
    now = clock.now()
    return (
        user.office in (Office.ADMINISTRATOR, Office.VENDOR_LEAD)
        or user.is_superuser
        or Seat.objects.live().filter(user=user, role=Role.APPROVER).exists()
        or Owner.objects.filter(user=user).exists()
        or Delegation.objects.at(now).filter(to=user).exists()
        or Owner.objects.acting_as(user, now).exists()
    )


class Factors(factors.SealedFactors):
    def can_delete_authenticator(self, authenticator):
        """The last one goes only where the work needs none."""
        user = authenticator.user
        others = Authenticator.objects.filter(user=user).exclude(pk=authenticator.pk)
        others = others.exclude(type=Authenticator.Type.RECOVERY_CODES)
        return others.exists() or not needs_second_factor(user)


class SecondFactorMiddleware:
    """Who needs a second factor and has not given it in this session gets to no page and no verb: only to giving it.

    Asked at every request, so it holds from the moment somebody is appointed. An API key is its own matter.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if self._is_kept_out(request):
            return self._led_there(request)
        return self.get_response(request)

    def _is_kept_out(self, request) -> bool:
        if request.path_info.startswith(API) and hasattr(request, "key_user"):
            return False
        user = request.user
        return user.is_authenticated and not factors.verified_at(request) and needs_second_factor(user)

    def _led_there(self, request):
        if request.path_info.startswith(API):
            return problems.problem(403, "second_factor_needed", WHY, request_id=request.request_id)
        there = TO_GIVE_IT if factors.has_one(request.user) else TO_SET_IT_UP
        if resolve(request.path_info).url_name in there:
            return self.get_response(request)
        if there is TO_SET_IT_UP:
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return redirect_to_login(request.get_full_path(), reverse(NAME))
