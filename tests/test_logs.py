"""P2: what is logged names nobody and nothing that somebody typed. 200 seeded tokens go through every endpoint."""

import itertools
import json
import logging
import re
import socket
import subprocess
import sys
import time
from io import StringIO

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.urls import path, reverse

from accounts.models import User
from audit import logs
from cases.urls import urlpatterns as api
from cases.verbs import VERBS
from hitlsite import urls as shipped
from jobs import jobs, queue, running, schedules
from jobs.models import Job, Schedule
from tests.doors import PASSWORD, SIGN_IN, give, let_in
from tests.test_admin_access import address, auditor, our_addresses, things  # noqa: F401  fixtures
from tests.test_jobs_cluster import same_database

KINDS = {
    "name": lambda n: f"Wilhelmina Zyx{n:03}quark",
    "e-mail": lambda n: f"zyx{n:03}@quark.example",
    "card": lambda n: f"4929 1234 5678 9{n:03}",
    "IBAN": lambda n: f"DE89 3704 0044 0532 013{n:03}",
    "telephone": lambda n: f"+49 170 5550{n:03}",
    "secret": lambda n: f"whsec_zyx{n:03}MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "API key": lambda n: f"hd_live_zyx{n:03}Qk3aX8mTq2vNw0sLbE9rUiYp",
    "password": lambda n: f"zyx{n:03} four plain words",
    "code": lambda n: f"{735000 + n * 7}",
    "address": lambda n: f"{n} Quarkzyx Lane",
}
TOKENS = [make(n) for make in KINDS.values() for n in range(100, 120)]
ALL = " ".join(TOKENS)
FIELDS = ["reason", "name", "username", "email", "first_name", "payee", "text", "title", "label", "url", "q", "sentence"]

pytestmark = pytest.mark.django_db


def crashing(request):
    raise ValueError(ALL)


def breaking_a_promise(request):
    """The database's message has the whole row."""
    Group.objects.create(name=request.GET.get("name", ALL)[:150])
    Group.objects.create(name=request.GET.get("name", ALL)[:150])


