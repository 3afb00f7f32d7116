"""`manage.py worker`: does the jobs, and starts those that are due. As many as wanted, on as many hosts as wanted."""

import logging
import signal
from contextlib import suppress
from time import monotonic, sleep

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from audit import acting, logs
from jobs import health, recovery, schedules
from jobs.cluster import Cluster
from jobs.running import AWAY, HOUSE

PAUSE = 0.5  # seconds between two looks at the schedules
SWEEP = 5.0  # seconds between two looks for jobs that were lost

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Do queued and scheduled work until SIGINT or SIGTERM."

    def handle(self, **options):
        logs.tell_of_crashes()
        self.wanted, self.swept_at, self.watch = True, monotonic() - SWEEP, recovery.Watch()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        with acting.scope(HOUSE):
            schedules.declare()
            self.work(Cluster())

    def stop(self, *_):
        self.wanted = False

    def work(self, cluster):
        cluster.start()
        self.stdout.write("Working. Ctrl-C stops after the jobs under way.")
        while self.wanted:
            self.look()
            sleep(PAUSE)
            cluster.keep_alive()
        cluster.stop()
        with suppress(*AWAY):
            health.leave()

    def look(self):
        """One round. While the database is away there is nothing to do but to come back."""
        try:
            close_old_connections()
            self.watch.look()
            schedules.tick()
            if monotonic() - self.swept_at > SWEEP:
                self.swept_at = monotonic()
                health.beat()
                recovery.sweep(clock_is_right=self.watch.believes)
        except AWAY:
            log.exception("The database did not answer.")
