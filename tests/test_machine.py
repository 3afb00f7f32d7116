"""C4: whatever anybody tries, in whatever order and at the same time, after each step the promises hold.

Hypothesis chooses who tries which verb on which case; two threads, each with a connection of its own, do it by turns or at once.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from random import Random
from types import SimpleNamespace

import msgspec
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from audit import acting, clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.intake import Intake, receive
from cases.models import Case
from cases.states import BORN, CHECKING, MAKING, MOVES
from integrations.problems import Conflict
from tests import factories
from tests.conftest import seated
from tests.factories import TWO
from workflows import actions as workflows
from workflows.patterns import RANK

pytestmark = pytest.mark.django_db(transaction=True)

REFUSALS = (PermissionDenied, ValidationError, Conflict, IntegrityError, Case.DoesNotExist)  # another side's does not exist
REFUND = {"type": "refund", "amount": 240, "currency": "EUR"}
ANOTHER = {"decision": "another"}
ACTION = {"type": "refund", "amount": Decimal(240), "currency": "EUR"}

VERBS = {
    "claim": lambda case, by: queues.claim(case, by=by),
    "next": lambda case, by: queues.next_case(by),
    "give_back": lambda case, by: queues.give_back(case, by=by),
    "skip": lambda case, by: queues.skip(case, by=by, reason="Not mine"),
    "expire": lambda case, by: queues.end_expired_claims(),
    "accept": lambda case, by: actions.accept(case, by=by),
    "correct": lambda case, by: actions.correct(case, by=by, output=ANOTHER),
    "escalate": lambda case, by: actions.escalate(case, by=by, reason="Unclear"),
    "resolve": lambda case, by: actions.resolve(case, by=by, reason="Settled"),
    "resolve anew": lambda case, by: actions.resolve(case, by=by, reason="Settled", output=ANOTHER, action=ACTION),
    "no_action": lambda case, by: actions.no_action(case, by=by, reason="Spam", category="edge-case"),
    "send_back": lambda case, by: actions.send_back(case, by=by, reason="Look again"),
    "approve": lambda case, by: actions.approve(case, by=by),
    "approve less": lambda case, by: actions.approve(case, by=by, action={"amount": Decimal(100)}),
    "approve more": lambda case, by: actions.approve(case, by=by, action={"amount": Decimal(300)}),
    "retract": lambda case, by: actions.retract(case, by=by, reason="Too soon"),
    "reject": lambda case, by: actions.reject(case, by=by, reason="Not owed"),
    "recall": lambda case, by: actions.recall(case, by=by, reason="I know now"),
    "hand_over": lambda case, by: actions.hand_over(case, by=by, reason="Lunch"),
    "withdraw": lambda case, by: actions.withdraw(case, by=by),
    "undo": lambda case, by: actions.undo(case, by=by),
    "reopen": lambda case, by: actions.reopen(case, by=by, reason="Wrong after all"),
    "rework": lambda case, by: actions.rework(case, by=by, reason="Wrong", place="support"),
    "settle": lambda case, by: actions.settle_case(case, by=by),
}
DECIDED = {f"case.{verb}" for verb in (*MAKING, *CHECKING, "send_back")}
TAKING_BACK = {"undo", "recall", "retract", "give_back"}  # what whoever came last usually tries
USUALLY = {
    "reviewers": {
        "accept",
        "correct",
        "escalate",
        "hand_over",
        "recall",
        "undo",
        "reopen",
        "skip",
        "claim",
        "next",
        "give_back",
    },
    "resolvers": {"resolve", "resolve anew", "no_action", "escalate", "send_back", "recall", "undo", "claim", "next"},
    "approvers": {"approve", "approve less", "approve more", "retract", "reject", "send_back", "undo", "claim", "next"},
    "integrations": {"withdraw", "reopen", "rework"},
    "machines": {"settle", "expire"},
}


def sent(external_id, workflow, **more):
    item = {"workflow": workflow, "external_id": external_id, "input": {}, "output": {"decision": "refund"}, "confidence": 0.5}
    return msgspec.convert({**item, **more}, Intake)


@pytest.fixture
def world(request):
    """Two workflows (one with a chain of two approvals, one with a grace window), everybody seated in both, two connections."""
    with transaction.atomic():
        owner, vendor, machine, integration = map(request.getfixturevalue, ("owner", "vendor", "machine", "integration"))
        chain = request.getfixturevalue("refunds")
        grace = factories.workflow("returns", owner=owner, rules={"action_tiers": {"refund": "high"}, "grace_seconds": 30})
        workflows.set_rate(chain, "medium", 1.0, by=owner, segment="vip")
        workflows.seat(integration, grace, "integration", by=owner)
        people = {
            f"{role}s": [seated(chain, role, owner, EUR=1000) for _ in range(2)]
            for role in ("reviewer", "resolver", "approver")
        }
        people["approvers"].append(seated(chain, "approver", owner, EUR=1000))
        workflows.seat(people["approvers"][0], chain, "resolver", by=owner)
        people["reviewers"].append(seated(chain, "reviewer", owner, vendor))
        factories.mandated(vendor, grace)
        for role, persons in people.items():
            for person in persons:
                workflows.seat(person, grace, role[:-1], by=owner, limits=[("", "EUR", 1000)])
        people |= {"integrations": [integration], "machines": [machine]}
    lanes = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
    yield SimpleNamespace(people=people, lanes=lanes, vendor=vendor, done=Counter(), count=0)
    for lane in lanes:
        lane.submit(lambda: connection.close()).result()
        lane.shutdown()


def attempt(verb, case, by, now):
    """Whether it succeeded; runs in a lane, on its connection."""
    with acting.scope(acting.on_behalf_of(by)), clock.moved(now):
        try:
            VERBS[verb](case, by)
        except REFUSALS as refusal:
            return refusal
    return None


PICTURE = r"""
SELECT to_jsonb(c), (SELECT count(*) FROM cases_decision WHERE case_id = c.id), (SELECT count(*) FROM cases_release WHERE case_id = c.id),
  (SELECT count(*) FROM cases_rework WHERE case_id = c.id), (SELECT jsonb_agg(x) FROM cases_claim x WHERE case_id = c.id),
  (SELECT count(*) FROM integrations_outboxrow WHERE case_id = c.id), (SELECT count(*) FROM audit_auditevent
    WHERE subject_type = 'case' AND subject_id = c.id AND verb NOT LIKE '%%\_refused')
 FROM cases_case c WHERE id = %s
