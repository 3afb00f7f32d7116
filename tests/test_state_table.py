"""C3: a case moves only along the table of states.py, whatever the door."""

import json
import re

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.models import AuditEvent
from cases import actions
from cases.intake import Refusal, decoded
from cases.models import Case
from cases.states import BORN, CLOSED, LEGAL, MOVES, OPEN, State
from tests.conftest import seated
from tests.factories import TWO
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

TABLE = "state_moves_only_along_the_table"
REFUND = {"type": "refund", "amount": 240, "currency": "EUR"}


def again(case):
    return Case.objects.get(pk=case.pk)


def trigger(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = %s", [name])
        return cursor.fetchone()[0]


def test_the_databases_table_is_the_codes_table():
    pairs = re.findall(r"old\.state\)::text <> '(\w+)'::text\) OR \(\(new\.state\)::text <> '(\w+)'", trigger(TABLE))

    assert len(pairs) == len(LEGAL) and set(pairs) == LEGAL


def test_a_case_is_born_only_where_triage_leads():
    assert set(re.findall(r"'(\w+)'", trigger("cases_are_born_routed"))) == set(BORN)


def test_the_transitions_of_the_model_are_the_table():
    moves = {}
    for name in MOVES:
        transitions = getattr(Case, name)._django_fsm.transitions
        moves[name] = {source: set(ends(each.target)) for source, each in transitions.items()}

    for name, table in MOVES.items():
        assert moves[name].keys() == table.keys(), name
        for here, there in table.items():
            assert set(there) <= moves[name][here], (name, here)


def ends(target):
    return getattr(target, "allowed_states", None) or [target]


# Every state × every target, past the verbs


@pytest.fixture
def at(send, reviewer, resolver, approver):
    """A case that the verbs have brought to a state; a closed one was rejected, so that nothing of it was released."""

    def at(state):
        if state == "review":
            return send()
        case = send(action=REFUND) if state in ("approval", CLOSED) else send()
        if state == "resolution":
            actions.escalate(case.pk, by=reviewer, reason="Unclear")
        if state == CLOSED:
            actions.reject(case.pk, by=approver, reason="Not owed")
        assert again(case).state == state
        return again(case)

    return at


def befitting(state):
    """What the checks want beside the state, so that only the table is left to say no."""
    closed = {"closed_as": "rejected", "closed_at": timezone.now(), "due_at": None}
    return {"state": state, **(closed if state == CLOSED else {"closed_as": "", "closed_at": None, "due_at": timezone.now()})}


def by_update(case, values):
    Case.objects.filter(pk=case.pk).update(**values)


def by_bulk_update(case, values):
    vars(case).update(values)
    Case.objects.bulk_update([case], list(values))


def by_save_of_another_instance(case, values):
    facts = {field.attname: getattr(case, field.attname) for field in Case._meta.local_concrete_fields if not field.generated}
    Case(**{**facts, **values}).save(force_update=True)


def by_sql(case, values):
    sets = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE cases_case SET {sets} WHERE id = %s", [*values.values(), case.pk])


def by_merge(case, values):
    sets = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        merge = f"MERGE INTO cases_case c USING (SELECT %s AS id) x ON c.id = x.id WHEN MATCHED THEN UPDATE SET {sets}"
        cursor.execute(merge, [case.pk, *values.values()])


DOORS = [by_update, by_bulk_update, by_save_of_another_instance, by_sql, by_merge]
PAIRS = [(here, there) for here in BORN for there in [*State.values, "elsewhere"] if here != there]


@pytest.mark.parametrize("here", BORN)
@pytest.mark.parametrize("door", DOORS)
def test_past_the_verbs_a_case_moves_only_along_the_table(at, here, door):
    for there in (there for start, there in PAIRS if start == here):
        case = at(here)
        if (here, there) in LEGAL:
            door(case, befitting(there))
            assert again(case).state == there
        else:
            with pytest.raises(DatabaseError, match="state moves only along the table"), transaction.atomic():
                door(case, befitting(there))
            assert again(case).state == here


@pytest.mark.parametrize("there", ["intake", "elsewhere"])
def test_no_case_is_born_outside_the_table(at, there):
    twin = at("review")
    facts = {field.attname: getattr(twin, field.attname) for field in Case._meta.local_concrete_fields if not field.generated}
    born = {**facts, **befitting(there), "id": None, "external_id": "twin"}

    for add in (lambda: Case(**born).save(), lambda: Case.objects.bulk_create([Case(**born)])):
        with pytest.raises(DatabaseError, match="cases are born routed"), transaction.atomic():
            add()


def test_the_state_of_an_instance_cannot_be_set(at):
    case = at("review")

    with pytest.raises(AttributeError):
        case.state = CLOSED


def test_what_was_released_goes_back_to_resolution_only(send, reviewer):
    case = send()
    actions.accept(case.pk, by=reviewer)

    for there in ("review", "approval"):
        for door in DOORS:
            with pytest.raises(DatabaseError, match="reopened only as rework"), transaction.atomic():
                door(again(case), befitting(there))


# Every verb from every state, over REST

BODIES = {
    "accept": {},
    "correct": {"output": {"decision": "reject"}},
    "escalate": {"reason": "Unclear"},
    "send_back": {"reason": "Look again"},
    "resolve": {"reason": "Done"},
    "no_action": {"reason": "Spam", "category": "edge-case"},
    "approve": {},
    "retract": {"reason": "Too soon"},
    "reject": {"reason": "Not owed"},
    "recall": {"reason": "I know now"},
    "hand_over": {"reason": "Lunch"},
    "withdraw": {},
    "undo": {},
    "reopen": {"reason": "Wrong after all"},
}


@pytest.fixture
def all_round(refunds, owner):
    """One person who may do everything but check."""
    person = seated(refunds, "reviewer", owner)
    workflows.seat(person, refunds, "resolver", by=owner)
    return person


@pytest.fixture
def brought(send, all_round):
    """A case at a state, where whoever may undo or recall is the all-round person."""

    def brought(state):
        case = send()
        if state in ("resolution", "approval"):
            actions.escalate(case.pk, by=all_round, reason="Unclear")
        if state == "approval":
            actions.escalate(case.pk, by=all_round, reason="Too big")
        if state == "review":
            actions.escalate(case.pk, by=all_round, reason="Unclear")
            actions.send_back(case.pk, by=all_round, reason="Clear")
        if state == CLOSED:
            actions.accept(case.pk, by=all_round)
        return again(case)

    return brought


def the_right_person(verb, state, all_round, approver, integration):
    if verb in ("approve", "retract", "reject") or (verb == "send_back" and state == "approval"):
        return approver
    return integration if verb == "withdraw" else all_round


RULES = {"undo": {"grace_seconds": 60}, "retract": {"chains": TWO}}
CELLS = [(verb, state, RULES.get(verb, {"grace_seconds": 0})) for verb in BODIES for state in BORN]


def test_every_verb_of_the_table_is_tried():
    assert set(BODIES) == set(MOVES) - {"triage"}  # which only intake does, on no case yet


@pytest.mark.parametrize(("verb", "state", "rules"), CELLS, ids=[f"{verb}-{state}" for verb, state, _ in CELLS])
def test_over_rest_a_verb_goes_where_the_table_says_and_is_a_conflict_elsewhere(
    client, key, brought, verb, state, rules, all_round, approver, integration
):
    case, path = brought(state), verb.replace("_", "-")
    by = the_right_person(verb, state, all_round, approver, integration)
    if (verb, state) == ("retract", "approval"):
        actions.approve(case.pk, by=approver)
    before = (
        Case.objects.filter(pk=case.pk).values().get(),
        AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).count(),
    )

    header = {**key(by), "content_type": "application/json"}
    answer = client.post(f"/api/v1/cases/{case.pk}/{path}/", json.dumps(BODIES[verb]), **header)

    after = Case.objects.filter(pk=case.pk).values().get()
    if state in MOVES[verb]:
        assert answer.status_code == 200, answer.content
        assert after["state"] in MOVES[verb][state]
    else:
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json"), answer.content
        assert (after, AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).count()) == before


@pytest.mark.parametrize("field", ["state", "released_at", "requires_approval", "tier", "closed_as", "is_probe"])
def test_no_sender_says_where_its_case_stands(client, key, integration, field):
    item = {"workflow": "refunds", "external_id": "A-1", "input": {}, "output": {}, field: "closed"}

    one = client.post("/api/v1/cases/", json.dumps(item), content_type="application/json", **key(integration))

    assert (one.status_code, field in one.json()["detail"]) == (422, True)
    assert isinstance(decoded(json.dumps(item).encode()), Refusal)  # a line of an import, an item of a batch
    assert not Case.objects.exists()


def test_the_desks_are_the_states_where_somebody_has_a_turn():
    assert set(OPEN) == set(State.values) - {"intake", CLOSED}
