"""What each trigger did: how often it fired, the people's time it cost, what came of it, and the errors only it caught.

A trigger cost the time of the cases that would have gone straight through without it. Whether one would is asked of
the routing itself, with the other triggers' effects and without this one's: never guessed from the reasons alone.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec
from django.db import connection, transaction
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext, ngettext

from audit import clock
from cases.facts import facts_of
from workflows.editing.triggers import KINDS
from workflows.models import compiled_policy
from workflows.patterns import RANK
from workflows.routing import Compiled, Dial, compile_policy, route

SHOWN = 10  # cases linked per trigger
NOT_TRIGGERS = ("schema", "stop", "threshold", "approval", "sampling")  # reasons that the tiers and the switch give
HOLDING = (
    "schema",
    "conflict",
    "stop",
    "duplicate",
    "required_fields",
)  # hold a case wherever they stand, whatever their effect

FIRED = """
SELECT c.id, c.policy_id, c.reasons, c.received_action, c.confidence, c.confidences, c.segment, c.routed->>'to' <> 'closed' AND NOT c.sampled,
  c.closed_as, c.standing_output IS NOT NULL, EXISTS (SELECT FROM cases_rework r WHERE r.case_id = c.id), d.seconds, d.unknown
  FROM cases_case c JOIN workflows_policy p ON p.id = c.policy_id
  LEFT JOIN LATERAL (SELECT sum(active_seconds) AS seconds, count(*) FILTER (WHERE active_seconds IS NULL) AS unknown
    FROM cases_decision d WHERE d.case_id = c.id) d ON c.routed->>'to' <> 'closed' AND (c.closed_as <> '' OR c.revision > 1)
 WHERE c.workflow_id = %(workflow)s AND c.received_at >= %(since)s AND NOT c.is_test AND NOT c.is_probe
   AND (%(version)s::int IS NULL OR p.version = %(version)s) AND c.reasons <> '[]'
 ORDER BY c.id
"""
ALL = """
SELECT count(*) FROM cases_case c JOIN workflows_policy p ON p.id = c.policy_id
 WHERE c.workflow_id = %(workflow)s AND c.received_at >= %(since)s AND NOT c.is_test AND NOT c.is_probe
   AND (%(version)s::int IS NULL OR p.version = %(version)s)
