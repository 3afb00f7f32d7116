"""Keeping our own house: done jobs are forgotten after a week; dead ones wait for a person."""

from datetime import timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from audit import clock

KEPT = timedelta(days=7)
BATCH = 5_000
FORGET = """
DELETE FROM jobs_job WHERE id IN
 (SELECT id FROM jobs_job WHERE state = 'done' AND finished_at < %s ORDER BY finished_at LIMIT %s)
"""

SCHEDULES = {gettext_noop("Forget old jobs"): ("jobs.jobs.forget", 3600)}


def forget():
    gone = BATCH
    while gone == BATCH:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FORGET, [clock.now() - KEPT, BATCH])
            gone = cursor.rowcount
