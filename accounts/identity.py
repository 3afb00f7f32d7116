"""The house's identity provider (OpenID Connect): it says who somebody is, and makes no account. docs/decisions/0018 says how.

allauth walks the way; what it takes on trust is checked here: the token's signature, that the answer is to our question
(nonce), and that what the provider says beside the token is about the same person.
"""

import secrets

import jwt
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from requests import RequestException

from accounts import lockout
from accounts.models import User
from accounts.permissions import administering
from accounts.signin import may_sign_in
from audit import trail

PROVIDER = "house"
SIGNATURES = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
]  # by the provider's own key; never a shared secret, never none
LONGEST = 191  # of a subject
SPARE = 60  # seconds by which clocks may differ

NO_ANSWER = _("The identity provider gives no usable answer. Try again later, or sign in with your password.")
NOT_CONFIRMED = _("The identity provider did not confirm this sign-in. Begin again.")
CANCELLED = _("You left the identity provider's page without signing in.")
UNKNOWN = _("Nobody here has the address that the identity provider has verified. Ask an administrator to link your account.")
ANOTHERS = _("The account with this address is linked to another identity. Ask an administrator.")
TROUBLE = (RequestException, jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError)


def providers() -> list[dict]:
    """The one that is configured, as allauth names it, or none."""
    return settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]


class Provider(OpenIDConnectOAuth2Adapter):
    """allauth believes the token because of TLS; here its signature counts, and it must answer this very question."""

    nonce = ""

    def complete_login(self, request, app, token, **said):
        try:
            claims = self._about(self._checked(app, said["response"]["id_token"]), token)
        except TROUBLE as fault:
            raise OAuth2Error("The identity provider's token is not right.") from fault
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.account.extra_data = {}  # the subject is all that we keep
        return login

    def _checked(self, app, text) -> dict:
        """The claims of a token that was signed by the provider, for us, now, in answer to this session's question."""
        config = self.openid_config
        key = self._key(config["jwks_uri"], jwt.get_unverified_header(text).get("kid"))
        needed = {"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]}
        claims = jwt.decode(text, key, SIGNATURES, needed, audience=app.client_id, issuer=config["issuer"], leeway=SPARE)
        if claims.get("azp", app.client_id) != app.client_id or claims["aud"] not in (app.client_id, [app.client_id]):
            raise ValueError("It is for somebody else, too.")
        if not self.nonce or not constant_time_compare(claims["nonce"], self.nonce):
            raise ValueError("It answers another question.")
        return claims

    def _key(self, address, wanted):
        """The provider's key of that name; where the token names none, the only one there is."""
        keys = [key for key in jwt.PyJWKSet.from_dict(self._fetched(address)).keys if wanted in (None, key.key_id)]
        [key] = keys
        return key

    def _about(self, claims, token) -> dict:
        """With the address, which some providers tell apart from the token: of the same subject only."""
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            told = self._fetched(self.openid_config["userinfo_endpoint"], Authorization=f"Bearer {token.token}")
            if told["sub"] != claims["sub"]:
                raise ValueError("It is about somebody else.")
            claims = {**told, **claims}
        if not claims["sub"].isprintable() or len(claims["sub"]) > LONGEST:
            raise ValueError("It names nobody.")
        verified = claims.get("email_verified") in (True, "true")
        return {"sub": claims["sub"], "email": claims.get("email", ""), "email_verified": verified}

    def _fetched(self, address, **headers) -> dict:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers=headers, allow_redirects=False)
        answer.raise_for_status()
        return answer.json()

    @property
    def openid_config(self):
        """What the provider says of itself, if it is the one that we were told of."""
        config = super().openid_config
        if config["issuer"].rstrip("/") != settings.OIDC_SERVER.partition("/.well-known/")[0].rstrip("/"):
            raise OAuth2Error("The identity provider calls itself by another name.")
        return config


class Callback(OAuth2CallbackView):
    def _get_state(self, request, provider):
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, response


