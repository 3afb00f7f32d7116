"""From the outbox to a real receiver on 127.0.0.1, verified with the stock library of Standard Webhooks."""

import json
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import User
from audit import acting, clock
from audit.models import AuditEvent
from integrations import actions, delivery, jobs, outbox, posting, signature, targets
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from jobs.models import Job

pytestmark = pytest.mark.usefixtures("db")


class Server(ThreadingHTTPServer):
    request_queue_size = 256


class Receiver:
    """Answers from a list, then with 200; keeps what it got. An answer is a status, (status, headers) or a function."""

    def __init__(self, *answers):
        self.answers, self.got, self.connections = list(answers), [], 0
        self.server = Server(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def handler(receiver):
        class Handler(BaseHTTPRequestHandler):
            def setup(self):
                receiver.connections += 1
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if callable(answer):
                    return answer(self)
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"said")

            def log_message(self, *_):
                pass

        return Handler

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.got]

    def verified(self, secret):
        """Every message, verified."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.got]


@contextmanager
def receiving(*answers):
    receiver = Receiver(*answers)
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def may_be_local(settings):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = True


@pytest.fixture
def machine():
    return get_user_model().objects.machine()


@pytest.fixture
def shop():
    with transaction.atomic():
        return User.objects.create(username="shop", kind=User.Kind.INTEGRATION)


def endpoint(user, url):
    with transaction.atomic():
        return WebhookEndpoint.objects.create(user=user, url=url)


def announce(user, count=1, case_id=7):
    with transaction.atomic():
        for _ in range(count):
            outbox.announce(
                OutboxRow.Event.DECIDED, case_id=case_id, recipient_id=user.pk, at=clock.now(), decision="refund", case="ü"
            )


def only():
    with transaction.atomic():
        return Delivery.objects.select_related("row", "endpoint").get()


def make_due():
    with transaction.atomic():
        Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=clock.now())


def test_an_event_arrives_signed_so_that_the_stock_library_verifies_it(shop):
    with receiving() as receiver:
        hook = endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()

    [told] = receiver.verified(signature.secret(hook))
    row = only().row
    assert told == {
        "type": "case.decided",
        "timestamp": row.at.isoformat(),
        "data": {"case_id": 7, "number": 1, "decision": "refund", "case": "ü"},
    }
    assert receiver.ids == [f"evt_{row.pk}"]
    assert (only().attempts, only().next_try_at, only().last_answer) == (1, None, "200 said")


def test_an_altered_message_is_not_verified(shop):
    with receiving() as receiver:
        hook = endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()

    [(headers, body)] = receiver.got
    with pytest.raises(WebhookVerificationError):
        Webhook(signature.secret(hook)).verify(body.replace(b"refund", b"refuse"), headers)


def test_each_endpoint_of_the_recipient_is_told_and_nobody_else(shop):
    other = User.objects.create(username="other", kind=User.Kind.INTEGRATION)
    hooks = [endpoint(shop, "https://a.example/"), endpoint(shop, "https://b.example/")]
    endpoint(other, "https://c.example/")
    actions.disable(endpoint(shop, "https://d.example/"), by=User.objects.machine())
    announce(shop, 3)

    assert (delivery.spread(), delivery.spread()) == (3, 0)

    assert Counter(Delivery.objects.values_list("endpoint", flat=True)) == {hook.pk: 3 for hook in hooks}


def test_an_event_for_nobody_is_spread_too(shop):
    announce(shop)

    assert (delivery.spread(), delivery.spread()) == (1, 0)


def test_a_retry_has_the_same_id_and_body_and_a_new_time(shop):
    with receiving(500, 200) as receiver:
        hook = endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()
        waits = only().next_try_at - clock.now()
        make_due()
        jobs.spread_and_deliver()

    assert timedelta(seconds=3) < waits < timedelta(seconds=6)
    assert len(set(receiver.ids)) == 1 and receiver.got[0][1] == receiver.got[1][1]
    assert len(receiver.verified(signature.secret(hook))) == 2
    assert only().attempts == 2 and only().delivered_at


def test_410_disables_the_endpoint_and_says_why(shop):
    with receiving(410, 410) as receiver:
        hook = endpoint(shop, receiver.url)
        announce(shop, 2)
        jobs.spread_and_deliver()
        announce(shop)
        jobs.spread_and_deliver()

    hook.refresh_from_db()
    assert (hook.enabled, len(receiver.got)) == (False, 2)
    assert [event.body["why"] for event in AuditEvent.objects.filter(verb="webhook.disable")] == [
        "The receiver answered 410 Gone."
    ]


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("90", 89, 91), ("2", 3, 6), ("999999999999", 86_390, 86_400), ("soon", 3, 6), ("DATE", 110, 121), ("-5", 3, 6)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_within_a_day(shop, status, said, least, most):
    said = format_datetime(clock.now() + timedelta(minutes=2), usegmt=True) if said == "DATE" else said
    with receiving((status, {"Retry-After": said})) as receiver:
        endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()

    assert least <= (only().next_try_at - clock.now()).total_seconds() <= most


def test_a_redirect_is_not_followed(shop):
    with (
        receiving() as elsewhere,
        receiving((302, {"Location": elsewhere.url}), (307, {"Location": elsewhere.url})) as receiver,
    ):
        endpoint(shop, receiver.url)
        announce(shop, 2)
        jobs.spread_and_deliver()

    assert elsewhere.connections == 0
    assert not Delivery.objects.exclude(delivered_at=None).exists()


def test_a_huge_answer_is_not_read_to_its_end(shop):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10_000):
                sent.append(handler.wfile.write(b"x" * 10_000))
        except OSError:
            pass

    with receiving(endless) as receiver:
        endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()

    assert only().delivered_at and sum(sent) < 20_000_000  # what fits into the sockets' buffers


def test_a_receiver_that_drips_is_given_up_at_the_deadline(shop, monkeypatch):
    monkeypatch.setattr(posting, "DEADLINE", 0.5)
    stop = threading.Event()

    def drip(handler):
        while not stop.wait(0.05):
            handler.wfile.write(b"H")

    with receiving(drip) as receiver:
        endpoint(shop, receiver.url)
        announce(shop)
        jobs.spread_and_deliver()
        stop.set()

    assert only().last_answer == "No answer: No complete answer within 0.5 s."


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no.such.name.invalid/", "http://[::1", "http://a b/"])
def test_a_receiver_that_is_not_there_is_tried_again(shop, url):
    endpoint(shop, url)
    announce(shop)

    jobs.spread_and_deliver()

    assert only().last_answer.startswith("No answer") and only().next_try_at


@pytest.mark.parametrize(
    ("host", "says", "again"),
    [
        ("10.0.0.1", "We refused: 10.0.0.1 leads to 10.0.0.1, which is not a public address.", False),
        ("[::1]", "We refused: ::1 leads to ::1, which is not a public address.", False),
        ("named.example", "We refused: named.example leads to 127.0.0.1, which is not a public address.", True),
        ("no.such.name.invalid", "No answer: The name no.such.name.invalid does not resolve.", True),
    ],
)
def test_what_we_refuse_is_called_so_and_is_tried_again_only_where_a_dns_may_say_otherwise(
    shop, settings, names, host, says, again
):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = False
    endpoint(shop, f"http://{host}/hook")
    announce(shop)

    jobs.spread_and_deliver()

    assert only().last_answer == says and bool(only().next_try_at) == again


@pytest.mark.long
def test_one_that_hangs_does_not_take_the_others_turn(shop, monkeypatch):
    monkeypatch.setattr(posting, "DEADLINE", 5)
    came = []

    def accept(handler):
        came.append(monotonic())
        handler.send_response(200)
        handler.end_headers()

    with receiving(*[accept] * 60) as receiver, socket.create_server(("127.0.0.1", 0)) as mute:
        hanging = endpoint(shop, f"http://127.0.0.1:{mute.getsockname()[1]}/")
        endpoint(shop, receiver.url)
        announce(shop, 60)
        began = monotonic()
        delivery.deliver_until(began + 4)

    assert len(set(receiver.ids)) == 60 and came[-1] - began < 5
    stuck = Delivery.objects.filter(endpoint=hanging, attempts=1)
    assert set(stuck.values_list("last_answer", flat=True)) == {"No answer: No complete answer within 5 s."}
    assert delivery.EACH == stuck.count() < 60


@pytest.mark.parametrize(
    ("attempts", "draw", "seconds"),
    [(1, 0.5, 5), (1, 0, 4), (1, 1, 6), (2, 0.5, 30), (5, 0.5, 3600), (10, 0.5, 86_400), (11, 0.5, None), (12, 0.5, None)],
)
def test_the_waits_grow_for_three_days_and_end(monday, attempts, draw, seconds):
    due = delivery.next_try(attempts, posting.Answer(500, ""), monday, draw)

    assert due == (None if seconds is None else monday + timedelta(seconds=seconds))


def test_all_waits_together_are_about_three_days():
    assert timedelta(days=3) < sum(delivery.WAITS, timedelta()) < timedelta(days=3, hours=6)
    assert sorted(delivery.WAITS) == delivery.WAITS


def test_after_the_last_try_it_stays_visible_and_can_be_sent_again(shop, machine):
    with receiving(*[500] * 11) as receiver:
        endpoint(shop, receiver.url)
        announce(shop)
        for _ in range(15):
            jobs.spread_and_deliver()
            make_due()
        assert (only().attempts, only().next_try_at, only().delivered_at, only().last_answer) == (11, None, None, "500 said")

        actions.send_again(only(), by=machine)
        jobs.spread_and_deliver()

    assert only().delivered_at and len(set(receiver.ids)) == 1
    assert AuditEvent.objects.filter(verb="delivery.send_again").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_dies_on_the_way_gets_every_event_once_by_id(shop):
    def die(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)

    with receiving(*[200, die, 500, die] * 10) as receiver:
        hook = endpoint(shop, receiver.url)
        announce(shop, 50)
        for _ in range(6):
            jobs.spread_and_deliver()
            make_due()

    with transaction.atomic():
        rows = {f"evt_{pk}" for pk in OutboxRow.objects.values_list("pk", flat=True)}
        assert not Delivery.objects.filter(delivered_at=None).exists()
    assert set(receiver.ids) == rows and len(receiver.ids) > 50
    assert {told["data"]["number"] for told in receiver.verified(signature.secret(hook))} == set(range(1, 51))


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_many_deliverers_send_nothing_twice(shop):
    def deliver():
        with acting.scope(acting.Acting(in_house=True)):
            jobs.spread_and_deliver()
        connection.close()

    with receiving() as receiver:
        endpoint(shop, receiver.url)
        announce(shop, 200)
        threads = [threading.Thread(target=deliver) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert (len(receiver.ids), len(set(receiver.ids))) == (200, 200)


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_take_different_deliveries_and_do_not_wait(shop, monkeypatch):
    monkeypatch.setattr(delivery, "EACH", 3)
    endpoint(shop, "https://a.example/")
    announce(shop, 5)
    delivery.spread()

    def another_claim():
        with acting.scope(acting.Acting(in_house=True)):
            taken = delivery.claim(10)
        connection.close()
        return taken

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        first = delivery.claim(10)
        second = pool.submit(another_claim).result(timeout=3)

    assert (len(first), len(second), len({each.pk for each in first + second})) == (3, 2, 5)


@pytest.mark.django_db(transaction=True)
def test_a_deliverer_that_dies_leaves_its_deliveries_due_again_after_the_lease(shop, monkeypatch):
    with receiving() as receiver:
        endpoint(shop, receiver.url)
        announce(shop)
        delivery.spread()
        [claimed] = delivery.claim(10)  # and dies
        assert delivery.deliver_until(monotonic() + 1) == 0
        with clock.moved(clock.now() + delivery.LEASE):
            assert delivery.deliver_until(monotonic() + 1) == 1

    assert only().attempts == 2 and receiver.ids == [f"evt_{claimed.row_id}"]


def test_a_late_failure_does_not_undo_what_another_delivered(shop):
    endpoint(shop, "http://127.0.0.1:1/")
    announce(shop)
    delivery.spread()
    [mine] = delivery.claim(1)
    delivery.note(mine, posting.Answer(200, "from another"))

    delivery.note(mine, posting.Answer(500, "late"))

    assert (only().last_answer, only().next_try_at) == ("200 from another", None)


def test_both_secrets_sign_for_a_day_after_a_rotation(shop, machine, monkeypatch):
    with receiving() as receiver:
        hook = endpoint(shop, receiver.url)
        old = signature.secret(hook)
        hook = actions.rotate(hook, by=machine)
        announce(shop)
        jobs.spread_and_deliver()

    assert signature.secret(hook) != old
    assert receiver.verified(old) == receiver.verified(signature.secret(hook))


@pytest.mark.parametrize(("hours", "secrets"), [(0, 2), (23.9, 2), (24, 1), (48, 1)])
def test_the_previous_secret_ends_after_a_day(shop, machine, hours, secrets):
    hook = actions.rotate(endpoint(shop, "https://a.example/"), by=machine)

    assert len(signature.live_secrets(hook, hook.rotated_at + timedelta(hours=hours))) == secrets


def test_each_endpoint_and_number_has_a_secret_of_its_own_and_none_is_stored(shop):
    hooks = [endpoint(shop, "https://a.example/"), endpoint(shop, "https://a.example/")]
    secrets = {signature.secret(hook, number) for hook in hooks for number in (1, 2)}

    assert len(secrets) == 4
    stored = json.dumps(list(WebhookEndpoint.objects.values()), default=str)
    assert not any(secret.removeprefix("whsec_") in stored for secret in secrets)


def test_a_secret_is_shown_once(shop, machine):
    hook = endpoint(shop, "https://a.example/")

    assert actions.reveal(hook, by=machine) == signature.secret(hook)
    with pytest.raises(ValidationError):
        actions.reveal(hook, by=machine)
    hook = actions.rotate(hook, by=machine)
    assert actions.reveal(hook, by=machine) == signature.secret(hook)


def test_a_test_event_can_be_sent(shop, machine):
    with receiving() as receiver:
        hook = endpoint(shop, receiver.url)
        job = actions.send_test(hook, by=machine)
        report = jobs.send_test(*Job.objects.get(pk=job.pk).arguments)

    [told] = receiver.verified(signature.secret(hook))
    assert told["type"] == "webhook.test" and report == f"{receiver.url} answered 200: said"


# Where we do not post to

FORBIDDEN = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "localhost",
    "2130706433",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fc00::1]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "[ff02::1]",
    "240.0.0.1",
    "255.255.255.255",
    "user:pass@127.0.0.1",
    "127.0.0.1.",
    "localhost.",
    "①②⑦.⓪.⓪.①",
    "017700000001",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[2001:0:7f00:1::]",
    "named.example",
    "mixed.example",
]
assert len(set(FORBIDDEN)) > 40
NAMES = {"named.example": ["127.0.0.1"], "mixed.example": ["93.184.216.34", "127.0.0.1"]}


@pytest.fixture
def names(monkeypatch):
    """A DNS of our own for some names; whatever else is asked goes the usual way."""
    real = socket.getaddrinfo

    def answer(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in NAMES:
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in NAMES[name]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_connection_is_made_to_what_stands_beside_us(shop, settings, names, monkeypatch, host):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = False
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    with receiving() as receiver:
        endpoint(shop, f"http://{host}:{receiver.server.server_port}/hook")
        announce(shop)
        jobs.spread_and_deliver()

    assert (receiver.connections, connected) == (0, [])
    assert only().last_answer.startswith(("We refused: ", "No answer: The name ", "No answer: InvalidURL"))


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1", "//a/", ""])
def test_only_http_and_https_are_called(shop, url):
    endpoint(shop, url)
    announce(shop)

    jobs.spread_and_deliver()

    assert "Only http and https" in only().last_answer or "Invalid" in only().last_answer


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2002:5db8:d822::1", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_called(address):
    assert targets.is_public(targets.ip_address(address))


def test_the_connection_goes_to_the_address_that_was_checked(names, settings, monkeypatch):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = False
    monkeypatch.setitem(NAMES, "fine.example", ["93.184.216.34"])

    request = posting.asyncio.run(targets.aimed("POST", "https://u:p@fine.example:8443/hook?a=1", {}, b""))

    assert str(request.url) == "https://93.184.216.34:8443/hook?a=1"
    assert request.headers["Host"] == "fine.example:8443"
    assert request.extensions["sni_hostname"] == "fine.example"


def test_a_name_that_changes_its_answer_gains_nothing(shop, names, settings, monkeypatch):
    """Checked as public, answered as loopback a moment later: the connection still goes to what was checked."""
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = False
    with receiving() as receiver:
        answers = iter([["93.184.216.34"]])
        monkeypatch.setitem(NAMES, "turns.example", None)
        mine = socket.getaddrinfo

        def turning(host, port, *args, **kwargs):
            NAMES["turns.example"] = next(answers, ["127.0.0.1"])
            return mine(host, port, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", turning)
        monkeypatch.setattr(posting, "DEADLINE", 0.3)
        endpoint(shop, f"http://turns.example:{receiver.server.server_port}/")
        announce(shop)
        jobs.spread_and_deliver()

    assert receiver.connections == 0 and only().delivered_at is None
