"""What goes over the wire: the bodies of the verbs, and how a case is shown. OpenAPI is made from these."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from msgspec import UNSET, Meta, Struct, UnsetType

from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from cases import allocated
from cases.intake import Answer, Desk, Intake, ProposedAction
from cases.models import Case, Inquiry
from cases.seen import decisions, is_blind, own_answers, rows, said, whole
from cases.states import ClosedAs, State
from cases.talk import attached, inquiries
from cases.talk import reading as talk
from workflows.models import TIER_CHOICES

Text = Annotated[str, Meta(max_length=10_000)]
Said = Annotated[str, Meta(min_length=1, max_length=10_000)]
Slug = Annotated[str, Meta(max_length=60)]
Code = Annotated[str, Meta(max_length=40)]  # from the policy's list for the verb; required where there is one
Ticked = Annotated[
    list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]], Meta(max_length=1000)
]  # versions of points of the standard
Seconds = Annotated[int, Meta(ge=0, le=86_400 * 7)]
Identity = Annotated[int, Meta(ge=1, le=2**63 - 1)]
OneTier = Literal[tuple(name for name, _ in TIER_CHOICES)]
Minutes = Annotated[float, Meta(ge=0, le=1_000_000)]


class Body(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The body of a POST. Fields that are not named here are refused."""

    def given(self) -> dict[str, Any]:
        """The fields that were sent, as the verb's keyword arguments."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET}


class Bulk(Body, kw_only=True):
    """Up to 1,000 outputs at once; each gets its own answer."""

    cases: Annotated[list[Intake], Meta(max_length=1000)]


class BulkAnswer(Struct, frozen=True):
    """One answer for each output, in order, and the counts. What is refused keeps none of the others from being taken in."""

    results: list[Answer]
    received: int
    known: int
    refused: int
    detail: Annotated[
        str,
        Meta(
            description="What became of them, as a sentence: how many were refused, which is the first of those and why, and that the others are in."
        ),
    ]


class Mark(Struct, forbid_unknown_fields=True, frozen=True):
    """One criterion's mark on the scorecard."""

    option: str | None = None
    na: bool = False
    root_cause: str = ""
    note: str = ""


class Next(Body, kw_only=True):
    """Which desk and workflow the next case is wanted from; without, the most urgent of all the person's desks."""

    desk: Desk | UnsetType = UNSET
    workflow: Slug | UnsetType = UNSET


class Empty(Body, kw_only=True):
    """Nothing needs to be said."""


class Reasoned(Body, kw_only=True):
    """A verb that needs a reason."""

    reason: Said


class Excused(Body, kw_only=True):
    """A verb that may have a reason."""

    reason: Text | UnsetType = UNSET


class Accept(Excused, kw_only=True):
    """The output may stand as it is."""

    marks: dict[str, Mark] | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET


