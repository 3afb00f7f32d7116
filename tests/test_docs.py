"""The documents say what the code says: tables, commands, settings and names are compared, not believed."""

import ast
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import get_args

import httpx
import msgspec
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands
from standardwebhooks.webhooks import WebhookVerificationError

from accounts.roles import MACHINE_VERBS, OWNER_VERBS, VERBS, Ownership, Role
from cases.states import BORN, DESKS, MOVES
from cases.urls import urlpatterns
from integrations import signature
from workflows.triggers import Effect, Trigger

ROOT = Path(settings.BASE_DIR)
OURS = {"audit", "jobs", "accounts", "integrations", "workflows", "scorecards", "cases", "quality", "improvements"}
PROMISES = [
    *("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "C1", "C2", "C3", "C4", "I1", "I2"),
    *("A1", "A2", "A3", "A4", "A5", "A6", "A7", "P1", "P2", "T1", "T2", "T3", "T4", "O1"),
    *("F1", "F2", "F3", "F4", "W1", "W2", "W3", "W4", "U1"),
]
FOUNDATION = ["C1", "C2", "C3", "C4", "I1", "I2", "T1", "F1"]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})


def said(path) -> str:
    return (ROOT / path).read_text()


def rows(path, heading) -> list[list[str]]:
    """The cells of the table under `heading`, without its first two lines."""
    part = re.split(r"^## ", said(path), flags=re.M)
    [under] = [text for text in part if text.startswith(heading)]
    lines = [line for line in under.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell) -> set[str]:
    return set(cell.split(", "))


def who_may(verb, here) -> set[str]:
    """At a desk the desk's own role, save for taking back from it; the sender, the owners and the machine anywhere."""
    roles = {role for role, verbs in VERBS.items() if verb in verbs}
    if here in DESKS and verb != "recall":
        roles &= {DESKS[here], Role.INTEGRATION}
    owners = {f"owner of {Ownership(of).label.lower()}" for of, verbs in OWNER_VERBS.items() if verb in verbs}
    return {role.value for role in roles} | owners | ({"the machine"} if verb in MACHINE_VERBS else set())


# docs/lifecycle.md


def test_the_table_of_the_lifecycle_is_the_codes_table():
    told = {(verb, here): words(there) for verb, here, there, _, _ in rows("docs/lifecycle.md", "The moves")}

    assert told == {(verb, here): set(ends) for verb, moves in MOVES.items() for here, ends in moves.items()}


@pytest.mark.parametrize(("verb", "here", "_to", "who", "leaves"), rows("docs/lifecycle.md", "The moves"))
def test_who_may_move_a_case_is_as_told(verb, here, _to, who, leaves):
    assert words(who) == who_may(verb, here)
    assert leaves


def test_every_case_is_born_where_the_lifecycle_says():
    [triage] = [words(there) for verb, _, there, _, _ in rows("docs/lifecycle.md", "The moves") if verb == "triage"]

    assert triage == set(BORN)


def test_every_verb_of_the_api_is_in_the_lifecycle():
    spoken = {word.replace("_", " ") for row in rows("docs/lifecycle.md", "The moves") for word in [row[0]]}
    spoken |= {verb for row in rows("docs/lifecycle.md", "Verbs that move nothing") for verb in words(row[0])}
    doors = {
        match[1].replace("-", " ") for url in urlpatterns if (match := re.fullmatch(r"cases/<int:pk>/(.+)/", str(url.pattern)))
    }

    assert doors - {"why", "wait", "attachments/<int:attachment>"} <= spoken


# docs/promises.md


@cache
def names_of_tests() -> set[str]:
    return {
        f"tests/{path.name}::{node.name}"
        for path in (ROOT / "tests").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test")
    }


def told_of(promise) -> str:
    [cells] = re.findall(rf"^\| {promise} \| .+ \| (.+) \|$", said("docs/promises.md"), flags=re.M)
    return cells


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_a_test_or_a_reason(promise):
    assert "::test" in told_of(promise) or re.search(r"comes? with", told_of(promise))


