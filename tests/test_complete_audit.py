"""T3: every transition, every change of definitions, rights and keys, every refused attempt: exactly one event.

One table of every verb there is. A verb that is not in it fails the suite, and so does one that writes two events or none.
A release and an evaluation are events of their own beside the decision that brings them about.
"""

import inspect
import json
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, partial

import msgspec
import pytest
from axes.models import AccessAttempt
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts import actions as people
from accounts import factors, identity, keys, lockout, signin, welcome
from audit import acting, clock, trail
from audit.models import AuditEvent
from audit.trail import write_refusals
from cases import actions, ending, intake, queues, replay
from cases.models import Case, Question
from integrations import actions as webhooks
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from jobs import queue
from jobs.models import Job
from scorecards import actions as scorecards
from tests import factories
from tests.conftest import seated
from tests.factories import TIERS, EngagementFactory, UserFactory, VendorFactory
from workflows import actions as workflows
from workflows import calendars
from workflows.models import ExceptionCategory, PlaybookSection

pytestmark = pytest.mark.django_db

MODULES = {
    "workflows": workflows,
    "calendars": calendars,
    "people": people,
    "signin": signin,
    "factors": factors,
    "lockout": lockout,
    "identity": identity,
    "keys": keys,
    "welcome": welcome,
    "scorecards": scorecards,
    "intake": intake,
    "cases": actions,
    "queues": queues,
    "ending": ending,
    "webhooks": webhooks,
    "jobs": queue,
    "replays": replay,
}
REFUND = {"type": "refund", "amount": 240, "currency": "EUR"}
WHY = "Because it is so."


