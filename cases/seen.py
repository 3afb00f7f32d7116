"""A case as somebody sees it: the one place where personal data is hidden from a vendor's people.

Pages, lists and REST show what `seen_by` gives. For the house that is the case itself; for a vendor's person it is a `Seen`, which
has only what stands in the tables below: what nobody has thought about is not there. What such a person edits is put back by
`as_meant`, under the lock, before it is checked, routed and kept. The rules are those of his vendor's mandate in the workflow.
"""

import json
import re
import zlib
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.roles import Role
from audit import clock
from cases import blind
from cases.masking import Mask, Misplaced, Rules
from cases.models import Case, Decision, OwnAnswer, Reveal, Ruling
from cases.models.case import said_of_action
from cases.states import REVIEW
from integrations.problems import Conflict
from workflows.models import ExceptionCategory, Mandate, Policy, compiled_policy

# fmt: off
AS_IT_IS = {
    "id", "pk", "_meta", "workflow", "workflow_id", "policy", "policy_id", "received_at", "is_test", "confidence", "sampled",
    "tier", "requires_approval", "chain", "approvals_needed", "born_released", "probability", "draw", "state", "vendor", "vendor_id",
    "assigned_to", "assigned_to_id", "claimed_by", "claimed_by_id", "claimed_until", "passed_by", "priority", "due_at", "expires_at",
    "paused_since", "desk_since", "is_due_soon",
    "revision", "currency", "proposes_no_action", "category_id", "closed_as", "closed_at", "settles_at", "released_at", "ai_release_id",
    "get_tier_display", "get_state_display", "get_closed_as_display", "is_open", "held_by", "has_expired",
}
MASKED = {  # by the path that begins with this name, or by what they say
    "external_id", "input", "context", "output", "confidences", "alternatives", "segment", "channel", "customer_reference", "tags",
}
OTHERWISE = {"standing_output", "sentence", "reasons", "category", "action_type", "amount", "payee", "digest", "ai_release", "allocation"}  # see Seen
NOT_SHOWN = {"sender", "intake_digest", "sent_action", "received_action", "fingerprint", "is_probe", "routed"}
# fmt: on

MOST_FOUND = 500
NOTHING = Rules((), frozenset())  # is hidden from the house
RECEIVED = ("external_id", "customer_reference", "input", "context", "output", "sent_action", "received_action", "confidences")
RECEIVED += ("alternatives", "segment", "channel", "tags")
ROOTS = {"sent_action": "action", "received_action": "action"}
UNSEEN = "it concerns a field that is not shown to you"
UNSEEN_SENTENCE = "It concerns a field that is not shown to you."
DOES_NOT_FIT = gettext_noop(
    "What stands in a field that is not shown to you does not fit here. Escalate it, or have it revealed."
)
IN_LISTS = re.compile(r"\.\d+(?=\.|\b)")


def seen_by(case: Case, user, *, beside=None, uncovered=True):
    """The case as this person sees it. `uncovered`: with what was revealed to him; `beside`: with the numbers of that one."""
    return Sight(user).of(case, beside=beside, uncovered=uncovered)


def whole(case) -> Case:
    """The case itself behind a view of it: for verbs, and for questions about rights alone."""
    return case.whole if isinstance(case, Seen) else case


def unblinded(case, user):
    """As this person sees it once he has given his own answer."""
    return Sight(user).of(case, blinded=False)


def is_blind(case) -> bool:
    """Whether whoever has this view of it owes the case his own answer first."""
    return isinstance(case, Blind)


def said(case, text):
    """Words about a case, as whoever has this view of it reads them."""
    return case.text(text) if isinstance(case, Seen) and text else text


def heard(user, text) -> str:
    """Words about a case of which this person sees nothing any more."""
    return text if user.is_in_house else Mask().text(text)


def rows(case, found) -> list:
    """Rows about a case, such as pauses and alerts, as whoever has this view of it reads them."""
    return [case.row(row) for row in found] if isinstance(case, Seen) else list(found)


