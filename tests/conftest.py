"""The suite runs as hitl_app on real PostgreSQL, migrations on; only `as_owner()` makes, empties and drops the database."""

from datetime import UTC, datetime

import pytest
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from audit import acting
from hitlsite.scoped.owner import as_owner

HOUSE = acting.Acting(person_id=0, in_house=True)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment, django_db_modify_db_settings, django_db_blocker, django_db_keepdb, django_db_createdb
):
    with django_db_blocker.unblock():
        with as_owner():
            made = setup_databases(verbosity=0, interactive=False, keepdb=django_db_keepdb and not django_db_createdb)
        yield
        if not django_db_keepdb:
            with as_owner():
                teardown_databases(made, verbosity=0)


_empty = TransactionTestCase._fixture_teardown


def _empty_as_owner(self):
    with as_owner():
        _empty(self)


TransactionTestCase._fixture_teardown = _empty_as_owner


@pytest.fixture(autouse=True)
def in_house():
    """Tests arrange as the house does; what acts for somebody else says so."""
    with acting.scope(HOUSE):
        yield


@pytest.fixture
def monday():
    return datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
