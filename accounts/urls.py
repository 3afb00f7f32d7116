"""The addresses of sign-in. allauth's names, for it looks them up; only those that exist here: nobody signs up."""

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as FactorAgain
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django.urls import path
from django.views.decorators.cache import never_cache

from accounts import identity, pages, welcome
from accounts.strict import strict_page


def page(route, view, name, **more):
    """Under the strict policy, and kept by no cache."""
    return path(route, never_cache(strict_page(view)), name=name, **more)


urlpatterns = [
    page("", pages.SignInPage.as_view(), "account_login"),
    page("welcome/<int:user_id>/<str:token>/", welcome.page, "welcome"),
    page("out/", pages.sign_out, "account_logout"),
    page("out/everywhere/", pages.sign_out_everywhere, "sign_out_everywhere"),
    page("password/", ReauthenticateView.as_view(), "account_reauthenticate"),
    page("code/", AuthenticateView.as_view(), "mfa_authenticate"),
    page("code/again/", FactorAgain.as_view(), "mfa_reauthenticate"),
    page("key/", LoginWebAuthnView.as_view(), "mfa_login_webauthn"),
    page("key/again/", ReauthenticateWebAuthnView.as_view(), "mfa_reauthenticate_webauthn"),
    page("with/<slug:provider_id>/", identity.begin, "openid_connect_login"),
    page("with/<slug:provider_id>/back/", identity.come_back, "openid_connect_callback"),
    page("settings/", pages.my_settings, "my_settings"),
    page("factors/", IndexView.as_view(), "mfa_index"),
    page("factors/app/", pages.SetUpApp.as_view(), "mfa_activate_totp"),
    page("factors/app/remove/", pages.RemoveApp.as_view(), "mfa_deactivate_totp"),
    page("factors/key/", pages.AddKey.as_view(), "mfa_add_webauthn"),
    page("factors/key/<int:pk>/remove/", pages.RemoveKey.as_view(), "mfa_remove_webauthn"),
    page("factors/codes/", ViewRecoveryCodesView.as_view(), "mfa_view_recovery_codes"),
    page("factors/codes/new/", pages.NewCodes.as_view(), "mfa_generate_recovery_codes"),
]