def unstorable(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::integer", [ALL])


def crashing_in_turn(request):
    try:
        unstorable(request)
    except Exception as cause:
        raise RuntimeError(ALL) from cause


CRASHES = [crashing, breaking_a_promise, unstorable, crashing_in_turn]
urlpatterns = [
    *shipped.urlpatterns,
    *(path(f"{door}/{crash.__name__}/", crash) for crash in CRASHES for door in ("api/v1/crashes", "crashes")),
]


@pytest.fixture
def logged():
    """All that the shipped formatter makes of everything that anybody logs, down to the last detail."""
    written, root = StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(written), root.level
    handler.setFormatter(logs.Line())
    names = ["django", "django.template", "django-q", "axes", "httpx", "urllib3", "gunicorn.error"]
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in ("", *names):
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("django.template").setLevel(logging.INFO)  # thousands of lines a page of variables that are not there
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def found_in(text) -> list[str]:
    """Of the tokens, but for one that a request's drawn id has by chance, as once."""
    text = re.sub(r'"request": "[0-9a-f]{32}"', "", text)
    return [token for token in TOKENS if token in text or token.replace(" ", "") in text or token.replace(" ", "+") in text]


def lines(logged, of="hitldesk.requests"):
    return [line for line in logged() if line["logger"] == of]


def posted():
    """Each field has one token by turns; all of them are there as well."""
    turn = itertools.cycle(TOKENS)
    return {**{name: next(turn) for name in FIELDS}, "all": ALL}


def test_there_are_two_hundred_tokens_of_ten_kinds():
    assert len(set(TOKENS)) == 200


@pytest.mark.long
@pytest.mark.parametrize(("who", "pages"), [("administrator", ""), ("vendor_reviewer", "cases_case")])
def test_in_the_admin(client, request, things, logged, who, pages):  # noqa: F811
    client.force_login(request.getfixturevalue(who))
    client.raise_request_exception = False

    for name in our_addresses():
        if name.startswith(pages) and name not in ("logout", "accounts_user_sign_out"):
            client.get(address(name, things), {"q": TOKENS[0], "all": ALL}, HTTP_USER_AGENT=TOKENS[1], HTTP_REFERER=ALL[:999])
            client.post(address(name, things), posted())
    for verb in VERBS:
        typed = {f"{verb}.{name}": value for name, value in posted().items()}
        client.post(reverse("admin:cases_case_work", args=[things["theirs"]]), {**posted(), **typed, "verb": verb})
    client.get(f"/admin/{TOKENS[20]}/", {"q": ALL})

    assert len(lines(logged)) > (250 if pages == "" else 40)
    assert found_in(json.dumps(logged())) == []


def test_at_sign_in(browser, reviewer, settings, logged):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real ones take long
    let_in(reviewer)
    User.objects.filter(pk=reviewer.pk).update(username=TOKENS[0], email=TOKENS[20], first_name=TOKENS[1])

    for n in range(20):  # each kind of token as the name and as the password
        typed = {"login": TOKENS[n * 10], "password": TOKENS[-n * 10], "all": ALL}
        browser.post(SIGN_IN, typed, REMOTE_ADDR="203.0.113.7", HTTP_COOKIE=f"sessionid={TOKENS[100]}")
    give(browser, TOKENS[20])
    for name in ("mfa_authenticate", "mfa_activate_totp", "account_reauthenticate", "mfa_login_webauthn", "mfa_index"):
        browser.get(reverse(name), {"next": ALL})
        browser.post(reverse(name), {"code": TOKENS[160], "password": TOKENS[140], "credential": ALL})
    browser.get(reverse("openid_connect_callback", args=["house"]), {"code": TOKENS[160], "state": ALL})

    assert len(lines(logged)) >= 30
    assert found_in(json.dumps(logged())) == []


def case_of(n):
    return {
        "workflow": "refunds",
        "external_id": f"R-{n} {TOKENS[n]}",
        "input": {"text": ALL},
        "context": {"who": TOKENS[n]},
        "output": {"decision": TOKENS[n]},
        "action": {"type": "refund", "amount": 5, "currency": "EUR", "payee": TOKENS[40]},
        "customer_reference": TOKENS[20],
        "confidence": 0.4,
    }


def api_addresses(case):
    """Every route of the API, about a case that is there."""
    for route in api:
        args = {"case_id": case.pk, "pk": case.pk} if "<" in str(route.pattern) else {}
        names = re.findall(r"<(?:\w+:)?(\w+)>", str(route.pattern))
        yield "/api/v1/" + re.sub(r"<[^>]+>", str(case.pk), str(route.pattern)), names, args


def test_over_the_api(client, send, integration, reviewer, key, logged):
    case, headers, theirs = send(), key(integration), key(reviewer)
    client.raise_request_exception = False
    ask = {"content_type": "application/json", "HTTP_IDEMPOTENCY_KEY": TOKENS[100], "HTTP_X_REQUEST_ID": TOKENS[101]}

    for n in range(0, 200, 10):
        client.post("/api/v1/cases/", json.dumps(case_of(n)), **headers, content_type="application/json")
    bodies = [json.dumps(posted()), ALL, json.dumps(case_of(7))[:-9], json.dumps([case_of(3)]), f'{{"{ALL}": "\\u0000"}}']
    for where, *_ in api_addresses(case):
        for bearer in (headers, theirs, {"HTTP_AUTHORIZATION": f"Bearer {TOKENS[120]}"}, {}):
            client.get(where, {"q": ALL, "external_id": TOKENS[1], "cursor": TOKENS[2]}, **bearer)
            for body in bodies[: 1 + 4 * (bearer is headers)]:
                client.post(where, body, **bearer, **ask)
            client.put(where, bodies[0], **bearer, **ask)
    client.get(f"/api/v1/{TOKENS[0]}/{TOKENS[20]}/", {"q": ALL}, **headers)
    client.get("/api/v1/cases/", HTTP_HOST=TOKENS[20].partition("@")[2])

    assert len(lines(logged)) > 300
    assert found_in(json.dumps(logged())) == []


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True])
def test_crashes(client, settings, administrator, logged, debug):
    client.force_login(administrator)
    client.raise_request_exception, settings.DEBUG = False, debug

    for crash in CRASHES:
        for door in ("/api/v1/crashes/", "/crashes/"):
            with transaction.atomic():
                client.post(f"{door}{crash.__name__}/?q={TOKENS[0]}", posted())
                transaction.set_rollback(True)

    assert {line["status"] for line in lines(logged)} >= {500}
    errors = [error for line in logged() for error in line.get("error", [])]
    assert {error["type"] for error in errors} >= {"builtins.ValueError", "django.db.utils.DataError"}
    assert any("tests/test_logs.py" in error["frames"][-1] for error in errors)
    assert found_in(json.dumps(logged())) == []


