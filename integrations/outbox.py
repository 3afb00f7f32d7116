"""The outbox: an event leaves in the transaction in which it became true, numbered per case."""

import json

from django.db import connection

from integrations.models import OutboxRow

ANNOUNCE = """
INSERT INTO integrations_outboxrow (case_id, number, recipient_id, event, payload, at)
SELECT %(case)s, coalesce(max(number), 0) + 1, %(recipient)s, %(event)s, %(payload)s, %(at)s
  FROM integrations_outboxrow WHERE case_id = %(case)s
"""


def announce(event, *, case_id, recipient_id, at, **payload):
    """Add a row for `case_id`. The caller holds the case's lock, so numbers follow one another."""
    with connection.planned_once() as cursor:
        cursor.execute(
            ANNOUNCE,
            {
                "case": case_id,
                "recipient": recipient_id,
                "event": event,
                "payload": json.dumps(payload, default=str),
                "at": at,
            },
        )


def announce_to(recipients, event, *, at, **payload):
    """Add a row for each of them, about no case: of a workflow in which they are seated."""
    rows = [OutboxRow(recipient_id=each, event=event, payload=payload, at=at) for each in recipients]
    OutboxRow.objects.bulk_create(rows)