class World:
    """The suite's people and things by name, and cases at each desk."""

    def __init__(self, request):
        self._request = request

    def __getattr__(self, name):
        return self._request.getfixturevalue(name)

    @property
    def draft(self):
        return workflows.draft(self.refunds, by=self.owner, rules={"tiers": TIERS, "grace_seconds": 9})

    @property
    def old_version(self):
        first = self.refunds.policy
        workflows.publish(self.draft, by=self.owner, reason="x")
        return first

    @property
    def discarded(self):
        return workflows.discard(self.draft, by=self.owner, reason="x")

    @property
    def signable(self):
        workflows.ask_two_people(self.refunds, by=self.owner, reason="x")
        return self.draft

    @property
    def approvers_seat(self):
        return self.approver.seats.get()

    @property
    def key_made(self):
        return keys.make(self.reviewer, by=self.administrator, name="k", verbs=["read"])[0]

    @property
    def section(self):
        return workflows.add(PlaybookSection(workflow=self.refunds, title="T", text="x"), by=self.owner)

    @property
    def card(self):
        return scorecards.ready_made(self.refunds, by=self.owner)

    def at(self, desk):
        if desk == "approval":
            return self.send(action=REFUND).pk
        pk = self.send(confidence=0.1).pk
        if desk == "resolution":
            actions.escalate(pk, by=self.reviewer, reason="x")
        elif desk == "closed":
            actions.accept(pk, by=self.reviewer)
        return pk

    @cached_property
    def their_reviewer(self):
        return seated(self.refunds, "reviewer", self.owner, VendorFactory())

    def held_by_a_vendor(self):
        pk = self.send(input={"text": "Write to anna@example.com."}).pk
        Case.objects.filter(pk=pk).update(vendor=self.their_reviewer.vendor)
        queues.claim(pk, by=self.their_reviewer)
        return pk

    def questioned(self):
        actions.ask(self.at("review"), by=self.reviewer, reason="x")
        return Question.objects.last()

    def ruled(self):
        return actions.rule(self.questioned().pk, by=self.owner, reason="x")

    def drafted_section(self):
        return actions.write_down(self.ruled().pk, by=self.owner)

    def asked_blind(self):
        schema = {"type": "object", "properties": {"decision": {"type": "string"}}}
        factories.policy(self.refunds, self.owner, rules={"blind_first": True}, output_schema=schema)
        return self.at("review")

    def decided_within_the_grace(self):
        factories.policy(self.refunds, self.owner, rules={"grace_seconds": 60})
        return self.at("closed")

    @property
    def delegation(self):
        return workflows.delegate(self.approvers_seat, self.other_approver, by=self.approver, reason="x", **a_day())

    def with_broken_glass(self):
        pk = self.at("approval")
        actions.approve(pk, by=self.owner, break_glass=True, reason="x")
        return pk

    @property
    def locked_out(self):
        AccessAttempt.objects.create(username=self.reviewer.username, failures_since_start=5)
        return self.reviewer

    @property
    def auditor(self):
        return UserFactory(office="auditor")

    @property
    def absent(self):
        people.be_absent(self.reviewer, by=self.reviewer, **a_day())
        return self.reviewer

    @property
    def absence_to_come(self):
        begins = clock.now() + timedelta(hours=1)
        return people.be_absent(self.reviewer, by=self.reviewer, since=begins, **a_day())

    def due_soon(self):
        tiers = {**TIERS, "medium": {**TIERS["medium"], "warn_minutes": 60}}
        factories.policy(self.refunds, self.owner, rules={"tiers": tiers})
        return self.at("review")

    def said(self):
        return actions.comment(self.at("review"), by=self.reviewer, text="Look").pk

    def asked(self):
        return actions.inquire(self.at("review"), by=self.reviewer, question="Why?", whom="Finance", link_days=1).inquiry.pk

    def attached(self):
        return actions.attach(self.at("review"), by=self.reviewer, name="a.txt", content=b"x").pk

    def snoozed(self):
        pk = self.at("review")
        actions.snooze(pk, by=self.reviewer, reason="x", **a_day())
        return pk

    def sent_to_approval(self):
        pk = self.at("resolution")
        actions.escalate(pk, by=self.resolver, reason="x")
        return pk

    def once_approved(self):
        """Of two who are to approve it."""
        factories.policy(self.refunds, self.owner, rules={"action_tiers": {"refund": "high"}, "chains": factories.TWO})
        pk = self.at("approval")
        actions.approve(pk, by=self.approver)
        return pk

    @property
    def endpoint(self):
        return webhooks.add(self.new_endpoint, by=self.administrator)

    @property
    def new_endpoint(self):
        return WebhookEndpoint(user=self.integration, url="https://example.com/hook")

    @property
    def delivery(self):
        row = OutboxRow.objects.create(case_id=1, number=1, recipient_id=1, event="case.decided", payload={})
        return Delivery.objects.create(row=row, endpoint=self.endpoint)

    @property
    def mandate(self):
        return factories.mandated(VendorFactory(), self.refunds)

    @property
    def lead(self):
        return factories.lead(self.vendor)

    @property
    def proposal(self):
        given = factories.mandated(self.vendor, self.refunds)
        return workflows.propose(given, "reviewer", by=self.lead, name="Nia Costa", username="nia")

    @property
    def contract_that_is_over(self):
        return EngagementFactory(since=clock.now() - timedelta(days=9), until=clock.now() - timedelta(days=1))

    @property
    def dead_job(self):
        return Job.objects.create(task="audit.jobs.seal", state=Job.State.DEAD)


def after_its_time(act, pk, **later):
    """The verb, done when time has passed."""

    def done(*, by):
        with clock.moved(clock.now() + timedelta(**later)):
            act(pk, by=by)

    return done


def a_day():
    return {"until": clock.now() + timedelta(days=1)}


def an_output():
    body = {"workflow": "refunds", "external_id": "T-1", "input": {}, "output": {"decision": "no"}, "confidence": 0.1}
    return [msgspec.convert(body, intake.Intake)]