def test_a_broken_promise_is_named_and_its_row_is_not(logged):
    try:
        with transaction.atomic():
            breaking_a_promise(type("Request", (), {"GET": {}}))
    except Exception as error:
        logging.getLogger("cases.jobs").exception("Case %s may not take effect. %s", 7, error)

    [line] = lines(logged, "cases.jobs")
    assert line["says"] == "Case 7 may not take effect. django.db.utils.IntegrityError"
    assert any(error.get("constraint") == "auth_group_name_key" for error in line["error"])
    assert found_in(json.dumps(logged())) == []


def test_in_the_worker(monkeypatch, logged):
    def chore(crash):
        def work(*_):
            with transaction.atomic():
                crash(type("Request", (), {"GET": {}}))

        return work

    for n, crash in enumerate(CRASHES):
        monkeypatch.setattr(jobs, f"chore{n}", chore(crash), raising=False)
        running.run(queue.enqueue(f"jobs.jobs.chore{n}", ALL, max_attempts=1).pk)
    Schedule.objects.create(name=TOKENS[0], task=f"jobs.jobs.{TOKENS[1]}", every_seconds=10)
    schedules.tick()

    assert Job.objects.filter(state="dead").count() == 4
    assert found_in(json.dumps(logged())) == []
    assert "DETAIL" not in str(Job.objects.values_list("error", flat=True))


def test_a_line_says_who_what_and_how_long_and_no_more(client, reviewer, send, logged):
    client.force_login(reviewer)

    answer = client.get(reverse("admin:cases_case_change", args=[send().pk]), {"q": "x"})

    [line] = lines(logged)
    assert set(line) == {"at", "level", "logger", "says", "request", "actor", "method", "route", "status", "ms"}
    assert (line["request"], line["actor"]) == (answer["X-Request-Id"], reviewer.pk)
    assert (line["method"], line["route"], line["status"]) == ("GET", "admin:cases_case_change", 200)
    assert 0 < line["ms"] < 60_000


SAID = {  # logger, message, values, what is written
    "our numbers": ("cases.jobs", "Case %s of %d", (7, 3), "Case 7 of 3"),
    "our words": ("jobs.cluster", "A worker died (%s).", ("Zyx",), "A worker died (·)."),
    "an error's kind": ("cases.jobs", "It broke: %s", (ValueError("Zyx"),), "It broke: builtins.ValueError"),
    "a stranger's wording": ("django.request", "Not Found: %s", ("/Zyx/",), "Not Found: ·"),
    "what is no number": ("django.request", "%d of Zyx", ("x",), "%d of Zyx"),
    "a signal": ("gunicorn.error", "Worker (pid:%s) was sent %s!", (7, "SIGSEGV"), "Worker (pid:7) was sent SIGSEGV!"),
    "by name": ("httpx", "%(verb)s to %(where)s", ({"verb": "GET", "where": "Zyx"},), "· to ·"),
}


@pytest.mark.parametrize("case", SAID)
def test_of_a_message_the_wording_and_the_numbers_are_written(logged, case):
    logger, message, values, written = SAID[case]

    logging.getLogger(logger).error(message, *values)

    assert [line["says"] for line in lines(logged, logger)] == [written]


