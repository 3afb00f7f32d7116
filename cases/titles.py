"""What fields are called where a kept sentence or a kept fact names them by their paths.

Rules say “output.amount”, and so it is kept. Whoever reads it has a form beside it in which this field is “Amount”. A path is told by
its title only where what is kept says that it is a path, and a sentence only where it is, word for word, the one that the kept facts
make: a value or somebody's own words that merely look like a path stay as they are. What has no title, a fact sent along say, keeps
its path.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import permutations
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.moments import read, told
from cases import outputs, prose
from cases.forms import ACTION
from workflows.models import compiled_policy
from workflows.triggers.base import listed
from workflows.triggers.comparing import DATE, KEEPS

MARKS = 0xE000  # signs that no text of people has: they stand for the paths while a sentence is told in another language
MARK = re.compile("[\ue000-\uf8ff]")
FACTS = {
    "absent": _("absent"), "amount": _("amount"), "at": _("at"), "below": _("below"), "best": _("best"), "cases": _("cases"),
    "category": _("category"), "confidence": _("confidence"), "contacts": _("contacts"), "currency": _("currency"),
    "customer": _("customer"), "detail": _("detail"), "expression": _("expression"), "external_id": _("case"), "fact": _("fact"),
    "failed": _("failed"), "field": _("field"), "lacks": _("lacks"), "missing": _("missing"), "of": _("of"), "payee": _("payee"),
    "phrase": _("phrase"), "type": _("type"), "value": _("value"), "word": _("word"), ("schema", "at"): _("where"),
}  # fmt: skip
ROOTS = {
    "action": _("Action"),
    "customer": _("Customer"),
    "received": _("Received"),
    "input": _("Input"),
    "output": _("Output"),
}
NAMES = {
    "approval": _("Approval"),
    "threshold": _("Threshold"),
    "schema": _("Schema"),
    "stop": _("Stop switch"),
}  # a trigger's is its policy's
SAID_ANYWAY = {("conflict", "seen"), ("duplicate", "case")}  # an earlier case is told by its reference
PATHS = {
    "required_fields": "absent",
    "protected_account": "fact",
    "field_is_one_of": "field",
    "expression": "missing",
    "schema": "at",
}


class Slot(NamedTuple):
    """A field as a sentence names it, and where it is; or a value that it quotes, and how that is read."""

    word: str
    path: str
    read: str = ""


class Form(NamedTuple):
    """How a reason's sentence is made of its fields' names."""

    slots: list[Slot]
    made: Callable[..., str]


class Titles:
    """What the fields of one case are called: as its forms call them. `case`: as whoever reads it sees it, or what was only tried.

    `policy`: the compiled version, where the case has none of its own.
    """

    def __init__(self, case, policy=None):
        self.case = case
        version = policy or compiled_policy(case.policy_id)
        self.schemas, self.rules = {"input": version.input_schema, "output": version.output_schema}, version.rules

    def of_the_case(self, output: dict | None = None) -> str:
        """The case in a few words: its action, or what its output comes to, or its reference. `output`: of it as much as its schema requires."""
        if action := self.case.action_sentence:
            return action
        standing = self.case.standing if output is None else output
        return prose.gist(standing, self.schemas["output"].get("required", ()), self.of_output) or self.case.external_id

    def of(self, path: str, otherwise: str = "") -> str:
        """“output.customer.given_name” is “Customer: Given name”; the path, or what stands for it, where its schema has no title."""
        root, *steps = path.split(".")
        if root == "action" and len(steps) == 1 and steps[0] in ACTION:
            return f"{gettext('Action')}: {ACTION[steps[0]][0]}"
        return ": ".join(outputs.titled(self.schemas.get(root) or {}, steps)) or otherwise or path

    def of_output(self, path: str, otherwise: str = "") -> str:
        """The same of a path within the output."""
        return self.of(f"output.{path}", otherwise or path)

    def of_correction(self, field: str) -> str:
        return self.of(field) if field.split(".")[0] == "action" else self.of_output(field)

    def of_twins(self, path: str, otherwise: str) -> str:
        """The same where what came in and the output stand in one table."""
        root, *steps = path.split(".")
        named = self.of(path, otherwise)
        return f"{ROOTS[root]}: {named.removeprefix(f'{prose.named(root)}: ')}" if steps else str(ROOTS[root])

    def name(self, reason: dict) -> str:
        return str(NAMES.get(reason["kind"], reason["name"]))

    # sentences

    def says(self, reason: dict) -> str:
        """Why, in the reader's language."""
        return self._told(*self._marked(reason["says"], reason))

    def sentence(self, kept: str) -> str:
        """Where the case went and why: it ends with what one of the reasons says."""
        return self._told(*self._ending(kept, self.case.reasons, "."))

    def facts(self, reason: dict) -> list[tuple[str, str]]:
        """(name, value) of each fact that the trigger saw, in one line, but for what its sentence says anyway."""
        return [(name, prose.line(fact)) for name, fact in self._facts(reason)]

    def facts_at_length(self, reason: dict) -> list[tuple[str, prose.Told]]:
        """The same as a list of values."""
        return [(prose.named(name), prose.told(fact)) for name, fact in self._facts(reason)]

    def _facts(self, reason):
        for name, fact in reason.items():
            if prose.adds(name, fact) and (reason["kind"], name) not in SAID_ANYWAY:
                yield str(FACTS.get((reason["kind"], name)) or FACTS.get(name, name)), self._fact(reason["kind"], name, fact)

    def _fact(self, kind, name, fact):
        if PATHS.get(kind) == name:
            return list(map(self.of, fact)) if isinstance(fact, list) else self.of(str(fact))
        return read(fact) if (kind, name) == ("duplicate", "at") else fact

    # the paths in a sentence

    def _told(self, marked: str, names: dict[str, str]) -> str:
        return MARK.sub(lambda found: names.get(found[0], found[0]), told(marked))

    def _marked(self, says: str, reason: dict) -> tuple[str, dict[str, str]]:
        """The sentence with a mark for every field, and what each mark stands for."""
        if MARK.search(says):
            return says, {}
        for form in self._forms(reason):
            if form.made(*(slot.word for slot in form.slots)) == says:
                names = self._names([slot for slot in form.slots if not slot.read])
                marks = {chr(MARKS + number): slot.read or names[slot.path] for number, slot in enumerate(form.slots)}
                words = [
                    slot.word if name == slot.word else mark
                    for slot, (mark, name) in zip(form.slots, marks.items(), strict=True)
                ]
                return form.made(*words), marks
        return self._ending(says, [each for each in self.case.reasons if each["kind"] != reason["kind"]], "")

    def _ending(self, kept, reasons, stop) -> tuple[str, dict[str, str]]:
        """A sentence that ends with what a reason says, has its marks there; of several reasons the one that says most of it."""
        for reason in sorted(reasons, key=lambda each: -len(each["says"])):
            end = f": {reason['says']}{stop}"
            if kept.endswith(end) and not MARK.search(kept):
                marked, names = self._marked(reason["says"], reason)
                return f"{kept.removesuffix(end)}: {marked}{stop}", names
        return kept, {}

    def _names(self, slots: list[Slot]) -> dict[str, str]:
        """What is told for each path. Two that would be called the same keep their paths."""
        named = {slot.path: self.of(slot.path, slot.word) for slot in slots}
        often = Counter(named.values())
        return {slot.path: named[slot.path] if often[named[slot.path]] == 1 else slot.word for slot in slots}

    def _forms(self, reason: dict) -> Iterator[Form]:
        form = FORMS.get(reason["kind"])
        return form(reason, self) if form else iter(())

    def trigger(self, reason: dict) -> Any:
        """The trigger that gave this reason: a policy's triggers have names of their own."""
        return next((each for each in self.rules.triggers if each.name == reason["name"]), None)


