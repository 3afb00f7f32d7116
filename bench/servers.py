"""Two gunicorn servers on 127.0.0.1, ours and the plain one, and the CPU that their workers use."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

WORKERS = 2
SETTINGS = {"ours": "hitlsite.settings", "plain": "bench.baseline.settings"}
OPTIONS = [f"--workers={WORKERS}", "--worker-class=sync", "--log-level=error", "--timeout=120", "--no-control-socket"]
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class Server:
    port: int
    workers: list[psutil.Process]

    def cpu(self) -> float:
        """User and system seconds of the workers so far, as /proc/<pid>/stat has them: no client, no PostgreSQL, no master."""
        return sum(times.user + times.system for times in (worker.cpu_times() for worker in self.workers))


@contextmanager
def serving(settings: str):
    """A running server; it ends with the block, by its id, however the block ends."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(128)
        os.set_inheritable(door.fileno(), True)
        master = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore:No directory",
                "-m",
                "gunicorn",
                "hitlsite.wsgi",
                f"--bind=fd://{door.fileno()}",
                *OPTIONS,
            ],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": settings},
            pass_fds=[door.fileno()],
            cwd=CHECKOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end it
        )
        try:
            yield Server(door.getsockname()[1], workers_of(master))
        finally:
            end(master)


def workers_of(master) -> list[psutil.Process]:
    until = time.monotonic() + 30
    while time.monotonic() < until and master.poll() is None:
        if len(found := psutil.Process(master.pid).children()) == WORKERS:
            return found
        time.sleep(0.05)
    raise RuntimeError("gunicorn did not start.")


def end(master):
    master.terminate()
    try:
        master.wait(10)
    except subprocess.TimeoutExpired:
        for process in [*psutil.Process(master.pid).children(), master]:
            process.kill()
        master.wait()
