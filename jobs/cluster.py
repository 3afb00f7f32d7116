"""django-q2's cluster, made safe against the death of any of its processes.

q2's processes share queues whose locks die with their holder: after `kill -9` of an idle worker nobody can read the
queue any more, and q2 waits for ever. So after any death that was not orderly everything goes: all children, queues and
events; then the jobs they had are put back and a new pool starts. Its guard and stop wait for locks, too; ours do not.
"""

import logging
import os
import signal
from contextlib import suppress
from multiprocessing import Event
from queue import Full
from time import monotonic

from django import db
from django_q import cluster as q2
from django_q.conf import Conf
from django_q.queues import Queue

from jobs import recovery, running

GRACE = 25  # seconds that running jobs are given at a stop; then they are put back for the next worker
ORDERLY = 0

log = logging.getLogger(__name__)


class Sentinel(q2.Sentinel):
    """Guards pusher, workers and monitor. Leads a process group of its own, so that whoever started it can end them all."""

    def start(self):
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we stop when we are told to, and so do our children
        super().start()

    def spawn_process(self, target, *args):
        db.connections.close_all()  # no connection may be shared with a fork
        return super().spawn_process(target, *args)

    def children(self):
        return [*self.pool, self.pusher, self.monitor]

    def guard(self):
        self.start_event.set()
        while not self.stop_event.wait(Conf.GUARD_CYCLE) and os.getppid() == self.parent_pid:
            self.count_down()
            if any(child.exitcode not in (None, ORDERLY) for child in self.children()):
                self.rebuild()
            else:
                self.replace_the_retired()
            q2.Stat(self).save()
        self.stop()

    def count_down(self):
        """q2's time limit, for work that does not even hear the alarm clock; its worker is killed."""
        for worker in self.pool:
            lock = worker.timer.get_lock()
            if not lock.acquire(timeout=0.1):
                continue
            left = worker.timer.get_obj()
            if left.value > 0:
                left.value = max(left.value - Conf.GUARD_CYCLE, 0)
                if left.value == 0:
                    worker.kill()
            lock.release()

    def replace_the_retired(self):
        """Workers leave after so many jobs or a job's timeout, the pusher when the database was away: both in order."""
        for worker in [worker for worker in self.pool if worker.exitcode == ORDERLY]:
            self.pool.remove(worker)
            self.spawn_worker()
        if self.pusher.exitcode == ORDERLY:
            self.pusher = self.spawn_pusher()
        if self.monitor.exitcode == ORDERLY:
            self.monitor = self.spawn_monitor()

    def rebuild(self):
        """Begin anew. Only the workers that fell by themselves are charged with an attempt."""
        fallen = [worker.pid for worker in self.pool if worker.exitcode not in (None, ORDERLY)]
        log.critical("A worker process died (%s): the pool is rebuilt.", fallen or "pusher or monitor")
        others = [worker.pid for worker in self.pool if worker.pid not in fallen]
        self.kill(self.children())
        self.task_queue, self.result_queue = Queue(maxsize=Conf.QUEUE_LIMIT), Queue()
        self.event_out = Event()
        self.put_back(fallen, others)
        self.reincarnations += 1
        self.spawn_cluster()

    def kill(self, children):
        for child in children:
            child.kill()
        for child in children:
            child.join()

    def put_back(self, fallen, others):
        """If the database is away, the sweep does it later."""
        try:
            recovery.died(fallen)
            recovery.interrupted(others)
            recovery.release_unstarted()
        except running.AWAY:
            log.exception("The jobs of %s could not be put back yet.", fallen + others)
        finally:
            db.connections.close_all()

    def stop(self):
        """Take no more work, let what runs end within GRACE, put back the rest."""
        until = monotonic() + GRACE
        self.event_out.set()
        self.pusher.join(2)
        self.kill([self.pusher])
        with suppress(Full):
            for _ in self.pool:
                self.task_queue.put("STOP", timeout=max(until - monotonic(), 0))
        for worker in self.pool:
            worker.join(max(until - monotonic(), 0))
        left = [worker.pid for worker in self.pool if worker.exitcode is None]
        self.result_queue.put("STOP")
        self.monitor.join(2)
        self.kill(self.children())
        self.put_back([], left)
        for queue in (self.task_queue, self.result_queue):
            queue.cancel_join_thread()


class Cluster:
    """The sentinel's process, as seen from the one that started it."""

    def start(self):
        running.name_the_workers()
        db.connections.close_all()
        self.stopping, started = Event(), Event()
        self.process = q2.get_mp_context().Process(target=Sentinel, args=(self.stopping, started, q2.uuid.uuid4()))
        self.process.start()

    def keep_alive(self):
        """The sentinel has died: end the children it left behind, and start another."""
        if self.process.is_alive():
            return
        log.critical("The sentinel died (%s): the cluster is started again.", self.process.exitcode)
        self.kill_group()
        with suppress(*running.AWAY):  # then the sweep does it
            recovery.home_died(running.home)
        self.start()

    def kill_group(self):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self):
        self.stopping.set()
        self.process.join(GRACE + 10)
        self.kill_group()