def _at(*paths: str) -> list[Slot]:
    return [Slot(path, path) for path in paths]


def _named_first(says: str, slot: Slot, then: str, before: str = "") -> Iterator[Form]:
    """What names the field before any value."""
    if says.startswith(f"{before}{slot.word}{then}"):
        yield Form([slot], lambda name: before + name + says.removeprefix(before + slot.word))


def _required_fields(reason, titles):
    if absent := reason.get("absent"):
        yield Form(_at(*absent), lambda *names: f"{listed(list(names))} missing")


def _conflict(reason, titles):
    """The kept facts have no order: which was left and which was right is what the sentence fits. Two days are read as days."""
    seen = reason.get("seen") or {}
    for left, right in permutations(seen, 2):
        values = [Slot(seen[each], "", day) for each, day in zip((left, right), _days(seen[left], seen[right]), strict=True)]
        for must in KEEPS:
            yield Form([*_at(left, right), *values], _must(must.replace("_", " ")))


def _must(asks):
    return lambda left, right, one, other: f"{left} ({one}) must {asks} {right} ({other})"


def _days(*values) -> list[str]:
    """Both as a reader's calendar has them, where the rule held two days against each other; else as they came."""
    if not all(DATE.fullmatch(value) for value in values):
        return list(values)
    try:
        return [date_format(date.fromisoformat(value), "j M Y") for value in values]
    except ValueError:  # 31 February: the rule took it for a text
        return list(values)


def _low_confidence(reason, titles):
    if name := getattr(titles.trigger(reason), "field", ""):
        yield from _confidence_in(reason["says"], [name], r"[\d.e+-]+ is below [\d.e+-]+|was given")


def _threshold(reason, titles):
    names = {name for rule in titles.rules.tiers.values() for name in rule.field_thresholds}
    yield from _confidence_in(reason["says"], names, r"[\d.e+-]+ is below [\d.e+-]+ \(\w+ risk\)|was given")


def _confidence_in(says, names, then):
    """A confidence of one field is named by the field of the output that it is of."""
    for name in names:
        if found := re.fullmatch(rf"((?:no |no usable )?confidence in ){re.escape(name)} ({then})", says):
            before, after = found.groups()
            yield Form([Slot(name, f"output.{name}")], lambda told, b=before, a=after: f"{b}{told} {a}")


def _required_wording(reason, titles):
    if within := getattr(titles.trigger(reason), "within", ""):
        yield from _named_first(reason["says"], Slot(within, within), " must say ")


def _protected_account(reason, titles):
    if fact := reason.get("fact"):
        yield from _named_first(reason["says"], Slot(fact, fact), " is ", before="the account is protected: ")


def _field_is_one_of(reason, titles):
    if field := reason.get("field"):
        yield from _named_first(reason["says"], Slot(field.split(".")[-1], field), " is “")


def _expression(reason, titles):
    if missing := reason.get("missing"):
        yield Form(_at(missing), lambda name: f"“{reason['name']}” misses {name}")


def _schema(reason, titles):
    if at := reason.get("at"):
        yield from _named_first(reason["says"], Slot(at, at), " breaks the schema (")


FORMS = {
    "required_fields": _required_fields,
    "conflict": _conflict,
    "low_confidence": _low_confidence,
    "threshold": _threshold,
    "required_wording": _required_wording,
    "protected_account": _protected_account,
    "field_is_one_of": _field_is_one_of,
    "expression": _expression,
    "schema": _schema,
}
