"""For whom we act: one ContextVar, set by one middleware, by the worker and by commands; read by the database at BEGIN."""

import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Acting:
    """Who is behind this work. Nobody (the default) is neither in-house nor a vendor's and may see and change least."""

    person_id: int | None = None
    in_house: bool = False
    vendor_id: int | None = None
    request_id: str = ""


NOBODY = Acting()
SOMEBODY = "somebody of another vendor"  # what a vendor's people read instead of another vendor's person's name
_current: ContextVar[Acting] = ContextVar("acting", default=NOBODY)


def current() -> Acting:
    return _current.get()


def on_behalf_of(user, request_id: str = "") -> Acting:
    """What acting for `user` means; anonymous users are nobody."""
    request_id = request_id or uuid.uuid4().hex
    if not getattr(user, "is_authenticated", False):
        return Acting(request_id=request_id)
    return Acting(user.pk, user.vendor_id is None, user.vendor_id, request_id)


def is_anothers(vendor_id: int | None) -> bool:
    """Whether we act for a vendor, and this is another vendor's."""
    return current().vendor_id is not None and vendor_id not in (None, current().vendor_id)


@contextmanager
def scope(who: Acting):
    """Inside the block we act for `who`. Enter it outside any transaction: the database is told at BEGIN."""
    token = _current.set(who)
    try:
        yield who
    finally:
        _current.reset(token)
