"""The one place where this process becomes the database's owner: to migrate, to make the demo, and around the tests."""

from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from audit import acting


@contextmanager
def as_owner():
    """For the length of the block, this thread's connection signs in as hitl_owner, and acts for nobody until told to."""
    mine = {key: connection.settings_dict[key] for key in settings.DATABASE_OWNER}
    connection.close()
    connection.settings_dict.update(settings.DATABASE_OWNER)
    try:
        with acting.scope(acting.NOBODY):
            yield
    finally:
        connection.close()
        connection.settings_dict.update(mine)
