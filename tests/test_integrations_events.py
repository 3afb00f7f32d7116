"""Which events an endpoint is told of, what a bad receiver costs, and how an endpoint is, as its page shows it."""

import base64
import json
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from time import monotonic, sleep

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import User
from audit import clock
from cases import queues
from cases.actions import working
from cases.intake import Intake, receive
from cases.models import Decision
from integrations import actions, delivery, jobs, posting, signature, wellbeing
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from tests import test_integrations_delivery as arriving
from tests.factories import UserFactory
from tests.test_integrations_delivery import announce, endpoint, make_due, only, receiving
from workflows import actions as workflows

may_be_local, machine, shop = arriving.may_be_local, arriving.machine, arriving.shop
pytestmark = pytest.mark.usefixtures("db")


def outputs(confidence, many=3):
    item = {"workflow": "refunds", "input": {}, "output": {"decision": "refund"}, "confidence": confidence}
    return [msgspec.convert({**item, "external_id": f"{confidence}-{n}"}, Intake) for n in range(many)]


def told():
    return sorted(OutboxRow.objects.values_list("event", flat=True))


def hook(user, *events, url="https://a.example/", **more):
    return WebhookEndpoint.objects.create(user=user, url=url, events=list(events), **more)


# Which events


def test_an_endpoint_is_told_of_what_it_subscribed_to_and_one_that_chose_nothing_of_everything(shop):
    chosen, everything, other = hook(shop, "case.decided", "case.held"), hook(shop), hook(shop, "workflow.stopped")
    announce(shop, 2)

    delivery.spread()

    assert [each.deliveries.count() for each in (chosen, everything, other)] == [2, 2, 0]


@pytest.mark.parametrize(
    ("wants", "held"),
    [
        (None, 0),
        ({"events": []}, 3),
        ({"events": ["case.held"]}, 3),
        ({"events": ["case.decided"]}, 0),
        ({"events": ["case.held"], "enabled": False}, 0),
    ],
    ids=str,
)
def test_a_held_case_is_told_of_only_where_an_endpoint_of_its_sender_wants_it(integration, refunds, wants, held):
    if wants is not None:
        WebhookEndpoint.objects.create(user=integration, url="https://a.example/", **wants)
    hook(User.objects.create(username="another", kind=User.Kind.INTEGRATION), "case.held")

    receive(outputs(0.1), by=integration)

    assert told() == ["case.held"] * held


def test_what_it_says_of_a_held_case_is_why_and_not_what(integration, refunds):
    hook(integration)
    receive(outputs(0.1, 1), by=integration)
    row = OutboxRow.objects.get()

    assert row.number == 1 and row.payload["desk"] in ("review", "resolution") and row.payload["reason"]
    assert set(row.payload) == {"external_id", "workflow", "verb", "desk", "reason", "is_test"}


def test_to_ask_whether_anybody_wants_it_costs_no_statement(integration, refunds):
    counts = []
    for confidence in (0.1, 0.2):
        with CaptureQueriesContext(connection) as seen:
            receive(outputs(confidence), by=integration)
        counts.append(len(seen))
        hook(integration)
        receive(outputs(confidence + 0.05), by=integration)  # what is read once is read

    assert counts[1] <= counts[0] and told() == ["case.held"] * 9


def test_a_stop_and_a_resumption_are_told_to_the_integrations_seated_in_the_workflow(integration, refunds, owner, reviewer):
    another = User.objects.create(username="another", kind=User.Kind.INTEGRATION)
    workflows.stop(refunds, by=owner, reason="Strange refunds.")
    workflows.resume(refunds, by=owner, reason="They were fine.")

    stopped, resumed = OutboxRow.objects.order_by("pk")

    assert (stopped.event, resumed.event) == ("workflow.stopped", "workflow.resumed")
    assert {stopped.recipient_id, resumed.recipient_id} == {integration.pk} and another.pk != integration.pk
    told_of = json.loads(delivery.body_of(stopped))
    assert (told_of["type"], told_of["data"]) == ("workflow.stopped", {"workflow": "refunds", "reason": "Strange refunds."})


