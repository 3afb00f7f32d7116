"""Which expressions are taken, and how large a case each may judge, so that one evaluation ends within 50 ms and a few MB.

CEL always ends, but not always soon: what costs is a list walked by all(), exists(), filter() and the like, long texts put
together by +, and a pattern that fits in too many ways. Each is bounded here, some when the policy is written, the rest by
the size of the case; a case beyond the bounds is held (the trigger fires). Measured by bench/routing.py and
tests/test_triggers_cel.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cel

from workflows.triggers.base import Facts
from workflows.triggers.cel_shortcut import ONE, shortcut
from workflows.triggers.cel_values import MOST_BYTES, NAMES, Place

TYPES = frozenset(
    ["bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null_type", "string", "timestamp", "type", "uint"]
)
MACROS = frozenset(["all", "exists", "exists_one", "existsOne", "filter", "map"])
FUNCTIONS = frozenset(
    [
        "has",
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "bool",
        "bytes",
        "double",
        "duration",
        "dyn",
        "int",
        "string",
        "timestamp",
        "type",
        "uint",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
    ]
)

MOST_MACROS, MOST_SUMS, MOST_PATTERNS, LONGEST_PATTERN, MOST_CLASSES = 2, 20, 5, 100, 10
MOST_VALUES, MOST_WALKED, MOST_TEXT_WALKED, MOST_MATCHED = 40_000, 80_000, 1_000_000, 60_000

STRING = r"[rR]?(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
INSTEAD = {"and": "&&", "or": "||", "not": "!"}
TOKEN = re.compile(rf"(?P<text>{STRING})|(?P<name>[A-Za-z_]\w*)|(?P<sign>[()\[\]{{}}.,+])|(?P<other>\S)")
CLASS = re.compile(r"\\[wWdDsSbBpP]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What of an expression costs: how often it asks for something of the case, sums, patterns, whether it walks lists."""

    uses: int
    sums: int
    patterns: int
    walks: bool
    items: int  # of the lists written in the expression itself, at most

    def excess(self, size: int, count: int) -> str:
        """Why a case of so many bytes and values is beyond what the expression may judge; empty where it is not."""
        if size > MOST_BYTES or count * self.uses > MOST_VALUES:
            return "the case is too large for an expression"
        if self.patterns * size > MOST_MATCHED:
            return "the texts are too long for matches()"
        if self.walks:
            items = count + self.items
            if items * items * self.uses > MOST_WALKED or items * size * (1 + self.sums) > MOST_TEXT_WALKED:
                return "the lists are too long for an expression"
        return ""


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that is taken: compiled, with the places it asks for and its bounds."""

    program: cel.Program
    places: tuple[Place, ...]
    bounds: Bounds
    shortcut: Callable[[Facts], bool | None] | None  # the answer without CEL, where it is sure
    is_one_comparison: bool  # of one value with a literal


@lru_cache(maxsize=4096)
def checked(expression: str, trigger: str) -> Checked:
    """Raises ValueError naming the trigger, what is wrong and where."""
    try:
        cel.compile(expression)
    except ValueError as error:
        raise ValueError(f"Trigger “{trigger}”: {_readable(error, expression)}") from error
    try:
        bounds = _bounds(expression)
    except ValueError as error:
        raise ValueError(f"Trigger “{trigger}”: {error}") from error
    flat, places = _flattened(expression)
    return Checked(cel.compile(flat), places, bounds, shortcut(flat, places, bounds.excess), bool(ONE.fullmatch(flat)))


def _flattened(expression: str) -> tuple[str, tuple[Place, ...]]:
    """The expression with a name of its own for every path into the case, and for every has() of one."""
    matches = list(TOKEN.finditer(expression))
    texts = [match[0] for match in matches]
    places, parts, end, place = {}, [], 0, 0
    while place < len(matches):
        match = matches[place]
        field = place > 0 and texts[place - 1] == "."
        if match.lastgroup != "name" or field or match[0] not in NAMES:
            place += 1
            continue
        last, path = place, [match[0]]
        while texts[last + 1 : last + 2] == ["."] and texts[last + 3 : last + 4] != ["("]:
            path.append(texts[last + 2])
            last += 2
        first = place
        whether = len(path) > 1 and texts[max(place - 2, 0) : place] == ["has", "("] and texts[last + 1 : last + 2] == [")"]
        if whether:
            first, last = place - 2, last + 1
        name = places.setdefault((tuple(path), whether), f"__{len(places)}")
        parts += [expression[end : matches[first].start()], name]
        end, place = matches[last].end(), last + 1
    flat = "".join([*parts, expression[end:]])
    return flat, tuple(Place(name, path, whether) for (path, whether), name in places.items())


def _readable(error, expression) -> str:
    """The parser's own words with the place: “at character 7: Syntax error…”."""
    found = re.search(r"<input>:(\d+):(\d+): (.+)", str(error))
    if not found:
        return "the expression cannot be read."
    line, column, words = found.groups()
    where = f"at character {column}" if line == "1" else f"in line {line} at character {column}"
    return f"the expression cannot be read {where}: {words.split(' expecting ')[0].rstrip('.')}.{_instead(expression)}"