class Correct(Accept, kw_only=True):
    """The output as it should be; `root_causes` and `new_values` by dotted field."""

    output: dict[str, Any]
    action: ProposedAction | UnsetType = UNSET
    root_causes: dict[str, Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET
    new_values: dict[Annotated[str, Meta(max_length=300)], Any] | UnsetType = UNSET


class Escalate(Reasoned, kw_only=True):
    """To somebody with more authority."""

    reason_code: Code | UnsetType = UNSET

    category: Slug | UnsetType = UNSET
    new_values: dict[Annotated[str, Meta(max_length=300)], Any] | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET


class Resolve(Reasoned, kw_only=True):
    """The exception is settled with an output: the one given, or what stands."""

    category: Slug | UnsetType = UNSET
    new_values: dict[Annotated[str, Meta(max_length=300)], Any] | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET
    output: dict[str, Any] | UnsetType = UNSET
    action: ProposedAction | UnsetType = UNSET
    root_causes: dict[str, Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET
    section: Identity | UnsetType = UNSET  # of the playbook, or the ruling on this case, on which it rests
    ruling: Identity | UnsetType = UNSET


class NoAction(Reasoned, kw_only=True):
    """Nothing is done; the category says what kind of exception it was."""

    category: Annotated[str, Meta(min_length=1, max_length=60)]
    reason_code: Code | UnsetType = UNSET
    new_values: dict[Annotated[str, Meta(max_length=300)], Any] | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET


class Approve(Excused, kw_only=True):
    """Approve what stands, or what is given here in its place; with `digest`, only if it is what you saw.

    `ticked`: of the case's `standard`, the versions of the points that you ticked off; kept with the decision in the words that
    stand there. A version that stands there no more is refused: fetch the case again. Leave it out where nobody was asked.
    """

    reason_code: Code | UnsetType = UNSET
    ticked: Ticked | UnsetType = UNSET
    break_glass: bool = False

    digest: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    output: dict[str, Any] | UnsetType = UNSET
    action: ProposedAction | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET


class Extend(Reasoned, kw_only=True):
    """More time to approve, in minutes from now."""

    minutes: Annotated[int, Meta(ge=1, le=60 * 24 * 366)]


class Pause(Reasoned, kw_only=True):
    """It waits on the customer or on another team: on whom, in words; and until when, where that is planned."""

    on: Literal["customer", "team"]
    whom: Annotated[str, Meta(min_length=1, max_length=200)]
    until: datetime | UnsetType = UNSET


class Attach(Body, kw_only=True):
    """A file: its name, and its content in Base64. `for_vendors`: a vendor's people may open it."""

    name: Annotated[str, Meta(min_length=1, max_length=500)]
    content: bytes
    for_vendors: bool = False


class Inquire(Body, kw_only=True):
    """Ask somebody who knows: a team or somebody outside in words, or “@name”. The case waits for the one answer.

    `shows` has paths such as “input.order”: what whoever answers sees beside the question. `link_days`: a link opens it so long.
    """

    question: Said
    whom: Annotated[str, Meta(min_length=1, max_length=200)]
    on: Literal["team", "customer"] = "team"
    until: datetime | UnsetType = UNSET
    shows: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    link_days: Annotated[int, Meta(ge=1, le=30)] | UnsetType = UNSET
    ticket: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET


class AnAnswer(Body, kw_only=True):
    """The answer to one request for information, by its id."""

    inquiry: Identity
    text: Said


class Snooze(Reasoned, kw_only=True):
    """Put it off until then; it comes back by itself."""

    until: datetime


class GoOn(Excused, kw_only=True):
    """What it waited for is there: all its pauses are over, or the one of that id."""

    pause: Identity | UnsetType = UNSET


class Reviewed(Body, kw_only=True):
    """What another in-house person says of a broken glass."""

    verdict: Literal["kept", "objected"]
    note: Text | UnsetType = UNSET


class OwnAnswered(Body, kw_only=True):
    """What you would have answered, before the AI's output is shown to you; what you leave out is not compared."""

    output: dict[str, Any]
    active_seconds: Seconds | UnsetType = UNSET


class ToReveal(Reasoned, kw_only=True):
    """What is to be shown for as long as you hold the case: a field's path, or without it all that is hidden."""

    what: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET


class Comment(Body, kw_only=True):
    """Words about the case. “@name” reaches whoever of that name may see it."""

    text: Said
    kind: Literal["comment", "note"] = "comment"
    house_only: bool = False


class Mend(Body, kw_only=True):
    """One's own comment, said better; what stood before stays."""

    comment: Identity
    text: Said


class Timed(Reasoned, kw_only=True):
    """A reason, and how long it took. `ticked`: at approval, as with an approval; nowhere else."""

    reason_code: Code | UnsetType = UNSET
    ticked: Ticked | UnsetType = UNSET
    active_seconds: Seconds | UnsetType = UNSET


class HandOver(Reasoned, kw_only=True):
    """To a named person with a seat at the desk, to a side (the house, or a vendor by its id), or to whoever else is on it."""

    to: Identity | UnsetType = UNSET
    side: Literal["house"] | Identity | UnsetType = UNSET


class Measured(Reasoned, kw_only=True):
    """A correction after release: where it was found, how bad it was, what it cost."""

    place: Literal["sampled_review", "support", "finance", "operations", "customer", "other"] = "other"
    severity: Literal["minor", "major", "critical"] = "minor"
    minutes: Minutes | UnsetType = UNSET
    cost: Decimal | UnsetType = UNSET
    currency: Annotated[str, Meta(max_length=3)] | UnsetType = UNSET


class ActionShown(Struct, frozen=True):
    """The action as it stands."""

    type: str
    amount: Decimal | None
    currency: str
    payee: str


class Summary(Struct, frozen=True, kw_only=True):
    """A case as lists show it."""

    id: int
    external_id: str
    workflow: str
    state: Literal[tuple(State.values)]
    tier: OneTier
    requires_approval: bool
    sentence: str
    segment: str
    confidence: float | None
    received_at: datetime
    due_at: datetime | None
    paused_since: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None
    closed_as: Literal["", *ClosedAs.values]
    closed_at: datetime | None
    settles_at: datetime | None
    released_at: datetime | None
    is_test: bool


class Shown(Summary, frozen=True, kw_only=True):
    """A case with its content."""

    input: dict[str, Any]
    context: dict[str, Any] | None
    output: dict[str, Any]
    standing_output: dict[str, Any]
    action: ActionShown | None
    digest: str
    revision: int
    reasons: list[dict[str, Any]]
    tags: list[str]
    category: str | None
    chain: list[dict[str, Any]]
    expires_at: datetime | None
    alternatives: list[Any] | None
    own_answer_first: bool  # nothing of what the AI says is here until you have given your own answer


class Told(Struct, frozen=True):
    """One thing that happened."""

    number: int
    at: datetime
    verb: str
    by: str
    sentence: str


class CorrectionShown(Struct, frozen=True):
    """One field's before and after."""

    field: str
    before: Any
    after: Any
    root_cause: str
    is_new_value: bool


class StandardPoint(Struct, frozen=True):
    """A point of the standard, to be ticked off: a point of the charter has a title alone. `version` names these very words."""

    source: str
    version: str  # the SHA-256 of these words
    title: str
    text: str


class PointShown(StandardPoint, frozen=True):
    """A point of the standard, in the words that were read, and whether it was ticked."""

    ticked: bool


class DecisionShown(Struct, frozen=True):
    """What one person decided at one desk."""

    at: datetime
    verb: str
    by: str
    desk: Desk
    to: str
    reason: str
    reason_code: str
    step: int | None
    acted_for: str | None
    break_glass: bool
    retracted: bool  # an approval that counts no longer, by whoever gave it
    corrections: list[CorrectionShown]
    standard: list[PointShown] | None  # as it was ticked off at approval; null where nobody was asked


class PauseShown(Struct, frozen=True):
    """Why its clock stood, or stands."""

    id: int
    kind: str
    on_whom: str
    reason: str
    desk: str
    by: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None


class OwnAnswerShown(Struct, frozen=True):
    """What somebody answered before he saw the AI's, and where the two differ."""

    at: datetime
    by: str
    answer: dict[str, Any]
    differs: list[str]


class CommentShown(Struct, frozen=True):
    """What somebody said, as it stands now."""

    id: int
    kind: str
    by: str
    at: datetime
    text: str
    house_only: bool
    before: list[str]


class Commented(Struct, frozen=True):
    """What was said, and why it did not reach whom it names."""

    comment: CommentShown
    not_told: list[str]


class AttachmentShown(Struct, frozen=True):
    """A file beside the case. `opens`: whether you may have it, at `/cases/{id}/attachments/{attachment}/`."""

    id: int
    name: str
    kind: str
    size: int
    by: str
    at: datetime
    opens: bool
    removed_at: datetime | None


class InquiryShown(Struct, frozen=True):
    """What was asked of somebody, and the answer. `link`: for whoever may hand it out, while it opens something."""

    id: int
    by: str
    whom: str
    question: str
    due_at: datetime | None
    ticket: str
    is_open: bool
    link: str
    link_until: datetime | None
    answer: str
    answered_at: datetime | None


class Detail(Shown, frozen=True, kw_only=True):
    """A case with its story."""

    standard: list[StandardPoint]  # at approval: what an approver may tick off; empty elsewhere
    story: list[Told]
    decisions: list[DecisionShown]
    pauses: list[PauseShown]
    comments: list[CommentShown]
    inquiries: list[InquiryShown]
    attachments: list[AttachmentShown]
    own_answers: list[OwnAnswerShown]


class SideShown(Struct, frozen=True):
    """How one side stood when the case was allocated."""

    name: str
    share: str
    room: str
    there: str
    out: str
    has_it: bool


class AllocationShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose the case is, and why; to the house with how each side stood and whether the facts give the same answer again."""

    sentence: str
    rule: str = ""
    at: datetime | None = None
    asks: str = ""
    sides: list[SideShown] = []
    again: bool | None = None


class Why(Struct, frozen=True, kw_only=True):
    """Why a case went where it went, with everything needed to work it out again."""

    id: int
    sentence: str
    reasons: list[dict[str, Any]]
    tier: OneTier
    requires_approval: bool
    policy_version: int
    probability: float
    draw: float
    sampled: bool
    confidence: float | None
    allocation: AllocationShown | None


class Waited(Struct, frozen=True):
    """What a long poll tells: whether it is decided, and the case as it is."""

    decided: bool
    case: Shown


def summary(case: Case) -> dict[str, Any]:
    return {
        "id": case.pk,
        "external_id": case.external_id,
        "workflow": case.workflow.slug,
        "state": case.state,
        "tier": case.tier,
        "requires_approval": case.requires_approval,
        "sentence": case.sentence,
        "segment": case.segment,
        "confidence": case.confidence,
        "received_at": case.received_at,
        "due_at": case.due_at,
        "paused_since": case.paused_since,
        "claimed_by": str(case.claimed_by) if case.claimed_by_id else None,
        "claimed_until": case.claimed_until,
        "closed_as": case.closed_as,
        "closed_at": case.closed_at,
        "settles_at": case.settles_at,
        "released_at": case.released_at,
        "is_test": case.is_test,
    }


def shown(case: Case) -> dict[str, Any]:
    return {
        **summary(case),
        "input": case.input,
        "context": case.context,
        "output": case.output,
        "standing_output": case.standing,
        "action": case.action if case.action_type else None,
        "digest": bytes(case.digest).hex(),
        "revision": case.revision,
        "reasons": case.reasons,
        "tags": case.tags,
        "category": case.category.slug if case.category_id else None,
        "chain": case.chain,
        "expires_at": case.expires_at,
        "alternatives": case.alternatives,
        "own_answer_first": is_blind(case),
    }


def detail(case: Case, user, standing, points) -> dict[str, Any]:
    """`points`: of the standard, that may be ticked off where the case stands."""
    return {
        **shown(case),
        "standard": [
            StandardPoint(point.source, point.version, said(case, point.title), said(case, point.text)) for point in points
        ],
        "story": [told(event, said(case, sentence)) for event, sentence in sentences(story(case))],
        "decisions": [*map(_decision, decisions(case))],
        "pauses": [*map(_pause, rows(case, whole(case).pauses.select_related("by")))],
        "comments": [*map(comment, talk.said(case, user))],
        "inquiries": [*map(_inquiry, inquiries.of(case, user, standing)["asked"])],
        "attachments": [*map(attachment, attached.listed(case, user))],
        "own_answers": [OwnAnswerShown(row.at, str(row.by), row.answer, row.differs) for row, _ in own_answers(case)],
    }


def attachment(each) -> AttachmentShown:
    row = each["row"]
    opens = each["opens"] and row.removed_at is None
    return AttachmentShown(row.pk, row.name, row.kind, row.size, each["by"], row.at, opens, row.removed_at)


def _inquiry(asked) -> InquiryShown:
    row = asked.row
    about = (row.pk, asked.by, asked.whom, row.question, row.pause.until, row.ticket, asked.is_open)
    return InquiryShown(*about, asked.link, row.link_until if asked.is_open else None, row.answer, row.answered_at)


def comment(said) -> CommentShown:
    now = said.now
    return CommentShown(now.pk, now.kind, said.author, now.at, now.text, now.house_only, [old.text for old in said.before])


def story(case: Case):
    """Every event of the case, in order; none while one owes it his own answer, for they tell of the AI's."""
    if is_blind(case):
        return AuditEvent.objects.none()
    return AuditEvent.objects.filter(subject_type="case", subject_id=case.pk)


def sentences(events, **how):
    """(event, its sentence), with the names of those for whom delegates acted, to whom it was handed and who answered by a link."""
    events = list(events)
    ids = {event.body[name] for event in events for name in ("for", "to_person") if event.body.get(name)}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=ids)} if ids else {}
    by_link = _by_link(events)
    return [(event, trail.sentence(event, names, actor=by_link.get(event.pk, ""), **how)) for event in events]


