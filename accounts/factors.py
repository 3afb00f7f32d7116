"""Second factors: their secrets sealed at rest, codes that count once, and how long ago somebody last gave one."""

import base64
import hashlib
import hmac
import time

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, LoginWebAuthnForm
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import lockout, sessions
from accounts.permissions import administering
from audit import trail


def cipher() -> MultiFernet:
    """Writes with the key derived from SECRET_KEY; reads with those before it, too. docs/decisions/0012 says why."""
    return MultiFernet([Fernet(_derived(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"second factors", hashlib.sha256))


class SealedFactors(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This is not the present code, or it was used already. Wait for the next one and try again."),
        "cannot_delete_authenticator": _("Your work needs a second factor. Add another one first, then remove this one."),
    }

    def encrypt(self, text):
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        return cipher().decrypt(encrypted_text.encode()).decode()


def verified_at(request) -> float:
    """When this session last gave a second factor, in seconds of the epoch; 0 for never."""
    records = get_authentication_records(request, request.user)
    return max((record["at"] for record in records if record.get("method") == "mfa"), default=0)


def recently_verified(request, minutes: float) -> bool:
    """Whether this session gave a second factor in the last `minutes`. For verbs that ask again; see `ask_again`."""
    return verified_at(request) > time.time() - minutes * 60


def ask_again(request, back="") -> str:
    """The page that asks for the second factor once more, and then goes `back` (here, if nothing is said)."""
    return f"{reverse('mfa_reauthenticate')}?{urlencode({'next': back or request.get_full_path()})}"


def has_one(user) -> bool:
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def added(request, authenticator):
    """It was just shown to work, so this session is verified; one event."""
    record_authentication(request, request.user, "mfa", id=authenticator.pk, type=authenticator.type)
    trail.record("user.add_factor", by=request.user, subject=request.user, factor=authenticator.type)


def remove_all(user, *, by, reason=""):
    """For who lost them: the next sign-in asks to set one up anew. What is signed in, ends."""
    with administering("remove_factors", by=by, about=user):
        gone = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        if not gone:
            raise ValidationError(format_lazy(_("{user} has no second factor. There is nothing to remove."), user=user))
        Authenticator.objects.filter(user=user).delete()
        sessions.end(user)
        trail.record("user.remove_factor", by=by, subject=user, words=reason, factors=sorted(gone))


class Counted:
    """A wrong answer counts towards the lockout and is one event; nothing is tried while locked."""

    why = _("wrong code")

    def tried(self, check, user=None):
        user = user or self.user
        lockout.refuse_while_locked(context.request, user.username)
        # One answer at a time, so that no code counts twice.
        list(Authenticator.objects.select_for_update().filter(user=user).order_by("pk"))
        try:
            return check()
        except ValidationError:
            lockout.count(context.request, user.username)
            lockout.tell(context.request, user.username, self.why)
            raise lockout.refusal(context.request) or SealedFactors().validation_error("incorrect_code") from None


class Coded(Counted):
    def clean_code(self):
        return self.tried(lambda: self._once(super(Coded, self).clean_code()))

    def _once(self, code):
        """allauth notes used codes in one process's memory; several processes need a row."""
        authenticator = Authenticator.objects.get(pk=self.authenticator.pk)
        if authenticator.type == Authenticator.Type.TOTP:
            digest = hmac.digest(settings.SECRET_KEY.encode(), f"{authenticator.pk}:{code}".encode(), hashlib.sha256).hex()
            horizon = time.time() - 120
            spent = [each for each in authenticator.data.get("spent", []) if each[1] > horizon]
            if digest in [each[0] for each in spent]:
                raise ValidationError("spent")
            authenticator.data["spent"] = [*spent, [digest, time.time()]]
            authenticator.save(update_fields=["data"])
        return code


class CodeForm(Coded, AuthenticateForm):
    pass


class CodeAgainForm(Coded, ReauthenticateForm):
    pass


class FirstCodeForm(ActivateTOTPForm):
    """Of the app that is being set up. A wrong one locks nobody out: the secret is on the same page."""

    def clean_code(self):
        try:
            return super().clean_code()
        except ValidationError:
            wrong = gettext(
                "This is not the code that the app shows now. Check that the device's clock is right, and try again."
            )
            raise ValidationError(wrong) from None


class AddKeyForm(AddWebAuthnForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("By which you know it again in the list, such as “blue key” or “my phone”.")
        alone = self.fields["passwordless"]
        alone.label = _("Sign in with it alone, as a passkey")
        alone.help_text = _("Without the password: the device then asks for your finger, your face or its PIN.")


class KeyForm(Counted, AuthenticateWebAuthnForm):
    why = _("wrong security key")

    def clean_credential(self):
        return self.tried(super().clean_credential)


class PasskeyForm(LoginWebAuthnForm):
    """Whose it is follows from the answer itself, so nothing is counted: else a stranger could lock others out."""
