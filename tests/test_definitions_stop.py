"""The stop switch: within five seconds nothing is released without a person, whoever is in the middle of what."""

import gzip
import json
import threading
import time
from datetime import timedelta

import msgspec
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection, transaction

from audit import acting, clock
from audit.models import AuditEvent
from cases import actions, jobs
from cases.intake import Intake, receive, routed, stored
from cases.models import Case, Release
from integrations.models import OutboxRow
from tests import factories
from tests.conftest import HOUSE
from tests.factories import TIERS, UserFactory
from workflows import actions as workflows

EVERY_SECOND_IS_DRAWN = {"tiers": {**TIERS, "medium": {"pattern": "threshold", "threshold": 0.8, "sample_rate": 0.5}}}


def outputs(count, first=0, confidence=0.99):
    body = {"workflow": "refunds", "input": {}, "output": {"decision": "no"}, "confidence": confidence}
    return [msgspec.convert({**body, "external_id": f"S-{first + number}"}, Intake) for number in range(count)]


# One connection


@pytest.mark.django_db
@pytest.mark.parametrize("rules", [EVERY_SECOND_IS_DRAWN])
def test_what_was_routed_before_the_stop_and_stored_after_it_is_held(refunds, owner, integration, rules):
    rows = routed(outputs(40), by=integration)
    assert {(row["state"], row["released"], row["sampled"]) for row in rows} == {
        ("closed", True, False),
        ("review", True, True),
    }

    workflows.stop(refunds, by=owner, reason="Strange refunds")
    answers = stored(rows, by=integration)

    assert {(answer.verdict, answer.desk, answer.status) for answer in answers} == {("held", "review", "received")}
    assert not Release.objects.exists() and list(OutboxRow.objects.values_list("event", flat=True)) == ["workflow.stopped"]
    assert not Case.objects.exclude(state="review", sampled=False, probability=1.0).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("rules", [EVERY_SECOND_IS_DRAWN])
def test_what_is_held_late_is_as_routing_under_the_stop_has_it(refunds, owner, integration, rules):
    early = routed(outputs(20), by=integration)
    workflows.stop(refunds, by=owner, reason="x")
    stored(early, by=integration)

    late = routed(outputs(20), by=integration)

    apart = {"due_at", "received_at"}
    assert [{k: v for k, v in row.items() if k not in apart} for row in early] == [
        {k: v for k, v in row.items() if k not in apart} for row in late
    ]
    assert all(row["due_at"] for row in early)


@pytest.mark.django_db
def test_the_same_id_twice_in_a_batch_that_the_stop_caught_is_held_twice(refunds, owner, integration):
    rows = routed(outputs(1) * 2, by=integration)
    workflows.stop(refunds, by=owner, reason="x")

    answers = stored(rows, by=integration)

    assert [(answer.status, answer.verdict, answer.released_output) for answer in answers] == [
        ("received", "held", None),
        ("known", "held", None),
    ]


@pytest.mark.django_db
def test_a_stop_holds_one_workflow_and_not_the_others(refunds, owner, integration):
    other = factories.workflow("triage", owner=owner)
    workflows.seat(integration, other, "integration", by=owner)
    rows = routed([*outputs(2), msgspec.structs.replace(outputs(1)[0], workflow="triage")], by=integration)

    workflows.stop(refunds, by=owner, reason="x")

    assert [answer.verdict for answer in stored(rows, by=integration)] == ["held", "held", "go"]


@pytest.mark.django_db
@pytest.mark.parametrize("rules", [{"grace_seconds": 30}])
def test_under_a_stop_only_what_a_person_decided_takes_effect(refunds, owner, send, reviewer, machine, rules):
    decided, undecided = send(confidence=0.1), send(confidence=0.1)
    actions.accept(decided.pk, by=reviewer)
    workflows.stop(refunds, by=owner, reason="x")

    with clock.moved(clock.now() + timedelta(minutes=1)):
        jobs.settle_due()

    assert list(Release.objects.values_list("case", flat=True)) == [decided.pk]
    assert Case.objects.get(pk=undecided.pk).state == "review"


@pytest.mark.django_db
def test_only_the_owner_of_risk_resumes_and_both_are_told(refunds, owner, send):
    exceptions = UserFactory()
    workflows.own(refunds, "exceptions", exceptions, by=factories.administrator())
    workflows.stop(refunds, by=exceptions, reason="Strange refunds")

    with pytest.raises(PermissionDenied):
        workflows.resume(refunds, by=exceptions, reason="All well")
    workflows.resume(refunds, by=owner, reason="All well")

    assert send(confidence=0.99).released_at
    stop, resume = (AuditEvent.objects.get(verb=f"workflow.{verb}") for verb in ("stop", "resume"))
    assert stop.actor_id == exceptions.pk and stop.words == "Strange refunds" and stop.body["from"] is None
    assert resume.body["from"] == stop.body["to"] and resume.body["to"] is None


# Several connections


def stopping_in_the_middle(request, sending):
    """While `sending(integration, go_on)` runs on a connection of its own: stop; seconds until the last release after that."""
    with transaction.atomic():
        refunds, owner, integration = (request.getfixturevalue(name) for name in ("refunds", "owner", "integration"))
    over, faults = threading.Event(), []

    def send():
        try:
            with acting.scope(HOUSE):
                sending(integration, lambda: not over.is_set())
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    until(lambda: Release.objects.count() > 100)
    workflows.stop(refunds, by=owner, reason="Strange refunds")
    stopped = last = time.monotonic()
    seen = Release.objects.count()
    while time.monotonic() < stopped + 3 and thread.is_alive():
        if (now := Release.objects.count()) > seen:
            seen, last = now, time.monotonic()
    over.set()
    thread.join(60)
    assert not faults, faults
    assert Release.objects.count() == seen
    return last - stopped


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.002)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rules", [EVERY_SECOND_IS_DRAWN])
def test_while_batches_come_in(request, rules):
    def sending(integration, go_on):
        batch = 0
        while go_on():
            receive(outputs(200, batch * 200), by=integration)
            batch += 1

    took = stopping_in_the_middle(request, sending)

    assert took < 1 and Case.objects.filter(released_at=None).exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_while_a_file_is_imported(request, tmp_path):
    lines = [json.dumps({**msgspec.to_builtins(item)}) for item in outputs(30_000)]
    file = tmp_path / "outputs.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode(), 1))

    took = stopping_in_the_middle(request, lambda integration, go_on: call_command("import_cases", str(file), sender="shop"))

    assert took < 5 and Case.objects.count() == 30_000
    assert 100 < Release.objects.count() < 30_000
