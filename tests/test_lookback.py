"""What came before a case: looked up at intake, for a batch in one statement, by many senders at once, and by memory alike."""

import random
import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from cases import actions, lookback
from cases.intake import Intake, receive, routed, stored
from cases.models import Case
from tests import factories
from tests.test_races import at_once  # noqa: F401: a fixture

REFUND = {"type": "refund", "amount": 40, "currency": "EUR"}
DUPLICATE = {"kind": "duplicate", "name": "Duplicate", "days": 30}
AGAIN = {"kind": "repeat_contact", "name": "Again", "days": 7, "contacts": 2, "raises": "high"}


@pytest.fixture
def rules():
    return {"default_tier": "low", "triggers": [DUPLICATE, AGAIN]}


@pytest.fixture
def batch(integration):
    def batch(*items, **options):
        whole = [
            {
                "workflow": "refunds",
                "external_id": f"B-{n}",
                "input": {"text": f"{n}"},
                "output": {"decision": "refund"},
                **item,
            }
            for n, item in enumerate(items)
        ]
        return receive([msgspec.convert(item, Intake) for item in whole], by=integration, **options)

    return batch


@pytest.mark.django_db
def test_the_same_input_again_is_held_and_names_the_first(send):
    first = send(confidence=0.9, input={"b": "Where is  my parcel?", "a": 1})
    second = send(confidence=0.9, input={"a": 1, "b": " where is my\nPARCEL? "})

    assert (first.state, second.state, second.category.slug) == ("closed", "resolution", "duplicate")
    assert second.sentence == "Held for resolution: a case with the same input came moments before (R-1)."
    assert (second.reasons[0]["case"], second.reasons[0]["external_id"]) == (first.pk, "R-1")


@pytest.mark.django_db
def test_the_same_customer_and_action_again_is_held_within_the_days(send, monday):
    def refund(days, amount=40):
        action, at = {**REFUND, "amount": amount}, (monday + timedelta(days=days)).isoformat()
        return send(
            confidence=0.9, input={"text": f"{days} {amount}"}, action=action, customer_reference="C-1", received_at=at
        ).state

    assert [refund(-91), refund(-60), refund(-59, 41), refund(-58)] == ["closed", "closed", "closed", "resolution"]


@pytest.mark.django_db
def test_a_batch_knows_its_own_and_asks_once(batch):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answers = batch({"input": {"t": "a"}}, {"input": {"t": "b"}}, {"input": {"t": "A"}}, {"input": {"t": "c"}})

    assert [answer.desk for answer in answers] == [None, None, "resolution", None]
    assert sum("earlier_cases(" in query["sql"] for query in queries) == 1


@pytest.mark.django_db
def test_a_batch_is_stored_in_the_order_it_came(batch):
    batch(*({"input": {"t": str(n)}, "model_name": f"m{n % 7}"} for n in range(300)))

    assert list(Case.objects.order_by("pk").values_list("external_id", flat=True)) == [f"B-{n}" for n in range(300)]


@pytest.mark.django_db
def test_a_retry_is_no_duplicate_of_itself(batch):
    item = {"input": {"t": "a"}}

    assert [answer.desk for answer in batch(item)] == [None]
    assert [(answer.status, answer.desk) for answer in batch(item)] == [("known", None)]
    assert [answer.desk for answer in batch({**item, "external_id": "X"}, {**item, "external_id": "X"})] == ["resolution"] * 2


@pytest.mark.django_db
def test_repeat_contact_counts_across_batches(batch):
    def desks(*customers):
        count = Case.objects.count()
        items = [
            {"input": {"t": f"{count}-{n}"}, "external_id": f"{count}-{n}", "customer_reference": c}
            for n, c in enumerate(customers)
        ]
        return [answer.desk for answer in batch(*items)]

    assert desks("C-1", "C-2", "C-1") == [None, None, None]
    assert desks("C-2", "C-1", "") == [None, "approval", None]


@pytest.mark.django_db
def test_what_was_withdrawn_or_only_tested_is_no_duplicate(batch, send, integration):
    batch({"input": {"t": "a"}}, is_test=True)
    held = send(input={"t": "b"}, output={"decision": "refund"}, confidence=0.9)
    again = send(input={"t": "b"}, confidence=0.9)
    actions.withdraw(again.pk, by=integration)

    assert send(input={"t": "a"}, confidence=0.9).state == "closed"
    assert [(one["id"]) for one in lookback.before(send(input={"t": "b"}), 30)] == [held.pk]


