"""The main job on real input: a stream goes in, is routed, worked over REST, approved, released, told and audited."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import keys
from accounts.roles import KEY_VERBS
from audit import acting
from audit.models import AuditEvent
from cases.models import Case, Correction, Decision, Release, Rework
from hitlsite import postgres
from integrations import delivery
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from tests import factories, streams
from tests.conftest import HOUSE, seated
from workflows import actions as workflows

pytestmark = pytest.mark.django_db(transaction=True)
COUNTS = {0.8: (7967, 3116), 0.9: (6343, 4740)}  # of the real stream, by its own description
PATIENCE = 1200  # seconds: an approver has nothing to do until a reviewer corrects into money


@pytest.fixture(params=["generated", "real"])
def stream(request, tmp_path):
    if request.param == "generated":
        return streams.generated(tmp_path)
    return streams.real() if request.param == "real" else streams.beginning(streams.real(), tmp_path, 1500)


def triage(owner, threshold=0.8, triggers=()):
    tiers = {**factories.TIERS, "medium": {"pattern": "threshold", "threshold": threshold}}
    workflow = factories.workflow("support-triage", owner=owner, rules={"tiers": tiers, "triggers": list(triggers)})
    robot = factories.IntegrationFactory(username="classifier")
    workflows.seat(robot, workflow, "integration", by=owner)
    return workflow, robot


def money_is_high_risk():
    return {
        "kind": "field_is_one_of",
        "name": "Money",
        "field": "output.label",
        "values": list(streams.MONEY),
        "raises": "high",
    }


@pytest.mark.long
@pytest.mark.parametrize("threshold", [0.8, 0.9])
def test_a_threshold_divides_the_stream_as_counted_by_hand(stream, owner, threshold):
    triage(owner, threshold)
    straight = sum(output["confidence"] >= threshold for output in stream.outputs)

    call_command("import_cases", stream.path)

    through = Case.objects.filter(state="closed").count() + Case.objects.filter(sampled=True).count()
    held = Case.objects.filter(sampled=False).exclude(state="closed").count()
    assert (through, held) == (straight, len(stream.outputs) - straight)
    if len(stream.outputs) == 11_083:
        assert (through, held) == COUNTS[threshold]


def test_a_bad_line_is_named_and_the_rest_goes_on(owner, tmp_path, capsys):
    triage(owner)
    stream = streams.generated(tmp_path, n=5)
    lines = [json.dumps(output) for output in stream.outputs]
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join([lines[0], "{", lines[1], json.dumps({**stream.outputs[2], "nonsense": 1}), "", *lines[3:]]))

    with pytest.raises(CommandError, match="2 lines were refused"):
        call_command("import_cases", path)

    said = capsys.readouterr().err
    assert "line 2: " in said and "line 4: Object contains unknown field `nonsense`" in said
    assert Case.objects.count() == 4


@pytest.mark.long
@pytest.mark.parametrize(
    "stream", ["generated", "the real one's beginning", pytest.param("real", marks=pytest.mark.slow)], indirect=True
)
def test_the_whole_job(stream, owner, api, tmp_path):
    """Import, work every queue over REST with eleven people at once, and count the ledger against the truth."""
    workflow, robot = triage(owner, triggers=[money_is_high_risk()])
    call_command("import_cases", stream.path)
    expected = Expected(stream, workflow.secret)
    assert Counter(Case.objects.values_list("state", flat=True)) == expected.states
    assert not Release.objects.filter(case__output__label__in=streams.MONEY).exists()
    with Receiver() as receiver:
        delivery.spread()  # what was released at import is told to nobody: the endpoint comes after
        with transaction.atomic():
            WebhookEndpoint.objects.create(user=robot, url=receiver.url)

        work(api, stream, workflow, owner)
        deliver_everything()

    assert set(Case.objects.values_list("state", flat=True)) == {"closed"}
    assert Correction.objects.count() == expected.corrections
    assert Release.objects.count() == len(stream.outputs) + expected.reworks
    assert Rework.objects.count() == expected.reworks
    wrong = [case for case in Case.objects.all() if case.standing != stream.truth[case.external_id]]
    assert len(wrong) == expected.escapes
    unapproved = Case.objects.filter(requires_approval=True).exclude(decisions__verb="approve")
    assert not unapproved.exists()
    assert_told_once(receiver)
    call_command("seal_audit")
    call_command("verify_audit", "--no-progress")
    before = footprint()
    call_command("import_cases", stream.path)
    assert footprint() == before


class Expected:
    """What the ledger must say, worked out from the file, the truth and the workflow's secret alone."""

    def __init__(self, stream, secret):
        self.states, self.corrections, self.reworks, self.escapes = Counter(), 0, 0, 0
        for output in stream.outputs:
            self._count(stream, output, secret)

    def _count(self, stream, output, secret):
        ai, right = output["output"]["label"], stream.truth[output["external_id"]]["label"]
        high, straight = ai in streams.MONEY, output["confidence"] >= 0.8
        sampled = not high and straight and streams.lot(secret, output["external_id"]) < 0.05
        looked_at = high or not straight or sampled
        final = streams.answer_of_the_person(stream, output) if looked_at else ai
        self.states["approval" if high else "closed" if straight and not sampled else "review"] += 1
        self.corrections += final != ai
        self.reworks += sampled and final != ai
        self.escapes += final != right