"""


@dataclass
class Row:
    """One trigger of the table."""

    name: str
    kind: str = ""
    fired: int = 0
    closed: int = 0  # decided by people
    changed: int = 0  # of those: not released as the AI gave it
    held_alone: int = 0  # would have gone straight through without it
    seconds: int = 0  # of people, on those
    unknown: int = 0  # decisions on those that do not say how long they took
    caught_alone: int = 0
    cases: list = field(default_factory=list)  # the last it fired on
    caught: list = field(default_factory=list)  # the last errors only it caught

    @property
    def kind_called(self) -> str:
        return KINDS[self.kind].title if self.kind in KINDS else self.kind

    @property
    def hours(self) -> str:
        if self.seconds >= 3600:
            return gettext("{hours} hours").format(hours=floatformat(self.seconds / 3600, 1))
        minutes = round(self.seconds / 60)
        return ngettext("{minutes} minute", "{minutes} minutes", minutes).format(minutes=minutes)

    @property
    def share_changed(self) -> str:
        return f"{self.changed / self.closed * 100:.0f} %" if self.closed else "–"

    @property
    def sentence(self) -> str:
        """“fired 120 times, cost 6.2 hours, 31 % changed the output, 9 errors only it caught.”"""
        unknown = ngettext(
            " (and {unknown:,} decision of unknown length)", " (and {unknown:,} decisions of unknown length)", self.unknown
        ).format(unknown=self.unknown)
        changed = (
            gettext("{share_changed} changed the output").format(share_changed=self.share_changed)
            if self.closed
            else gettext("nobody has decided any of them yet")
        )
        fired = ngettext("Fired {number:,} time", "Fired {number:,} times", self.fired)
        caught = ngettext("{number:,} error only it caught", "{number:,} errors only it caught", self.caught_alone)
        return gettext("{fired}, cost {hours}{unknown}, {changed}, {caught}.").format(
            fired=fired.format(number=self.fired),
            hours=self.hours,
            unknown=unknown if self.unknown else "",
            changed=changed,
            caught=caught.format(number=self.caught_alone),
        )


@dataclass
class Log:
    total: int
    rows: list[Row]
    silent: list[str]  # triggers of the versions looked at that never fired

    def examples(self) -> set[int]:
        return {pk for row in self.rows for pk in (*row.cases, *row.caught)}

    def name_cases(self, seen: dict[int, str]):
        """Put (id, reference) in place of the ids, of the cases that are seen; the newest first."""
        for row in self.rows:
            row.cases = [(pk, seen[pk]) for pk in reversed(row.cases) if pk in seen]
            row.caught = [(pk, seen[pk]) for pk in reversed(row.caught) if pk in seen]


def log(workflow, *, days=30, version=None) -> Log:
    """The table, the most frequent first."""
    about = {"workflow": workflow.pk, "since": clock.now() - timedelta(days=days), "version": version}
    rows = defaultdict(lambda: Row(""))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ALL, about)
        [total] = cursor.fetchone()
        cursor.execute(FIRED, about)
        for each in cursor:
            _count(rows, *each)
    versions = workflow.policies.published().filter(**{"version": version} if version else {})
    named = {trigger.name for each in versions[:5] for trigger in compiled_policy(each.pk).rules.triggers}
    return Log(total, sorted(rows.values(), key=lambda row: (-row.fired, row.name)), sorted(named - set(rows)))


def _count(rows, pk, policy_id, reasons, action, confidence, confidences, segment, held, closed_as, edited, reworked, *time):
    reasons = msgspec.json.decode(reasons)
    ours = {reason["name"]: reason["kind"] for reason in reasons if reason["kind"] not in NOT_TRIGGERS}
    if not ours:
        return
    looked = closed_as not in ("", "withdrawn") and held
    wrong = closed_as in ("corrected", "no_action", "rejected") or edited or reworked
    alone = _the_one_that_held(policy_id, reasons, action, confidence, confidences, segment) if held else None
    for name, kind in ours.items():
        row = rows[name]
        row.name, row.kind = name, kind
        row.fired += 1
        row.closed += looked
        row.changed += looked and wrong
        row.cases = [*row.cases, pk][-SHOWN:]
        if name == alone:
            _alone(row, pk, wrong, *time)


def _alone(row, pk, wrong, seconds, unknown):
    row.held_alone += 1
    row.seconds += int(seconds or 0)
    row.unknown += unknown or 0
    if wrong:
        row.caught_alone += 1
        row.caught = [*row.caught, pk][-SHOWN:]


def _the_one_that_held(policy_id, reasons, action, confidence, confidences, segment) -> str | None:
    """The trigger without which the case would have gone straight through, if there is exactly one."""
    effects = _effects(policy_id)
    able = [
        (reason["name"], effects.get(reason["name"]), reason["kind"])
        for reason in reasons
        if reason["kind"] in HOLDING or ((each := effects.get(reason["name"])) and (each.desk or each.raises))
    ]
    without = [name for name, *_ in able if _straight_without(name, able, policy_id, action, confidence, confidences, segment)]
    return without[0] if len(without) == 1 else None


def _straight_without(name, able, policy_id, action, confidence, confidences, segment) -> bool:
    others = [(effect, kind) for other, effect, kind in able if other != name]
    if any(kind in HOLDING or effect.desk for effect, kind in others):
        return False
    floor = max((effect.raises for effect, _ in others), key=RANK.get, default=None)
    action = {"type": "", "amount": None, "currency": "", "payee": ""} | (msgspec.json.decode(action) if action else {})
    facts = facts_of(
        input={},
        output={},
        action=action | {"amount": None if action["amount"] is None else Decimal(str(action["amount"]))},
        confidence=confidence,
        received_at=clock.now(),
        confidences=msgspec.json.decode(confidences) if confidences else {},
        segment=segment,
    )
    return route(facts, _without_triggers(policy_id, floor), Dial(), draw=1.0).state == "closed"


@lru_cache(maxsize=512)
def _effects(policy_id) -> dict:
    return {trigger.name: trigger for trigger in compiled_policy(policy_id).rules.triggers}


@lru_cache(maxsize=512)
def _without_triggers(policy_id, floor) -> Compiled:
    """The tiers of a version alone, with at least this risk."""
    rules = compiled_policy(policy_id).rules
    floor = max(floor or rules.default_tier, rules.default_tier, key=RANK.get)
    return compile_policy(msgspec.structs.replace(rules, triggers=[], default_tier=floor), {}, {})
