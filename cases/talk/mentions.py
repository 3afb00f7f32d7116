"""“@name” in somebody's words: whom it means, and whether the case is theirs to see."""

import re
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts.models import User
from cases.models import Case

NAMED = re.compile(r"(?<![\w.@+-])@(\w[\w.+-]*(?:@[\w.-]+)?)")
MOST = 20  # people in one text


@dataclass
class Mentions:
    """Whom a text reaches, and what its writer is told of those whom it does not."""

    reached: list[User] = field(default_factory=list)
    not_told: list[str] = field(default_factory=list)


def names(text) -> list[str]:
    """The names as they are typed, without the dot that ends a sentence, each once."""
    return list(dict.fromkeys(name.rstrip(".-+").lower() for name in NAMED.findall(text)))


def of(text, case, *, by, house_only=False) -> Mentions:
    """Only who may see the case hears of it; who may not is named to the writer, and learns nothing."""
    asked = names(text)
    if len(asked) > MOST:
        raise ValidationError({"text": _("Name at most %(most)s people in one text.") % {"most": MOST}})
    known, found = _people(asked, by), Mentions()
    for name in asked:
        person = known.get(name)
        if why := _why_not(name, person, case, by, house_only):
            found.not_told.append(why)
        elif person.pk != by.pk:
            found.reached.append(person)
    return found


def somebody(name, by) -> User | None:
    """The one person of that name whom `by` may name."""
    person = _people([name.lower()], by).get(name.lower())
    return person if person and person.is_active else None


def _people(asked, by) -> dict[str, User]:
    """By name. A vendor's person names his own people and the house's: of others he is not to know."""
    people = User.objects.alias(lower=Lower("username")).filter(lower__in=asked, kind=User.Kind.PERSON)
    people = people if by.is_in_house else people.filter(Q(vendor=None) | Q(vendor=by.vendor_id))
    return {person.username.lower(): person for person in people}


def _why_not(name, person, case, by, house_only) -> str:
    if person is None or not person.is_active:
        return _("Nobody here is called @%(name)s.") % {"name": name}
    if house_only and not person.is_in_house:
        return _("@%(name)s is not of the house, and this is for the house only, so nobody told them.") % {"name": name}
    if not Case.objects.visible_to(person).filter(pk=case.pk).exists():
        return _("@%(name)s may not see this case, so nobody told them.") % {"name": name}
    return ""