@pytest.mark.parametrize("promise", FOUNDATION)
def test_what_the_foundation_promises_has_a_test(promise):
    assert "::test" in told_of(promise) and "comes with" not in told_of(promise)


def test_every_test_that_is_named_exists():
    named = {name for path in DOCUMENTS for name in re.findall(r"`(tests/test_\w+\.py::\w+)`", path.read_text())}

    assert named and named - names_of_tests() == set()


def test_every_sentence_of_the_database_is_told():
    told = set(re.findall(r"`(\w+)`", said("docs/promises.md")))
    written = {
        name
        for app in OURS
        for path in (ROOT / app / "migrations").glob("*.py")
        for name in re.findall(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)", path.read_text())
    }
    constraints = {
        each.name for app in OURS for model in apps.get_app_config(app).get_models() for each in model._meta.constraints
    }

    assert (written | constraints | {"history_is_append_only"}) - told == set()


def test_no_sentence_is_told_that_the_database_does_not_know():
    known = "".join(path.read_text() for app in OURS for path in (ROOT / app / "migrations").glob("*.py"))
    headings = ("What the database refuses", "Smaller sentences")
    told = {
        name for heading in headings for row in rows("docs/promises.md", heading) for name in re.findall(r"`(\w+)`", row[0])
    }

    assert {name for name in told if name not in known} == set()


# docs/triggers.md


TRIGGERS = {each.__struct_config__.tag: each for each in get_args(Trigger)}
OF_ALL = {each.name for each in msgspec.structs.fields(Effect)}
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.+?)```", said("docs/triggers.md"), flags=re.S)]
NOTHING = {"type": "", "amount": None, "currency": "", "payee": ""}


def by_default(each) -> str:
    if each.required:
        return "must be given"
    made = each.default if each.default_factory is msgspec.NODEFAULT else each.default_factory()
    return f"`{json.dumps(made)}`"


@pytest.mark.parametrize("kind", TRIGGERS)
def test_every_trigger_is_told_with_its_fields(kind):
    told = {name.strip("`"): default for name, default, _ in rows("docs/triggers.md", f"`{kind}`")}

    assert told == {each.name: by_default(each) for each in msgspec.structs.fields(TRIGGERS[kind]) if each.name not in OF_ALL}


def test_what_every_trigger_has_is_told():
    told = {name.strip("`"): default for name, default, _ in rows("docs/triggers.md", "What every trigger has")}

    assert told == {"kind": "must be given"} | {each.name: by_default(each) for each in msgspec.structs.fields(Effect)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["trigger"]["kind"])
def test_every_example_of_a_trigger_fires_and_stores_what_is_told(example):
    trigger = msgspec.convert(example["trigger"], Trigger, strict=False)

    assert json.loads(json.dumps(trigger.prepare()(facts(**example["case"])), default=str)) == example["stores"]


def test_every_trigger_has_an_example():
    assert [example["trigger"]["kind"] for example in EXAMPLES] == list(TRIGGERS)


def facts(received_at="2026-06-01T09:00:00+00:00", action=None, earlier=(), **case) -> dict:
    """What a case of the page says, as routing gives it to a trigger."""
    sent = {"output": {}, "confidence": None, "confidences": {}, "alternatives": None, "customer_reference": "", **case}
    before = [{**each, "at": datetime.fromisoformat(each["at"]), "amount": amount(each["amount"])} for each in earlier]
    acts = NOTHING | (action or {})
    about = {"action": {**acts, "amount": amount(acts["amount"])}, "earlier": before}
    return {**sent, **about, "received_at": datetime.fromisoformat(received_at)}


def amount(text):
    return None if text is None else Decimal(text)


# README.md and the rest


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", said("Makefile"), flags=re.M))
    made = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", path.read_text(), flags=re.M))
    managed = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text()))

    assert {name for pair in made for name in pair if name} <= targets
    assert managed <= set(get_commands())


def test_the_readme_lists_the_environment():
    asked = set(re.findall(r"""(?:\benv(?:\.\w+)?|kept_secret)\(\s*"([A-Z_]+)\"""", said("hitlsite/settings.py")))

    assert asked
    assert asked <= {row[0].strip("`") for row in rows("README.md", "Environment variables")}


