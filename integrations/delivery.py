"""Webhooks: outbox rows become deliveries, deliveries are posted until they are answered with a 2xx.

At least once: the same event may arrive again, under the same webhook-id. The order of a case's events on the way is not
guaranteed: `number` in the data says the order in which they happened.

A try is counted, and the delivery leased for a minute, in a transaction of its own before anything is sent; what came of
it is written in another one after. In between nothing is held in the database. A process that dies on the way leaves
its deliveries due again when the lease ends.
"""

import asyncio
import random
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from audit import clock
from integrations import actions, posting
from integrations.models import Delivery, WebhookEndpoint

# How long to wait after the first, second… failed try: about three days in all, each wait ± 20 %.
WAITS = [
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=10),
    timedelta(hours=16),
    timedelta(hours=20),
    timedelta(hours=24),
]
LEASE = timedelta(seconds=60)
BATCH = 1_000
EACH = 20  # of one endpoint in one round

SPREAD = """
WITH told AS (SELECT id, recipient_id FROM integrations_outboxrow WHERE spread_at IS NULL
               ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED),
     made AS (INSERT INTO integrations_delivery (row_id, endpoint_id, attempts, next_try_at, last_answer)
              SELECT told.id, e.id, 0, %(now)s, '' FROM told
                JOIN integrations_webhookendpoint e ON e.user_id = told.recipient_id AND e.enabled
              ON CONFLICT DO NOTHING)
UPDATE integrations_outboxrow o SET spread_at = %(now)s FROM told WHERE o.id = told.id
"""
# So many of each endpoint, in no order of endpoints: one that hangs does not hold up the others for longer than a round.
CLAIM = """
WITH due AS MATERIALIZED
 (SELECT d.id FROM (SELECT id FROM integrations_webhookendpoint WHERE enabled ORDER BY random()) e
   CROSS JOIN LATERAL (SELECT id FROM integrations_delivery WHERE endpoint_id = e.id AND next_try_at <= %(now)s
                        ORDER BY next_try_at LIMIT %(each)s FOR UPDATE SKIP LOCKED) d
   LIMIT %(limit)s)
UPDATE integrations_delivery SET attempts = attempts + 1, next_try_at = %(leased)s FROM due
 WHERE integrations_delivery.id = due.id RETURNING integrations_delivery.id
"""


def spread() -> int:
    """Make out a delivery for every enabled endpoint of a row's recipient; how many rows there were."""
    rows = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SPREAD, {"now": clock.now(), "batch": BATCH})
            rows += cursor.rowcount
            if cursor.rowcount < BATCH:
                return rows


def deliver_due(limit=200) -> int:
    """Try what is due, all at once; how many tries there were."""
    claimed = claim(limit)
    if claimed:
        for delivery, answer in zip(claimed, asyncio.run(post_all(claimed, clock.now())), strict=True):
            note(delivery, answer)
    return len(claimed)


def claim(limit) -> list[Delivery]:
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "leased": now + LEASE, "limit": limit, "each": EACH})
        claimed = [pk for (pk,) in cursor.fetchall()]
        return list(Delivery.objects.filter(pk__in=claimed).select_related("row", "endpoint").order_by("pk"))


def body_of(row) -> bytes:
    """The same bytes at every try."""
    about = {**row.payload, "case_id": row.case_id, "number": row.number}
    return posting.encoded(row.event, row.at, about)


async def post_all(deliveries, now) -> list[posting.Answer]:
    async with posting.client() as http:
        return await asyncio.gather(
            *(posting.post(http, each.endpoint, f"evt_{each.row_id}", body_of(each.row), now) for each in deliveries)
        )


def next_try(attempts, answer, now, draw) -> datetime | None:
    """When to try again after so many tries; None: never. `draw` is from 0 to 1."""
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1] * (0.8 + 0.4 * draw)
    if answer.status in (429, 503) and answer.retry_after:
        wait = max(wait, answer.retry_after)
    return now + wait


@transaction.atomic
def note(delivery, answer):
    """Write down what came of a try. Success is success, however late; a failure counts only while the lease is ours."""
    now = clock.now()
    words = f"{answer.status or 'No answer'} {answer.words}".strip()[:300]
    mine = Delivery.objects.filter(pk=delivery.pk, delivered_at=None)
    if answer.accepted:
        mine.update(delivered_at=now, next_try_at=None, last_answer=words)
        return
    again = None if answer.status == 410 else next_try(delivery.attempts, answer, now, random.random())
    mine.filter(attempts=delivery.attempts).update(next_try_at=again, last_answer=words)
    if answer.status == 410 and WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, enabled=True).exists():
        actions.disable(delivery.endpoint, by=get_user_model().objects.machine(), why="The receiver answered 410 Gone.")
