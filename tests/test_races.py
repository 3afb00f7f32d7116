"""C1, C2, I1: many at once, each on a connection of its own."""

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from audit import acting, clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.intake import Intake, receive
from cases.models import Case, Claim, Decision, Release
from integrations.models import IdempotencyKey, OutboxRow
from integrations.problems import Conflict
from tests.conftest import seated
from tests.factories import TWO

pytestmark = pytest.mark.django_db(transaction=True)

REFUND = {"type": "refund", "amount": 240, "currency": "EUR"}
CLAIMERS = 64


def at_once(people, work):
    """`work(person, together)` for everybody at the same time; `together()` waits until all have come so far."""
    barrier = threading.Barrier(len(people))

    def one(person):
        try:
            with acting.scope(acting.on_behalf_of(person)):
                connection.ensure_connection()
                barrier.wait(60)
                return work(person, lambda: barrier.wait(60))
        except BaseException:
            barrier.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        done = [pool.submit(one, person) for person in people]
    broken = [each.exception() for each in done if each.exception()]
    if broken:
        raise next((error for error in broken if not isinstance(error, threading.BrokenBarrierError)), broken[0])
    return [each.result() for each in done]


def team(refunds, owner, role, size, **limits):
    with transaction.atomic():
        return [seated(refunds, role, owner, **limits) for _ in range(size)]


def arrive(integration, count, **more):
    items = [
        {
            "workflow": "refunds",
            "external_id": f"N-{n}",
            "input": {},
            "output": {"decision": "refund"},
            "confidence": 0.5,
            **more,
        }
        for n in range(count)
    ]
    for start in range(0, count, 1000):
        receive([msgspec.convert(item, Intake) for item in items[start : start + 1000]], by=integration)
    return list(Case.objects.order_by("id"))


@pytest.mark.long
@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.slow)])
def test_64_claimers_never_get_the_same_case(committed, count):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    reviewers = team(refunds, owner, "reviewer", CLAIMERS)
    arrive(integration, count)

    def claims(person, together):
        return list(iter(lambda: (case := queues.next_case(person)) and case.pk, None))

    got = Counter(pk for mine in at_once(reviewers, claims) for pk in mine)
    assert (len(got), max(got.values())) == (count, 1)
    assert Claim.objects.filter(ended_at=None).count() == Claim.objects.count() == count
    assert not Claim.objects.exclude(case__claimed_by=F("user")).exists()


@pytest.mark.long
def test_64_claimers_of_the_same_case(committed):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    [case] = arrive(integration, 1)

    def claims(person, together):
        try:
            return str(queues.claim(case.pk, by=person).claimed_by)
        except Conflict as conflict:
            return conflict

    answers = at_once(team(refunds, owner, "reviewer", CLAIMERS), claims)
    [winner] = [answer for answer in answers if isinstance(answer, str)]
    assert all(winner in str(answer) for answer in answers)
    assert Claim.objects.count() == 1


def race(cases, people, verb):
    """Everybody tries the verb on each case at the same moment; per case, the winners and what the others heard."""

    def tries(person, together):
        answers = []
        for case in cases:
            together()
            try:
                verb(case.pk, by=person)
                answers.append(None)
            except (Conflict, PermissionDenied) as refusal:
                answers.append(refusal)
        return answers

    answers = zip(*at_once(people, tries), strict=True)
    for case, heard in zip(cases, answers, strict=True):
        winners = [str(person) for person, answer in zip(people, heard, strict=True) if answer is None]
        yield case, winners, [str(answer) for answer in heard if answer is not None]


@pytest.mark.long
def test_of_32_approvers_at_once_one_wins_and_the_others_hear_who(committed):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    approvers = team(refunds, owner, "approver", 32, EUR=1000)
    cases = arrive(integration, 20, action=REFUND)

    for case, winners, heard in race(cases, approvers, actions.approve):
        [winner] = winners
        assert len(heard) == 31 and all(f"approved by {winner} at" in said for said in heard)
        assert (
            AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb="case.approve", actor_name=winner).count()
            == 1
        )
    assert AuditEvent.objects.filter(verb="case.approve").count() == Decision.objects.count() == Release.objects.count() == 20


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
def test_of_16_approvers_at_once_two_make_a_chain_of_two(committed, rules):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    approvers = team(refunds, owner, "approver", 16, EUR=1000)
    cases = arrive(integration, 5, action=REFUND)

    for case, winners, heard in race(cases, approvers, actions.approve):
        assert (len(winners), len(heard), case.releases.count()) == (2, 14, 1)