# A bad receiver


def test_a_receiver_that_asks_for_a_rest_is_left_alone_until_it_is_over(shop, machine):
    with receiving((429, {"Retry-After": "600"})) as receiver:
        place = endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()
        announce(shop, 30)
        jobs.spread_and_deliver()
        assert len(receiver.got) == 1

        with clock.moved(clock.now() + timedelta(seconds=601)):
            jobs.spread_and_deliver()
        assert len(set(receiver.ids)) == 31

        WebhookEndpoint.objects.update(resting_until=clock.now() + timedelta(hours=1))
        announce(shop)
        actions.enable(place, by=machine)
        jobs.spread_and_deliver()
    assert len(set(receiver.ids)) == 32


def gigabytes(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 * 1024**3))
    handler.end_headers()
    try:
        for _ in range(2 * 1024):
            handler.wfile.write(b"x" * 1024**2)
    except OSError:
        pass


def hangs(handler):
    handler.server.over.wait(20)


@pytest.mark.parametrize(
    ("answer", "logged"),
    [
        (gigabytes, "… The rest, beyond 64 KiB, was not read."),
        (hangs, "No answer: No complete answer within 1 s."),
        ((302, {"Location": "http://169.254.169.254/latest/"}), "302 It leads on to http://169.254.169.254/latest/; redirects"),
        ((500, {}), "500 said"),
    ],
    ids=["2 GB", "hangs", "redirects to the metadata", "fails"],
)
def test_what_a_bad_receiver_did_is_logged_and_cost_little(shop, monkeypatch, answer, logged):
    monkeypatch.setattr(posting, "DEADLINE", 1)
    with receiving(answer) as receiver:
        receiver.server.over = threading.Event()
        endpoint(shop, receiver.url)
        announce(shop)
        began, most = monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        jobs.spread_and_deliver()
        took, grown = monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most
        receiver.server.over.set()

    [tried] = only().tries
    assert logged in only().last_answer and tried["answer"] == only().last_answer and tried["seconds"] < 5
    assert took < 10 and grown < 50_000, (took, grown)  # kilobytes


SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
log = os.open(sys.argv[2], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        os.write(log, (self.headers["webhook-id"] + "\\n").encode())
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_): pass
class Server(ThreadingHTTPServer):
    request_queue_size = 256
    allow_reuse_address = True
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Mortal:
    """A receiver in a process of its own, killed at each of so many heard posts, and started again by whoever watches it."""

    def __init__(self, folder, deaths):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.heard_file, self.deaths, self.died = folder / "heard", deaths, 0
        self.over = threading.Event()

    def heard(self):
        return self.heard_file.read_text().split() if self.heard_file.exists() else []

    def __enter__(self):
        self.start()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()
        return self

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, str(self.port), str(self.heard_file)])

    def watch(self):
        while not self.over.wait(0.005):
            if self.died < len(self.deaths) and len(self.heard()) >= self.deaths[self.died]:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
                self.died += 1
                self.start()

    def __exit__(self, *_):
        self.over.set()
        self.watcher.join()
        self.process.kill()
        self.process.wait()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("deaths", "decisions"), [(3, 60), pytest.param(20, 1000, marks=pytest.mark.slow)])
