"""Everything, on this machine: migrate, the demo where the database is empty, web server and worker; Ctrl-C stops it all."""

import os
import signal
import socket
import subprocess
import sys
import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from hitlsite.demo import people

SIGN_INS = [
    ("rita", "reviews and resolves, in-house"),
    ("anna", "approves"),
    ("lucia", "reviews for a vendor"),
    ("leonor", "leads that vendor's people"),
    ("mario", "leads another vendor's people"),
    ("olga", "owns the rules"),
    ("rosa", "owns the risk: hears the alerts, stops, breaks glass"),
    ("adam", "administers people and keys"),
    ("audrey", "audits"),
]


class Command(BaseCommand):
    help = "Run HITL Desk here: database, migrations, demo, web server and worker. Ctrl-C stops all of it; nothing is lost."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="If it is taken, the next free one is used.")
        parser.add_argument("--no-demo", action="store_true", help="Start with an empty database.")

    def handle(self, *, host, port, no_demo, **options):
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        self._manage("migrate", "--verbosity", "0")
        if not no_demo and not settings.PRODUCTION:
            self._manage("demo", "--if-empty")
        port = _free(host, port)
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, signal.default_int_handler)
        children = []
        try:
            children = [self._start(*_web(host, port)), self._start(sys.executable, "manage.py", "worker")]
            self._greet(host, port)
            _wait(children)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping…")
        finally:
            _stop(children)

    def _manage(self, *words):
        if subprocess.call([sys.executable, "manage.py", *words], cwd=settings.BASE_DIR):
            raise CommandError(f"`manage.py {words[0]}` failed; what it said stands above.")

    def _start(self, *words):
        """In a session of its own, so that Ctrl-C reaches us alone and we stop the others in order."""
        quiet = {"HITLDESK_LOG": "WARNING", **os.environ}  # a line for each request would bury what is said here
        return subprocess.Popen(words, cwd=settings.BASE_DIR, env=quiet, start_new_session=True)

    def _greet(self, host, port):
        self.stdout.write(f"\nHITL Desk is at http://{host}:{port}/  (API: http://{host}:{port}/api/v1/docs/)\n")
        known = set(User.objects.filter(username__in=[name for name, _ in SIGN_INS]).values_list("username", flat=True))
        if known:
            self.stdout.write(f"Sign in with the password {people.password()} as\n")
            for name, what in SIGN_INS:
                if name in known:
                    code = people.code(name)
                    self.stdout.write(f"  {name:8}{what}{code and f'; code now {code}, later: manage.py code {name}'}")
        else:
            self.stdout.write("Make your first account with `manage.py createsuperuser`.")
        self.stdout.write("\nCtrl-C stops it.")
        self.stdout.flush()


def _web(host, port):
    return (
        *(sys.executable, "-m", "gunicorn", "hitlsite.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread"),
        *(
            "--workers",
            "2",
            "--threads",
            "16",
            "--log-level",
            "warning",
            "--max-requests",
            "20000",
            "--graceful-timeout",
            "10",
            "--no-control-socket",
        ),
    )


def _free(host, port):
    for candidate in range(port, port + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
                return candidate
            except OSError:
                continue
    raise CommandError(f"No port from {port} to {port + 49} is free on {host}. Name another with --port.")


def _wait(children):
    while all(child.poll() is None for child in children):
        time.sleep(0.3)
    raise CommandError("The web server or the worker ended by itself; what it said stands above.")


def _stop(children):
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
