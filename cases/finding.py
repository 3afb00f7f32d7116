"""How a case is found: by how its reference or its customer's begins, by its number, and by the words of what came in.

`Findable` has a row for each case, written a moment after intake, so that intake does not pay for it: `note_new()` every few
seconds for the newest, `note_all()` once a day for what it may have missed. A vendor's people are no users of it: they find, among
the cases they see, what they see of them. Whoever found a case by what is hidden from him would know it.
"""

import re

from django.contrib.postgres.search import SearchQuery, SearchVectorExact, SearchVectorField
from django.db import connection, transaction
from django.db.models import F, Func, Q

from cases.models import Findable
from cases.seen import Sight

RECENT = 5_000  # ids looked at behind the newest that is noted: what was stored before it and committed after
AT_ONCE = 5_000
BATCHES = 20  # a run of the job is over before anybody takes it for dead; the next one goes on
MOST_REFERENCES = 1_000
FEW = 1_000
NEWEST, ENOUGH = 500, 10  # among the newest so many that say a word make it a common one
MOST_SEEN = 300  # of a vendor's cases that are looked at as its people see them
WORD = re.compile(r"\w+")

NOTE = """
INSERT INTO cases_findable (id, external_id, customer_reference, words)
SELECT c.id, c.external_id, c.customer_reference, words_of(c.input) || words_of(c.output)
  FROM cases_case c WHERE c.id > %(after)s AND NOT EXISTS (SELECT FROM cases_findable f WHERE f.id = c.id)
 ORDER BY c.id LIMIT %(most)s ON CONFLICT DO NOTHING RETURNING id
"""
# What came a moment ago is found by its whole reference.
BEGIN_SO = """
(SELECT id FROM cases_findable WHERE (lower(external_id) COLLATE "C") ^@ lower(%(q)s) ORDER BY lower(external_id) COLLATE "C" LIMIT %(most)s)
UNION
(SELECT id FROM cases_findable WHERE (lower(customer_reference) COLLATE "C") ^@ lower(%(q)s) AND customer_reference <> ''
  ORDER BY lower(customer_reference) COLLATE "C" LIMIT %(most)s)
UNION
SELECT c.id FROM workflows_workflow w JOIN cases_case c ON c.workflow_id = w.id AND c.external_id = %(q)s
UNION
SELECT id FROM cases_case WHERE id = %(number)s
"""

# So many of the newest say it that a page is soon full: whether they are few is not asked, for the index would gather all of them first.
COMMON = """
SELECT count(*) >= %(enough)s FROM (SELECT words FROM cases_findable ORDER BY id DESC LIMIT %(newest)s) n
 WHERE n.words @@ plainto_tsquery('simple', %(q)s)
"""
SAYING = "SELECT id FROM cases_findable WHERE words @@ plainto_tsquery('simple', %(q)s) LIMIT %(most)s"


# for the house


def by_reference(text) -> list[int]:
    """The ids of what has this number, or whose own or customer's reference begins so; the first thousands of them."""
    text = text.strip()
    number = int(text) if text.isdecimal() and len(text) < 19 else None
    with connection.cursor() as cursor:
        cursor.execute(BEGIN_SO, {"q": text, "most": MOST_REFERENCES, "number": number})
        return [pk for (pk,) in cursor.fetchall()]


def by_words(cases, text):
    """Of these cases those in which all of the words stand."""
    return cases.filter(findable__words=_query(text))


def the_input_says(text):
    """As a condition on a case: all of the words stand in what came in."""
    return SearchVectorExact(Func(F("input"), function="words_of", output_field=SearchVectorField()), _query(text))


def _query(text):
    return SearchQuery(text, config="simple", search_type="plain")


def few_saying(text) -> list[int] | None:
    """The ids of all cases in which the words stand; None where they are many or common, and a list finds its page without them."""
    with connection.cursor() as cursor:
        cursor.execute(COMMON, {"q": text, "newest": NEWEST, "enough": ENOUGH})
        if cursor.fetchone()[0]:
            return None
        cursor.execute(SAYING, {"q": text, "most": FEW + 1})
        ids = [pk for (pk,) in cursor.fetchall()]
    return ids if len(ids) <= FEW else None


# for a vendor's people


def as_seen(cases, user, text, *, in_words=False) -> list[int]:
    """The ids of those of these cases that this person finds so, by what he sees of them. Only the newest are looked at."""
    text = text.strip()
    number = int(text) if text.isdecimal() and len(text) < 19 else None
    begins = Q(external_id__istartswith=text) | Q(customer_reference__istartswith=text) | Q(pk=number)
    candidates = by_words(cases, text) if in_words else cases.filter(begins)
    seen = Sight(user).of_all(candidates.order_by("-id")[:MOST_SEEN], uncovered=False)
    fits = _says if in_words else _begins
    return [case.pk for case in seen if fits(case, text, number)]


def _begins(case, text, number) -> bool:
    return case.pk == number or any(
        shown.lower().startswith(text.lower()) for shown in (case.external_id, case.customer_reference)
    )


def _says(case, text, number) -> bool:
    shown = {word for value in (case.input, case.output) for said in _texts(value) for word in WORD.findall(said.lower())}
    return all(word in shown for word in WORD.findall(text.lower()))


def _texts(value):
    """Every text and number in it, as text."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [str(value)] if isinstance(value, str | int | float) else []


# what is noted


def note_new() -> int:
    """What came since the last time; how many."""
    newest = Findable.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return _note(newest - RECENT)


def note_all() -> int:
    """Everything that is not noted yet; how many."""
    return _note(0, batches=10_000)


def _note(after, batches=BATCHES) -> int:
    count = 0
    for _ in range(batches):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(NOTE, {"after": after, "most": AT_ONCE})
            noted = [pk for (pk,) in cursor.fetchall()]
        count += len(noted)
        if len(noted) < AT_ONCE:
            break
        after = max(noted)
    return count