def reasons_of(case, reasons) -> list[dict]:
    """Reasons that are not kept with the case, as whoever has this view of it reads them."""
    return [case._reason(each) for each in reasons] if isinstance(case, Seen) else reasons


def output_of(case, output):
    """An output that stood once, as whoever has this view of the case reads it."""
    return case.masked(output, "output") if isinstance(case, Seen) else output


def action_of(case, action) -> dict:
    """An action that stood once, as whoever has this view of the case reads it."""
    return case.masked(action, "action") if isinstance(case, Seen) else action


def decisions(case) -> list:
    """What was decided, as whoever has this view of the case reads it; a list has asked for those of all its cases at once."""
    if is_blind(case):
        return []
    asked = getattr(whole(case), "told_decisions", None)
    return rows(case, whole(case).decisions.told() if asked is None else asked)


def own_answers(case) -> list:
    """What was answered before the AI's was seen, each value beside the AI's; nothing while one owes his own."""
    if is_blind(case) or not blind.is_of_a_blind_policy(whole(case)):
        return []
    return blind.compared(rows(case, whole(case).own_answers.select_related("by")), case.output)


def open_pauses(case) -> list:
    """Why its clock stands; a list has asked for those of all its cases at once."""
    if not case.paused_since:
        return []
    asked = getattr(whole(case), "open_pauses", None)
    return rows(case, whole(case).pauses.open().select_related("by") if asked is None else asked)


def found_by(cases, user, **wanted):
    """Of these cases those that this person may find so: field → whether what he sees there is what he asked for.

    Whoever found a case by what is hidden from him would know it. Only the newest are looked at.
    """
    if user.vendor_id is None or not wanted:
        return cases
    seen = Sight(user).of_all(cases.order_by("-id")[:MOST_FOUND], uncovered=False)
    return cases.filter(pk__in=[case.pk for case in seen if all(fits(getattr(case, name)) for name, fits in wanted.items())])


