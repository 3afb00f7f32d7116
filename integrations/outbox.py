"""The outbox: an event leaves in the transaction in which it became true, numbered per case."""

import json

from django.db import connection

from integrations.models import OutboxRow

ANNOUNCE = """
INSERT INTO integrations_outboxrow (case_id, number, recipient_id, event, payload, at)
SELECT %(case)s, coalesce((SELECT max(number) FROM integrations_outboxrow WHERE case_id = %(case)s), 0) + x.place,
  %(recipient)s, x.event, %(payload)s, %(at)s
  FROM unnest(%(events)s::text[]) WITH ORDINALITY x(event, place) ORDER BY x.place
"""


def announce(*events, case_id, recipient_id, at, **payload):
    """Add a row of each event for `case_id`, in their order. The caller holds the case's lock, so numbers follow one another."""
    with connection.planned_once() as cursor:
        cursor.execute(
            ANNOUNCE,
            {
                "case": case_id,
                "recipient": recipient_id,
                "events": [str(event) for event in events],
                "payload": json.dumps(payload, default=str),
                "at": at,
            },
        )


def announce_to(recipients, event, *, at, **payload):
    """Add a row for each of them, about no case: of a workflow in which they are seated."""
    rows = [OutboxRow(recipient_id=each, event=event, payload=payload, at=at) for each in recipients]
    OutboxRow.objects.bulk_create(rows)
