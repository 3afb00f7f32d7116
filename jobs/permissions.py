"""Who looks after jobs, webhooks and keys: the house's administrators. It gives no case verb."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit import trail


def may_operate(user) -> bool:
    """`office` is the accounts app's word, which stands to our right; vendors' people cannot hold this one."""
    return user.is_active and user.is_in_house and user.office == "administrator"


@contextmanager
def operating(verb, *, by, about):
    """One transaction for whoever may operate, and for the machine; anybody else is refused, and it is noted."""
    if not may_operate(by) and by.kind != "machine":
        why = format_lazy(
            _("{by} may not {verb}. Ask an administrator."), by=by, verb=verb.replace(".", ": ").replace("_", " ")
        )
        trail.refused(verb, by=by, subject=about, why=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        yield
