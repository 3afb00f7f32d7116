"""The same outputs by every door, single, bulk and the plain app's: the same rows, the same events, the same refusals."""

import json
import random

import pytest
from django.db import connection, transaction
from django.test import override_settings

from bench import samples
from tests import factories
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

PLAIN = override_settings(ROOT_URLCONF="bench.baseline.urls")
WRITTEN = {
    "cases": """SELECT to_jsonb(c) - '{id, received_at, intake_digest, desk_since, due_at, expires_at, closed_at, released_at}'::text[]
        || jsonb_build_object('released', released_at IS NOT NULL, 'closed', closed_at IS NOT NULL, 'due', round(extract(epoch FROM due_at - desk_since) / 60), 'expires', expires_at - due_at)
      FROM cases_case c ORDER BY external_id""",
    "releases": """SELECT jsonb_build_array(c.external_id, r.number, r.digest = c.digest, r.at = c.released_at)
      FROM cases_release r JOIN cases_case c ON c.id = r.case_id ORDER BY c.external_id""",
    "outbox": """SELECT to_jsonb(o) - '{id, case_id, at}'::text[]
      FROM integrations_outboxrow o JOIN cases_case c ON c.id = o.case_id ORDER BY c.external_id""",
    "events": """SELECT to_jsonb(e) - '{id, subject_id, at, request_id, hash}'::text[]
      FROM audit_auditevent e JOIN cases_case c ON c.id = e.subject_id WHERE subject_type = 'case' ORDER BY c.external_id""",
}


@pytest.fixture
def bench(owner):
    schemas = {"input_schema": samples.INPUT_SCHEMA, "output_schema": samples.OUTPUT_SCHEMA}
    made = factories.workflow("bench", owner=owner, rules=samples.RULES, **schemas)
    workflows.set_rate(made, "medium", 0.5, by=owner)
    return made


@pytest.fixture
def post(client, bench, owner, key):
    robot = factories.IntegrationFactory(username="robot")
    workflows.seat(robot, bench, "integration", by=owner)
    header = key(robot)

    def post(path, body):
        return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", **header)

    return post


def two_hundred():
    """Outputs of every kind: straight through, held, broken, conflicting, high-risk, with little and with everything."""
    items = samples.outputs("bench", 0, 200, "same")
    for number, item in enumerate(items):
        chance = random.Random(number)
        for name in ("model_name", "prompt_version", "segment", "channel", "confidences", "confidence"):
            if chance.random() < 0.1:
                item[name] = None
        if chance.random() < 0.2:
            item |= {"context": {"orders": number}, "alternatives": [{"label": "cancel"}], "customer_reference": f"R {number}"}
        if chance.random() < 0.1:
            item |= {"received_at": "2026-06-01T07:16:59+02:00", "confidence": chance.choice([True, 7, "high", 1])}
        if chance.random() < 0.1:
            item["action"] = {"type": chance.choice(["note", "close_account"])}
    return items


def written_by(send):
    """What `send` leaves in the tables; undone afterwards, so that the next one begins where this one did."""
    with transaction.atomic():
        send()
        with connection.cursor() as cursor:
            rows = {table: [json.loads(row) for (row,) in asked(cursor, statement)] for table, statement in WRITTEN.items()}
        transaction.set_rollback(True)
    return rows


def asked(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchall()


@pytest.mark.long
def test_the_same_200_cases_through_single_bulk_and_plain_give_the_same_rows_and_audit(post):
    items = two_hundred()

    def one_by_one():
        assert {post("cases/", item).status_code for item in items} == {201}

    def at_once():
        assert post("cases/bulk/", {"cases": items}).json()["received"] == 200

    single, bulk = written_by(one_by_one), written_by(at_once)
    with PLAIN:
        plain, plain_bulk = written_by(one_by_one), written_by(at_once)

    assert [len(single[table]) for table in ("cases", "events")] == [200, 200]
    assert {case["state"] for case in single["cases"]} == {"review", "resolution", "approval", "closed"}
    assert any(case["sampled"] for case in single["cases"]) and len(single["releases"]) == len(single["outbox"]) > 50
    for table in WRITTEN:
        one, many = without_ids_of_releases(single[table]), without_ids_of_releases(bulk[table])
        assert one == many, table
        assert one == without_ids_of_releases(plain[table]) == without_ids_of_releases(plain_bulk[table]), table


def without_ids_of_releases(rows):
    """An AI release's id is drawn anew after each rollback."""
    if rows and isinstance(rows[0], dict):
        rows = [{**row, "ai_release_id": None} for row in rows]
        rows = [{**row, "body": {**row["body"], "ai_release": None}} if "body" in row else row for row in rows]
    return rows


BAD = {
    "no id": {"external_id": None},
    "an empty id": {"external_id": ""},
    "a long id": {"external_id": "x" * 201},
    "a number for an id": {"external_id": 7},
    "a text for an input": {"input": "text"},
    "a list for an output": {"output": []},
    "a NUL in the text": {"input": {"text": "\x00"}},
    "a field that is not known": {"nonsense": 1},
    "a long segment": {"segment": "x" * 61},
    "a list for a model": {"model_name": []},
    "a workflow that is not there": {"workflow": "nope"},
    "a time that is none": {"received_at": "yesterday"},
    "a time to come": {"received_at": "2999-01-01T00:00:00Z"},
    "a negative amount": {"action": {"type": "refund", "amount": -1, "currency": "EUR"}},
    "a text for an amount": {"action": {"type": "refund", "amount": "a lot", "currency": "EUR"}},
    "too large an amount": {"action": {"type": "refund", "amount": 1e15, "currency": "EUR"}},
    "too fine an amount": {"action": {"type": "refund", "amount": "1.001", "currency": "EUR"}},
    "an amount without a currency": {"action": {"type": "refund", "amount": 1}},
    "a currency that is none": {"action": {"type": "refund", "amount": 1, "currency": "XXQ"}},
    "an amount without a type": {"action": {"amount": 1, "currency": "EUR"}},
    "a field of the action that is not known": {"action": {"type": "refund", "sum": 1}},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_all_refuse_the_same_bad_bodies(post, change):
    bad = {**samples.output("bench", 1, "bad"), **change}

    ours, bulk = post("cases/", bad), post("cases/bulk/", {"cases": [bad]})
    with PLAIN:
        plain, plain_bulk = post("cases/", bad), post("cases/bulk/", {"cases": [bad]})

    assert ours.status_code in (400, 422) and plain.status_code == plain_bulk.status_code == 400
    assert bulk.json()["refused"] == 1
    assert written_by(lambda: None)["cases"] == []


def test_all_know_an_output_again_and_refuse_its_id_for_another(post):
    item = samples.output("bench", 1, "twice")
    other = {**item, "confidence": 0.123}

    def statuses(path, *bodies):
        return [post(path, body).status_code for body in bodies]

    def ours():
        assert statuses("cases/", item, item, other) == [201, 200, 409]

    with PLAIN:
        plain = written_by(ours)
    assert len(plain["cases"]) == len(written_by(ours)["cases"]) == 1
