"""Who may look at people and keys, and who may change them. By office alone: Django's permissions and groups are not used."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.roles import Office
from audit import trail


def is_in_house_staff(user) -> bool:
    return user.is_active and user.is_staff and user.is_in_house


def administers(user) -> bool:
    return is_in_house_staff(user) and user.office == Office.ADMINISTRATOR


def may_look_at_keys(user) -> bool:
    return is_in_house_staff(user) and user.office in (Office.ADMINISTRATOR, Office.AUDITOR)


@contextmanager
def administering(verb, *, by, about, or_himself=False):
    """One transaction for an administrator, or for the person himself where that is said; anybody else's attempt is noted."""
    if not administers(by) and not (or_himself and by.is_active and by.pk == about.pk):
        why = format_lazy(_("{by} may not {verb} here. Ask an administrator."), by=by, verb=verb.replace("_", " "))
        trail.refused(f"user.{verb}", by=by, subject=about, why=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        yield


def leads(user, vendor=None) -> bool:
    """Whether he leads a vendor's people: those of this one, or of his own."""
    person = user.is_active and user.is_staff and user.kind == user.Kind.PERSON
    return person and user.office == Office.VENDOR_LEAD and user.vendor_id is not None and vendor in (None, user.vendor)