def configured(provider_id):
    if provider_id not in [each["provider_id"] for each in providers()]:
        raise Http404(_("No identity provider is set."))


@require_POST
def begin(request, provider_id):
    """To the provider, with a question of this session's own. What the address says beside `next` changes nothing."""
    configured(provider_id)
    nonce = secrets.token_urlsafe(24)
    asked = {"next_url": get_next_redirect_url(request), "auth_params": {"nonce": nonce}, "nonce": nonce}
    provider = get_adapter().get_provider(request, provider_id)
    provider.oauth2_adapter_class = Provider
    try:
        return provider.redirect(request, AuthProcess.LOGIN, **asked)
    except (*TROUBLE, OAuth2Error):
        return _refused(request, NO_ANSWER, "the identity provider gave no usable answer")


def come_back(request, provider_id):
    configured(provider_id)
    try:
        return Callback.adapter_view(Provider(request, provider_id))(request)
    except (*TROUBLE, OAuth2Error):
        return _refused(request, NO_ANSWER, "the identity provider gave no usable answer")


class HouseIdentity(DefaultSocialAccountAdapter):
    """Whose account it is: by the subject that is linked; the first time by an address that the provider has verified."""

    def is_open_for_signup(self, request, sociallogin):
        return False

    def pre_social_login(self, request, sociallogin):
        if not sociallogin.is_existing:
            sociallogin.account = self._linked(request, sociallogin)
            sociallogin.user = sociallogin.account.user

    def _linked(self, request, sociallogin) -> SocialAccount:
        """Once an account is linked, another identity with its address no longer opens it."""
        verified = [address.email for address in sociallogin.email_addresses if address.verified]
        found = [user for email in verified for user in User.objects.filter(email__iexact=email)]
        if len(found) != 1 or not may_sign_in(found[0]):
            self._refuse(request, UNKNOWN, "no one account has this verified address")
        try:
            with transaction.atomic():
                return _link(found[0], sociallogin.account.uid, by=User.objects.machine(), words="")
        except IntegrityError:
            self._refuse(request, ANOTHERS, "the account is linked to another identity")

    def on_authentication_error(self, request, provider, error=None, exception=None, extra_context=None):
        said = CANCELLED if error == AuthError.CANCELLED else NOT_CONFIRMED
        self._refuse(request, said, "the identity provider did not confirm it")

    def _refuse(self, request, said, why):
        raise ImmediateHttpResponse(_refused(request, said, why))


def _refused(request, said, why):
    lockout.tell(request, "", why)
    messages.error(request, said)
    return redirect("account_login")


def _link(user, subject, *, by, words) -> SocialAccount:
    made = SocialAccount.objects.create(user=user, provider=PROVIDER, uid=subject, extra_data={})
    trail.record("user.link_identity", by=by, subject=user, words=words)
    return made


def subject_of(user) -> str:
    """By which the provider names this person; empty where he is not linked."""
    return SocialAccount.objects.filter(user=user, provider=PROVIDER).values_list("uid", flat=True).first() or ""


def link(user, subject, *, by, reason=""):
    """From now on this identity, and no other, opens the account. Empty: none does, until an address links it anew."""
    subject = subject.strip()
    with administering("link_identity", by=by, about=user):
        if subject and (not subject.isprintable() or len(subject) > LONGEST or user.kind != User.Kind.PERSON):
            raise ValidationError({"subject": _("This is no subject of a person. Copy it from the identity provider.")})
        gone = SocialAccount.objects.filter(user=user, provider=PROVIDER).delete()[0]
        if not subject:
            if not gone:
                raise ValidationError(
                    {"subject": format_lazy(_("{user} is linked to no identity. Type its subject."), user=user)}
                )
            trail.record("user.unlink_identity", by=by, subject=user, words=reason)
        elif SocialAccount.objects.filter(provider=PROVIDER, uid=subject).exists():
            raise ValidationError({"subject": _("This identity opens another account. Unlink it there first.")})
        else:
            _link(user, subject, by=by, words=reason)
