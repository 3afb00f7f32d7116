"""Time-driven work on the ledger."""

from django.utils.translation import gettext_noop

from audit.seal import seal

SCHEDULES = {gettext_noop("seal the audit log"): ("audit.jobs.seal_the_log", 300)}


def seal_the_log() -> None:
    """A signed statement over everything since the last."""
    seal()
