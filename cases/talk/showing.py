"""What of a case is shown to somebody who is asked about it and does not see the case: what whoever asks chose, and nothing else."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cases import prose
from cases.seen import seen_by
from cases.titles import Titles

MOST = 20_000  # characters of one value


def offered(seen) -> dict[str, tuple[str, str]]:
    """By its path: what may be shown, with its name and its text. Of each part of the case the first level."""
    found = {"external_id": (_("Reference"), seen.external_id)}
    if seen.action_sentence:
        found["action"] = (_("Action"), seen.action_sentence)
    titles = Titles(seen)
    for root, value in (("input", seen.input), ("context", seen.context), ("output", seen.standing)):
        parts = value.items() if isinstance(value, dict) else [("", value)] if value else ()
        paths = {f"{root}.{name}".strip("."): (prose.named(name or root), inner) for name, inner in parts}
        found |= {path: (titles.of(path, named), _text(inner)) for path, (named, inner) in paths.items()}
    return found


def chosen(case, by, paths) -> list[list[str]]:
    """(name, text) of each, as whoever asks sees it now and without what is revealed to him for a while. Kept with the question."""
    there = offered(seen_by(case, by, uncovered=False))
    if strange := [path for path in paths if path not in there]:
        raise ValidationError({"shows": _("This case has nothing of that name: %(names)s.") % {"names": ", ".join(strange)}})
    return [list(there[path]) for path in dict.fromkeys(paths)]


def _text(value) -> str:
    told = prose.told(value)
    return "\n".join(_lines(told))[:MOST]


def _lines(told, depth=0):
    inside = "  " * depth
    for name, inner in told.rows or ():
        yield from [f"{inside}{name}: {inner.text}"] if inner.text else [f"{inside}{name}:", *_lines(inner, depth + 1)]
    for inner in told.points or ():
        yield from [f"{inside}- {inner.text}"] if inner.text else _lines(inner, depth + 1)
    if told.text:
        yield f"{inside}{told.text}"
