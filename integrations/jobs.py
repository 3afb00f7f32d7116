"""Webhooks go out every second; idempotency keys are forgotten after two days."""

from time import monotonic

from django.db import transaction
from django.utils.translation import gettext_noop

from integrations import delivery, idempotency
from integrations.models import WebhookEndpoint

SCHEDULES = {
    gettext_noop("Send webhooks"): ("integrations.jobs.spread_and_deliver", 1),
    gettext_noop("Forget idempotency keys"): ("integrations.jobs.purge", 86_400),
}
ASKED_FOR = [gettext_noop("Send test")]  # as their functions are called
LONG_ENOUGH = 60  # seconds; the next slot goes on


def spread_and_deliver():
    delivery.deliver_until(monotonic() + LONG_ENOUGH)


def purge():
    idempotency.purge()


def send_test(endpoint_id):
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    answer = delivery.try_out(endpoint)
    if answer.refused:
        return f"{endpoint.url}: {answer.in_words}"
    return f"{endpoint.url} answered {answer.status or 'nothing'}: {answer.words}"
