"""The way in, as the tests of sign-in walk it."""

import time

from allauth.mfa.totp.internal import auth
from django.urls import reverse

from audit.models import AuditEvent

PASSWORD = "four plain words here"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SIGN_IN, CODE, SET_UP, AGAIN = map(reverse, ("account_login", "mfa_authenticate", "mfa_activate_totp", "mfa_reauthenticate"))
DESK = reverse("admin:index")


def let_in(user, factor=False):
    """With a password, and the second factor where it is said."""
    user.set_password(PASSWORD)
    user.save()
    if factor:
        auth.TOTP.activate(user, SEED)
    return user


def give(browser, user, password=PASSWORD, **more):
    return browser.post(SIGN_IN, {"login": getattr(user, "username", user), "password": password}, **more)


def code(steps=0, seed=SEED):
    return auth.format_hotp_value(auth.hotp_value(seed, int(time.time()) // 30 + steps))


def told(verb, user=None):
    events = AuditEvent.objects.filter(subject_type="user", verb=f"user.{verb}")
    return events.filter(subject_id=user.pk) if user else events


def is_in(browser) -> bool:
    return browser.get(DESK).status_code == 200