@pytest.mark.long
@pytest.mark.parametrize("held", [False, True], ids=["free", "held by one of them"])
def test_of_16_reviewers_at_once_one_accepts(committed, held):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    reviewers = team(refunds, owner, "reviewer", 16)
    cases = arrive(integration, 10)
    for case in cases if held else ():
        queues.claim(case.pk, by=reviewers[7])

    for case, [winner], heard in race(cases, reviewers, actions.accept):
        assert len(heard) == 15 and all(winner in said for said in heard)
        assert not held or winner == str(reviewers[7])
        assert case.decisions.count() == case.releases.count() == 1


def test_of_8_at_once_one_lets_a_case_go_on_and_one_snoozes_it(committed):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    reviewers = team(refunds, owner, "reviewer", 8)
    cases = arrive(integration, 3)
    tomorrow = clock.now() + timedelta(days=1)

    for case, winners, heard in race(cases, reviewers, partial(actions.snooze, reason="x", until=tomorrow)):
        assert len(winners) == 1 and all("snoozed it already" in said for said in heard)
        assert case.pauses.count() == 1
    for case, winners, heard in race(cases, reviewers, actions.go_on):
        assert len(winners) == 1 and all("nothing of it is paused" in said for said in heard)
        assert Case.objects.get(pk=case.pk).priority == 1


def test_the_same_correction_twice_at_once_is_a_lost_race_not_an_empty_edit(committed):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    reviewers = team(refunds, owner, "reviewer", 8)

    def corrects(pk, by):
        return actions.correct(pk, by=by, output={"decision": "reject"})

    for case, [winner], heard in race(arrive(integration, 5), reviewers, corrects):
        assert len(heard) == 7 and all(f"corrected by {winner}" in said for said in heard)
        assert case.decisions.count() == 1


@pytest.mark.long
def test_accepting_correcting_escalating_and_withdrawing_at_once_is_one_of_them(committed):
    refunds, owner, integration = committed("refunds", "owner", "integration")
    people = [*team(refunds, owner, "reviewer", 9), integration]
    ways = [
        lambda pk, by: actions.accept(pk, by=by),
        lambda pk, by: actions.correct(pk, by=by, output={"decision": "reject"}),
        lambda pk, by: actions.escalate(pk, by=by, reason="Unclear"),
    ]

    def verb(pk, by):
        return actions.withdraw(pk, by=by) if by == integration else ways[people.index(by) % 3](pk, by)

    for case, winners, _ in race(arrive(integration, 20), people, verb):
        moves = AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, body__has_keys=["from", "to"]).exclude(
            verb="case.received"
        )
        first, *later = moves.order_by("number")
        assert len(winners) == 1 + len(later)
        assert all(event.verb == "case.withdraw" and first.verb == "case.escalate" for event in later)


# I1: the same key and body, 64 times at once


def insisting(path, body, headers):
    """A client that sends again while its request is in flight elsewhere."""

    def post(_, together):
        while True:
            answer = Client().post(path, body, content_type="application/json", headers={"Idempotency-Key": "k-1"}, **headers)
            if answer.status_code != 409 or answer.json()["code"] != "in_flight":
                return answer
            time.sleep(0.3)

    return post


def one_effect(answers, status):
    assert {(answer.status_code, answer.content) for answer in answers} == {(status, answers[0].content)}
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.long
def test_the_same_intake_64_times_at_once_is_one_case(committed):
    integration, key = committed("integration", "key")
    with transaction.atomic():
        headers = key(integration)
    body = json.dumps(
        {"workflow": "refunds", "external_id": "A-1", "input": {}, "output": {"decision": "refund"}, "confidence": 0.99}
    )

    answers = at_once([integration] * 64, insisting("/api/v1/cases/", body, headers))

    one_effect(answers, 201)
    assert (Case.objects.count(), OutboxRow.objects.count(), Release.objects.count()) == (1, 1, 1)


@pytest.mark.long
def test_the_same_decision_64_times_at_once_is_one_decision(committed):
    approver, integration, key = committed("approver", "integration", "key")
    [case] = arrive(integration, 1, action=REFUND)
    with transaction.atomic():
        headers = key(approver)

    answers = at_once([approver] * 64, insisting(f"/api/v1/cases/{case.pk}/approve/", "{}", headers))

    one_effect(answers, 200)
    assert (Decision.objects.count(), Release.objects.count(), OutboxRow.objects.count()) == (1, 1, 2)


def test_the_same_id_in_64_intakes_at_once_without_a_key_is_one_case(committed):
    (integration,) = committed("integration")
    item = msgspec.convert(
        {"workflow": "refunds", "external_id": "A-1", "input": {}, "output": {"decision": "refund"}, "confidence": 0.99}, Intake
    )

    answers = at_once([integration] * 64, lambda by, together: receive([item], by=by)[0])

    assert Counter(answer.status for answer in answers) == {"received": 1, "known": 63}
    assert (Case.objects.count(), OutboxRow.objects.count(), Release.objects.count()) == (1, 1, 1)
