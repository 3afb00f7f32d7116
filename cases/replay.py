"""Replay: what a version, published or a draft, would have made of the cases of some days.

The cases are read a page at a time under the reader's own rights; the routing is `tally.py`, in processes of its own
where there is much of it. Nothing is released, held or changed by it.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases import lookback
from cases.models import Replay
from cases.replaying import Apart, Here
from cases.tally import Draft, document_of
from jobs import queue
from workflows import actions as workflows
from workflows.models import Policy, Workflow

PROCESSES = 2
FEW = 3000  # cases that are not worth a process
PAGE = 1000
MOST_DAYS = 366

# `received_at` is the sender's time; a case counts by it, whenever it came in.
COUNTED = """
  FROM cases_case c WHERE c.workflow_id = %(workflow)s AND c.received_at >= %(since)s AND c.received_at < %(until)s
   AND NOT c.is_test AND NOT c.is_probe AND c.routed <> '{}'
"""
HOW_MANY = f"SELECT count(*), coalesce(max(c.id), 0) {COUNTED}"
# The moment as text: to make Django's of it takes longer than the rest of the row.
PAST = f"""
SELECT c.id, c.input, c.context, c.output, c.sent_action, c.received_action, c.confidence, c.confidences, c.alternatives,
  c.segment, c.channel, c.customer_reference, to_char(c.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  c.draw, c.sampled, c.sentence, c.reasons, c.routed, c.closed_as, c.standing_output IS NOT NULL,
  EXISTS (SELECT FROM cases_rework r WHERE r.case_id = c.id)
 {COUNTED} AND c.id > %(after)s AND c.id <= %(last)s ORDER BY c.id LIMIT {PAGE}
"""
MINUTES = """
SELECT d.desk, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY d.active_seconds) / 60
  FROM cases_decision d JOIN cases_case c ON c.id = d.case_id
 WHERE c.workflow_id = %s AND d.active_seconds IS NOT NULL AND d.at > %s GROUP BY d.desk
"""


def replay(policy, *, by, days=30, since=None, until=None) -> Replay:
    """Ask for a replay over the last days, or from `since` to `until`. A worker makes it; its row says when it is done."""
    since, until = span(days, since, until)
    with workflows.deciding(policy.workflow, "define", by=by):
        workflows.check(policy.rules, policy.input_schema, policy.output_schema, policy.workflow)
        asked = Replay.objects.create(policy=policy, since=since, until=until, asked_by=by)
        asked.job = queue.enqueue("cases.jobs.make_replay", asked.pk, max_attempts=2).pk
        asked.save(update_fields=["job"])
        facts = {"workflow": policy.workflow.slug, "version": policy.version, "replay": asked.pk}
        trail.record("policy.replay", by=by, subject=policy, **facts, since=since.isoformat(), until=until.isoformat())
    return asked


def span(days, since=None, until=None) -> tuple[datetime, datetime]:
    until = until or clock.now()
    if since is None and not 1 <= days <= MOST_DAYS:
        raise ValidationError({"days": format_lazy(_("Choose from 1 to {days} days."), days=MOST_DAYS)})
    since = since or until - timedelta(days=days)
    if since >= until:
        raise ValidationError({"since": _("The time ends before it begins. Choose an earlier beginning.")})
    return since, until


def make(asked: Replay, told: Callable = lambda done, total: None) -> Replay:
    """Make what was asked for, unless it was made already; what became of it is written once."""
    if asked.finished_at:
        return asked
    draft = draft_of(asked.policy)
    result = result_of(draft, asked.policy.workflow, asked.since, asked.until, told)
    with transaction.atomic():
        mine = Replay.objects.filter(pk=asked.pk, finished_at=None)
        mine.update(finished_at=clock.now(), counted=result["counted"], document=digest(draft), result=result)
    asked.refresh_from_db()
    return asked


def draft_of(policy: Policy) -> Draft:
    """The version as it is now, with the rates in force: a draft may change until it is published."""
    with transaction.atomic():
        rates = list(policy.workflow.rates.values_list("tier", "segment", "rate"))
    return Draft(policy.rules, policy.input_schema, policy.output_schema, rates)


def digest(draft: Draft) -> str:
    return hashlib.sha256(document_of(draft)).hexdigest()


def is_of_what_stands(asked: Replay) -> bool:
    """Whether the version still says what was replayed; a draft may have changed since."""
    policy = asked.policy
    return asked.document == digest(Draft(policy.rules, policy.input_schema, policy.output_schema))


def result_of(draft: Draft, workflow: Workflow, since, until, told=lambda done, total: None) -> dict:
    """The sums as they are kept, with the minutes that a look takes at each desk."""
    about = {"workflow": workflow.pk, "since": since, "until": until}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HOW_MANY, about)
        total, last = cursor.fetchone()
    counting = Here(draft) if total <= FEW else Apart(draft, PROCESSES)
    with counting:
        done = 0
        for rows in pages({**about, "last": last}, draft.compiled().looks_back):
            counting.take(rows)
            done += len(rows)
            told(done, total)
        result = counting.told().told()
    minutes = minutes_of(workflow)
    for side in (result["was"], result["now"]):
        side["minutes"] = spent(side["looks"], minutes)
    return {**result, "minutes": minutes, "rates": draft.rates}


def pages(about, days: int):
    """The past cases in the order in which they came in, a page at a time: memory stays flat, no transaction stays open.

    `days` is how far the version looks back; what had come before each case is then found as live intake would have.
    """
    after = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PAST, {**about, "after": after})
            rows = cursor.fetchall()
            if rows and days:
                earlier = lookback.before_those([row[0] for row in rows], days)
                rows = [(*row, before) for row, before in zip(rows, earlier, strict=True)]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def minutes_of(workflow) -> dict:
    """Per desk the minutes of one look, and where they are from: the workflow's own median, else what it took by hand."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MINUTES, [workflow.pk, clock.now() - timedelta(days=180)])
        measured = {desk: (count, minutes) for desk, count, minutes in cursor.fetchall()}
    by_hand = workflow.minutes_by_hand
    known = {}
    for desk in ("review", "resolution", "approval"):
        if desk in measured:
            count, minutes = measured[desk]
            known[desk] = {"minutes": minutes, "from": f"the median of {count:,} decisions"}
        elif by_hand is not None:
            known[desk] = {"minutes": float(by_hand), "from": "the charter: what a case took by hand"}
    return known


def spent(looks: dict, minutes: dict) -> float | None:
    """People's minutes for these looks; None where a desk's is not known."""
    if any(desk not in minutes for desk in looks):
        return None
    return sum(number * minutes[desk]["minutes"] for desk, number in looks.items())
