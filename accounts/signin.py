"""Signing in: who may, what is told to the audit log, and nothing that lets anybody make an account for himself."""

import time

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import factors, lockout, sessions
from accounts.models import User
from accounts.permissions import administering
from audit import trail

NO_MATCH = _("The name and the password do not belong together. Check both and try again.")
NOT_LET_IN = _("This account may not sign in. Ask an administrator.")


def may_sign_in(user) -> bool:
    """People whose account is on. Integrations use keys; the demo's people have no place in production."""
    return user.is_active and user.is_staff and user.kind == User.Kind.PERSON and not (user.is_demo and settings.PRODUCTION)


def end_sessions(user, *, by, reason=""):
    """Sign out everywhere: the next request of each session is a stranger's, and what was claimed in them goes back."""
    with administering("end_sessions", by=by, about=user, or_himself=True):
        sessions.end_all(user, by=by, reason=reason)


class SignIn(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": NO_MATCH,
        "email_password_mismatch": NO_MATCH,
        "incorrect_password": _("This is not your password. Try again."),
    }

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request):
        return lockout.address_of(request)

    def authenticate(self, request, **credentials):
        """Who it is, or None; a failure is counted and told once, and nothing is tried while locked."""
        username = lockout.name_of(request, credentials)
        lockout.refuse_while_locked(request, username)
        user = authenticate(request, **credentials)
        if user is not None and not may_sign_in(user):
            lockout.count(request, username)
            user = None
        if user is None:
            lockout.tell(request, username, "wrong name or password")
            if refusal := lockout.refusal(request):
                raise refusal
        return user

    def pre_login(self, request, user, **kwargs):
        return None if may_sign_in(user) else self.respond_user_inactive(request, user)

    def respond_user_inactive(self, request, user):
        clear_login(request)
        lockout.tell(request, user.username, "the account may not sign in")
        messages.error(request, NOT_LET_IN)
        return redirect("account_login")

    def login(self, request, user):
        """The last step. Asked again, for the second factor may have taken a while."""
        if not may_sign_in(user):
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)
        trail.record("user.sign_in", by=user, subject=user, second_factor=factors.recently_verified(request, 1))

    def is_reauthentication_required(self, *, app, **kwargs):
        """Before factors change: the factor within ten minutes, or where there is none yet, the password."""
        request = context.request
        if is_mfa_enabled(request.user):
            return not factors.recently_verified(request, 10)
        return not _password_given(request, 10)

    def get_reauthentication_methods(self, user):
        """Who has a second factor gives that one: a password alone confirms nothing then."""
        methods = super().get_reauthentication_methods(user)
        strong = [method for method in methods if method["id"] != "reauthenticate"]
        return strong or methods

    def add_message(self, *args, **kwargs):
        """allauth's messages: our pages say it themselves."""


def _password_given(request, minutes):
    records = factors.get_authentication_records(request, request.user)
    return any(
        record["at"] > time.time() - minutes * 60 for record in records if record["method"] in ("password", "socialaccount")
    )


class SignInForm(LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].label = gettext("Name or e-mail")
        self.fields["login"].max_length = 254
        self.fields["login"].widget.attrs = {
            "autocomplete": "username webauthn",
            "autocapitalize": "none",
            "maxlength": 254,
        }
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        self.fields["password"].help_text = ""
        self.fields["login"].error_messages["required"] = gettext("Type your name or your e-mail address.")
        self.fields["password"].error_messages["required"] = gettext("Type your password.")


class PasswordForm(ReauthenticateForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
