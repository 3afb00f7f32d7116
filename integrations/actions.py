"""What administrators (and, at 410 Gone, the machine) do with endpoints and deliveries. Each verb asks, and is an audit event."""

from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from integrations import signature
from integrations.models import Delivery, WebhookEndpoint
from jobs import queue
from jobs.permissions import operating


@contextmanager
def changing(endpoint, verb, by, **facts):
    with operating(f"webhook.{verb}", by=by, about=endpoint):
        locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        yield locked
        locked.save()
        trail.record(f"webhook.{verb}", by=by, subject=locked, **facts)


def add(endpoint, *, by):
    """Save a new endpoint: from now on its integration's cases are told there."""
    with operating("webhook.add", by=by, about=by):
        endpoint.full_clean()
        endpoint.save()
        trail.record("webhook.add", by=by, subject=endpoint, user=endpoint.user_id, url=endpoint.url, events=endpoint.events)
    return endpoint


def subscribe(endpoint, events, *, by):
    """What it is told of, from the next event on; no events: of everything."""
    with changing(endpoint, "subscribe", by, to=events) as locked:
        locked.events = events
        locked.full_clean()
    return locked


def rotate(endpoint, *, by):
    """A new secret. The previous one signs along for a day, so that the receiver can change over."""
    with changing(endpoint, "rotate", by) as locked:
        locked.secret_number += 1
        locked.rotated_at = clock.now()
    return locked


def reveal(endpoint, *, by) -> str:
    """The current secret, once."""
    with changing(endpoint, "reveal", by) as locked:
        if locked.revealed_number == locked.secret_number:
            raise ValidationError(_("This secret was shown already. Rotate it to get a new one."))
        locked.revealed_number = locked.secret_number
    return signature.secret(locked)


def enable(endpoint, *, by):
    """What waits for it goes out again."""
    with changing(endpoint, "enable", by) as locked:
        locked.enabled, locked.resting_until = True, None
    return locked


def disable(endpoint, *, by, why=""):
    """Nothing more goes there; what was on its way waits."""
    with changing(endpoint, "disable", by, why=why) as locked:
        locked.enabled = False
    return locked


def send_test(endpoint, *, by):
    """Have a worker post a test event; the job says what was answered."""
    with operating("webhook.test", by=by, about=endpoint):
        trail.record("webhook.test", by=by, subject=endpoint)
        return queue.enqueue("integrations.jobs.send_test", endpoint.pk, max_attempts=1)


def send_again(delivery, *, by):
    """Post it anew, under the same id, with all its tries."""
    with operating("delivery.send_again", by=by, about=delivery):
        Delivery.objects.filter(pk=delivery.pk).update(attempts=0, next_try_at=clock.now(), delivered_at=None)
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(resting_until=None)
        trail.record("delivery.send_again", by=by, subject=delivery, row=delivery.row_id, endpoint=delivery.endpoint_id)
