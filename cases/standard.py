"""The standard of a workflow, point by point: what its charter says is right and is done, and the published sections of its playbook.

An approver ticks its points off. What he had ticked is kept with his decision in the words that he read, for the words of a
charter and of a playbook change: so a point's version is the fingerprint of its words, and a tick holds for that version alone.
"""

import json
from hashlib import sha256
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from cases.states import APPROVAL

CHARTER = ("what_is_right", "what_is_done")
CHANGED = _("The standard was changed while you looked at it. What is new is not ticked: read it, then decide.")
ELSEWHERE = _("The standard is ticked off at approval alone. Leave the ticks out here.")


class Point(NamedTuple):
    """One point: where it stands (“charter: what_is_right”, “playbook: 4”), its title, and its text, which a charter's has not."""

    source: str
    title: str
    text: str

    @property
    def version(self) -> str:
        """Names these very words, there."""
        return sha256(json.dumps(self).encode()).hexdigest()


def sections(workflow) -> list:
    """Of its playbook those that are published; asked for once, whoever looks."""
    prefetch_related_objects([workflow], "playbook")
    return [each for each in workflow.playbook.all() if not each.is_draft]


def of(workflow) -> list[Point]:
    charter = [Point(f"charter: {name}", text, "") for name in CHARTER if (text := getattr(workflow, name))]
    return [*charter, *(Point(f"playbook: {each.pk}", each.title, each.text) for each in sections(workflow))]


def to_tick(case) -> list[Point]:
    """What is ticked off where the case stands: at approval all of it, elsewhere nothing."""
    return of(case.workflow) if case.state == APPROVAL else []


def fingerprint(points) -> str:
    """Another one where a point was added, taken away or said anew."""
    return sha256("".join(point.version for point in points).encode()).hexdigest()[:16] if points else ""


def tick_off(case, ticked):
    """Keep with the decision at approval which points were ticked, by their versions, and which were not. None: he was not asked.

    Raises ValidationError for a tick at words that stand there no more, and for one at another desk.
    """
    if ticked is None:
        return
    if case.story.desk != APPROVAL:
        raise ValidationError({"ticked": [ELSEWHERE]})
    points = {point.version: point for point in of(case.workflow)}
    if not points.keys() >= set(ticked):
        raise ValidationError({"ticked": [CHANGED]})
    case.story.standard = [
        {**point._asdict(), "version": version, "ticked": version in ticked} for version, point in points.items()
    ] or None
    if points:
        case.story.facts |= {"points": len(points), "ticked": [version for version in points if version in ticked]}
