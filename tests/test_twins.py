"""A possible duplicate is shown beside what it may be a duplicate of; who may not see that one is told in a line that it is there."""

from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import localtime

from cases import actions, twins
from cases.models import Case
from tests.desk import page

pytestmark = pytest.mark.django_db
RULES = {"triggers": [{"kind": "duplicate", "name": "Twice", "days": 30}]}


@pytest.fixture
def rules():
    return RULES


@pytest.fixture
def both(send):
    first = send(confidence=0.1, customer_reference="C-1", output={"decision": "refund", "note": "first"})
    return first, send(confidence=0.9, customer_reference="C-1", output={"decision": "refund", "note": "second"})


def test_what_differs_stands_first(both, resolver):
    first, second = both

    [twin] = twins.of(second, resolver)

    assert (twin.earlier, twin.seen) == (first, True)
    assert [line.path for line in twin.compared if line.changed] == ["output.note"]
    assert twin.compared[0].path == "output.note"
    assert twins.of(first, resolver) == []


def test_its_page_has_both_side_by_side(client, both, resolver):
    client.force_login(resolver)

    shown = client.get(reverse("admin:cases_case_change", args=[both[1].pk])).content.decode()

    assert "It may be a duplicate" in shown and "R-1, before" in shown and "first" in shown


def test_the_workbench_says_at_which_desk_it_stands(client, both, resolver):
    first, second = both
    client.force_login(resolver)

    shown = client.get(page(second)).content.decode()

    assert f"· <strong>at {first.state}</strong>" in shown


@pytest.mark.parametrize("output_schema", [{"properties": {"note": {"type": "string", "title": "Note to the customer"}}}])
def test_both_are_told_in_the_readers_zone_and_by_their_fields_titles(client, both, resolver, reviewer):
    resolver.time_zone = "Asia/Tokyo"
    resolver.save()
    client.force_login(resolver)
    first, second = both
    actions.escalate(first.pk, by=reviewer, reason="Who?")
    actions.resolve(first.pk, by=resolver, output=first.output, reason="So.")

    shown = client.get(page(second, "change")).content.decode().partition("It may be a duplicate")[2]

    assert "Output: Note to the customer" in shown and "Output: Decision" in shown and "Input: " in shown
    there = localtime(second.received_at, ZoneInfo("Asia/Tokyo"))
    assert f"{there.day} {there:%b %Y, %H:%M}" in shown and " UTC" not in shown
    assert "which is closed: released as the AI gave it" in shown


def test_a_vendors_person_reads_one_line_without_its_content(client, both, vendor_reviewer):
    first, second = both
    Case.objects.filter(pk=second.pk).update(vendor=vendor_reviewer.vendor)

    [twin] = twins.of(second, vendor_reviewer)

    assert (twin.earlier.pk, twin.seen, twin.compared) == (first.pk, False, [])
