"""Eight weeks of the demo's past, and a morning's work waiting: each step through the real verb, at its time, by its person."""

from datetime import timedelta
from random import Random

import msgspec

from accounts.models import User
from audit import acting, clock
from cases import actions, blind, queues
from cases.intake import Intake, receive
from cases.models import Case
from cases.states import APPROVAL, RESOLUTION, REVIEW
from hitlsite.demo import engagements, events, outputs, people, rules
from scorecards import actions as scorecards
from workflows import actions as workflows
from workflows.models import compiled_policy

WEEKS, A_DAY, WAITING, LEAST_WAITING = 8, 8, 72, 6
SECOND_VERSIONS = 5  # after this many weeks
SENT_TWICE = {"invoice-capture", "refunds"}  # where somebody sends the same again, now and then
HOUR = timedelta(hours=1)


REVIEWERS = {None: ["rita", "ravi"], engagements.LISBON: ["lucia"], engagements.MANILA: ["mila"]}


class History:
    """Makes the demo, at a seeded chance, up to the present moment."""

    def __init__(self, step=lambda: None):
        self.world, self.chance = Random(20260601), Random(20260602)  # what comes in is the same every time, whoever works it
        self.step, self.truth = step, {}
        self.people, self.sent, self.count, self.vendors_turn = {}, {}, 0, ["mila", "lucia"]

    def make(self, now):
        start = now - timedelta(weeks=WEEKS)
        with self._as(None, start):
            self.people = people.hire()
        self.does("adam", start, engagements.sign, start)
        self.workflows = [self._found(told, start) for told in rules.ALL]
        office = self.does("adam", start, rules.keep_hours, now.year)
        [_, invoices, _] = self.workflows
        # Invoices alone keep office hours: whoever tries the rest, at whatever hour, finds work of the house.
        self.does("marc", start, workflows.set_staffed, invoices, office)
        self.does("marc", start, workflows.set_calendar, invoices, office, reason="Suppliers are paid in office hours.")
        for day in range(WEEKS * 7):
            morning = start + timedelta(days=day)
            if day == 7 * SECOND_VERSIONS:
                self._publish_anew(morning)
            if morning.weekday() < 5:
                self._day(morning, day // 7)
        for number in range(WAITING):
            at = now - self.world.uniform(0.5, 5) * HOUR
            self._leave_waiting(self._send(at, WEEKS), at, number)
        self._leave_some_for_the_house(now)
        events.happen(self, now)
        with self._as(None, now):
            people.give_factors(self.people)

    def _as(self, username, at):
        """Act for one of the people, or (None) for the house itself, at a moment of the past."""
        return _at(acting.on_behalf_of(self.people[username]) if username else acting.Acting(in_house=True), at)

    def does(self, username, at, verb, *about, **how):
        """One verb, by one of the people, at that time."""
        with self._as(username, at):
            return verb(*about, by=self.people[username], **how)

    def _found(self, told, start):
        olga, adam = self.people["olga"], self.people["adam"]
        with self._as("adam", start):
            workflow = rules.write(told, by=adam)
            people.own(workflow, self.people)
            engagements.mandate(workflow, by=adam)
            people.seat(workflow, self.people)
        with self._as("olga", start):
            if workflow.slug == "refunds":
                scorecards.publish(scorecards.ready_made(workflow, by=olga), by=olga, reason="Agreed with operations.")
            rules.publish(workflow, 0, by=olga)
        return workflow

    def _publish_anew(self, at):
        for workflow in self.workflows:
            self.does("olga", at, rules.publish, workflow, 1)

    def _day(self, morning, week):
        """What comes in over a day, and how its people work it."""
        for _ in range(A_DAY):
            at = morning + self.world.random() * 8 * HOUR
            self._work(self._send(at, week), at)

    def _send(self, at, week):
        workflow = self.world.choice(self.workflows)
        before = self.sent.setdefault(workflow.slug, [])
        again = workflow.slug in SENT_TWICE and before and self.world.random() < 0.04
        body, truth = (before[-1], None) if again else outputs.MAKERS[workflow.slug](self.world, at, week)
        before.append(body)
        return self.send(workflow.slug, body, truth, at)

    def send(self, slug, body, truth, at):
        """It comes in; `truth` is what is right, None where nothing at all should be done."""
        self.count += 1
        external_id = f"{slug[:3].upper()}-{self.count:05}"
        body = {**body, "workflow": slug, "external_id": external_id, "model_name": "harbour"}
        [answer] = self.does("core-banking", at, receive, [msgspec.convert(body, Intake)])
        self.truth[answer.id] = truth
        self.step()
        return answer.id

    def _work(self, pk, at):
        """Until the case is closed and settled, whoever's turn it is acts some time later."""
        for _ in range(9):
            case = Case.objects.get(pk=pk)
            at += self.chance.uniform(0.1, 2.5) * HOUR
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

    def _leave_some_for_the_house(self, now):
        """By night most of what waits is a vendor's; whoever looks first, at whatever hour, has a review to begin with."""
        ours = Case.objects.filter(state=REVIEW, vendor=None)
        while ours.count() < LEAST_WAITING:
            self._send(now - self.world.uniform(0.5, 1) * HOUR, WEEKS)

    def _leave_waiting(self, pk, at, number):
        """Of what waits at review some is handed on to the vendors and some already escalated; the rest waits where it was allocated."""
        case = Case.objects.get(pk=pk)
        if case.state != REVIEW or number % 6 not in (1, 2, 5):
            return
        with self._as("rita", at + 0.2 * HOUR):
            if number % 6 == 1:
                to, *_ = self.vendors_turn = self.vendors_turn[::-1]
                actions.hand_over(pk, by=self.people["rita"], reason="Volume for the vendor.", to=self.people[to].pk)
            else:
                actions.escalate(pk, by=self.people["rita"], reason="The file says otherwise.", category="policy-conflict")

    def _review(self, case, at):
        """Somebody of the side that it was allocated to; one of them has grown careless lately."""
        name = self.chance.choice(REVIEWERS[case.vendor and case.vendor.name])
        by, truth = self.people[name], self.truth[case.pk]
        right = case.standing == truth or self.chance.random() < (0.5 if name == "mila" else 0.06)
        seconds = self.chance.randint(20, 180)
        self.does(name, at, queues.claim, case.pk)
        self.answer_first(case, name, at + timedelta(seconds=seconds // 2))
        with self._as(name, at + timedelta(seconds=seconds)):
            if right:
                actions.accept(case.pk, by=by, active_seconds=seconds)
            elif truth is None or self.chance.random() < 0.2:
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

    def answer_first(self, case, name, at):
        """Where the policy asks for it: what is right, but for a slip now and then."""
        if not blind.is_asked(case):
            return
        read = self.truth[case.pk] or case.standing
        slip = {"invoice_number": f"{read['invoice_number']}0"} if case.pk % 11 == 0 else {}
        self.does(name, at, actions.own_answer, case.pk, output={**read, **slip})

    def _resolve(self, case, at):
        name = self.chance.choice(["rita", "ravi"]) if case.vendor_id is None else "mila"
        by, truth = self.people[name], self.truth[case.pk]
        seconds = self.chance.randint(60, 400)
        with self._as(name, at):
            if truth is None:
                coded = _coded(case, "no_action", "refunded-before")
                actions.no_action(
                    case.pk, by=by, reason="It came before.", category="duplicate", active_seconds=seconds, **coded
                )
            elif self.chance.random() < 0.1:
                coded = _coded(case, "no_action", "no-longer-wanted")
                reason = "The customer no longer wants it."
                actions.no_action(case.pk, by=by, reason=reason, category="edge-case", active_seconds=seconds, **coded)
            else:
                actions.resolve(
                    case.pk,
                    by=by,
                    reason="Checked with the customer's file.",
                    output=truth,
                    active_seconds=seconds,
                    **_action(case, truth),
                )

    def _approve(self, case, at):
        given = case.decisions.filter(verb="approve", digest=case.digest).count()
        name = self._approver(case, case.chain[given]["title"])
        by, seconds = self.people[name], self.chance.randint(15, 90)
        with self._as(name, at):
            if case.standing == self.truth[case.pk]:
                actions.approve(case.pk, by=by, reason="Owed.", active_seconds=seconds)
            elif self.chance.random() < 0.5:
                coded = _coded(case, "reject", "not-owed")
                actions.reject(case.pk, by=by, reason="This is not owed.", active_seconds=seconds, **coded)
            else:
                coded = _coded(case, "send_back", "check-the-amount")
                actions.send_back(case.pk, by=by, reason="Please check the amount again.", active_seconds=seconds, **coded)

    def _approver(self, case, title):
        """Whoever has the title of the step; where it names none, the team lead takes half of the small ones."""
        if title == "team lead" or (not title and (case.amount or 0) <= 1200 and self.chance.random() < 0.5):
            return "anna"
        return "arun"


def _coded(case, verb, code):
    """The reason code, where the version that the case came under lists any for the verb."""
    listed = compiled_policy(case.policy_id).rules.reason_codes
    return {"reason_code": code} if any(verb in each.verbs for each in listed) else {}


def _action(case, truth):
    """A refund decided where the AI declined proposes the action it lacked; a refusal withdraws the one it had."""
    if truth.get("decision") == "refund" and not case.action_type:
        return {"action": {"type": "refund", "currency": "EUR", "payee": case.customer_reference}}
    if truth.get("decision") == "decline" and case.action_type:
        return {"action": {"type": "", "currency": "", "payee": ""}}
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
