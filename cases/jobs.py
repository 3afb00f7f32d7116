"""Time-driven work on cases: find, call the verb."""

import logging

from django.db import IntegrityError, transaction

from accounts.models import User
from audit import clock
from cases import actions, queues, replay
from cases.models import Case, Replay
from integrations.problems import Conflict
from jobs import running

log = logging.getLogger(__name__)

SCHEDULES = {
    "settle decided cases": ("cases.jobs.settle_due", 1),
    "end expired claims": ("cases.jobs.end_expired_claims", 20),
}


def settle_due(limit=500) -> None:
    """Decisions whose grace window is over take effect; one that may not holds up no other."""
    machine = User.objects.machine()
    due = Case.objects.filter(settles_at__lte=clock.now()).order_by("settles_at").values_list("pk", flat=True)[:limit]
    for pk in list(due):
        try:
            actions.settle_case(pk, by=machine)
        except Conflict:
            continue  # undone, or settled by another worker, in the meantime
        except IntegrityError:
            log.exception("Case %s may not take effect; the others do.", pk)  # such as one whose approver has left since


def end_expired_claims() -> None:
    """Leases that ran out are over in the history too."""
    queues.end_expired_claims()


def make_replay(replay_id) -> str:
    """A replay that somebody asked for; its progress is the job's."""
    with transaction.atomic():
        asked = Replay.objects.select_related("policy__workflow").get(pk=replay_id)
    made = replay.make(asked, told=running.progress)
    return f"{made.counted:,} cases replayed."
