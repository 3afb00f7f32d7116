"""Who reads German meets no English on any page of the demo.

What a page says alike in both languages is what somebody wrote (here the demo itself), a name, or one word in both.
"""

import ast
import re
from html.parser import HTMLParser
from urllib.parse import urljoin
from zoneinfo import available_timezones

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.translation import activate

from accounts.models import User
from accounts.roles import KEY_VERBS
from hitlsite import words
from tests.conftest import SignedIn
from workflows.models import ExceptionCategory

READ_ALOUD = ("title", "aria-label", "placeholder", "alt")
NOT_READ = {"script", "style", "svg", "code"}
NOT_ASKED = ("/sign-in/out", "/admin/logout", "/admin/audit/auditevent/")  # the way out; the log, which has its own codes
ENGLISH = re.compile(r"\b(the|of|and|is|are|not|for|with|its|has|have|than|only|who|which|times|errors?|cases?|needs|\w+day)\b")
LETTERS = re.compile(r"[^\W\d_]{3,}")
NAMES = (
    r"\d+ (?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)\w*(?: \d{4})?|\d+ min|EUR|USD|GBP|AG|GmbH|KG|Inc|Ltd",
    r"HITL Desk|Deutsch|English|https?://\S+|/healthz|\S+@\S+|hd_\w+|\w+/[\w/]+|\w+(?:\.\w+)+|[\w-]*\d[\w.-]*",
    r'"[^"]*"|null',  # JSON
)
# Fields and values of the demo's.
IN_SCHEMAS = {
    "Confidence",
    "Language",
    "Number",
    "Order",
    "Subject",
    "Supplier",
    "Total",
    "decline",
    "general",
    "low",
    "standard",
}


class Texts(HTMLParser):
    """What is read on a page, by eye or aloud, and where its links lead."""

    def __init__(self, page: str):
        super().__init__()
        self.texts, self.links, self._within = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        is_picture = attrs.get("aria-hidden") == "true" or "material-symbols" in (attrs.get("class") or "")
        if tag in NOT_READ or is_picture or tag in self._within:
            self._within.append(tag)
        elif not self._within:
            self.texts |= {" ".join(attrs[name].split()) for name in READ_ALOUD if attrs.get(name)}

    def handle_endtag(self, tag):
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data):
        if data.strip() and not self._within:
            self.texts.add(" ".join(data.split()))


def shape(address: str) -> str:
    """Two addresses of one shape are one page about two things."""
    return re.sub(r"=[^&]*", "=", re.sub(r"\d+", "0", address))


def read_in(language: str, person) -> dict[str, str]:
    """Every text that this person meets from link to link, and on which page first."""
    User.objects.filter(pk=person.pk).update(language=language)
    browser, found = SignedIn(), {}
    browser.force_login(person)
    waiting, seen = ["/admin/"], set()
    while waiting:
        address = waiting.pop(0)
        if shape(address) in seen or not address.startswith("/") or address.startswith(NOT_ASKED):
            continue
        seen.add(shape(address))
        answer = browser.get(address, follow=True)
        if answer.streaming or "html" not in answer["Content-Type"]:
            continue
        page = Texts(answer.text)
        found = dict.fromkeys(page.texts, address) | found
        waiting += [urljoin(answer.request["PATH_INFO"], link).partition("#")[0] for link in page.links]
    return found


def somebodys() -> set[str]:
    """What is no text of ours: the demo's sentences, piece by piece, and the ready-made scorecard's; names; codes."""
    files = [*(settings.BASE_DIR / "hitlsite/demo").glob("*.py"), settings.BASE_DIR / "scorecards/ready_made.py"]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    people = {name for each in User.objects.all() for name in (each.username, each.first_name, each.last_name)}
    texts = [(each.id, each.string) for each in words.read("de") if isinstance(each.id, str)]
    alike = {english for english, german in texts if english.casefold() == german.casefold()}
    other = {english.casefold() for english, german in texts if english.casefold() != german.casefold()}
    literals = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {
        *(literal for literal in literals if " " in literal or literal not in other),
        *IN_SCHEMAS,
        *ExceptionCategory.objects.values_list("label", flat=True),
        *people,
        *alike,
        *KEY_VERBS,
        *(zone.replace("_", " ") for zone in available_timezones()),
    }


def without(said: set):
    """Takes out of a text whatever somebody said, the longest piece first."""
    pieces = sorted({" ".join(piece.split()) for piece in said if LETTERS.search(piece)}, key=len, reverse=True)
    ours = "|".join([*map(re.escape, pieces), *NAMES])
    taken_out = re.compile(rf"(?<!\w)(?:{ours})(?!\w)", re.IGNORECASE)
    return lambda text: taken_out.sub(" ", text)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_page_of_the_demo_speaks_english_to_a_german():
    call_command("demo")
    owner, administrator = (User.objects.get(username=name) for name in ("olga", "adam"))

    german = read_in("de", owner) | read_in("de", administrator)
    other = read_in("en", owner) | read_in("en", administrator)
    activate("en")

    of_ours = without(somebodys())
    assert len(german) > 2000
    left = {text: of_ours(text) for text in german}
    assert {text: german[text] for text in left if text in other and LETTERS.search(left[text])} == {}
    assert {text: german[text] for text in left if ENGLISH.search(left[text])} == {}
