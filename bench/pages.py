"""What people wait for, over real HTTP, with as many cases as is asked for: My desk, the list of cases, the workbench.

Wall time means little on a machine that does other work, so the CPU stands beside it, of the server's workers and of the database's
backends.
"""

import re
import sys
import time
from dataclasses import dataclass
from statistics import median

import httpx
import psutil
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from audit import acting
from bench import crowd, database
from bench.servers import SETTINGS, Server, serving
from cases.models import Case

ROUNDS = 7
WARM = 12  # visits of every worker: PostgreSQL plans a statement anew the first five times, and a worker serves people all day
HOUSE = acting.Acting(in_house=True)
DESK, LIST, SEARCH, BENCH, NEXT = 100, 120, 150, 60, 150  # ms, the targets


@dataclass
class Row:
    """One page: medians over its rounds."""

    page: str
    target: int
    wall_ms: float
    server_ms: float
    database_ms: float
    kb: float

    @property
    def cpu_ms(self) -> float:
        return self.server_ms + self.database_ms


def measured(cases: int) -> dict:
    """The figures; the database is filled first."""
    began = time.monotonic()
    made = crowd.filled(cases, lambda done, of: print(f"  {done:,} of {of:,} cases", file=sys.stderr, flush=True))
    return {"cases": cases, "filled_seconds": round(time.monotonic() - began), **visited(made)}


def visited(made) -> dict:
    """Every page, by somebody of that crowd."""
    with serving(SETTINGS["ours"]) as server:
        visit = Visit(server, made.reviewer)
        rows = [visit.measure(name, target, [address] * ROUNDS) for name, target, address in addresses(made)]
        rows += working(visit)
    return {"pages": [row.__dict__ for row in rows]}