@pytest.mark.django_db
def test_an_edit_that_repeats_an_earlier_action_is_seen(send, resolver, refunds, owner):
    send(confidence=0.9, input={"text": "1"}, action=REFUND, customer_reference="C-1")
    send(confidence=0.9, input={"text": "2"}, customer_reference="C-1")
    third = send(confidence=0.9, input={"text": "3"}, customer_reference="C-1")

    assert [reason["kind"] for reason in third.reasons] == ["repeat_contact", "approval"]
    assert [case["external_id"] for case in lookback.before(third, 30)] == ["R-2", "R-1"]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_cannot_both_be_first(committed):
    integration, _ = committed("integration", "refunds")
    items = [
        msgspec.convert(
            {"workflow": "refunds", "external_id": f"S-{n}", "input": {"text": "the same"}, "output": {"decision": "refund"}},
            Intake,
        )
        for n in range(8)
    ]

    waiting = iter(items)

    def one(by, together):
        item = next(waiting)
        together()
        return receive([item], by=by)[0].desk

    desks = at_once([integration] * 8, one)

    assert sorted(map(str, desks)) == ["None", *["resolution"] * 7]


@pytest.mark.django_db(transaction=True)
def test_large_batches_crossing_each_other_do_not_deadlock(committed):
    integration, _ = committed("integration", "refunds")

    def one(by, together):
        order = list(range(200))
        random.Random(threading.current_thread().name).shuffle(order)
        items = [
            {
                "workflow": "refunds",
                "external_id": f"{threading.current_thread().name}-{n}",
                "input": {"n": n},
                "output": {"decision": "x"},
            }
            for n in order
        ]
        together()
        return [answer.desk for answer in receive([msgspec.convert(item, Intake) for item in items], by=by)]

    desks = [desk for answers in at_once([integration] * 4, one) for desk in answers]

    assert sum(desk != "resolution" for desk in desks) == 200


@pytest.mark.django_db
def test_a_policy_that_does_not_look_back_is_routed_before_it_is_stored(send, refunds, integration, owner):
    item = msgspec.convert({"workflow": "refunds", "external_id": "P", "input": {"t": 1}, "output": {"decision": "x"}}, Intake)
    assert not isinstance(routed([item], by=integration)[0], dict)

    factories.policy(refunds, owner)

    [row] = routed([item], by=integration)
    assert isinstance(row, dict)
    assert stored([row], by=integration)[0].status == "received"


@given(
    arrivals=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from(["", "A", "B"]), st.integers(1, 3), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_memory_keeps_the_rule(arrivals):
    """Against the rule written out: every earlier one, within the window, at the newest twenty."""
    start, memory, seen = datetime(2026, 6, 1, tzinfo=UTC), lookback.Memory(), []
    for number, (day, customer, text, is_test) in enumerate(arrivals):
        case = {
            "id": number,
            "workflow_id": 1,
            "external_id": str(number),
            "received_at": start + timedelta(days=day),
            "customer_reference": customer,
            "fingerprint": text,
            "is_test": is_test,
            "action": {"type": "", "amount": None, "currency": ""},
        }
        expected = [
            other
            for other in seen
            if other["is_test"] == is_test
            and case["received_at"] - timedelta(days=5) <= other["received_at"] <= case["received_at"]
            and (other["fingerprint"] == text or (customer and other["customer_reference"] == customer))
        ]
        expected.sort(key=lambda other: (other["received_at"], other["id"]), reverse=True)

        assert [one["id"] for one in memory.before(case, 5)] == [other["id"] for other in expected[:20]]
        memory.add(case)
        seen.append(case)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": "x", "b": 1}, {"b": 1, "a": "X "}, True),
        ({"a": "Más\n\ttarde"}, {"a": "mas tarde"}, True),
        ({"a": "x"}, {"a": "y"}, False),
        ({"a": 1}, {"a": 2}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, False),
    ],
)
def test_inputs_that_differ_in_case_and_spaces_only_have_one_fingerprint(one, other, same):
    assert (lookback.fingerprint(one) == lookback.fingerprint(other)) is same
    assert -(2**63) <= lookback.fingerprint(one) < 2**63
