"""The one `record()`, and how an event reads as a sentence."""

import json
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction
from django.utils.translation import gettext, gettext_lazy

from audit import acting
from audit.phrases import retold
from audit.terms import REPORTED
from audit.wording import in_english

INSERT = """
INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_refusals: ContextVar[tuple] = ContextVar("refusals", default=())


def record(verb, *, by, subject, words="", **facts):
    """Write one event about `subject` (a model instance) by `by`, inside the caller's transaction.

    `verb` is "noun.verb"; `words` is what a person typed (erasable); `facts` are hashed and must carry no personal data.
    """
    _insert(verb, by, subject._meta.model_name, subject.pk, words, facts)


def refused(verb, *, by, subject, why, **facts):
    """Note a refused attempt. It is written after the refused work was rolled back, in a transaction of its own."""
    note = (f"{verb}_refused", by, subject._meta.model_name, subject.pk, "", {"why": why, **facts})
    if connection.in_atomic_block:
        _refusals.set((*_refusals.get(), note))
    else:
        _insert(*note)


@contextmanager
def scope(who):
    """Inside the block we act for `who`; what he is refused is written down at its end, when the refused work is rolled back."""
    with acting.scope(who):
        try:
            yield who
        finally:
            write_refusals()


def write_refusals():
    """Called once the outer transaction is over, and still for whom it was refused: see `scope`."""
    notes = _refusals.get()
    _refusals.set(())
    if notes:
        with transaction.atomic():
            for note in notes:
                _insert(*note)


def _insert(verb, by, subject_type, subject_id, words, facts):
    """History is kept in English, whoever makes it; a refusal may be in the words of whoever read it."""
    with in_english():
        body = json.dumps(facts, default=str)
    with connection.planned_once() as cursor:
        cursor.execute(
            INSERT,
            [
                subject_type,
                subject_id,
                by.pk,
                str(by),
                by.vendor_id,
                acting.current().request_id,
                verb,
                body,
                words,
            ],
        )


SENTENCES = {
    "case.received": gettext_lazy("was received and routed: {sentence}"),
    "case.triage": gettext_lazy("was received and routed: {sentence}"),
    "case.claim": gettext_lazy("was claimed by {actor}"),
    "case.accept": gettext_lazy("was accepted by {actor}"),
    "case.correct": gettext_lazy("was corrected by {actor}"),
    "case.escalate": gettext_lazy("was escalated to {to} by {actor}"),
    "case.send_back": gettext_lazy("was sent back to {to} by {actor}"),
    "case.resolve": gettext_lazy("was resolved by {actor}"),
    "case.no_action": gettext_lazy("was closed without action by {actor}"),
    "case.approve": gettext_lazy("was approved by {actor}"),
    "case.edit": gettext_lazy("was edited at approval by {actor}; another approver takes the edited content"),
    "case.reject": gettext_lazy("was rejected by {actor}"),
    "case.recall": gettext_lazy("was recalled to {to} by {actor}; approvals given are void"),
    "case.retract": gettext_lazy("lost the approval of {actor}, who took it back"),
    "case.hand_over": gettext_lazy("was handed over by {actor}"),
    "case.reallocate": gettext_lazy("went to another side by itself"),
    "case.withdraw": gettext_lazy("was withdrawn by {actor}"),
    "case.undo": gettext_lazy("went back to {to}: {actor} undid the decision"),
    "case.reopen": gettext_lazy("was reopened as rework by {actor}"),
    "case.release": gettext_lazy("was released"),
    "case.own_answer": gettext_lazy("was answered by {actor}, who had not seen the AI's answer"),
    "case.ask": gettext_lazy("was asked about by {actor}, for a ruling"),
    "case.rule": gettext_lazy("was ruled on by {actor}"),
    "case.flag": gettext_lazy("was flagged as a pattern by {actor}"),
    "case.reveal": gettext_lazy("had {what} revealed to {actor}"),
    "case.rework": gettext_lazy("was reworked after release"),
    "case.skip": gettext_lazy("was skipped by {actor}"),
    "case.comment": gettext_lazy("was commented on by {actor}"),
    "case.mend": gettext_lazy("had a comment mended by {actor}"),
    "case.pause": gettext_lazy("was paused by {actor}: it waits on {waits}"),
    "case.snooze": gettext_lazy("was snoozed until {until} by {actor}"),
    "case.inquire": gettext_lazy("was asked about by {actor}: it waits on {waits}"),
    "case.answer": gettext_lazy("got an answer to a request for information, by {actor}"),
    "case.give_link": gettext_lazy("had a question opened to a link by {actor}, until {until}"),
    "case.revoke_link": gettext_lazy("had the link to a question taken back by {actor}"),
    "case.attach": gettext_lazy("had a file attached by {actor}"),
    "case.open_file": gettext_lazy("had a file opened by {actor}"),
    "case.take_off": gettext_lazy("had a file taken off by {actor}"),
    "case.go_on": gettext_lazy("went on: {actor} ended its waiting"),
    "case.wake": gettext_lazy("came back by itself, its snooze over"),
    "case.warn": gettext_lazy("will be due at {due_at}: whoever works it was warned"),
    "case.breach": gettext_lazy("was not done in time: it is more urgent now, and the owner of exceptions was told"),
    "case.break_glass": gettext_lazy("was approved by {actor}, who broke the glass"),
    "case.review_break_glass": gettext_lazy("had its broken glass reviewed by {actor}: {verdict}"),
    "case.extend": gettext_lazy("was given until {until} for its approval by {actor}"),
    "case.expire": gettext_lazy("was not approved in time: the owner of risk decides"),
    "case.alert": gettext_lazy("was named to the owner of risk"),
    "case.settle": gettext_lazy("took effect when its time to undo was over"),
    "user.stop_mail": gettext_lazy("wants no more mail"),
    "user.add": gettext_lazy("was added by {actor}"),
    "user.change": gettext_lazy("was changed by {actor}"),
    "user.be_absent": gettext_lazy("was marked absent from {since} until {until} by {actor}"),
    "user.come_back": gettext_lazy("was marked back by {actor}"),
    "user.call_off": gettext_lazy("had the absence from {since} until {until} called off by {actor}"),
    "delegation.give": gettext_lazy("was given by {actor}, until {until}"),
    "delegation.end": gettext_lazy("was ended by {actor}"),
    "workflow.add": gettext_lazy("was added by {actor}"),
    "workflow.change": gettext_lazy("was changed by {actor}"),
    "policy.change": gettext_lazy("was changed as a draft by {actor}"),
    "policy.draft": gettext_lazy("was drafted by {actor}"),
    "policy.edit": gettext_lazy("was edited by {actor}"),
    "policy.publish": gettext_lazy("was published by {actor}"),
    "policy.discard": gettext_lazy("was discarded as a draft by {actor}"),
    "policy.restore": gettext_lazy("was restored as a draft by {actor}"),
    "workflow.create": gettext_lazy("was created by {actor}"),
    "workflow.stop": gettext_lazy("was stopped by {actor}"),
    "workflow.resume": gettext_lazy("was resumed by {actor}"),
    "workflow.set_calendar": gettext_lazy("had its hours set by {actor}"),
    "workflow.set_rate": gettext_lazy("had a sampling rate set by {actor}"),
    "workflow.set_staffed": gettext_lazy("had the hours of the house's people set by {actor}"),
    "engagement.add": gettext_lazy("was agreed by {actor}"),
    "engagement.change": gettext_lazy("was changed by {actor}"),
    "engagement.end": gettext_lazy("was ended early by {actor}"),
    "engagement.expire": gettext_lazy("ended with its period"),
    "mandate.add": gettext_lazy("was given by {actor}"),
    "mandate.change": gettext_lazy("was changed by {actor}"),
    "mandate.end": gettext_lazy("was ended by {actor}"),
    "proposal.add": gettext_lazy("was proposed by {actor} as {role} in {workflow}"),
    "proposal.take_back": gettext_lazy("was taken back by {actor}"),
    "proposal.accept": gettext_lazy("was accepted by {actor}"),
    "proposal.decline": gettext_lazy("was declined by {actor}"),
    "user.invite": gettext_lazy("was given a link to choose a password by {actor}"),
    "user.choose_password": gettext_lazy("chose a password"),
    "case.take_back": gettext_lazy("was taken back from {vendor}"),
    "seat.give": gettext_lazy("was given by {actor}: {role} in {workflow}"),
    "seat.end": gettext_lazy("was ended by {actor}"),
    "owner.name": gettext_lazy("was named owner of {of} in {workflow} by {actor}"),
    "calendar.add": gettext_lazy("was set up by {actor}: {changed}"),
    "calendar.change": gettext_lazy("had its hours changed by {actor}: {changed}"),
    "user.sign_in": gettext_lazy("signed in"),
    "user.sign_in_failed": gettext_lazy("somebody failed to sign in: {why}"),
    "user.sign_out": gettext_lazy("signed out"),
    "user.lock": gettext_lazy("sign-in was locked for one address, after five failures"),
    "user.unlock": gettext_lazy("sign-in was unlocked by {actor}"),
    "user.end_sessions": gettext_lazy("was signed out everywhere by {actor}"),
    "user.link_identity": gettext_lazy("was linked to an identity of the house's provider by {actor}"),
    "user.unlink_identity": gettext_lazy("was unlinked from the house's identity provider by {actor}"),
    "user.add_factor": gettext_lazy("set up a second factor: {factor}"),
    "user.remove_factor": gettext_lazy("had a second factor removed by {actor}"),
    "user.renew_codes": gettext_lazy("made new recovery codes"),
    "apikey.make": gettext_lazy("was made by {actor}"),
    "apikey.revoke": gettext_lazy("was revoked by {actor}"),
}


SAID = (  # what the sentences name of an event's facts
    "to",
    "sentence",
    "since",
    "until",
    "waits",
    "due_at",
    "verdict",
    "code",
    "role",
    "workflow",
    "of",
    "changed",
    "why",
    "factor",
    "vendor",
    "what",
)


MEASURED = ("case.rework", "case.reopen")  # reports of what was wrong after its release
WORDED_BY_RULES = {"case.alert"}  # of these the words are no person's


def _measures(body) -> str:
    """Where it was found, how bad it was, what it took and what it cost; of an older report where it was found."""
    told = [str(REPORTED.get(body.get(name), "")) for name in ("place", "severity")]
    if "minutes" in body:
        told.append(gettext("{minutes} minutes").format(minutes=f"{body['minutes']:g}"))
    return ", ".join(filter(None, [*told, body.get("cost", "")]))


def _handed_over(event, names) -> str:
    """To whom; of a side the allocation says more, and a person whose name its reader is not told stays unnamed."""
    if to := event.body.get("to_person"):
        return gettext("was handed over to {person} by {actor}") if to in names else ""
    return "" if event.body.get("allocated") else gettext("was handed over by {actor} to whoever else works the desk")


def sentence(event, names=None, told=retold, actor="") -> str:
    """The event as prose, without its time: what happened, by whom, and why where somebody said so.

    `names`, by id, of those for whom a delegate acted, or to whom it was handed: names are no facts, so the event has ids only.
    `actor`: who it was, where the machine wrote down what somebody else did.
    `told`: how its reader has a kept fact; a page tells moments in his zone, too. What somebody typed is told by nobody.
    """
    kept = {name: told(value) if isinstance(value, str) else value for name, value in event.body.items()}
    names = names or {}
    facts = {**dict.fromkeys(SAID, ""), **kept, "actor": actor or event.actor}  # no fact passes for the actor
    if event.verb.endswith("_refused"):
        attempt = event.verb.rpartition(".")[2].removesuffix("_refused").replace("_", " ")
        said = gettext("refused {actor}'s attempt to {attempt}: {why}").format(
            actor=event.actor, attempt=attempt, why=facts.get("why", "")
        )
    elif event.verb == "case.hand_over" and (handed := _handed_over(event, names)):
        said = handed.format(actor=facts["actor"], person=names.get(event.body.get("to_person")))
    elif event.verb in SENTENCES:
        said = SENTENCES[event.verb].format_map(facts)
    else:
        noun, _, verb = event.verb.partition(".")
        said = gettext("{noun} {verb} by {actor}").format(noun=noun, verb=verb.replace("_", " "), actor=event.actor)
    if event.verb in MEASURED and event.body.get("place"):
        said = gettext("{said} ({measures})").format(said=said, measures=_measures(event.body))
    if points := event.body.get("points"):
        ticked = len(event.body["ticked"])
        said = gettext("{said}, with {ticked} of the standard's {points} points ticked").format(
            said=said, ticked=ticked, points=points
        )
    if side := event.body.get("allocated"):
        said = gettext("{said}. Allocated: {side}").format(said=said.removesuffix("."), side=told(side).removesuffix("."))
    if event.body.get("back_to"):
        said = gettext("{said}. It is back with whoever asked").format(said=said)
    if holder := event.body.get("for"):
        said += gettext(" for {holder}").format(holder=names.get(holder, f"person {holder}"))
    words = told(event.words) if event.verb in WORDED_BY_RULES else event.words
    return f"{said} – “{words}”" if words else said