# verb → (who, what is done, its events, facts of the first that must be there). Who else tries is refused.
VERBS = {
    "workflows.create": ("administrator", lambda w: partial(workflows.create, "new", "New"), "workflow.create", "slug"),
    "workflows.change": ("owner", lambda w: partial(workflows.change, w.refunds, purpose="P"), "workflow.change", "changed"),
    "workflows.add": (
        "owner",
        lambda w: partial(workflows.add, ExceptionCategory(workflow=w.refunds, slug="s", label="S")),
        "category.add",
        "workflow named",
    ),
    "workflows.remove": ("owner", lambda w: partial(workflows.remove, w.section), "playbook.remove", "title text"),
    "workflows.draft": (
        "owner",
        lambda w: partial(workflows.draft, w.refunds, rules={"tiers": TIERS}),
        "policy.draft",
        "version",
    ),
    "workflows.edit_draft": (
        "owner",
        lambda w: partial(workflows.edit_draft, w.draft, default_tier="high"),
        "policy.edit",
        "changed",
    ),
    "workflows.add_category": (
        "owner",
        lambda w: partial(workflows.add_category, w.refunds, "Sent twice"),
        "category.add",
        "slug",
    ),
    "workflows.delegate": (
        "approver",
        lambda w: partial(workflows.delegate, w.approvers_seat, w.other_approver, **a_day()),
        "delegation.give",
        "seat to since until",
    ),
    "workflows.end_delegation": (
        "approver",
        lambda w: partial(workflows.end_delegation, w.delegation),
        "delegation.end",
        "to",
    ),
    "calendars.define": (
        "administrator",
        lambda w: partial(calendars.define, None, name="Office", time_zone="Europe/Berlin", shifts=[], holidays=[]),
        "calendar.add",
        "changed",
    ),
    "people.be_absent": (
        "reviewer",
        lambda w: partial(people.be_absent, w.reviewer, **a_day()),
        "user.be_absent",
        "since until stand_in",
    ),
    "signin.end_sessions": ("administrator", lambda w: partial(signin.end_sessions, w.reviewer), "user.end_sessions", ""),
    "lockout.unlock": ("administrator", lambda w: partial(lockout.unlock, w.locked_out), "user.unlock", ""),
    "factors.remove_all": ("administrator", lambda w: partial(factors.remove_all, w.anna), "user.remove_factor", "factors"),
    "identity.link": ("administrator", lambda w: partial(identity.link, w.reviewer, "s-1"), "user.link_identity", ""),
    "people.settle_in": (
        "reviewer",
        lambda w: partial(people.settle_in, w.reviewer, language="de", time_zone="UTC"),
        "user.settle_in",
        "changed",
    ),
    "people.call_off": ("reviewer", lambda w: partial(people.call_off, w.absence_to_come), "user.call_off", "since until"),
    "people.come_back": ("reviewer", lambda w: partial(people.come_back, w.absent), "user.come_back", ""),
    "replays.replay": ("owner", lambda w: partial(replay.replay, w.draft), "policy.replay", "version replay"),
    "cases.extend": ("owner", lambda w: partial(actions.extend, w.at("approval"), minutes=4320), "case.extend", ""),
    "cases.expire": ("machine", lambda w: after_its_time(actions.expire, w.at("approval"), days=3), "case.expire", ""),
    "cases.review_break_glass": (
        "auditor",
        lambda w: partial(actions.review_break_glass, w.with_broken_glass(), verdict="kept"),
        "case.review_break_glass",
        "verdict",
    ),
    "workflows.sign": ("owner", lambda w: partial(workflows.sign, w.signable), "policy.sign", "version digest"),
    "workflows.publish": ("owner", lambda w: partial(workflows.publish, w.draft), "policy.publish", "from to digest signed_by"),
    "workflows.roll_back": ("owner", lambda w: partial(workflows.roll_back, w.old_version), "policy.roll_back", "from to"),
    "workflows.discard": ("owner", lambda w: partial(workflows.discard, w.draft), "policy.discard", "version"),
    "workflows.restore": ("owner", lambda w: partial(workflows.restore, w.discarded), "policy.restore", "version"),
    "workflows.ask_two_people": (
        "owner",
        lambda w: partial(workflows.ask_two_people, w.refunds),
        "workflow.ask_two_people",
        "from to",
    ),
    "workflows.let_one_publish": (
        "owner",
        lambda w: partial(workflows.let_one_publish, w.refunds),
        "workflow.let_one_publish",
        "from to",
    ),
    "workflows.stop": ("owner", lambda w: partial(workflows.stop, w.refunds), "workflow.stop", "from to"),
    "workflows.resume": ("owner", lambda w: partial(workflows.resume, w.refunds), "workflow.resume", "from to"),
    "workflows.set_calendar": (
        "administrator",
        lambda w: partial(workflows.set_calendar, w.refunds, None),
        "workflow.set_calendar",
        "from to",
    ),
    "workflows.set_staffed": (
        "administrator",
        lambda w: partial(workflows.set_staffed, w.refunds, None),
        "workflow.set_staffed",
        "from to",
    ),
    "workflows.engage": (
        "administrator",
        lambda w: partial(workflows.engage, w.vendor, name="Contract", since=clock.now(), **a_day()),
        "engagement.add",
        "vendor since until",
    ),
    "workflows.change_engagement": (
        "owner",
        lambda w: partial(workflows.change_engagement, w.mandate.engagement, name="Another"),
        "engagement.change",
        "changed",
    ),
    "workflows.mandate": (
        "owner",
        lambda w: partial(
            workflows.mandate, EngagementFactory(), w.refunds, roles=["reviewer"], share=9, price=1, currency="EUR"
        ),
        "mandate.add",
        "workflow vendor terms",
    ),
    "workflows.change_mandate": (
        "owner",
        lambda w: partial(workflows.change_mandate, w.mandate, share=7),
        "mandate.change",
        "changed",
    ),
    "workflows.end_mandate": ("owner", lambda w: partial(workflows.end_mandate, w.mandate), "mandate.end", "workflow vendor"),
    "workflows.end_engagement": (
        "owner",
        lambda w: partial(workflows.end_engagement, w.mandate.engagement),
        "engagement.end",
        "vendor at",
    ),
    "workflows.expire_engagement": (
        "machine",
        lambda w: partial(workflows.expire_engagement, w.contract_that_is_over),
        "engagement.expire",
        "vendor at",
    ),
    "ending.change_mandate": (
        "owner",
        lambda w: partial(ending.change_mandate, w.mandate, share=7),
        "mandate.change",
        "changed",
    ),
    "ending.end_mandate": ("owner", lambda w: partial(ending.end_mandate, w.mandate), "mandate.end", "workflow vendor"),
    "ending.end_engagement": (
        "owner",
        lambda w: partial(ending.end_engagement, w.mandate.engagement),
        "engagement.end",
        "vendor at",
    ),
    "workflows.propose": (
        "lead",
        lambda w: partial(workflows.propose, factories.mandated(w.vendor, w.refunds), "reviewer", name=WHY, username="nia"),
        "proposal.add",
        "mandate role",
    ),
    "workflows.take_back_proposal": (
        "lead",
        lambda w: partial(workflows.take_back_proposal, w.proposal),
        "proposal.take_back",
        "role",
    ),
    "workflows.withdraw": (
        "lead",
        lambda w: partial(workflows.withdraw, w.vendor_reviewer),
        "seat.end user.end_sessions",
        "user role",
    ),
    "workflows.accept": (
        "owner",
        lambda w: partial(workflows.accept, w.proposal),
        "user.add proposal.accept seat.give",
        "",
    ),
    "workflows.decline": ("owner", lambda w: partial(workflows.decline, w.proposal), "proposal.decline", "role"),
    "welcome.link": (
        "lead",
        lambda w: partial(welcome.link, workflows.accept(w.proposal, by=w.owner).user, base="http://here/"),
        "user.invite",
        "",
    ),
    "workflows.set_rate": (
        "owner",
        lambda w: partial(workflows.set_rate, w.refunds, "low", 0.5),
        "workflow.set_rate",
        "tier segment from to",
    ),
    "workflows.seat": (
        "owner",
        lambda w: partial(workflows.seat, UserFactory(), w.refunds, "approver", limits=[("", "EUR", 5)]),
        "seat.give",
        "user workflow role limits",
    ),
    "workflows.end_seat": ("owner", lambda w: partial(workflows.end_seat, w.approvers_seat), "seat.end", "user role"),
    "workflows.set_limit": (
        "owner",
        lambda w: partial(workflows.set_limit, w.approvers_seat, "", "EUR", Decimal(5)),
        "seat.set_limit",
        "currency from to",
    ),
    "workflows.remove_limit": (
        "owner",
        lambda w: partial(workflows.remove_limit, w.approvers_seat, "", "EUR"),
        "seat.remove_limit",
        "currency from to",
    ),
    "workflows.own": (
        "administrator",
        lambda w: partial(workflows.own, w.refunds, "risk", UserFactory()),
        "owner.name",
        "of from to",
    ),
    "keys.make": (
        "administrator",
        lambda w: partial(keys.make, w.reviewer, name="k", verbs=["read"]),
        "apikey.make",
        "user verbs mode",
    ),
    "keys.revoke": ("administrator", lambda w: partial(keys.revoke, w.key_made), "apikey.revoke", "user"),
    "scorecards.draft": ("owner", lambda w: partial(scorecards.draft, w.refunds), "scorecard.draft", "version"),
    "scorecards.ready_made": ("owner", lambda w: partial(scorecards.ready_made, w.refunds), "scorecard.draft", "ready_made"),
    "scorecards.copy": ("owner", lambda w: partial(scorecards.copy, w.card), "scorecard.draft", "copy_of"),
    "scorecards.publish": ("owner", lambda w: partial(scorecards.publish, w.card), "scorecard.publish", "version"),
    "scorecards.discard": ("owner", lambda w: partial(scorecards.discard, w.card), "scorecard.discard", "version"),
    "webhooks.add": ("administrator", lambda w: partial(webhooks.add, w.new_endpoint), "webhook.add", "user url events"),
    "webhooks.subscribe": (
        "administrator",
        lambda w: partial(webhooks.subscribe, w.endpoint, ["case.held"]),
        "webhook.subscribe",
        "to",
    ),
    "webhooks.rotate": ("administrator", lambda w: partial(webhooks.rotate, w.endpoint), "webhook.rotate", ""),
    "webhooks.reveal": ("administrator", lambda w: partial(webhooks.reveal, w.endpoint), "webhook.reveal", ""),
    "webhooks.enable": ("administrator", lambda w: partial(webhooks.enable, w.endpoint), "webhook.enable", ""),
    "webhooks.disable": ("machine", lambda w: partial(webhooks.disable, w.endpoint), "webhook.disable", "why"),
    "webhooks.send_test": ("administrator", lambda w: partial(webhooks.send_test, w.endpoint), "webhook.test", ""),
    "webhooks.send_again": (
        "administrator",
        lambda w: partial(webhooks.send_again, w.delivery),
        "delivery.send_again",
        "row endpoint",
    ),
    "jobs.retry": ("administrator", lambda w: partial(queue.retry, w.dead_job), "job.retry", "task"),
    "intake.receive": ("integration", lambda w: partial(intake.receive, an_output()), "case.received", "sentence"),
    "cases.accept": ("reviewer", lambda w: partial(actions.accept, w.at("review")), "case.accept case.release", "decision"),
    "cases.correct": (
        "reviewer",
        lambda w: partial(actions.correct, w.at("review"), output={"decision": "no"}),
        "case.correct case.release",
        "decision",
    ),
    "cases.escalate": ("reviewer", lambda w: partial(actions.escalate, w.at("review")), "case.escalate", "decision"),
    "cases.resolve": (
        "resolver",
        lambda w: partial(actions.resolve, w.at("resolution")),
        "case.resolve case.release",
        "decision",
    ),
    "cases.no_action": (
        "resolver",
        lambda w: partial(actions.no_action, w.at("resolution"), category="edge-case"),
        "case.no_action",
        "decision",
    ),
    "cases.approve": (
        "approver",
        lambda w: partial(actions.approve, w.at("approval")),
        "case.approve case.release",
        "decision",
    ),
    "cases.retract": ("approver", lambda w: partial(actions.retract, w.once_approved()), "case.retract", "approval"),
    "cases.reject": ("approver", lambda w: partial(actions.reject, w.at("approval")), "case.reject", "decision"),
    "cases.send_back": ("approver", lambda w: partial(actions.send_back, w.at("approval")), "case.send_back", "decision"),
    "cases.recall": ("resolver", lambda w: partial(actions.recall, w.sent_to_approval()), "case.recall", ""),
    "cases.undo": ("reviewer", lambda w: partial(actions.undo, w.decided_within_the_grace()), "case.undo", ""),
    "cases.hand_over": ("reviewer", lambda w: partial(actions.hand_over, w.at("review")), "case.hand_over", "to_person"),
    "cases.withdraw": ("integration", lambda w: partial(actions.withdraw, w.at("review")), "case.withdraw", ""),
    "cases.reopen": ("integration", lambda w: partial(actions.reopen, w.at("closed")), "case.reopen", "rework place"),
    "cases.rework": ("integration", lambda w: partial(actions.rework, w.at("closed"), place="support"), "case.rework", "place"),
    "cases.settle_case": (
        "machine",
        lambda w: after_its_time(actions.settle_case, w.decided_within_the_grace(), minutes=5),
        "case.settle case.release",
        "",
    ),
    "cases.pause": (
        "reviewer",
        lambda w: partial(actions.pause, w.at("review"), on="customer", whom="Mrs Gray"),
        "case.pause",
        "pause waits",
    ),
    "cases.reveal": ("their_reviewer", lambda w: partial(actions.reveal, w.held_by_a_vendor()), "case.reveal", "what from to"),
    "cases.comment": (
        "reviewer",
        lambda w: partial(actions.comment, w.at("review"), text="Look"),
        "case.comment",
        "comment kind",
    ),
    "cases.attach": (
        "reviewer",
        lambda w: partial(actions.attach, w.at("review"), name="a.txt", content=b"x"),
        "case.attach",
        "attachment kind size digest",
    ),
    "cases.open_file": ("reviewer", lambda w: partial(actions.open_file, w.attached()), "case.open_file", "attachment"),
    "cases.take_off": ("reviewer", lambda w: partial(actions.take_off, w.attached()), "case.take_off", "attachment"),
    "cases.inquire": (
        "reviewer",
        lambda w: partial(actions.inquire, w.at("review"), question="Why?", whom="Finance"),
        "case.inquire",
        "inquiry pause waits",
    ),
    "cases.answer": ("reviewer", lambda w: partial(actions.answer, w.asked(), text="So."), "case.answer", "inquiry pauses"),
    "cases.give_link": ("reviewer", lambda w: partial(actions.give_link, w.asked(), days=3), "case.give_link", "inquiry until"),
    "cases.revoke_link": ("reviewer", lambda w: partial(actions.revoke_link, w.asked()), "case.revoke_link", "inquiry"),
    "cases.mend": ("reviewer", lambda w: partial(actions.mend, w.said(), text="Look again"), "case.mend", "comment replaces"),
    "cases.ask": ("reviewer", lambda w: partial(actions.ask, w.at("review")), "case.ask", "question"),
    "cases.rule": ("owner", lambda w: partial(actions.rule, w.questioned().pk), "case.rule", "question"),
    "cases.write_down": ("owner", lambda w: partial(actions.write_down, w.ruled().pk), "playbook.add", "named"),
    "workflows.publish_section": (
        "owner",
        lambda w: partial(workflows.publish_section, w.drafted_section()),
        "playbook.publish",
        "named",
    ),
    "cases.own_answer": (
        "reviewer",
        lambda w: partial(actions.own_answer, w.asked_blind(), output={"decision": "refuse"}),
        "case.own_answer",
        "differs",
    ),
    "cases.snooze": ("reviewer", lambda w: partial(actions.snooze, w.at("review"), **a_day()), "case.snooze", "pause until"),
    "cases.go_on": ("reviewer", lambda w: partial(actions.go_on, w.snoozed()), "case.go_on", "pauses"),
    "cases.warn": ("machine", lambda w: after_its_time(actions.warn, w.due_soon(), hours=7.5), "case.warn", "due_at"),
    "cases.breach": (
        "machine",
        lambda w: after_its_time(actions.breach, w.at("review"), hours=9),
        "case.breach",
        "due_at priority",
    ),
    "cases.wake": ("machine", lambda w: after_its_time(actions.wake, w.snoozed(), days=2), "case.wake", "pauses"),
    "queues.skip": ("reviewer", lambda w: partial(queues.skip, w.at("review")), "case.skip", ""),
}
# No events: a claim is a lease with a history of its own (docs/decisions/0009), and questions change nothing.
SILENT = {
    *("queues.claim", "queues.heartbeat", "queues.give_back", "intake.routed", "intake.stored", "intake.may_receive"),
    "scorecards.evaluate",  # asks nobody: the decision that it belongs to does
}


