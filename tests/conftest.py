"""The suite runs as hitl_app on real PostgreSQL, migrations on; only `as_owner()` makes, empties and drops the database."""

import itertools
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from accounts import keys
from accounts.models import User
from accounts.roles import KEY_VERBS
from audit import acting, trail
from cases import paging
from cases.intake import Intake, receive
from cases.models import Case
from hitlsite.scoped.owner import as_owner
from tests import factories, template
from tests.doors import let_in
from tests.factories import UserFactory
from workflows import actions as workflows

HOUSE = acting.Acting(person_id=0, in_house=True)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment, django_db_modify_db_settings, django_db_blocker, django_db_keepdb, django_db_createdb
):
    with django_db_blocker.unblock():
        with as_owner(), template.of_the_migrations():
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


@pytest.fixture(scope="session", autouse=True)
def in_house():
    """Tests arrange as the house does; what acts for somebody else says so."""
    with acting.scope(HOUSE):
        yield


@pytest.fixture
def monday():
    return datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


class SignedIn(Client):
    """Whoever is signed in by force has given the second factor, too. Tests of sign-in itself use a plain Client."""

    def force_login(self, user, backend=None):
        super().force_login(user, backend)
        session = self.session
        session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()


@pytest.fixture
def client():
    return SignedIn()


@pytest.fixture
def sign_in(client):
    """The client, with this person signed in."""

    def sign_in(person):
        client.force_login(person)
        return client

    return sign_in


# People, named by what they are


@pytest.fixture
def machine(db):
    return User.objects.machine()


@pytest.fixture
def owner(db):
    return UserFactory(username="owner")


@pytest.fixture
def rules():
    """What the workflow's policy says beyond the three tiers; tests override it."""
    return {"action_tiers": {"refund": "high"}}


@pytest.fixture
def output_schema():
    return {"type": "object", "required": ["decision"], "properties": {"decision": {"type": "string"}}}


@pytest.fixture
def refunds(owner, rules, output_schema):
    return factories.workflow("refunds", owner=owner, rules=rules, output_schema=output_schema)


def seated(workflow, role, owner, vendor=None, **limits):
    person = UserFactory(username=f"{vendor or ''}{role}{User.objects.count()}", vendor=vendor)
    if vendor is not None:
        factories.mandated(vendor, workflow)
    workflows.seat(person, workflow, role, by=owner, limits=[("", currency, amount) for currency, amount in limits.items()])
    return person


@pytest.fixture
def reviewer(refunds, owner):
    return seated(refunds, "reviewer", owner)


@pytest.fixture
def resolver(refunds, owner):
    return seated(refunds, "resolver", owner)


@pytest.fixture
def approver(refunds, owner):
    return seated(refunds, "approver", owner, EUR=1000)


@pytest.fixture
def other_approver(refunds, owner):
    return seated(refunds, "approver", owner, EUR=1000)


@pytest.fixture
def second(refunds):
    """Another of the workflow's owners: of its quality."""
    person = UserFactory(username="second")
    workflows.own(refunds, "quality", person, by=factories.administrator())
    return person


@pytest.fixture
def vendor(db):
    return factories.VendorFactory(name="Acme Support")


@pytest.fixture
def vendor_reviewer(refunds, owner, vendor):
    return seated(refunds, "reviewer", owner, vendor)


@pytest.fixture
def browser():
    """Somebody at the door, with nothing given yet."""
    return Client()


@pytest.fixture
def administrator(db):
    return let_in(factories.administrator())


@pytest.fixture
def anna(approver):
    return let_in(approver, factor=True)


@pytest.fixture
def stranger(db):
    return UserFactory(username="stranger")


@pytest.fixture
def integration(refunds, owner):
    robot = factories.IntegrationFactory(username="shop", answers_for=UserFactory(username="behind"))
    workflows.seat(robot, refunds, "integration", by=owner)
    return robot


@pytest.fixture
def send(integration):
    """Send one output to refunds and give back its case."""
    count = itertools.count(1)

    def send(confidence=0.5, output=None, by=integration, **more):
        item = {
            "workflow": "refunds",
            "external_id": f"R-{next(count)}",
            "input": {"text": "The parcel arrived open."},
            "output": output or {"decision": "refund"},
            "confidence": confidence,
            **more,
        }
        [answer] = receive([msgspec.convert(item, Intake)], by=by)
        assert answer.status == "received", answer
        return Case.objects.get(pk=answer.id)

    return send


@pytest.fixture
def key(db):
    """An API key's header for a person."""

    def header(person, verbs=KEY_VERBS, **more):
        _, text = keys.make(person, by=factories.administrator(), name="test", verbs=verbs, **more)
        return {"HTTP_AUTHORIZATION": f"Bearer {text}"}

    return header


@pytest.fixture
def committed(transactional_db, request):
    """Other fixtures, committed: for tests that begin transactions of their own."""

    def committed(*names):
        with transaction.atomic():
            return [request.getfixturevalue(name) for name in names]

    return committed


@pytest.fixture(autouse=True)
def own_refusals():
    """What an earlier test's refused attempts left to be written is not written by this one's first request, for somebody else."""
    trail._refusals.set(())


@pytest.fixture(autouse=True)
def short_lists(monkeypatch):
    """Ids go on from test to test. A list looks back over all of them at once, however many there were before this test's."""
    monkeypatch.setattr(paging, "WINDOW", 10_000_000)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A password's digest is dear on purpose; the tests of sign-in would spend most of their time on it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def seal_file(settings, tmp_path):
    """The outside copy of the seals is each test's own."""
    settings.SEAL_FILE = tmp_path / "seals.jsonl"
    return settings.SEAL_FILE


def owners_address() -> str:
    """Where the tests' database is, signed in as its owner: for a connection beside the test's own."""
    return urlsplit(settings.DATABASE_OWNER_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@contextmanager
def acting_as(user):
    """Within a test's one transaction: the database is told what it is told at BEGIN where `user` acts, until the block ends."""
    with acting.scope(acting.on_behalf_of(user)), transaction.atomic():
        _introduce()
        yield
    _introduce()


def _introduce():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("SELECT set_config('hitl.vendor', '', true)")
        for statement, parameters in connection._introduction():
            cursor.execute(statement, parameters)