def test_the_readme_lists_every_app():
    assert OURS | {"hitlsite", "tests"} <= {row[0].strip("`/") for row in rows("README.md", "Where things live")}


def test_every_link_leads_somewhere():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_decisions_are_numbered_without_gaps_and_say_why():
    found = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for path in found:
        assert path.read_text().startswith(f"# {path.name[:4]} ")
        assert all(f"## {part}" in path.read_text() for part in ("Context", "Decision", "Consequence")), path.name


# The example of docs/failing-closed.md, run


GO = {"id": 1, "verdict": "go", "status": "received", "released_output": {"n": 1}}
HELD = {**GO, "verdict": "held", "released_output": None}
ITEM = {"workflow": "refunds", "external_id": "R-1"}
SECRET = "whsec_c2VjcmV0"


@pytest.fixture
def example(monkeypatch):
    """Its names, with a desk that gives the answers it is told to: `answers`, and `asked` for the requests that came."""
    [code] = re.findall(r"```python\n(.+?)```", said("docs/failing-closed.md"), flags=re.S)
    surroundings = {"DESK_URL": "http://desk.invalid/api/v1", "DESK_KEY": "hd_live_x", "DESK_WEBHOOK_SECRET": SECRET}
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    names = {"answers": [], "asked": []}
    exec(compile(code, "failing-closed.md", "exec"), names)
    monkeypatch.setattr(names["time"], "sleep", lambda seconds: None)

    def desk(request):
        names["asked"].append(request)
        status, body = names["answers"].pop(0)
        if status is None:
            raise httpx.ReadTimeout("nothing came")
        return httpx.Response(status, json=body)

    names["DESK"] = httpx.Client(base_url="http://desk.invalid/api/v1", transport=httpx.MockTransport(desk))
    return names


@pytest.mark.parametrize(
    ("answers", "acts"),
    [
        ([(201, GO)], 1),
        ([(201, HELD)], 0),
        ([(200, {**GO, "status": "known"})], 0),
        ([(None, None), (500, {}), (429, {}), (201, GO)], 1),
        ([(409, {"code": "in_flight"}), (201, HELD)], 0),
        ([(409, {"code": "external_id_reused"})], 0),
        ([(422, {"code": "invalid"})], 0),
        ([(401, {})], 0),
        ([(None, None)] * 4, 0),
    ],
)
def test_the_example_acts_on_go_alone_and_repeats_under_one_key(example, answers, acts):
    done, example["answers"] = [], list(answers)

    example["submit"](ITEM, done.append)

    assert done == [{"n": 1}] * acts
    assert example["answers"] == []
    assert {request.headers["Idempotency-Key"] for request in example["asked"]} == {"refunds/R-1"}
    assert len({request.read() for request in example["asked"]}) == 1


def webhook(event, number, **more):
    data = {"case_id": 1, "number": number, "output": {"n": number}, "is_test": False, **more}
    body = json.dumps({"type": event, "data": data}).encode()
    return signature.headers(f"evt_{number}", body, [SECRET], datetime.now(UTC)), body


def test_the_example_acts_on_a_later_release_once_and_in_whatever_order(example):
    acted, amended = [], []

    def hear(*heard):
        example["heard"](*heard, acted.append, amended.append)

    hear(*webhook("case.decided", 1))
    hear(*webhook("case.released", 2, is_test=True))
    assert acted == []

    hear(*webhook("case.released", 2))
    hear(*webhook("case.released", 2))
    hear(*webhook("case.corrected_after_release", 5))
    hear(*webhook("case.corrected_after_release", 4))
    assert (acted, amended) == ([{"n": 2}], [{"n": 5}])


def test_the_example_does_not_act_on_a_forged_webhook(example):
    headers, body = webhook("case.released", 2)

    with pytest.raises(WebhookVerificationError):
        example["heard"](headers, body.replace(b"2", b"3"), pytest.fail, pytest.fail)
