"""Values of a policy within sentences."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

JOINED = {"and": _("and"), "or": _("or")}


def listed(phrases: list[str], joined: str = "and") -> str:
    """“a, b and c”."""
    return f" {JOINED[joined]} ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]]))


def share(rate: float) -> str:
    """0.125 is “12.5 %”."""
    return f"{rate:.4%}".rstrip("0%").rstrip(".") + " %"


def duration(seconds: int) -> str:
    """“8 hours”, “90 seconds”: in the largest unit that divides it."""
    for size, said in UNITS:
        if seconds % size == 0 and (seconds or size == 1):
            return said(seconds // size)
    raise ValueError(f"{seconds} is no number of whole seconds.")


UNITS = [
    (86400, lambda number: ngettext("{number} day", "{number} days", number).format(number=number)),
    (3600, lambda number: ngettext("{number} hour", "{number} hours", number).format(number=number)),
    (60, lambda number: ngettext("{number} minute", "{number} minutes", number).format(number=number)),
    (1, lambda number: ngettext("{number} second", "{number} seconds", number).format(number=number)),
]
