"""What was said about a case, as whoever asks reads it: masked for a vendor's people, each thread's newest words first in sight."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, Sum

from accounts.models import User
from audit import acting
from cases.models import Comment
from cases.permissions import why_not
from cases.seen import rows, whole


@dataclass
class Said:
    """Words as they stand now, who said them, and what stood there before they were mended."""

    now: Any
    author: str
    is_mine: bool
    before: list = field(default_factory=list)

    @property
    def is_note(self):
        return self.now.kind == Comment.Kind.NOTE


def of(seen, user, standing) -> dict:
    """For a page about the case: everything said, the notes for whoever works it now, and whether one may say more."""
    case = whole(seen)
    everything = said(seen, user)
    here = [each for each in everything if each.is_note and case.desk_since and each.now.at >= case.desk_since]
    return {"said": everything, "notes": here, "may_speak": not why_not(user, "comment", case, standing)}


def said(seen, user) -> list[Said]:
    """In the order in which it was begun. It asks for the case's comments and for their writers, however many there are."""
    if whole(seen).has_none("comments"):
        return []
    found = list(whole(seen).comments.visible_to(user))
    names = names_of(found, user)
    threads: dict[int, Said] = {}
    for comment, shown in zip(found, rows(seen, found), strict=True):
        before = threads.pop(comment.replaces_id, None)
        earlier = [*before.before, before.now] if before else []
        threads[comment.pk] = Said(shown, names[comment.pk], comment.by_id == user.pk, earlier)
    return sorted(threads.values(), key=lambda each: (each.before[0] if each.before else each.now).pk)


def newest(seen) -> str:
    """Tells what was said, asked, answered and attached from what was so before."""
    case = whole(seen)
    asked = case.inquiries.aggregate(asked=Max("pk"), links=Sum("link_number"), answers=Count("answered_at"))
    said = case.comments.aggregate(said=Max("pk"))
    kept = case.attachments.aggregate(files=Max("pk"), gone=Count("removed_at"))
    return "-".join(str(each or 0) for each in (*said.values(), *asked.values(), *kept.values()))


def names_of(found, user) -> dict[int, str]:
    """Who wrote each row; of another vendor's people a vendor is told no name."""
    people = {person.pk: str(person) for person in User.objects.filter(pk__in={row.by_id for row in found})} if found else {}
    return {row.pk: _name(row, people, user) for row in found}


def _name(row, people, user):
    is_anothers = user.vendor_id is not None and row.vendor_id not in (None, user.vendor_id)
    return acting.SOMEBODY if is_anothers else people.get(row.by_id, acting.SOMEBODY)
