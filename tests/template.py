"""The tests' database is migrated once for each state of the migrations, and copied from there: a copy takes a moment."""

import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from psycopg import sql

BEGINS = "hitl_migrated_"


@contextmanager
def of_the_migrations():
    """Inside the block a tests' database is made as a copy of the migrated one; the first one to be made becomes it.

    One process at a time, so that of several that begin together one migrates and the others copy. As the owner.
    """
    name, test = BEGINS + digest(), connection.settings_dict["TEST"]
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.VAR_DIR / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = name in migrated()
        test["TEMPLATE"] = name if known else None
        try:
            yield
        finally:
            test["TEMPLATE"] = None
        if known:
            close_to_the_public()
        else:
            keep_as(name)


def close_to_the_public():
    """What a copy leaves behind: the rights on the database itself, as audit/0001 takes them."""
    with connection.cursor() as cursor:
        mine = sql.Identifier(connection.settings_dict["NAME"])
        cursor.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(mine))
    connection.close()


def digest() -> str:
    """Of everything that the migrations are made of: theirs by the installed versions, ours as they are written."""
    ours = [app for app in apps.get_app_configs() if Path(app.path).is_relative_to(settings.BASE_DIR)]
    files = sorted(file for app in ours for file in Path(app.path).glob("migrations/*.py"))
    files += [settings.BASE_DIR / "requirements.txt", settings.BASE_DIR / "hitlsite" / "settings.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def migrated() -> list[str]:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{BEGINS}%"])
        return [row[0] for row in cursor.fetchall()]


def keep_as(name):
    """A copy of the database just made, in place of those of earlier states."""
    made = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        for other in migrated():
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(other)))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(made)))
