"""The one `record()`, and how an event reads as a sentence."""

import json
from contextvars import ContextVar

from django.db import connection, transaction

from audit import acting

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


def write_refusals():
    """Called by whoever held the outer transaction (middleware, worker, command), once it is over."""
    notes = _refusals.get()
    _refusals.set(())
    if notes:
        with transaction.atomic():
            for note in notes:
                _insert(*note)


def _insert(verb, by, subject_type, subject_id, words, facts):
    with connection.cursor() as cursor:
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
                json.dumps(facts, default=str),
                words,
            ],
        )


SENTENCES = {
    "case.received": "was received and routed: {sentence}",
    "case.triage": "was received and routed: {sentence}",
    "case.claim": "was claimed by {actor}",
    "case.accept": "was accepted by {actor}",
    "case.correct": "was corrected by {actor}",
    "case.escalate": "was escalated to {to} by {actor}",
    "case.send_back": "was sent back to {to} by {actor}",
    "case.resolve": "was resolved by {actor}",
    "case.no_action": "was closed without action by {actor}",
    "case.approve": "was approved by {actor}",
    "case.edit": "was edited at approval by {actor}; another approver takes the edited content",
    "case.reject": "was rejected by {actor}",
    "case.recall": "was recalled to {to} by {actor}; approvals given are void",
    "case.hand_over": "was handed over by {actor}",
    "case.reallocate": "went to another side by itself",
    "case.withdraw": "was withdrawn by {actor}",
    "case.undo": "went back to {to}: {actor} undid the decision",
    "case.reopen": "was reopened as rework by {actor}",
    "case.release": "was released",
    "case.own_answer": "was answered by {actor}, who had not seen the AI's answer",
    "case.ask": "made {actor} ask for a ruling",
    "case.rule": "was ruled on by {actor}",
    "case.flag": "was flagged as a pattern by {actor}",
    "case.reveal": "had {what} revealed to {actor}",
    "case.rework": "was reworked after release",
    "case.skip": "was skipped by {actor}",
    "case.comment": "was commented on by {actor}",
    "case.mend": "had a comment mended by {actor}",
    "case.pause": "was paused by {actor}: it waits on {waits}",
    "case.snooze": "was snoozed until {until} by {actor}",
    "case.inquire": "was asked about by {actor}: it waits on {waits}",
    "case.answer": "got an answer to a request for information, by {actor}",
    "case.give_link": "had a question opened to a link by {actor}, until {until}",
    "case.revoke_link": "had the link to a question taken back by {actor}",
    "case.attach": "had a file attached by {actor}",
    "case.open_file": "had a file opened by {actor}",
    "case.take_off": "had a file taken off by {actor}",
    "case.go_on": "went on: {actor} ended its waiting",
    "case.wake": "came back by itself, its snooze over",
    "case.warn": "will be due at {due_at}: whoever works it was warned",
    "case.breach": "was not done in time: it is more urgent now, and the owner of exceptions was told",
    "case.break_glass": "was approved by {actor}, who broke the glass",
    "case.review_break_glass": "had its broken glass reviewed by {actor}: {verdict}",
    "case.extend": "was given until {until} for its approval by {actor}",
    "case.expire": "was not approved in time: the owner of risk decides",
    "case.alert": "was named to the owner of risk",
    "case.settle": "took effect when its time to undo was over",
    "user.stop_mail": "wants no more mail",
    "user.add": "was added by {actor}",
    "user.change": "was changed by {actor}",
    "user.be_absent": "was marked absent until {until} by {actor}",
    "user.come_back": "was marked back by {actor}",
    "delegation.give": "was given by {actor}, until {until}",
    "delegation.end": "was ended by {actor}",
    "workflow.add": "was added by {actor}",
    "workflow.change": "was changed by {actor}",
    "policy.change": "was changed as a draft by {actor}",
    "policy.draft": "was drafted by {actor}",
    "policy.edit": "was edited by {actor}",
    "policy.publish": "was published by {actor}",
    "workflow.create": "was created by {actor}",
    "workflow.stop": "was stopped by {actor}",
    "workflow.resume": "was resumed by {actor}",
    "workflow.set_calendar": "had its hours set by {actor}",
    "workflow.set_rate": "had a sampling rate set by {actor}",
    "workflow.set_staffed": "had the hours of the house's people set by {actor}",
    "engagement.add": "was agreed by {actor}",
    "engagement.change": "was changed by {actor}",
    "engagement.end": "was ended early by {actor}",
    "engagement.expire": "ended with its period",
    "mandate.add": "was given by {actor}",
    "mandate.change": "was changed by {actor}",
    "mandate.end": "was ended by {actor}",
    "proposal.add": "was proposed by {actor} as {role} in {workflow}",
    "proposal.take_back": "was taken back by {actor}",
    "proposal.accept": "was accepted by {actor}",
    "proposal.decline": "was declined by {actor}",
    "user.invite": "was given a link to choose a password by {actor}",
    "user.choose_password": "chose a password",
    "case.take_back": "was taken back from {vendor}",
    "seat.give": "was given by {actor}: {role} in {workflow}",
    "seat.end": "was ended by {actor}",
    "owner.name": "was named owner of {of} in {workflow} by {actor}",
    "calendar.add": "was set up by {actor}: {changed}",
    "calendar.change": "had its hours changed by {actor}: {changed}",
    "user.sign_in": "signed in",
    "user.sign_in_failed": "somebody failed to sign in: {why}",
    "user.sign_out": "signed out",
    "user.lock": "sign-in was locked for one address, after five failures",
    "user.unlock": "sign-in was unlocked by {actor}",
    "user.end_sessions": "was signed out everywhere by {actor}",
    "user.link_identity": "was linked to an identity of the house's provider by {actor}",
    "user.unlink_identity": "was unlinked from the house's identity provider by {actor}",
    "user.add_factor": "set up a second factor: {factor}",
    "user.remove_factor": "had a second factor removed by {actor}",
    "user.renew_codes": "made new recovery codes",
    "apikey.make": "was made by {actor}",
    "apikey.revoke": "was revoked by {actor}",
}


SAID = (  # what the sentences name of an event's facts
    "to",
    "sentence",
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


def sentence(event, names=None) -> str:
    """The event as prose, without its time: what happened, by whom, and why where somebody said so.

    `names`, by id, of those for whom a delegate acted: names are no facts, so the event has ids only.
    """
    facts = {**dict.fromkeys(SAID, ""), **event.body, "actor": event.actor}  # no fact passes for the actor
    if event.verb.endswith("_refused"):
        attempt = event.verb.rpartition(".")[2].removesuffix("_refused").replace("_", " ")
        said = f"refused {event.actor}'s attempt to {attempt}: {facts.get('why', '')}"
    elif event.verb in SENTENCES:
        said = SENTENCES[event.verb].format_map(facts)
    else:
        noun, _, verb = event.verb.partition(".")
        said = f"{noun} {verb.replace('_', ' ')} by {event.actor}"
    if side := event.body.get("allocated"):
        said = f"{said.removesuffix('.')}. Allocated: {side.removesuffix('.')}"
    if holder := event.body.get("for"):
        said += f" for {(names or {}).get(holder, f'person {holder}')}"
    return f"{said} – “{event.words}”" if event.words else said