def takes_by(function):
    return "by" in inspect.signature(function).parameters


def verbs_of(module):
    """The public functions that somebody does something by; those that are entered with `with` are part of other verbs."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        ours = function.__module__.startswith(module.__name__) and not name.startswith("_")
        if ours and takes_by(function) and not inspect.isgeneratorfunction(inspect.unwrap(function)):
            yield name


def test_every_verb_is_in_the_table():
    there = {f"{app}.{name}" for app, module in MODULES.items() for name in verbs_of(module)}

    assert there - SILENT == set(VERBS)


def ready(request, verb):
    who, arrange, *_ = VERBS[verb]
    world = World(request)
    by, act = getattr(world, who), arrange(world)
    app, _, name = verb.partition(".")
    said = {"reason": WHY} if "reason" in inspect.signature(getattr(MODULES[app], name)).parameters else {}
    write_refusals()
    return by, partial(act, **said), said, world


def written_since(before):
    return list(AuditEvent.objects.filter(pk__gt=before).order_by("pk"))


def last_event():
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_done_is_one_event_with_who_what_when_and_why(request, verb):
    by, act, said, _ = ready(request, verb)
    before, start = last_event(), clock.now()

    with acting.scope(acting.Acting(person_id=by.pk, in_house=True, request_id="asked-1")):
        act(by=by)
        write_refusals()

    events = written_since(before)
    assert [event.verb for event in events] == VERBS[verb][2].split()
    for event in events:
        assert (event.actor_id, event.actor_name, event.request_id) == (by.pk, str(by), "asked-1")
        assert abs((event.at - start).total_seconds()) < 60
    first = events[0]
    assert first.words == said.get("reason", "")
    assert set(VERBS[verb][3].split()) <= set(first.body), first.body
    if first.subject_type == "case":
        assert {"from", "to", "policy", "ai_release"} <= set(first.body)


@pytest.mark.parametrize("who", ["stranger", "vendor_reviewer"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_refused_is_one_event_and_nothing_else(request, verb, who):
    _, act, _, world = ready(request, verb)
    by, before = getattr(world, who), last_event()

    with pytest.raises(PermissionDenied):
        act(by=by)
    write_refusals()

    [event] = written_since(before)
    assert event.verb.endswith("_refused") and event.actor_id == by.pk
    assert event.vendor_id == by.vendor_id and event.body["why"].endswith(".")


PAGES = {  # of definitions: address → what it is about
    **{f"workflows_workflow_{name}": "workflow" for name in ("stop", "resume", "seat", "own", "rate", "two", "draft")},
    **{f"workflows_policy_{name}": "policy" for name in ("publish", "sign", "roll_back", "discard", "edit_risk")},
    **{f"workflows_workflow_{name}": "seat" for name in ("end_seat", "limit", "delegate")},
}


@pytest.mark.parametrize("who", ["reviewer", "vendor_reviewer"])
@pytest.mark.parametrize("page", PAGES)
def test_a_form_of_definitions_sent_by_the_wrong_person_is_one_event_and_opened_none(
    request, client, refunds, approver, page, who
):
    by = request.getfixturevalue(who)
    about = {"workflow": refunds, "policy": refunds.policy, "seat": approver.seats.get()}[PAGES[page]]
    address = reverse(f"admin:{page}", args=[about.pk])
    client.force_login(by)
    before = last_event()

    opened = client.get(address)
    assert opened.status_code == 403 and not written_since(before)
    sent = client.post(address, {"reason": "Because"})

    assert sent.status_code == 403
    [event] = written_since(before)
    assert event.verb.endswith("_refused") and (event.actor_id, event.subject_id) == (by.pk, refunds.pk)
    assert event.request_id == sent["X-Request-Id"] and trail.sentence(event)


# The doors: the request's id goes along, and an edit in the admin tells what stood before


def test_over_rest_the_event_names_the_request(client, send, reviewer, key):
    case = send(confidence=0.1)

    answer = client.post(f"/api/v1/cases/{case.pk}/accept/", "{}", content_type="application/json", **key(reviewer))

    assert answer.status_code == 200, answer.content
    assert set(AuditEvent.objects.filter(verb__in=["case.accept", "case.release"]).values_list("request_id", flat=True)) == {
        answer["X-Request-Id"]
    }


def test_over_rest_a_refusal_is_noted_once_with_its_request(client, send, stranger, resolver, key):
    case = send(confidence=0.1)

    answer = client.post(f"/api/v1/cases/{case.pk}/accept/", "{}", content_type="application/json", **key(resolver))

    assert answer.status_code == 403
    assert AuditEvent.objects.get(verb="case.accept_refused").request_id == answer["X-Request-Id"]


def test_in_the_admin_the_event_names_the_request(client, refunds, owner):
    client.force_login(owner)

    answer = client.post(reverse("admin:workflows_workflow_stop", args=[refunds.pk]), {"reason": "Strange"})

    assert AuditEvent.objects.get(verb="workflow.stop").request_id == answer["X-Request-Id"]


CHARTER = {"name": "Refunds", "purpose": "Pay", "what_is_right": "", "what_is_done": "", "minutes_by_hand": ""}
EDITS = {  # the page, what is posted, the event, the fields told with their before and after
    "charter": ("workflows_workflow_change", lambda w: w.refunds, CHARTER, "workflow.change", {"purpose": ["", "Pay"]}),
    "category": (
        "workflows_exceptioncategory_change",
        lambda w: w.refunds.categories.get(slug="duplicate"),
        {"label": "Sent twice"},
        "category.change",
        {"label": ["Duplicate", "Sent twice"]},
    ),
    "playbook": (
        "workflows_playbooksection_change",
        lambda w: w.section,
        {"title": "T", "text": "y", "criterion": "", "position": "0"},
        "playbook.change",
        {"text": ["x", "y"]},
    ),
    "vendor": (
        "accounts_vendor_change",
        lambda w: w.vendor,
        {"name": "Acme Support", "time_zone": "Europe/Lisbon"},
        "vendor.change",
        {"time_zone": ["UTC", "Europe/Lisbon"]},
    ),
    "person": (
        "accounts_user_change",
        lambda w: w.stranger,
        {
            "username": "stranger",
            "first_name": "Nina",
            "kind": "person",
            "office": "auditor",
            "time_zone": "UTC",
            "is_active": "on",
        },
        "user.change",
        {"first_name": "changed", "office": ["", "auditor"]},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_in_the_admin_is_one_event_with_before_and_after(request, client, edit):
    page, thing, posted, verb, changed = EDITS[edit]
    world = World(request)
    row = thing(world)
    client.force_login(world.administrator)
    before = last_event()

    answer = client.post(reverse(f"admin:{page}", args=[row.pk]), posted)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    [event] = written_since(before)
    assert (event.verb, event.actor_id, event.request_id) == (verb, world.administrator.pk, answer["X-Request-Id"])
    assert event.body["changed"] == changed


def test_what_is_added_and_removed_in_the_admin_is_one_event_each(client, refunds, administrator):
    client.force_login(administrator)
    before = last_event()
    section = {"workflow": refunds.pk, "title": "T", "text": "x", "criterion": "", "position": "1"}

    client.post(reverse("admin:workflows_playbooksection_add"), section)
    made = PlaybookSection.objects.get()
    client.post(reverse("admin:workflows_playbooksection_delete", args=[made.pk]), {"post": "yes"})

    assert [event.verb for event in written_since(before)] == ["playbook.add", "playbook.remove"]
    assert json.dumps(written_since(before)[1].body).count("T") >= 1 and not PlaybookSection.objects.exists()


def test_straight_through_is_one_event_that_names_the_release(send):
    before = last_event()

    case = send(confidence=0.99)

    [event] = written_since(before)
    assert event.verb == "case.received" and event.body["released"] and Case.objects.get(pk=case.pk).released_at