"""


def picture(pk):
    """Everything about a case but the refusals: what a failed verb must leave as it was."""
    with connection.cursor() as cursor:
        cursor.execute(PICTURE, [pk])
        return cursor.fetchone()


def story_of(case):
    return list(AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).order_by("number"))


class Life(RuleBasedStateMachine):
    world = None

    @initialize(seed=st.integers(0, 2**32))
    def cases_arrive(self, seed):
        """One seed a life, so that verbs are tried evenly: Hypothesis' own choices favour a few."""
        w, self.chance = self.world, Random(seed)
        w.count += 1
        kinds = [("refunds", {}), ("refunds", {"action": REFUND}), ("refunds", {"confidence": 1, "segment": "vip"})]
        kinds += [("returns", {}), ("returns", {"action": REFUND})]
        items = [sent(f"{w.count}-{n}", workflow, **more) for n, (workflow, more) in enumerate(kinds)]
        self.cases = [answer.id for answer in receive(items, by=w.people["integrations"][0])]
        Case.objects.filter(pk=self.cases[0]).update(vendor=w.vendor)
        self.now, self.seen, self.last, self.releases, self.touched = clock.now(), {}, {}, set(), self.cases

    def drawn(self, pk):
        chance = self.chance
        """A verb and who tries it: mostly what fits the state and the person, now and then anything."""
        state = Case.objects.get(pk=pk).state
        fitting = [verb for verb in VERBS if state in MOVES.get(verb.split()[0], BORN)]
        verb = chance.choice(fitting * 3 + list(VERBS))
        everybody = [person for people in self.world.people.values() for person in people]
        usual = [person for role, verbs in USUALLY.items() if verb in verbs for person in self.world.people[role]]
        if verb in TAKING_BACK and pk in self.last:
            usual = [self.last[pk]] * 5
        return verb, chance.choice(usual * 3 + everybody)

    @rule()
    def somebody_tries(self):
        chance = self.chance
        pk, lane = chance.choice(self.cases), chance.choice([0, 1])
        verb, by = self.drawn(pk)
        self.now += timedelta(seconds=chance.choice([1, 1, 1, 31, 1000]))
        self.touched, before = [pk], picture(pk)

        refusal = self.world.lanes[lane].submit(attempt, verb, pk, by, self.now).result()

        if refusal is None:
            self.world.done[verb] += 1
            self.last[pk] = by
        else:
            assert picture(pk) == before, refusal

    @rule()
    def two_try_at_once(self):
        pk = self.chance.choice(self.cases)
        self.touched, tries = [pk], [self.drawn(pk) for _ in self.world.lanes]
        self.now += timedelta(seconds=1)

        started = [lane.submit(attempt, v, pk, by, self.now) for lane, (v, by) in zip(self.world.lanes, tries, strict=True)]

        self.world.done.update(verb for (verb, _), each in zip(tries, started, strict=True) if each.result() is None)

    def teardown(self):
        self.touched = getattr(self, "cases", [])
        self.promises_hold()

    @invariant()
    def promises_hold(self):
        for pk in self.touched:
            case = Case.objects.get(pk=pk)
            decisions, events = list(case.decisions.order_by("id")), story_of(case)
            the_path_is_legal(case, events)
            the_story_is_the_history(case, decisions, events)
            no_maker_checked(decisions)
            one_holds_it_at_most(case)
            self.releases_were_approved(case, decisions)
            self.nothing_fell(case)
            assert (case.state == "closed") == bool(case.closed_as) == (case.due_at is None)

    def releases_were_approved(self, case, decisions):
        for release in case.releases.all():
            if release.pk not in self.releases and case.requires_approval:
                approvers = {each.by_id for each in decisions if _counts(each, release.digest)}
                assert len(approvers) >= case.approvals_needed
            self.releases.add(release.pk)
        assert case.released_at == min((release.at for release in case.releases.all()), default=None)

    def nothing_fell(self, case):
        now = {
            "tier": RANK[case.tier],
            "requires_approval": case.requires_approval,
            "approvals_needed": case.approvals_needed,
            "revision": case.revision,
        }
        before = self.seen.setdefault(case.pk, {**now, "released_at": None})
        assert all(now[name] >= before[name] for name in now)
        assert before["released_at"] in (None, case.released_at)
        self.seen[case.pk] = {**now, "released_at": case.released_at}


