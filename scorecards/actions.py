"""The verbs on scorecards: draft, copy, publish, discard, evaluate. Each writes its one audit event."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from audit import clock, trail
from scorecards import ready_made as template
from scorecards import scoring
from scorecards.models import Criterion, Evaluation, Option, RootCause, Scorecard, Section
from workflows.actions import deciding

KEPT = ("key", "label", "help", "weight", "critical", "may_be_na", "good_example", "bad_example")


def draft(workflow, *, by, name=gettext_lazy("Scorecard"), **fields) -> Scorecard:
    """The next version, empty and unpublished. `fields`: pass_mark, definition_of_done."""
    return _draft(workflow, [], by=by, name=name, **fields)


def ready_made(workflow, *, by, name=template.NAME, **fields) -> Scorecard:
    """A new draft with the ready-made sections, criteria, options, root causes and examples."""
    fields = {"pass_mark": template.PASS_MARK, "definition_of_done": template.DEFINITION_OF_DONE, **fields}
    return _draft(workflow, template.SECTIONS, by=by, name=name, ready_made=True, **fields)


def copy(scorecard, *, by) -> Scorecard:
    """A new draft with everything `scorecard` has: the way to change what is published."""
    fields = {"name": scorecard.name, "pass_mark": scorecard.pass_mark, "definition_of_done": scorecard.definition_of_done}
    return _draft(scorecard.workflow, _content(scorecard), by=by, copy_of=scorecard.version, **fields)


def _draft(workflow, sections, *, by, copy_of=None, ready_made=False, **fields) -> Scorecard:
    with deciding(workflow, "define", by=by) as locked:
        last = locked.scorecards.order_by("-version").values_list("version", flat=True).first() or 0
        scorecard = Scorecard.objects.create(workflow=locked, version=last + 1, **fields)
        _fill(scorecard, sections)
        facts = {"workflow": locked.slug, "version": scorecard.version, "copy_of": copy_of, "ready_made": ready_made}
        trail.record("scorecard.draft", by=by, subject=scorecard, **facts)
    return scorecard


def _content(scorecard) -> list[dict]:
    """Everything under the card as plain values, in the order shown."""
    sections = scorecard.sections.prefetch_related("criteria__options", "criteria__root_causes")
    return [{"title": section.title, "criteria": [_plain(each) for each in section.criteria.all()]} for section in sections]


def _plain(criterion) -> dict:
    return {
        **{name: getattr(criterion, name) for name in KEPT},
        "options": [(option.label, option.points) for option in criterion.options.all()],
        "root_causes": [cause.label for cause in criterion.root_causes.all()],
    }


def _fill(scorecard, sections):
    """Write plain content under an empty draft, set-based: four statements, however long the card is."""
    headings = Section.objects.bulk_create(
        Section(scorecard=scorecard, title=each["title"], position=place) for place, each in enumerate(sections, 1)
    )
    plain = [
        (heading, place, each)
        for heading, section in zip(headings, sections, strict=True)
        for place, each in enumerate(section["criteria"], 1)
    ]
    criteria = Criterion.objects.bulk_create(
        Criterion(section=heading, position=place, **{name: each[name] for name in KEPT if name in each})
        for heading, place, each in plain
    )
    under = [(criterion, each) for criterion, (_, _, each) in zip(criteria, plain, strict=True)]
    Option.objects.bulk_create(
        Option(criterion=criterion, label=label, points=points, position=place)
        for criterion, each in under
        for place, (label, points) in enumerate(each["options"], 1)
    )
    RootCause.objects.bulk_create(
        RootCause(criterion=criterion, label=label, position=place)
        for criterion, each in under
        for place, label in enumerate(each["root_causes"], 1)
    )


def publish(scorecard, *, by, reason) -> Scorecard:
    """From now on a policy may name this version, and nothing on it changes any more."""
    with deciding(scorecard.workflow, "publish_scorecard", by=by):
        scorecard = Scorecard.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=scorecard.pk)
        if scorecard.published_at:
            raise ValidationError(
                format_lazy(
                    gettext_lazy("{scorecard} was published on {published_at:%Y-%m-%d}. Copy it to a new draft."),
                    scorecard=scorecard,
                    published_at=scorecard.published_at,
                )
            )
        if not reason.strip():
            raise ValidationError(gettext_lazy("Say why this version is published."))
        if wrong := list(gaps(scorecard)):
            raise ValidationError(wrong)
        scorecard.published_at, scorecard.published_by = clock.now(), by
        scorecard.save(update_fields=["published_at", "published_by"])
        facts = {"workflow": scorecard.workflow.slug, "version": scorecard.version, "pass_mark": scorecard.pass_mark}
        trail.record("scorecard.publish", by=by, subject=scorecard, words=reason, **facts)
    return scorecard


def gaps(scorecard) -> Iterator[str]:
    """What still keeps the card from being published, a sentence each."""
    criteria = _read(scorecard).criteria
    if not criteria:
        yield gettext("The card has no criterion yet. Add at least one.")
    for key, times in Counter(criterion.key for criterion in criteria).items():
        if times > 1:
            yield gettext("The key “{key}” is used {times} times. Give each criterion a key of its own.").format(
                key=key, times=times
            )
    for criterion in criteria:
        if len(criterion.options) < 2:
            yield gettext("“{criterion}” needs at least two options.").format(criterion=criterion.label)
        elif not any(criterion.options.values()):
            yield gettext("“{criterion}” needs an option with at least 1 point.").format(criterion=criterion.label)


def discard(scorecard, *, by):
    """Delete a draft. What was published stays."""
    with deciding(scorecard.workflow, "define", by=by):
        scorecard = Scorecard.objects.select_for_update(of=("self",)).get(pk=scorecard.pk)
        if scorecard.published_at:
            raise ValidationError(
                format_lazy(
                    gettext_lazy("{scorecard} is published and stays: what was marked with it refers to it."),
                    scorecard=scorecard,
                )
            )
        trail.record("scorecard.discard", by=by, subject=scorecard, version=scorecard.version)
        scorecard.delete()


def evaluate(scorecard, marks, *, by) -> Evaluation:
    """Keep `marks` (criterion key → scoring.Mark) and the score they make. Raises ValidationError with every fault at once.

    It does not ask who may: the verb that decides the case does, and points its decision at the row.
    """
    if not scorecard.published_at:
        raise ValidationError(
            format_lazy(gettext_lazy("{scorecard} is not published. Mark with a published version."), scorecard=scorecard)
        )
    card = as_card(scorecard)
    try:
        score = scoring.score(card, marks)
    except scoring.BadMarks as error:
        raise ValidationError(error.sentences) from error
    return _keep(scorecard, marks, score, by)


def _keep(scorecard, marks, score, by) -> Evaluation:
    with transaction.atomic():
        evaluation = Evaluation.objects.create(
            scorecard=scorecard,
            by=by,
            marks={line.key: {"points": line.points, **asdict(marks[line.key])} for line in score.lines},
            score=score.score,
            passed=score.passed,
            failed_critical=list(score.failed_critical),
        )
        facts = {"scorecard": scorecard.pk, "score": score.score, "passed": score.passed}
        trail.record("evaluation.make", by=by, subject=evaluation, **facts)
    return evaluation


def read_marks(document) -> dict[str, scoring.Mark]:
    """Marks as a door received them, {key: {option, na, root_cause, note}}, made ready for `evaluate`."""
    try:
        return msgspec.convert(document, dict[str, scoring.Mark])
    except msgspec.ValidationError as error:
        raise ValidationError(format_lazy(gettext_lazy("The marks cannot be read: {error}."), error=error)) from error


def published(workflow, version) -> Scorecard:
    """The published card `version` of `workflow`."""
    found = Scorecard.objects.filter(workflow=workflow, version=version, published_at__isnull=False).first()
    if found is None:
        raise ValidationError(
            format_lazy(
                gettext_lazy("There is no published scorecard v{version} in {workflow}."), version=version, workflow=workflow
            )
        )
    return found


def as_card(scorecard) -> scoring.Card:
    """The card as scoring takes it: a published one is read once per process, a draft every time."""
    return _read_once(scorecard.pk, scorecard.published_at) if scorecard.published_at else _read(scorecard)


@lru_cache(maxsize=512)
def _read_once(pk, published_at) -> scoring.Card:
    """Published cards never change, so the cache never needs emptying."""
    return _read(Scorecard.objects.get(pk=pk, published_at=published_at))


def _read(scorecard) -> scoring.Card:
    criteria = (
        Criterion.objects.filter(section__scorecard=scorecard)
        .order_by("section__position", "section", "position", "id")
        .prefetch_related("options", "root_causes")
    )
    return scoring.Card(scorecard.pass_mark, tuple(map(_criterion, criteria)))


def _criterion(row) -> scoring.Criterion:
    return scoring.Criterion(
        key=row.key,
        label=row.label,
        weight=row.weight,
        options={option.label: option.points for option in row.options.all()},
        critical=row.critical,
        may_be_na=row.may_be_na,
        root_causes=tuple(cause.label for cause in row.root_causes.all()),
    )