class Sight:
    """What one person sees of cases. His vendor's mandates are asked for once, however many cases he looks at."""

    def __init__(self, user):
        self.user = user
        self.edits: dict[int, list] = {}
        self.answered: set[int] | None = None  # of many cases at once, those to which he gave his own answer

    @cached_property
    def reviews(self) -> set[int]:
        """The workflows in which he reviews, and may owe an own answer."""
        return set(self.user.seats.live().filter(role=Role.REVIEWER).values_list("workflow", flat=True))

    @cached_property
    def asks_first(self) -> list[int]:
        """The versions of policies under which he may owe one."""
        if not self.reviews:
            return []
        asking = (
            Policy.objects.published().filter(workflow__in=self.reviews, rules__blind_first=True).values_list("pk", flat=True)
        )
        return [pk for pk in asking if compiled_policy(pk).names_fields]

    def unowed(self, cases, *, unless=None):
        """Of these cases those of which he may be told what the AI says, or what is `unless`: what finds a case tells of it, too."""
        if not self.asks_first:
            return cases
        answered = OwnAnswer.objects.filter(case=OuterRef("pk"), by=self.user)
        known = ~Q(state=REVIEW) | ~Q(policy__in=self.asks_first) | Exists(answered)
        return cases.filter(known if unless is None else known | Q(unless))

    def owes(self, case) -> bool:
        """Whether he is to answer before he sees what the AI says."""
        if not blind.is_asked(case) or case.workflow_id not in self.reviews:
            return False
        return case.pk not in self.answered if self.answered is not None else blind.is_owed(case, self.user)

    @cached_property
    def mandates(self) -> dict[int, Mandate]:
        """By workflow; a vendor has one at a time in each."""
        live = Mandate.objects.at(clock.now()).filter(engagement__vendor=self.user.vendor_id)
        return {mandate.workflow_id: mandate for mandate in live}

    def rules(self, workflow_id) -> Rules:
        """What his vendor's mandate there hides; without a mandate the four kinds, wherever they stand."""
        mandate = self.mandates.get(workflow_id)
        return Rules(tuple(mandate.masked_fields), frozenset(mandate.masked_patterns)) if mandate else Rules()

    def of_all(self, cases, *, uncovered=True) -> list:
        """Many at once: what stood in between is asked for once."""
        cases = list(cases)
        if asked := [case.pk for case in cases if blind.is_asked(case)]:
            self.answered = set(OwnAnswer.objects.filter(case__in=asked, by=self.user).values_list("case", flat=True))
        if self.user.vendor_id is not None:
            self.edits = {case.pk: [] for case in cases}
            edited = [case.pk for case in cases if case.revision > 1]
            for decision in _edits(edited) if edited else ():
                self.edits[decision.case_id].append(decision.output)
        return [self.of(case, uncovered=uncovered) for case in cases]

    def of(self, case, *, beside=None, uncovered=True, blinded=True):
        owes = blinded and self.owes(case)
        if self.user.vendor_id is None:
            return Blind(case, Mask(NOTHING), self.user.pk) if owes else case
        mask = self.learnt(beside.mask, case) if isinstance(beside, Seen) else self.mask(case)
        places = Reveal.objects.places(case, self.user) if uncovered else frozenset()
        return Blind(case, mask, self.user.pk, places) if owes else Seen(case, mask, places)

    def reference(self, workflow_id, external_id) -> str:
        """What a case is called of which he sees nothing any more."""
        if self.user.vendor_id is None:
            return external_id
        return Mask(self.rules(workflow_id)).masked(external_id, "external_id")

    def mask(self, case) -> Mask:
        """The placeholders of a case, numbered in the order in which it came to be, so that they never change."""
        return self.learnt(Mask(_with_the_action(self.rules(case.workflow_id), case)), case)

    def learnt(self, mask, case) -> Mask:
        received = [(ROOTS.get(name, name), getattr(case, name)) for name in RECEIVED]
        mask.reserve(*(value for _, value in received))
        for root, value in received:
            mask.learn(value, root)
        for output in self._edits_of(case):
            mask.learn(output, "output")
        mask.learn(case.standing_output, "output")
        mask.learn(case.action, "action")
        return mask

    def _edits_of(self, case) -> list:
        """The outputs that stood in between; a case that nobody has touched has none, and is not asked."""
        if case.pk in self.edits or case.revision == 1:
            return self.edits.get(case.pk, [])
        return [decision.output for decision in _edits([case.pk])]


def _edits(cases):
    return Decision.objects.filter(case__in=cases, output__isnull=False).order_by("id").only("case_id", "output")


def _with_the_action(rules, case) -> Rules:
    """What of the action is read from a hidden field of the output is hidden, too."""
    read = compiled_policy(case.policy_id).rules.action_from
    asked = Mask(rules)
    hidden = [
        f"action.{name}"
        for name in ("type", "amount", "currency", "payee")
        if (path := getattr(read, name)) and asked.hides("output", *path.split("."))
    ]
    return Rules((*rules.fields, *hidden), rules.patterns)


class Category(NamedTuple):
    """An exception's category, as a vendor's person reads it."""

    slug: str
    label: str

    def __str__(self):
        return self.label


