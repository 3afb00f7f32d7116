"""The benchmarks' own database on the embedded server: made and migrated as the owner, dropped at the end."""

import os
import sys
from contextlib import contextmanager, suppress

import django
import psycopg

from hitlsite import postgres

NAME = "hitl_bench"
TRIES = 4  # of about five seconds each


@contextmanager
def made():
    """Inside the block Django runs on a fresh database of its own; no other benchmark runs on this server meanwhile."""
    postgres.join()
    with psycopg.connect(postgres.url("hitl_owner", "postgres"), autocommit=True) as server:
        if not server.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [NAME]).fetchone()[0]:
            sys.exit("Another benchmark is running on this server. Wait for it to end.")
        drop(server)
        server.execute(f"CREATE DATABASE {NAME}")
        try:
            migrate()
            yield
        finally:
            close()
            drop(server)


def drop(server):
    """Not by force: that would need the right to end the autovacuum's work, which a plain DROP waits for."""
    for _ in range(TRIES):
        with suppress(psycopg.errors.ObjectInUse):
            return server.execute(f"DROP DATABASE IF EXISTS {NAME}")
    sys.exit(f"The database {NAME} is still in use, so it was not dropped.")


def migrate():
    os.environ |= {
        "DATABASE_URL": postgres.url("hitl_app", NAME),
        "DATABASE_OWNER_URL": postgres.url("hitl_owner", NAME),
        "DJANGO_SETTINGS_MODULE": "hitlsite.settings",
        "HITLDESK_API_RATE": "1000000/min",  # the clients are faster than one key may be
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def close():
    from django.db import connections

    connections.close_all()