def work(api, stream, workflow, owner):
    """Eight reviewers and three approvers work until nothing waits; whoever corrects into money leaves it to an approver."""
    by_id = {output["external_id"]: output for output in stream.outputs}
    crew = [seated(workflow, "reviewer", owner) for _ in range(8)] + [seated(workflow, "approver", owner) for _ in range(3)]
    headers = [bearer(person) for person in crew]
    failures = []
    threads = [threading.Thread(target=until_done, args=(api, header, stream, by_id, failures)) for header in headers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def bearer(person):
    _, text = keys.make(person, by=factories.administrator(), name="crew", verbs=KEY_VERBS)
    return {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}


def until_done(api, headers, stream, by_id, failures):
    line, end = http.client.HTTPConnection("127.0.0.1", api), time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end:
            status, case = call(line, headers, "/api/v1/cases/next/", {})
            if status == 204 and nothing_waits():
                break
            if status == 204:
                time.sleep(0.2)
                continue
            decide(line, headers, case, {"label": streams.answer_of_the_person(stream, by_id[case["external_id"]])})
    except Exception as error:  # shown by the test, in its own thread
        failures.append(repr(error))
    finally:
        line.close()
        connection.close()


def nothing_waits():
    with acting.scope(HOUSE):  # a thread begins as nobody, who sees no case
        return not Case.objects.open().exists()


def decide(line, headers, case, right):
    agrees = case["standing_output"] == right
    verb = "approve" if case["state"] == "approval" else "accept" if agrees else "correct"
    body = {} if agrees else {"output": right}
    status, answer = call(line, headers, f"/api/v1/cases/{case['id']}/{verb}/", body)
    assert status == 200, (verb, status, answer)


def call(line, headers, path, body):
    line.request("POST", path, json.dumps(body), headers)
    response = line.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None


class PatientServer(ThreadingHTTPServer):
    request_queue_size = 128  # http.server's own 5 drops connections that come together


class Receiver:
    """A webhook endpoint that keeps what it heard by id."""

    def __enter__(self):
        self.heard, outer = {}, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard[self.headers["webhook-id"]] = json.loads(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                """Quietly."""

        self.server = PatientServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def deliver_everything():
    """As the worker does, until nothing is on its way: what failed is due again some seconds later."""
    delivery.spread()
    while Delivery.objects.filter(next_try_at__isnull=False).exists():
        delivery.deliver_until(time.monotonic() + 10) or time.sleep(0.2)


def assert_told_once(receiver):
    """Every decision has one id and was heard under it; a receiver that counts by id has each exactly once."""
    decided = OutboxRow.objects.filter(event="case.decided")
    assert decided.count() == Decision.objects.filter(to="closed").count()
    ids = {f"evt_{pk}" for pk in decided.values_list("pk", flat=True)}
    assert {name for name, body in receiver.heard.items() if body["type"] == "case.decided"} == ids


def footprint():
    return [model.objects.count() for model in (Case, Decision, Correction, Release, Rework, OutboxRow, AuditEvent)]


@pytest.fixture
def api(settings_for_local_hooks, transactional_db):
    """The real server on this test's database: two gunicorn processes. Gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = connection.settings_dict["NAME"]
    urls = {
        "DATABASE_URL": postgres.url("hitl_app", name) if settings.EMBEDDED else _renamed(settings.DATABASE_URL, name),
        "DATABASE_OWNER_URL": postgres.url("hitl_owner", name)
        if settings.EMBEDDED
        else _renamed(settings.DATABASE_OWNER_URL, name),
    }
    bound = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8", "--worker-class", "gthread"]
    command = [sys.executable, "-m", "gunicorn", "hitlsite.wsgi", "--log-level", "warning", *bound]
    server = subprocess.Popen(command, cwd=settings.BASE_DIR, env={**os.environ, **urls, "HITLDESK_API_RATE": "1000000/min"})
    try:
        _until_it_answers(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _renamed(url, name):
    return f"{url.rpartition('/')[0]}/{name}"


def _until_it_answers(port, server):
    for _ in range(300):
        assert server.poll() is None, "gunicorn ended by itself"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("gunicorn does not answer")


@pytest.fixture
def settings_for_local_hooks(settings):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = True
