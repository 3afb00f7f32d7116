"""Rows of our own statements as models, as the database's engine makes them (hitlsite/scoped/rows.py)."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction

from accounts import actions as people
from accounts import keys
from accounts.sessions import SessionStore
from audit import clock
from cases import actions
from cases.customers import earlier
from cases.models import Case
from tests import factories
from tests.conftest import owners_address, seated
from tests.factories import UserFactory
from workflows import actions as workflows


@pytest.fixture
def rules():
    return {"grace_seconds": 600}


@pytest.fixture
def before_it(send):
    return send(customer_reference="C-1")


@pytest.fixture
def case(send, before_it):
    return send(customer_reference="C-1")


def columns_of(model) -> list[str]:
    return [field.column for field in model._meta.concrete_fields]


def test_a_row_is_the_model_that_the_orm_makes_whatever_the_order_of_its_columns(case):
    columns = ", ".join(f"c.{name}" for name in reversed(columns_of(Case)))

    [made] = connection.rows_of(Case, f"SELECT {columns}, 7 AS seventh FROM cases_case c WHERE id = %s", [case.pk])

    [known] = Case.objects.filter(pk=case.pk).values()
    assert {name: value for name, value in made.__dict__.items() if name in known} == known
    assert (made.seventh, made.get_deferred_fields(), made._state.adding) == (7, set(), False)


def test_what_a_row_lacks_is_fetched_where_it_is_asked_for(case, django_assert_num_queries):
    columns = "c.id, c.workflow_id, w.id AS workflow__id, w.name AS workflow__name"
    joined = "cases_case c JOIN workflows_workflow w ON w.id = c.workflow_id"
    [made] = connection.rows_of(Case, f"SELECT {columns} FROM {joined} WHERE c.id = %s", [case.pk])

    with django_assert_num_queries(0):
        assert (made.pk, made.workflow.name) == (case.pk, "Refunds")
    with django_assert_num_queries(2):
        assert (made.output, made.workflow.slug) == (case.output, "refunds")


def test_no_row_is_no_model(db):
    assert connection.rows_of(Case, "SELECT c.* FROM cases_case c WHERE id = %s", [1]) == []


def test_one_case_is_shown_to_those_to_whom_every_case_is(
    send, refunds, owner, reviewer, approver, vendor, vendor_reviewer, integration, machine, stranger
):
    """House, vendors and integrations; managers; in another's place; who lost his seat; what one may still undo."""
    people_of_the_house = [
        owner,
        reviewer,
        approver,
        stranger,
        *(UserFactory(office=each) for each in ("manager", "auditor", "administrator")),
    ]
    stand_in, lent, gone = UserFactory(), UserFactory(), seated(refunds, "reviewer", owner)
    people.be_absent(owner, by=owner, until=clock.now() + timedelta(days=1), stand_in=stand_in, reason="x")
    workflows.delegate(approver.seats.get(), lent, by=approver, until=clock.now() + timedelta(days=1), reason="x")
    workflows.end_seat(gone.seats.get(), by=owner)
    elsewhere = [seated(refunds, "resolver", owner, vendor), seated(refunds, "reviewer", owner, factories.VendorFactory())]
    robot = factories.IntegrationFactory()
    everybody = [*people_of_the_house, stand_in, lent, gone, vendor_reviewer, *elsewhere, integration, robot, machine]
    here, theirs, undone = send(), send(), send()
    Case.objects.filter(pk__in=[theirs.pk, undone.pk]).update(vendor=vendor)
    actions.accept(undone.pk, by=vendor_reviewer)

    def shown(person, case) -> bool:
        try:
            return Case.objects.shown_to(person, case.pk) == case
        except Case.DoesNotExist:
            return False

    seen = {person: [shown(person, case) for case in (here, theirs, undone)] for person in everybody}

    for person, told in seen.items():
        visible = Case.objects.visible_to(person)
        assert told == [visible.filter(pk=case.pk).exists() for case in (here, theirs, undone)], person
    assert {tuple(told) for told in seen.values()} == {(True,) * 3, (False,) * 3, (False, True, True)}


def test_a_column_that_a_migration_adds_stops_no_connection_that_planned_before_it(committed):
    """A release's migrations run while the processes of the one before it still answer."""
    case, reviewer, integration, key = committed("case", "reviewer", "integration", "key")
    with transaction.atomic():
        text = key(integration)["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        session = SessionStore()
        session["x"] = 1
        session.create()

    def ask():
        with transaction.atomic():
            asked = Case.objects.one(case.pk), Case.objects.shown_to(reviewer, case.pk), keys.owner_of(text)
            return *asked, earlier(case, reviewer), SessionStore(session.session_key)["x"]

    def migrate(change):
        with psycopg.connect(owners_address(), autocommit=True) as owner:
            for table in ("cases_case", "workflows_workflow", "workflows_policy", "accounts_user", "django_session"):
                owner.execute(f"ALTER TABLE {table} {change}")

    before = ask()
    migrate("ADD COLUMN of_the_next_release text")
    try:
        assert ask() == before and before[3]
    finally:
        migrate("DROP COLUMN of_the_next_release")