def _by_link(events) -> dict[int, str]:
    """Of the answers that the machine wrote down: for whom the link was."""
    answers = {event.body["inquiry"]: event.pk for event in events if event.verb == "case.answer"}
    if not answers:
        return {}
    written = Inquiry.objects.filter(pk__in=answers, answered_by__kind=User.Kind.MACHINE).values_list("pk", "pause__on_whom")
    return {answers[pk]: gettext("whoever has the link for {whom}").format(whom=whom) for pk, whom in written}


def told(event, sentence) -> Told:
    return Told(event.number, event.at, event.verb, event.actor, sentence)


def _decision(decision) -> DecisionShown:
    corrections = [CorrectionShown(c.field, c.before, c.after, c.root_cause, c.is_new_value) for c in decision.changes]
    what = (decision.at, decision.verb, str(decision.by), decision.desk, decision.to, decision.reason, decision.reason_code)
    acted_for = str(decision.delegation.seat.user) if decision.delegation_id else None
    points = decision.standard and [PointShown(**point) for point in decision.standard]
    return DecisionShown(*what, decision.step, acted_for, decision.break_glass, decision.is_retracted, corrections, points)


def _pause(pause) -> PauseShown:
    about = (pause.pk, pause.kind, pause.on_whom, pause.reason, pause.desk, str(pause.by))
    return PauseShown(*about, pause.since, pause.until, pause.ended_at)


def why(case: Case, user) -> Why:
    side = allocated.told(case.allocation, to_the_house=user.is_in_house and not is_blind(case))
    return Why(
        id=case.pk,
        sentence=case.sentence,
        reasons=case.reasons,
        tier=case.tier,
        requires_approval=case.requires_approval,
        policy_version=case.policy.version,
        probability=case.probability,
        draw=case.draw,
        sampled=case.sampled,
        confidence=case.confidence,
        allocation=side and AllocationShown(**{**side, "sides": [SideShown(*each) for each in side.get("sides", ())]}),
    )