def test_of_a_statement_nothing_is_told_that_was_put_into_it(logged):
    statements = logging.getLogger("django.db.backends")
    statements.setLevel(logging.DEBUG)
    connection.force_debug_cursor = True
    try:
        assert not User.objects.filter(username=TOKENS[0], email=TOKENS[20]).exists()
    finally:
        connection.force_debug_cursor = False
        statements.setLevel(logging.NOTSET)

    assert lines(logged, "django.db.backends") and found_in(json.dumps(logged())) == []


def test_a_strangers_finished_sentence_is_told_by_its_place(logged):
    logging.getLogger("django.security.DisallowedHost").error(f"Invalid HTTP_HOST header: {TOKENS[0]}")

    [line] = lines(logged, "django.security.DisallowedHost")
    assert re.fullmatch(r"tests/test_logs.py:\d+", line["says"])


# The processes


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_web_servers_own_lines(committed, key, tmp_path):
    """A real gunicorn: bad requests that never reach Django, and good and bad ones that do."""
    (integration,) = committed("integration")
    with transaction.atomic():
        bearer = key(integration)["HTTP_AUTHORIZATION"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "web.log"
    words = ["-m", "gunicorn", "hitlsite.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "2"]
    words += ["--worker-class", "gthread", "--log-level", "debug", "--access-logfile", "-", "--no-control-socket"]
    with log.open("w") as file:
        web = subprocess.Popen(
            [sys.executable, *words], cwd=settings.BASE_DIR, env={**same_database(), "HITLDESK_LOG": "DEBUG"}, stdout=file, stderr=file
        )  # fmt: skip
        try:
            spoken_to(port, bearer)
        finally:
            web.terminate()
            web.wait(20)

    written = log.read_text()
    told = [json.loads(line) for line in written.splitlines()]
    assert {401, 400, 404, 302} <= {line.get("status") for line in told}, written
    assert {"gunicorn.error", "hitldesk.requests"} <= {line["logger"] for line in told}
    assert found_in(written) == [] and PASSWORD not in written and bearer.removeprefix("Bearer ") not in written


def spoken_to(port, bearer):
    where = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(where, timeout=60)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    name = TOKENS[0].replace(" ", "")
    raw = [
        f"GET /{name} HTTP/9.9\r\n\r\n", f"{name} / HTTP/1.1\r\n\r\n", f"GET / HTTP/1.1\r\n{TOKENS[1]}: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {name}\r\n\r\n", f"GET /{'x' * 9000}{name} HTTP/1.1\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {name}\r\n\r\n{ALL}",
    ]  # fmt: skip
    for words in raw:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(words.encode())
            line.settimeout(5)
            line.recv(4096)
    with httpx.Client(base_url=where, timeout=60) as client:
        client.get(f"/{name}/", params={"q": ALL[:3000]}, headers={"Referer": name, "User-Agent": name})
        client.get("/", headers={"Host": f"{name}.example"})
        client.post("/sign-in/", data={"login": TOKENS[20], "password": PASSWORD})
        client.post("/api/v1/cases/", json=case_of(5), headers={"Authorization": f"Bearer {TOKENS[120]}"})
        client.post("/api/v1/cases/", json=case_of(5), headers={"Authorization": bearer})
        client.post("/api/v1/cases/", content=ALL, headers={"Authorization": bearer, "Content-Type": "application/json"})


def test_what_ends_the_worker_is_a_line(tmp_path):
    dying = "from audit import logs; import logging, sys; h = logging.StreamHandler(); h.setFormatter(logs.Line());"
    dying += f" logging.getLogger().addHandler(h); logs.tell_of_crashes(); raise ValueError({ALL!r})"

    done = subprocess.run([sys.executable, "-c", dying], cwd=settings.BASE_DIR, capture_output=True, text=True)

    [line] = done.stderr.splitlines()
    assert json.loads(line)["error"][0]["type"] == "builtins.ValueError"
    assert found_in(done.stdout + done.stderr) == [] and done.returncode == 1