def _instead(expression: str) -> str:
    """What people write who know other languages, and how it is written here; empty where it is not that."""
    bare = re.sub(STRING, '""', expression)
    words = [f"{ours} for “{theirs}”" for theirs, ours in INSTEAD.items() if re.search(rf"\b{theirs}\b", bare, re.IGNORECASE)]
    words += ["== for “=”"] if re.search(r"[^=<>!]=[^=]", bare) else []
    words += ["a point in numbers, as in 0.8"] if re.search(r"\d,\d", bare) else []
    return f" Write {', '.join(words)}." if words else ""


def _bounds(expression: str) -> Bounds:
    if re.search(r"\"\"\"|'''|//", re.sub(STRING, "", expression)) or '"""' in expression or "'''" in expression:
        raise ValueError("write texts in single or double quotes, and no comments.")
    tokens = [(match.lastgroup, match[0]) for match in TOKEN.finditer(expression)]
    walked, bound = _walks(tokens)
    asked = _names(tokens, bound)
    patterns = _patterns(tokens)
    sums = tokens.count(("sign", "+"))
    if sums > MOST_SUMS:
        raise ValueError(f"at most {MOST_SUMS} times + may stand in an expression.")
    items = tokens.count(("sign", ",")) * (1 + sums) if walked else 0
    return Bounds(max(len(asked), 1), sums, patterns, bool(walked), items)


def _walks(tokens) -> tuple[int, set[str]]:
    """How many macros walk a list, and the names they bind; refused where there are too many, or one within another."""
    walked, bound, opened, within = 0, set(), 0, None
    for place, (kind, text) in enumerate(tokens):
        if text == "(" and kind == "sign":
            opened += 1
            if place > 1 and tokens[place - 1][1] in MACROS and tokens[place - 2][1] == ".":
                if within is not None:
                    raise ValueError(f"{tokens[place - 1][1]}() may not stand within another one.")
                walked, within = walked + 1, opened
                bound.add(tokens[place + 1][1])
        elif text == ")" and kind == "sign":
            within = None if within == opened else within
            opened -= 1
        elif kind == "name" and text == "matches" and within is not None:
            raise ValueError("matches() may not stand within all(), exists(), filter() or map().")
    if walked > MOST_MACROS:
        raise ValueError(f"at most {MOST_MACROS} of {', '.join(sorted(MACROS))} may stand in an expression.")
    if any(name.startswith("__") for name in bound):
        raise ValueError("names in all(), exists(), filter() or map() may not begin with two underscores.")
    if taken := bound & (NAMES | TYPES):
        raise ValueError(f"“{min(taken)}” is a name of the case. Choose another one in all(), exists(), filter() or map().")
    return walked, bound


def _names(tokens, bound: set[str]) -> list[str]:
    """The names of the case that stand in it, once for every time; refused where one is unknown, functions too."""
    asked = []
    for place, (kind, text) in enumerate(tokens):
        if kind != "name" or text in ("true", "false", "null", "in"):
            continue
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        field = place > 0 and tokens[place - 1] == ("sign", ".")
        if after == "(":
            if text not in FUNCTIONS | MACROS:
                raise ValueError(f"there is no function “{text}”. There are {', '.join(sorted(FUNCTIONS | MACROS))}.")
        elif not field and text in NAMES:
            asked.append(text)
        elif not field and text not in bound | TYPES:
            raise ValueError(f"there is no “{text}” in a case. An expression may ask for {', '.join(sorted(NAMES))}.")
    return asked


def _patterns(tokens) -> int:
    """How many patterns there are. Each is written out, short, and without counted repetition: {2,50} costs too much."""
    found = classes = 0
    for place, (kind, text) in enumerate(tokens):
        if kind != "name" or text != "matches":
            continue
        given = tokens[place + 2 : place + 4]
        if len(given) < 2 or given[0][0] != "text" or given[1][1] != ")":
            raise ValueError("the pattern of matches() must be written out in quotes.")
        found, classes = found + 1, classes + len(CLASS.findall(given[0][1]))
        _check_pattern(given[0][1])
    if found > MOST_PATTERNS or classes > MOST_CLASSES:
        raise ValueError(
            f"at most {MOST_PATTERNS} patterns with {MOST_CLASSES} classes such as \\w may stand in an expression."
        )
    return found


def _check_pattern(written: str) -> None:
    if len(written) > LONGEST_PATTERN:
        raise ValueError(f"a pattern of matches() has at most {LONGEST_PATTERN} characters.")
    if "{" in written:
        raise ValueError("a pattern of matches() may not count repetitions with { }.")
    try:
        cel.compile(f"''.matches({written})").execute({})
    except RuntimeError as error:
        raise ValueError(f"the pattern {written} cannot be read.") from error