def addresses(made) -> list[tuple[str, int, str]]:
    """(what, target, where), for the reviewer of all four workflows."""
    cases, desk = reverse("admin:cases_case_changelist"), reverse("admin:cases_case_desk", args=["review"])
    with acting.scope(HOUSE), transaction.atomic():
        before = Case.objects.order_by("-pk").values_list("pk", flat=True)
        deep = next(iter(before[49_950:49_951]), before.count() // 2)
        sample = Case.objects.order_by("pk").values_list("external_id", "customer_reference", "ai_release", "vendor")
        reference, customer, release, _ = sample[before.count() // 3]
        vendor = Case.objects.filter(vendor__isnull=False).values_list("vendor", flat=True)[0]
    filters = {
        "workflow": "invoices", "tier": "high", "state": "resolution", "due": "over", "held": "others", "vendor": vendor, "category": "duplicate",
        "segment": "business", "ai_release": release, "closed_as": "rejected", "decided": "me",
    }  # fmt: skip
    return [
        ("My desk", DESK, reverse("admin:index")),
        ("Cases, page 1", LIST, f"{cases}?all=1"),
        ("Cases, page 1,000", LIST, f"{cases}?all=1&after={deep}"),
        *((f"Cases, {name}", LIST, f"{cases}?{name}={value}") for name, value in filters.items()),
        ("Cases, trigger (5 %)", LIST, f"{cases}?trigger=Large+payment"),
        ("Cases, trigger (1 in 5,000)", LIST, f"{cases}?trigger=Expression+3"),
        ("Cases, four filters that nothing fits", LIST, f"{cases}?tier=low&segment=business&state=approval&closed_as=rejected"),
        ("Cases, three rare filters", LIST, f"{cases}?tier=high&closed_as=withdrawn&category=duplicate"),
        ("Review desk", LIST, desk),
        ("Review desk, tier and side", LIST, f"{desk}?tier=low&vendor={vendor}"),
        ("Search, a whole reference", SEARCH, f"{cases}?q={reference}"),
        ("Search, how many begin", SEARCH, f"{cases}?q=REF-00"),
        ("Search, a customer", SEARCH, f"{cases}?q={customer}"),
        ("Search, a common word", SEARCH, f"{cases}?q=parcel"),
        ("Search, a rare word", SEARCH, f"{cases}?q={crowd.RARE}"),
        ("Search, a common and a rare word", SEARCH, f"{cases}?q=parcel+{crowd.RARE}"),
        ("Ctrl-K, a reference", SEARCH, f"{reverse('admin:cases_case_find')}?stay=1&q={reference}"),
    ]


def working(visit) -> list[Row]:
    """The workbench itself, and from a decision to the next case in its place."""
    going = visit.post(reverse("admin:cases_case_next"), {"desk": "review"})
    first = visit.measure("Workbench", BENCH, [going] * ROUNDS)
    walls, servers, databases, sizes = [], [], [], []
    for _ in range(WARM * len(visit.server.workers) + ROUNDS):
        page = visit.get(going)
        revision = re.search(r'data-revision="(\d+)"', page.text)[1]
        before = visit.cpu()
        began = time.monotonic()
        going = visit.post(going, {"verb": "accept", "revision": revision, "next": "1", "active_seconds": "20"})
        sizes.append(visit.get(going).num_bytes_downloaded / 1024)
        walls.append(1000 * (time.monotonic() - began))
        after = visit.cpu()
        servers.append(1000 * (after[0] - before[0]))
        databases.append(1000 * (after[1] - before[1]))
    walls, servers, databases, sizes = (each[-ROUNDS:] for each in (walls, servers, databases, sizes))
    return [first, Row("Commit and next", NEXT, median(walls), sum(servers) / ROUNDS, sum(databases) / ROUNDS, median(sizes))]


class Visit:
    """Somebody signed in at a running server."""

    def __init__(self, server: Server, user):
        self.server = server
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}", timeout=120, cookies={settings.SESSION_COOKIE_NAME: session_of(user)}
        )
        self.token = ""

    def get(self, address):
        answer = self.http.get(address)
        answer.raise_for_status()
        if found := re.search(r'"X-CSRFToken": "(\w+)"', answer.text):
            self.token = found[1]
        return answer

    def post(self, address, sent) -> str:
        """Where it leads."""
        if not self.token:
            self.get(reverse("admin:index"))
        answer = self.http.post(
            address, data={**sent, "csrfmiddlewaretoken": self.token}, headers={"Referer": str(self.http.base_url)}
        )
        if answer.status_code != 302:
            raise RuntimeError(f"{address} answered {answer.status_code}.")
        return answer.headers["Location"]

    def measure(self, page, target, where) -> Row:
        for _ in range(WARM * len(self.server.workers)):
            self.get(where[0])
        before, walls, size = self.cpu(), [], 0
        for address in where:
            began = time.monotonic()
            size = self.get(address).num_bytes_downloaded
            walls.append(1000 * (time.monotonic() - began))
        after = self.cpu()
        server, backends = (1000 * (now - then) / len(where) for now, then in zip(after, before, strict=True))
        return Row(page, target, median(walls), server, backends, size / 1024)

    def cpu(self) -> tuple[float, float]:
        return self.server.cpu(), backends_cpu()


def session_of(user) -> str:
    """A session as a sign-in with its second factor leaves it."""
    client = Client()
    with acting.scope(HOUSE), transaction.atomic():
        client.force_login(user, settings.AUTHENTICATION_BACKENDS[-1])
        session = client.session
        session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return session.session_key


def backends_cpu() -> float:
    """User and system seconds so far of the database's processes that serve this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [database.NAME])
        pids = [pid for (pid,) in cursor.fetchall()]
    times = [psutil.Process(pid).cpu_times() for pid in pids if psutil.pid_exists(pid)]
    return sum(each.user + each.system for each in times)


def shown(result) -> str:
    lines = [f"{'page':40} {'target':>7} {'wall':>7} {'server':>7} {'database':>8} {'CPU':>7} {'KB':>6}"]
    for row in result["pages"]:
        made = Row(**row)
        lines.append(
            f"{made.page:40} {made.target:7} {made.wall_ms:7.0f} {made.server_ms:7.1f} {made.database_ms:8.1f} {made.cpu_ms:7.1f} {made.kb:6.1f}"
        )
    lines.append(
        f"{result['cases']:,} cases, filled in {result['filled_seconds']:,} s. Milliseconds; medians of {ROUNDS} for wall, means for CPU."
    )
    return "\n".join(lines)
