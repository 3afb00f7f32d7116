"""The pages of sign-in and of one's own second factors: allauth's views, which here also tell the audit log."""

from allauth.account.views import LoginView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.http import require_POST

from accounts import actions, factors, identity, signin
from accounts.forms import SettingsForm
from audit import trail


class SignInPage(LoginView):
    def get_context_data(self, **kwargs):
        """With the house's identity provider, where one is set."""
        apps = identity.providers()
        providers = [{"name": app["name"], "url": reverse("openid_connect_login", args=[app["provider_id"]])} for app in apps]
        return super().get_context_data(**kwargs) | {"providers": providers}


def newest(user, kind):
    return Authenticator.objects.filter(user=user, type=kind).latest("pk")


class SetUpApp(ActivateTOTPView):
    def form_valid(self, form):
        response = super().form_valid(form)
        factors.added(self.request, newest(self.request.user, Authenticator.Type.TOTP))
        return response


class RemoveApp(DeactivateTOTPView):
    def form_valid(self, form):
        response = super().form_valid(form)
        trail.record("user.remove_factor", by=self.request.user, subject=self.request.user, factors=["totp"])
        return response


class AddKey(AddWebAuthnView):
    def form_valid(self, form):
        response = super().form_valid(form)
        factors.added(self.request, newest(self.request.user, Authenticator.Type.WEBAUTHN))
        return response


class RemoveKey(RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form):
        if not get_adapter().can_delete_authenticator(self.object):
            form.add_error(None, get_adapter().validation_error("cannot_delete_authenticator"))
            return self.form_invalid(form)
        response = super().form_valid(form)
        trail.record("user.remove_factor", by=self.request.user, subject=self.request.user, factors=["webauthn"])
        return response


class NewCodes(GenerateRecoveryCodesView):
    def form_valid(self, form):
        response = super().form_valid(form)
        trail.record("user.renew_codes", by=self.request.user, subject=self.request.user)
        return response


@login_required
def my_settings(request):
    """One's own language and time zone."""
    user = request.user
    form = SettingsForm(request.POST or None, initial={"language": user.language, "time_zone": user.time_zone}, label_suffix="")
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/settings.html", {"form": form}, status=422 if form.is_bound else 200)
    actions.settle_in(user, by=user, **form.cleaned_data)
    return redirect("admin:index")


@require_POST
def sign_out(request):
    """Also leaves a sign-in that waits for its second factor."""
    if request.user.is_authenticated:
        trail.record("user.sign_out", by=request.user, subject=request.user)
    logout(request)
    return redirect("account_login")


@require_POST
@login_required
def sign_out_everywhere(request):
    signin.end_sessions(request.user, by=request.user)
    logout(request)
    return redirect("account_login")