def _counts(decision, digest):
    return decision.verb == "approve" and decision.digest == digest and not decision.is_retracted


def the_path_is_legal(case, events):
    here = "intake"
    for event in events:
        if "to" in event.body:
            verb, start, end = event.verb.removeprefix("case."), event.body["from"], event.body["to"]
            table = MOVES.get({"received": "triage", "edit": "approve"}.get(verb, verb), {here: (here,)})
            assert start == here and end in table[here], event
            here = end
    assert here == case.state


def the_story_is_the_history(case, decisions, events):
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [bytes(event.previous) for event in events] == [b"", *(bytes(event.hash) for event in events[:-1])]
    said = [(event.body["decision"], event.verb, event.actor_id) for event in events if "decision" in event.body]
    assert len(said) == sum(event.verb in DECIDED for event in events)
    assert said == [(each.pk, f"case.{each.verb}", each.by_id) for each in decisions]
    assert sum(event.verb == "case.release" for event in events) == case.releases.filter(number__gt=at_birth(events)).count()


def at_birth(events):
    return int(events[0].body["released"])


def no_maker_checked(decisions):
    makers = set()
    for each in decisions:
        assert each.verb not in CHECKING or each.by_id not in makers
        if each.verb in MAKING or each.output is not None:
            makers.add(each.by_id)


def one_holds_it_at_most(case):
    live = list(case.claims.filter(ended_at=None))
    assert all(claim.desk == case.state for claim in live)
    assert [claim.user_id for claim in live] == [case.claimed_by_id] * (case.claimed_by_id is not None)


def lived(world, examples, steps):
    shape = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        phases=[Phase.generate],  # a failure is told at once: shrinking a life of forty steps takes minutes
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(type("Life", (Life,), {"world": world}), settings=shape)


@pytest.mark.long
@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
@pytest.mark.parametrize(("examples", "steps"), [(8, 40), pytest.param(300, 60, marks=pytest.mark.slow)])
def test_whatever_anybody_tries_the_promises_hold(world, rules, examples, steps):
    lived(world, examples, steps)

    assert len(world.done) > len(VERBS) * 2 / 3, world.done  # it was a life, not a row of refusals