def test_a_receiver_that_dies_again_and_again_has_each_decision_once_by_id(committed, tmp_path, deaths, decisions):
    integration, reviewer, send = committed("integration", "reviewer", "send")
    at = [decisions * number // (deaths + 1) for number in range(1, deaths + 1)]
    with Mortal(tmp_path, at) as receiver:
        with transaction.atomic():
            hook(integration, OutboxRow.Event.DECIDED, url=f"http://127.0.0.1:{receiver.port}/")
        for _ in range(decisions):
            case = send()
            queues.claim(case.pk, by=reviewer)
            working.accept(case.pk, by=reviewer)
        until = monotonic() + 240
        while not delivered(decisions) and monotonic() < until:
            delivery.deliver_until(monotonic() + 1)
            make_due()
            sleep(0.05)
        heard = receiver.heard()

    with transaction.atomic():
        decided = list(Decision.objects.values_list("case", flat=True))
        told = dict(OutboxRow.objects.filter(event=OutboxRow.Event.DECIDED).values_list("pk", "case_id"))
    assert receiver.died == deaths and len(decided) == decisions
    assert set(heard) == {f"evt_{pk}" for pk in told} and sorted(told.values()) == sorted(decided)
    print(f"{len(heard)} posts heard for {decisions} decisions and {deaths} deaths.")


def delivered(many):
    with transaction.atomic():
        return Delivery.objects.exclude(delivered_at=None).count() == many


# A stock verifier


def altered(body, headers, chance):
    """One message of ours with one thing changed, and what that was."""
    headers = dict(headers)
    what = chance.choice(
        ["body", "cut", "longer", "id", "time", "signature", "another's signature", "stale", "early", "replayed as new"]
    )
    place, bit = chance.randrange(len(body)), 1 << chance.randrange(8)
    stamp = int(headers["webhook-timestamp"])
    if what == "body":
        body = body[:place] + bytes([body[place] ^ bit]) + body[place + 1 :]
    elif what == "cut":
        body = body[:place]
    elif what == "longer":
        body += bytes([chance.randrange(256)])
    elif what == "id":
        headers["webhook-id"] += str(chance.randrange(10))
    elif what == "time":
        headers["webhook-timestamp"] = str(stamp + chance.choice([-1, 1]) * chance.randrange(1, 250))
    elif what == "signature":
        version, _, text = headers["webhook-signature"].partition(",")
        signed = bytearray(base64.b64decode(text))
        signed[chance.randrange(32)] ^= bit
        headers["webhook-signature"] = f"{version},{base64.b64encode(signed).decode()}"
    elif what == "another's signature":
        wrong = "whsec_" + base64.b64encode(chance.randbytes(32)).decode()
        headers |= signature.headers(headers["webhook-id"], body, [wrong], clock.now())
    else:  # honestly signed, but not now; or with the time changed to now
        ago = {"stale": -1, "early": 1, "replayed as new": -1}[what] * timedelta(seconds=chance.randrange(310, 10**6))
        headers |= signature.headers(headers["webhook-id"], body, [chance.secret], clock.now() + ago)
        if what == "replayed as new":
            headers["webhook-timestamp"] = str(stamp)
    return what, body, headers


def test_of_a_thousand_altered_stale_or_replayed_messages_a_stock_verifier_takes_none(shop):
    chance = random.Random(20261126)
    place = endpoint(shop, "https://a.example/")
    announce(shop)
    row = OutboxRow.objects.get()
    body, secret = delivery.body_of(row), signature.secret(place)
    headers = signature.headers(f"evt_{row.pk}", body, [secret], clock.now())
    Webhook(secret).verify(body, headers)  # as it is, it is taken
    chance.secret = secret

    taken, tried = [], set()
    for _ in range(1000):
        what, other_body, other_headers = altered(body, headers, chance)
        tried.add(what)
        try:
            Webhook(secret).verify(other_body, other_headers)
        except (WebhookVerificationError, UnicodeDecodeError):
            continue
        taken.append(what)

    assert taken == [] and len(tried) == 10


# How an endpoint is


def test_an_endpoint_knows_since_when_it_fails_and_when_it_last_took_something(shop, monday):
    place = endpoint(shop, "https://a.example/")
    good, bad = posting.Answer(200, ""), posting.Answer(500, "")
    for minute, answers in enumerate([[bad], [bad, bad], [good, bad], [bad]]):
        with clock.moved(monday + timedelta(minutes=minute)):
            delivery.feel(place.pk, answers)
        place.refresh_from_db()
        seen = [at and int((at - monday).total_seconds() / 60) for at in (place.failing_since, place.last_success_at)]
        assert seen == [[0, None], [0, None], [None, 2], [3, 2]][minute]


def test_what_waits_arrived_and_was_given_up_is_counted_for_a_day(shop):
    place = endpoint(shop, "https://a.example/")
    announce(shop, 10)
    delivery.spread()
    each = list(Delivery.objects.values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=each[:6]).update(delivered_at=clock.now(), next_try_at=None)
    Delivery.objects.filter(pk__in=each[6:7]).update(next_try_at=None)
    Delivery.objects.filter(pk__in=each[8:]).update(made_at=clock.now() - timedelta(hours=25))

    how = wellbeing.of(place)

    assert (how.waiting, how.made, how.delivered, how.given_up, how.share) == (3, 8, 6, 1, 75)


def test_a_test_goes_out_once_even_where_the_endpoint_is_off_and_its_answer_is_in_the_log(shop, machine):
    with receiving(500) as receiver:
        place = endpoint(shop, receiver.url)
        actions.disable(place, by=machine)
        jobs.send_test(place.pk)
        make_due()
        jobs.spread_and_deliver()

    assert (len(receiver.got), only().next_try_at, only().last_answer) == (1, None, "500 said")


@pytest.fixture
def administrators_page(client, shop):
    client.force_login(UserFactory(username="adam", office="administrator"))
    place = endpoint(shop, "https://a.example/hook")

    def look():
        return client.get(reverse("admin:integrations_webhookendpoint_change", args=[place.pk])).text

    look.client, look.place = client, place
    return look


def test_its_page_shows_the_log_with_each_try_and_none_of_what_was_sent(administrators_page, shop):
    announce(shop)
    delivery.spread()
    for words in ("first", "second"):
        [mine] = delivery.claim(1)
        delivery.note_all([(mine, posting.Answer(500, words))])
        make_due()

    shown = administrators_page()

    for said in ("It has been failing for", "2 tries", "500 first", "500 second", "Send again", "Decided", "of 1"):
        assert said in shown, said
    assert "refund" not in shown


def test_a_new_endpoint_says_what_to_do_first(administrators_page):
    shown = administrators_page()

    assert "Nothing has been sent there yet. Send a test" in shown and "Everything: what its cases become" in shown


def test_its_buttons_do_what_they_say(administrators_page):
    client, place = administrators_page.client, administrators_page.place

    def press(verb, **typed):
        client.post(reverse(f"admin:integrations_webhookendpoint_{verb}", args=[place.pk]), typed)
        place.refresh_from_db()

    press("disable")
    assert not place.enabled and "It is switched off" in administrators_page()
    press("enable")
    press("rotate")
    press("subscribe", events=["case.held", "workflow.stopped"])

    assert (place.enabled, place.secret_number, place.events) == (True, 2, ["case.held", "workflow.stopped"])
    assert "Held for a person, Workflow stopped." in administrators_page()


def test_an_unknown_event_is_not_subscribed_to(administrators_page):
    client, place = administrators_page.client, administrators_page.place

    answer = client.post(reverse("admin:integrations_webhookendpoint_subscribe", args=[place.pk]), {"events": ["case.lost"]})

    place.refresh_from_db()
    assert answer.status_code == 422 and place.events == []


def test_a_delivery_is_sent_again_from_the_page(administrators_page, shop):
    announce(shop)
    delivery.spread()
    Delivery.objects.update(next_try_at=None, attempts=11)

    administrators_page.client.post(reverse("admin:integrations_webhookendpoint_send_again", args=[only().pk]))

    assert only().attempts == 0 and only().next_try_at
