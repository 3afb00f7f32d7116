"""So many requests a minute from one address, in one web process: what stands at an open door is slowed down."""

import time

from django.core.cache import cache

MINUTE = 60


class Pace:
    """Counts by name and address. A forged link is refused by its signature alone; this keeps from flooding the door."""

    def __init__(self, name, *, each_minute):
        self.name, self.each_minute = name, each_minute

    def wait(self, address) -> int:
        """0, or after how many seconds to come back."""
        now = time.time()
        minute = f"pace-{self.name}-{address}-{int(now // MINUTE)}"
        cache.add(minute, 0, MINUTE)
        return 0 if cache.incr(minute) <= self.each_minute else max(1, int(MINUTE - now % MINUTE))
