"""Vendors, and work for nobody, write no definition: every table of workflows/ and scorecards/, by SQL and by the ORM."""

import pytest
from django.apps import apps
from django.db import DatabaseError, transaction

from scorecards import actions as scorecards
from tests.test_promises import ADDING, CHANGING, NOT_GRANTED, for_nobody, for_vendor, refused, sql
from workflows import actions as workflows
from workflows.models import AIRelease, PlaybookSection

# Not a definition: what a reviewer, also a vendor's, marked in a case; whom a vendor's lead proposes (triggers check each row).
FACTS = {"scorecards_evaluation", "workflows_proposal"}
DEFINED = [
    model for app in ("workflows", "scorecards") for model in apps.get_app_config(app).get_models(include_auto_created=True)
]
TABLES = sorted({model._meta.db_table for model in DEFINED} - FACTS)


@pytest.fixture
def one_of_each(db, refunds, owner, approver):
    """A row in every table, so that there is something to change."""
    card = scorecards.ready_made(refunds, by=owner)
    workflows.set_rate(refunds, "low", 0.5, by=owner)
    workflows.add(PlaybookSection(workflow=refunds, title="T", text="x"), by=owner)
    AIRelease.objects.create(model_name="m")
    return card


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["vendor", "nobody"])
def test_by_sql_nothing_is_added_changed_or_removed(committed, who):
    _, vendor = committed("one_of_each", "vendor")
    statements = ("INSERT INTO {} DEFAULT VALUES", "UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE")

    for table in TABLES:
        for statement in statements:
            with for_vendor(vendor) if who == "vendor" else for_nobody(), refused(NOT_GRANTED):
                sql(statement.format(table))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["vendor", "nobody"])
def test_by_the_orm_nothing_is_added_changed_or_removed(committed, who):
    _, vendor = committed("one_of_each", "vendor")
    barred = [model for model in DEFINED if model._meta.db_table in TABLES]

    for model in barred:
        with transaction.atomic():
            row = model.objects.order_by("pk").first()
        if row is None:
            continue  # a table that nothing of the above fills is tried by SQL
        value = {model._meta.pk.attname: row.pk}
        field = next(f for f in model._meta.local_concrete_fields if not f.primary_key and not f.generated)
        kept = {field.attname: getattr(row, field.attname)}
        for door in CHANGING:
            with for_vendor(vendor) if who == "vendor" else for_nobody(), refused(NOT_GRANTED):
                door(
                    model(**{f.attname: getattr(row, f.attname) for f in model._meta.local_concrete_fields if not f.generated}),
                    **kept,
                )
        for door in ADDING:
            with for_vendor(vendor) if who == "vendor" else for_nobody(), refused(NOT_GRANTED):
                new = {
                    f.attname: getattr(row, f.attname)
                    for f in model._meta.local_concrete_fields
                    if not f.primary_key and not f.generated
                }
                door(model(**new))
        with for_vendor(vendor) if who == "vendor" else for_nobody(), pytest.raises(DatabaseError), transaction.atomic():
            model.objects.filter(**value).delete()


def test_every_table_of_definitions_is_tried():
    assert "workflows_policy" in TABLES and "scorecards_criterion" in TABLES
    assert {model._meta.db_table for model in DEFINED} - set(TABLES) == FACTS
