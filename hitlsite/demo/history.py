"""Eight weeks of the demo's past, and a morning's work waiting: each step through the real verb, at its time, by its person."""

from datetime import timedelta
from random import Random

import msgspec

from accounts.models import User
from audit import acting, clock
from cases import actions, queues
from cases.intake import Intake, receive
from cases.models import Case
from cases.states import APPROVAL, RESOLUTION, REVIEW
from hitlsite.demo import outputs, people, rules
from scorecards import actions as scorecards

WEEKS, A_DAY, WAITING = 8, 8, 72
HOUR = timedelta(hours=1)


class History:
    """Makes the demo, at a seeded chance, up to the present moment."""

    def __init__(self, step=lambda: None):
        self.random, self.step, self.truth = Random(20260601), step, {}
        self.people, self.count, self.vendors_turn = {}, 0, ["mila", "lucia"]

    def make(self, now):
        start = now - timedelta(weeks=WEEKS)
        with self._as(None, start):
            self.people = people.hire()
        with self._as("olga", start):
            self.workflows = [self._found(told) for told in rules.ALL]
        with self._as(None, start):
            people.give_factors(self.people)
        for day in range(WEEKS * 7):
            if (start + timedelta(days=day)).weekday() < 5:
                self._day(start + timedelta(days=day), day // 7)
        for number in range(WAITING):
            at = now - self.random.uniform(0.5, 5) * HOUR
            self._leave_waiting(self._send(at, WEEKS), at, number)

    def _as(self, username, at):
        """Act for one of the people, or (None) for the house itself, at a moment of the past."""
        return _at(acting.on_behalf_of(self.people[username]) if username else acting.Acting(in_house=True), at)

    def _found(self, told):
        olga = self.people["olga"]
        workflow = rules.write(told, by=self.people["adam"])
        people.own(workflow, self.people)
        people.seat(workflow, self.people)
        if told["rules"].get("scorecard"):
            scorecards.publish(scorecards.ready_made(workflow, by=olga), by=olga, reason="Agreed with operations.")
        rules.publish(workflow, told, by=olga)
        return workflow

    def _day(self, morning, week):
        """What comes in over a day, and how its people work it."""
        for _ in range(A_DAY):
            at = morning + self.random.random() * 8 * HOUR
            self._work(self._send(at, week), at)

    def _send(self, at, week):
        workflow = self.random.choice(self.workflows)
        body, truth = outputs.MAKERS[workflow.slug](self.random, at, week)
        self.count += 1
        body |= {
            "workflow": workflow.slug,
            "external_id": f"{workflow.slug[:3].upper()}-{self.count:05}",
            "model_name": "harbour",
        }
        with self._as("core-banking", at):
            [answer] = receive([msgspec.convert(body, Intake)], by=self.people["core-banking"])
        self.truth[answer.id] = truth
        self.step()
        return answer.id

    def _work(self, pk, at):
        """Until the case is closed and settled, whoever's turn it is acts some time later."""
        for _ in range(6):
            case = Case.objects.get(pk=pk)
            at += self.random.uniform(0.1, 2.5) * HOUR
            if case.state == REVIEW:
                self._review(case, at)
            elif case.state == RESOLUTION:
                self._resolve(case, at)
            elif case.state == APPROVAL:
                self._approve(case, at)
            else:
                break
        if case.settles_at:
            with self._as(None, case.settles_at + timedelta(seconds=1)):
                actions.settle_case(pk, by=User.objects.machine())

    def _leave_waiting(self, pk, at, number):
        """Of what waits at review some is handed to the vendors and some already escalated; the rest waits for the house."""
        case = Case.objects.get(pk=pk)
        if case.state != REVIEW or number % 3 == 0:
            return
        with self._as("rita", at + 0.2 * HOUR):
            if number % 3 == 1:
                to, *_ = self.vendors_turn = self.vendors_turn[::-1]
                actions.hand_over(pk, by=self.people["rita"], reason="Volume for the vendor.", to=self.people[to].pk)
            else:
                actions.escalate(pk, by=self.people["rita"], reason="The file says otherwise.", category="policy-conflict")

    def _review(self, case, at):
        """A vendor's reviewer takes over some of it; one of them has grown careless lately."""
        name = self.random.choice(["rita", "ravi"])
        if self.random.random() < 0.35 and not case.sampled:
            to = "mila" if case.workflow.slug != "ticket-triage" else self.random.choice(["lucia", "mila"])
            with self._as(name, at):
                actions.hand_over(case.pk, by=self.people[name], reason="Volume for the vendor.", to=self.people[to].pk)
            name, at = to, at + 0.3 * HOUR
        by, truth = self.people[name], self.truth[case.pk]
        right = case.standing == truth or self.random.random() < (0.5 if name == "mila" else 0.06)
        seconds = self.random.randint(20, 180)
        with self._as(name, at):
            queues.claim(case.pk, by=by)
            if right:
                actions.accept(case.pk, by=by, active_seconds=seconds)
            elif self.random.random() < 0.2:
                actions.escalate(case.pk, by=by, reason="I cannot tell what is right here.", category="unclear-request")
            else:
                actions.correct(
                    case.pk,
                    by=by,
                    output=truth,
                    reason="Wrong in the part I changed.",
                    active_seconds=seconds,
                    **_action(case, truth),
                )

    def _resolve(self, case, at):
        name = self.random.choice(["rita", "ravi"]) if case.vendor_id is None else "mila"
        by = self.people[name]
        with self._as(name, at):
            if self.random.random() < 0.15:
                actions.no_action(case.pk, by=by, reason="The customer no longer wants it.", category="edge-case")
            else:
                truth = self.truth[case.pk]
                actions.resolve(
                    case.pk, by=by, reason="Checked with the customer's file.", output=truth, **_action(case, truth)
                )

    def _approve(self, case, at):
        name = self.random.choice(["anna", "arun"]) if (case.amount or 0) <= 1200 else "arun"
        by = self.people[name]
        with self._as(name, at):
            if case.standing == self.truth[case.pk]:
                actions.approve(case.pk, by=by, reason="Owed.", active_seconds=self.random.randint(15, 90))
            elif self.random.random() < 0.5:
                actions.reject(case.pk, by=by, reason="This is not owed.")
            else:
                actions.send_back(case.pk, by=by, reason="Please check the amount again.")


def _action(case, truth):
    """A refund decided where the AI declined proposes the action it lacked."""
    if truth.get("decision") == "refund" and not case.action_type:
        return {"action": {"type": "refund", "currency": "EUR", "payee": case.customer_reference}}
    return {}


class _at:
    def __init__(self, who, when):
        self.scopes = [acting.scope(who), clock.moved(when)]

    def __enter__(self):
        for scope in self.scopes:
            scope.__enter__()

    def __exit__(self, *error):
        for scope in reversed(self.scopes):
            scope.__exit__(*error)