class Seen:
    """A case as a vendor's person sees it."""

    def __init__(self, case, mask, places=frozenset()):
        self.whole, self.mask, self.places = case, mask, places

    def __getattr__(self, name):
        if name in AS_IT_IS:
            return getattr(self.whole, name)
        if name in MASKED:
            return self.masked(getattr(self.whole, name), name)
        raise AttributeError(f"A vendor's people do not see a case's {name}.")

    def __str__(self):
        return self.external_id

    def serializable_value(self, name):
        return getattr(self, name)

    def row(self, row):
        """A row about the case, as it is read here."""
        return Worded(row, self)

    @property
    def mark(self) -> str:
        """Tells one view of the same content from another."""
        return f"{zlib.crc32(repr((self.mask.rules, sorted(self.places))).encode()):x}"

    @property
    def everything(self) -> bool:
        """Whether the whole case was revealed."""
        return "" in self.places

    def masked(self, value, *place):
        return value if self.everything else self.mask.masked(value, *place, shown=self.places)

    def text(self, text):
        """Words about the case; what is safe as HTML is ours."""
        if self.everything or isinstance(text, SafeString):
            return text
        text = str(text)
        for phrase in self._unseen:
            text = text.replace(phrase, UNSEEN)
        return self.mask.text(text)

    @cached_property
    def standing_output(self):
        return None if self.whole.standing_output is None else self.masked(self.whole.standing_output, "output")

    @property
    def standing(self):
        return self.output if self.standing_output is None else self.standing_output

    @cached_property
    def action(self) -> dict:
        return self.masked(self.whole.action, "action")

    action_type, amount, payee = (property(lambda self, name=name: self.action[name]) for name in ("type", "amount", "payee"))

    @property
    def action_sentence(self) -> str:
        return said_of_action(**self.action)

    @property
    def digest(self) -> bytes:
        """Tells one content from another. The real one could be guessed at, value by value."""
        return salted_hmac("cases.seen.digest", self.whole.digest, algorithm="sha256").digest()

    @property
    def allocation(self) -> dict | None:
        """Why his side has it, and nothing of the other sides."""
        kept = self.whole.allocation
        return kept and {"sentence": self.text(kept["sentence"])}

    @property
    def ai_release(self):
        return self.text(str(self.whole.ai_release))

    @cached_property
    def category(self):
        category = self.whole.category
        return category and Category(category.slug, self.text(category.label))

    @cached_property
    def reasons(self) -> list[dict]:
        return [self._reason(reason) for reason in self.whole.reasons]

    @cached_property
    def _unseen(self) -> list[str]:
        """What reasons say that tell of a hidden field. Whatever quotes one tells of it, too, and may name no path: “size is “M””."""
        return [reason["says"] for reason in self.whole.reasons if self._is_of_a_hidden_field(reason)]

    def _is_of_a_hidden_field(self, reason) -> bool:
        return self._tells_of_a_hidden_field(json.dumps(reason, default=str), reason.get("at", ""))

    def _reason(self, reason):
        if self._is_of_a_hidden_field(reason):
            reason = {"name": reason["name"], "kind": reason["kind"], "says": UNSEEN}
        return {key: self._fact(fact) for key, fact in reason.items()}

    def _fact(self, fact):
        return self.text(fact) if isinstance(fact, str) else self.masked(fact, "reasons")

    @property
    def sentence(self) -> str:
        kept = self.whole.sentence
        tells = self._tells_of_a_hidden_field(kept) or any(phrase in kept for phrase in self._unseen)
        return UNSEEN_SENTENCE if tells else self.text(kept)

    def _tells_of_a_hidden_field(self, text, at="") -> bool:
        """A short value, such as “M”, is known by its field alone: so what names the field is not told."""
        if self.everything or "required property" in text:
            return False
        text = IN_LISTS.sub("", text)
        return any(
            place in text or (at and place.startswith(f"{at}."))
            for place in self.mask.fields_hidden
            if place not in self.places
        )

    @property
    def hidden_places(self) -> list[str]:
        """Where something is hidden from him, but for what is shown to him now."""
        return [] if self.everything else [place for place in self.mask.places if place not in self.places]

    def fault(self, field, message) -> str:
        """What is wrong with a value that he may not see: not in words that quote it."""
        under = any(
            place == field or place.startswith(f"{field}.") or field.startswith(f"{place}.")
            for place in self.mask.fields_hidden
        )
        return _(DOES_NOT_FIT) if under and "required property" not in message else self.text(message)


