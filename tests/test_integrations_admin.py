"""Jobs and webhooks in the admin: the house's administrators see and act, nobody else sees anything."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Vendor
from accounts.roles import Office
from audit.models import AuditEvent
from integrations import signature
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from jobs import queue
from jobs.models import Job, Schedule

pytestmark = pytest.mark.usefixtures("db")
LISTS = ["jobs_job", "jobs_schedule", "integrations_outboxrow", "integrations_webhookendpoint", "integrations_delivery"]


@pytest.fixture
def administrator():
    return User.objects.create(username="admin", office=Office.ADMINISTRATOR, is_staff=True)


@pytest.fixture
def hook():
    shop = User.objects.create(username="shop", kind=User.Kind.INTEGRATION)
    return WebhookEndpoint.objects.create(user=shop, url="https://a.example/")


@pytest.fixture
def dead():
    Schedule.objects.create(name="s", task="jobs.jobs.forget", every_seconds=60)
    job = queue.enqueue("jobs.jobs.forget")
    Job.objects.update(state=Job.State.DEAD, error="It broke.")
    return job


@pytest.fixture
def undelivered(hook):
    row = OutboxRow.objects.create(
        case_id=1, number=1, recipient_id=hook.user_id, event="case.decided", payload={"x": "private"}
    )
    return Delivery.objects.create(row=row, endpoint=hook, attempts=11, next_try_at=None)


def act(client, model, verb, *rows):
    url = reverse(f"admin:{model}_changelist")
    return client.post(url, {"action": verb, "_selected_action": [row.pk for row in rows]})


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("name", LISTS)
def test_an_administrator_reads_each_list_and_row(client, administrator, dead, undelivered, name):
    client.force_login(administrator)
    row = {"jobs_job": dead, "jobs_schedule": Schedule.objects.get()}.get(name)
    row = (
        row
        or {"outboxrow": undelivered.row, "webhookendpoint": undelivered.endpoint, "delivery": undelivered}[
            name.partition("_")[2]
        ]
    )

    pages = [client.get(reverse(f"admin:{name}_changelist")), client.get(reverse(f"admin:{name}_change", args=[row.pk]))]

    assert [page.status_code for page in pages] == [200, 200]
    assert not any("private" in page.text for page in pages)


OTHERS = [
    {"office": Office.MANAGER},
    {"office": Office.AUDITOR},
    {},
    {"is_superuser": True},
    {"office": Office.VENDOR_LEAD, "vendor": "Acme"},
]


@pytest.mark.parametrize("who", OTHERS, ids=str)
@pytest.mark.parametrize("name", LISTS)
def test_nobody_else_sees_any_of_it(client, hook, name, who):
    who = {**who, "vendor": Vendor.objects.create(name=who["vendor"])} if "vendor" in who else who
    client.force_login(User.objects.create(username="x", is_staff=True, **who))

    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403
    assert act(client, "integrations_webhookendpoint", "rotate", hook).status_code == 403
    assert WebhookEndpoint.objects.get().secret_number == 1


def test_djangos_queue_pages_are_gone(client, administrator):
    client.force_login(administrator)

    assert "django_q" not in client.get(reverse("admin:index")).text
    assert client.get("/admin/django_q/schedule/").status_code == 404


def test_nothing_can_be_edited_or_deleted(client, administrator, undelivered):
    client.force_login(administrator)

    for name, row in {"delivery": undelivered, "webhookendpoint": undelivered.endpoint, "outboxrow": undelivered.row}.items():
        for page in ("change", "delete"):
            url = reverse(f"admin:integrations_{name}_{page}", args=[row.pk])
            assert client.post(url, {"post": "yes"}).status_code == 403


def test_a_dead_job_is_retried_and_a_living_one_is_refused_in_words(client, administrator, dead):
    client.force_login(administrator)

    first, second = act(client, "jobs_job", "retry", dead), act(client, "jobs_job", "retry", dead)

    assert said(first) == [f"job {dead.pk}: jobs.jobs.forget is queued again."]
    assert "Only a dead job can be retried." in said(second)[-1]


def test_the_secret_is_shown_once_and_not_cached(client, administrator, hook):
    client.force_login(administrator)

    first, second = (
        act(client, "integrations_webhookendpoint", "reveal", hook),
        act(client, "integrations_webhookendpoint", "reveal", hook),
    )

    assert signature.secret(hook) in first.text
    assert 'class="panel' in first.text and 'class="key"' in first.text
    assert "no-store" in first["Cache-Control"]
    assert said(second) == ["This secret was shown already. Rotate it to get a new one."]


@pytest.mark.parametrize(
    ("verb", "field", "value"), [("rotate", "secret_number", 2), ("disable", "enabled", False), ("enable", "enabled", True)]
)
def test_an_endpoint_is_changed_and_the_change_is_an_event(client, administrator, hook, verb, field, value):
    client.force_login(administrator)

    act(client, "integrations_webhookendpoint", verb, hook)

    assert getattr(WebhookEndpoint.objects.get(), field) == value
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor_id, event.subject_id) == (f"webhook.{verb}", administrator.pk, hook.pk)


def test_an_endpoint_is_added_for_an_integration(client, administrator, hook):
    client.force_login(administrator)

    answers = [
        client.post(reverse("admin:integrations_webhookendpoint_add"), {"user": hook.user_id, "url": url}, follow=True)
        for url in ("https://b.example/", "ftp://b.example/")
    ]

    assert "Show its secret" in answers[0].content.decode() and answers[0].context["endpoint"].url == "https://b.example/"
    assert set(WebhookEndpoint.objects.values_list("url", flat=True)) == {"https://a.example/", "https://b.example/"}
    assert AuditEvent.objects.get().verb == "webhook.add"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9000/hook", "127.0.0.1 leads to 127.0.0.1, which is not a public address."),
        ("https://192.168.1.7/", "192.168.1.7 leads to 192.168.1.7, which is not a public address."),
        ("https://localhost/", "localhost leads to "),
        ("https://no.such.name.invalid/", ""),
    ],
)
@pytest.mark.parametrize("local", [False, True])
def test_an_address_that_we_would_never_call_is_refused_when_it_is_entered(
    client, administrator, hook, settings, local, url, says
):
    settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL = local
    client.force_login(administrator)

    answer = client.post(reverse("admin:integrations_webhookendpoint_add"), {"user": hook.user_id, "url": url})

    taken = WebhookEndpoint.objects.filter(url=url).exists()
    assert taken == (local or not says)
    assert taken or says in answer.text


def test_a_test_is_sent_by_a_job(client, administrator, hook):
    client.force_login(administrator)

    act(client, "integrations_webhookendpoint", "send_test", hook)

    assert (Job.objects.get().task, Job.objects.get().arguments) == ("integrations.jobs.send_test", [hook.pk])


def test_a_delivery_that_was_given_up_is_sent_again(client, administrator, undelivered):
    client.force_login(administrator)

    act(client, "integrations_delivery", "send_again", undelivered)

    again = Delivery.objects.get()
    assert again.attempts == 0 and again.next_try_at


def test_a_list_costs_as_many_statements_for_many_rows_as_for_one(client, administrator, undelivered):
    client.force_login(administrator)
    client.get(reverse("admin:index"))  # what is read once per process is read
    one = statements_of_the_list(client)
    for number in range(2, 30):
        row = OutboxRow.objects.create(case_id=1, number=number, recipient_id=1, event="case.decided", payload={})
        Delivery.objects.create(row=row, endpoint=undelivered.endpoint)

    assert statements_of_the_list(client) == one


def statements_of_the_list(client):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(reverse("admin:integrations_delivery_changelist")).status_code == 200
    return len(seen)
