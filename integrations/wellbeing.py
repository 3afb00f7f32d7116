"""How an endpoint is: when it last took something, since when it fails, what waits, and what share arrived in the last day."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from audit import clock

DAY = timedelta(days=1)
COUNTED = """
SELECT (SELECT count(*) FROM integrations_delivery WHERE endpoint_id = %(endpoint)s AND next_try_at IS NOT NULL),
  count(*), count(delivered_at), count(*) FILTER (WHERE delivered_at IS NULL AND next_try_at IS NULL)
  FROM integrations_delivery WHERE endpoint_id = %(endpoint)s AND made_at > %(since)s
"""


@dataclass(frozen=True)
class Wellbeing:
    """The counts but `waiting` are of deliveries made out in the last day."""

    waiting: int
    made: int
    delivered: int
    given_up: int

    @property
    def share(self) -> int | None:
        """Per cent that arrived, rounded down: 100 means all of them."""
        return self.delivered * 100 // self.made if self.made else None


def of(endpoint) -> Wellbeing:
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, {"endpoint": endpoint.pk, "since": clock.now() - DAY})
        return Wellbeing(*cursor.fetchone())