class Blind(Seen):
    """A case as somebody sees it who owes it his own answer: nothing of what the AI says, nor of what tells of it.

    What others said may tell of it: so he reads his own words alone, and what he was answered.
    """

    output, standing_output, reasons, tags, chain = {}, None, [], [], []
    confidence = confidences = alternatives = category = category_id = None
    proposes_no_action, currency = False, ""
    action = {"type": "", "amount": None, "currency": "", "payee": ""}

    def __init__(self, case, mask, reader, places=frozenset()):
        super().__init__(case, mask, places)
        self.reader = reader

    @property
    def sentence(self) -> str:
        return _(blind.FIRST)

    def row(self, row):
        return Worded(row, self) if self.reader == asked_by(row) else Withheld(row, self)

    @property
    def mark(self) -> str:
        return f"{super().mark}-blind"

    @property
    def allocation(self):
        return self.whole.allocation and {"sentence": self.text(self.whole.allocation["sentence"])}


class Worded:
    """A row about this case as a vendor's person reads it: of whatever words and values it has, nothing that is hidden."""

    def __init__(self, row, seen):
        self._row, self._seen = row, seen

    def __str__(self):
        return self._seen.text(str(self._row))

    def __getattr__(self, name):
        value = getattr(self._row, name)
        if isinstance(value, str):
            return self._seen.text(value)
        if isinstance(value, ExceptionCategory):
            return Category(value.slug, self._seen.text(value.label))
        if isinstance(value, Case):
            return self._seen
        return self._seen.masked(value, "row") if isinstance(value, dict | list) else value

    @property
    def changes(self) -> list:
        return [Change(each, self._seen) for each in self._row.changes]


WORDS = {"text", "question", "answer", "words", "reason", "note"}  # what people write about a case


def asked_by(row) -> int | None:
    """Whose words they are; of a ruling, who asked for it."""
    return row.question.by_id if isinstance(row, Ruling) else getattr(row, "by_id", None)


class Withheld(Worded):
    """A row of somebody else's about a case to which an own answer is owed: that it is there, and nothing of what it says."""

    def __str__(self):
        said = super().__str__()
        return _(blind.LATER) if any(getattr(self._row, name, "") == said for name in WORDS) else said

    def __getattr__(self, name):
        value = super().__getattr__(name)
        if name in WORDS and value:
            return _(blind.LATER)
        return [] if name == "shown" else value


class Change(Worded):
    """A correction: its values are hidden as the field's are."""

    def _value(self, value):
        steps = self._row.field.split(".")
        return self._seen.masked(value, *(steps if steps[0] == "action" else ["output", *steps]))

    before, after = (property(lambda self, name=name: self._value(getattr(self._row, name))) for name in ("before", "after"))


# What he edits, and what he is refused


def as_meant(case, by, value, original, root):
    """What somebody edited, with the values that he did not see in place of their placeholders. Raises ValidationError."""
    if by.vendor_id is None or value is None:
        return value
    try:
        return Sight(by).mask(case).put_back(value, original, root)
    except Misplaced as error:
        raise ValidationError({place: [why] for place, why in error.faults.items()}) from error


@contextmanager
def refused_as_seen(case, by):
    """Inside the block a refusal quotes nothing that this person may not see."""
    try:
        yield
    except (PermissionDenied, ValidationError, Conflict) as error:
        if by.vendor_id is None:
            raise
        raise _as_seen(error, seen_by(case, by)) from error


def _as_seen(error, seen):
    if isinstance(error, Conflict):
        return Conflict(seen.text(str(error)), code=error.code, **error.facts)
    if isinstance(error, PermissionDenied):
        return PermissionDenied(seen.text(str(error)))
    if not hasattr(error, "error_dict"):
        return ValidationError([seen.text(message) for message in error.messages], code=getattr(error, "code", None))
    return ValidationError(
        {seen.text(field): [seen.fault(field, each) for each in said] for field, said in error.message_dict.items()}
    )
