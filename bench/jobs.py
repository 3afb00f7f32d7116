"""What is measured, job by job: each side's round, its size and its target (docs: performance targets)."""

import gzip
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
from django.core.management import get_commands
from django.db import connection, transaction

from audit import clock
from bench import clients, floor, samples
from bench.rounds import Job, Round, Yardstick
from bench.servers import CHECKOUT, WORKERS, Server
from bench.world import World
from cases import intake, queues
from hitlsite import postgres

CLIENTS = 8
BATCH = intake.MOST_AT_ONCE


@dataclass
class Bench:
    """What every job uses: the world, the two servers, and processes for clients and floor."""

    world: World
    servers: dict[str, Server]
    pool: ProcessPoolExecutor
    url: str


def jobs(bench: Bench) -> list[Job]:
    made = [receiving(bench), receiving_many(bench), claiming(bench), deciding(bench), importing(bench)]
    return [*made, verifying(bench)] if "verify_audit" in get_commands() else made


# the doors


def over_rest(bench, side, requests, lanes=CLIENTS) -> tuple[Round, clients.Sent]:
    """The requests, spread over the lanes, to one of the servers."""
    server = bench.servers[side]
    before = server.cpu()
    sent = bench.pool.submit(clients.send, server.port, [requests[lane::lanes] for lane in range(lanes)]).result()
    return Round(len(requests), sent.seconds, server.cpu() - before, sent.latencies), sent


def over_psycopg(bench, statement, arguments) -> Round:
    """The arguments, spread over as many connections as a server has workers, each in its own process."""
    waiting = [bench.pool.submit(floor.run, bench.url, statement, arguments[lane::WORKERS]) for lane in range(WORKERS)]
    ran = [one.result() for one in waiting]
    seconds = max(one.ended for one in ran) - min(one.began for one in ran)
    return Round(len(arguments), seconds, sum(one.cpu for one in ran), [x for one in ran for x in one.latencies])


def rows_of(bench, items) -> dict:
    """The arguments of the product's one statement, routed beforehand: the floor decides nothing."""
    rows = intake.routed([msgspec.convert(item, intake.Intake) for item in items], by=bench.world.sender)
    about = {"sender": bench.world.sender.pk, "name": "sender", "request": "floor", "is_test": False, "now": clock.now()}
    return {"items": msgspec.json.encode(rows).decode(), **about}


# intake


def receiving(bench) -> Job:
    def rest(side, name, size):
        items = samples.outputs("bench", 0, size, name)
        requests = [clients.request("cases/", bench.world.sender_key, msgspec.json.encode(item)) for item in items]
        return over_rest(bench, side, requests)[0]

    def psycopg(name, size):
        return over_psycopg(bench, intake.RECEIVE, [rows_of(bench, [item]) for item in samples.outputs("bench", 0, size, name)])

    return Job(
        "intake",
        {"ours": partial(rest, "ours"), "plain": partial(rest, "plain"), "floor": psycopg},
        size=500,
        target="≤ 3.5 ms, ≥ 2× plain",
        yardstick=Yardstick("plain", took=8.1, target=3.5),
        met=lambda row: row["ours"]["cpu_ms"] <= 3.5 and row["ratio"] >= 2,
        note="one output a request, 8 clients",
    )


def receiving_many(bench) -> Job:
    """`size` is in requests; an operation is a case."""

    def batches(name, size):
        return [samples.outputs("bench", number * BATCH, BATCH, name) for number in range(size)]

    def rest(side, name, size):
        bodies = [msgspec.json.encode({"cases": items}) for items in batches(name, size)]
        requests = [clients.request("cases/bulk/", bench.world.sender_key, body) for body in bodies]
        return in_cases(over_rest(bench, side, requests, lanes=WORKERS)[0])

    def psycopg(name, size):
        return in_cases(over_psycopg(bench, intake.RECEIVE, [rows_of(bench, items) for items in batches(name, size)]))

    def in_cases(done):
        done.operations *= BATCH
        return done

    return Job(
        "bulk",
        {"ours": partial(rest, "ours"), "plain": partial(rest, "plain"), "floor": psycopg},
        size=8,
        target="≥ 12,000 cases/s, ≥ 5× plain",
        yardstick=Yardstick("floor", took=26_800, target=12_000, of="per_second"),
        met=lambda row: row["ours"]["per_second"] >= 12_000 and row["ratio"] >= 5,
        ratio_of="per_second",
        note="1,000 outputs a request, 2 clients; 10 triggers (5 CEL, a word list) and two schemas; p50 and p99 of a request",
    )


# the desk


def stock(bench, name, count) -> list[int]:
    """Cases that wait for a review."""
    items = samples.outputs("bench", 0, count, name)
    for item in items:
        item |= {"confidence": 0.5, "output": {"label": "answer", "reason": "As asked."}, "action": None}
        item["input"]["customer"] = "C-1"
    known = [msgspec.convert(item, intake.Intake) for item in items]
    answers = [intake.receive(known[first : first + BATCH], by=bench.world.sender) for first in range(0, count, BATCH)]
    return [answer.id for some in answers for answer in some]


def execute(statement, arguments=None):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, arguments)


def give_all_back():
    execute("UPDATE cases_claim SET ended_at = now(), ended_by = 'given back' WHERE ended_at IS NULL")
    execute("UPDATE cases_case SET claimed_by_id = NULL, claimed_until = NULL WHERE claimed_until IS NOT NULL")


def claiming(bench) -> Job:
    """Every round leaves the desk as it found it: live claims are few in real life too."""

    def rest(side, name, size):
        stock(bench, name, size)
        keys = [bench.world.reviewer_keys[number % CLIENTS] for number in range(size)]
        done, sent = over_rest(bench, side, [clients.request("cases/next/", key, b'{"desk":"review"}') for key in keys])
        ids = [msgspec.json.decode(body)["id"] for body in sent.bodies]
        done.facts = {"doubles": len(ids) - len(set(ids))}
        give_all_back()
        return done

    def psycopg(name, size):
        stock(bench, name, size)
        done = over_psycopg(bench, floor.CLAIM.format(next=queues.NEXT), [asking(number) for number in range(size)])
        give_all_back()
        return done

    def asking(number):
        now = clock.now()
        about = {"vendor": None, "desk": "review", "role": "reviewer", "workflow": None}
        reviewer = bench.world.reviewers[number % CLIENTS]
        return {"user": reviewer.pk, "now": now, "until": now + timedelta(minutes=15), **about}

    return Job(
        "claim",
        {"ours": partial(rest, "ours"), "plain": partial(rest, "plain"), "floor": psycopg},
        size=400,
        target="≤ 3.5 ms, p99 < 60 ms, 0 doubles",
        yardstick=Yardstick("plain", took=6.8, target=3.5),
        met=lambda row: row["ours"]["cpu_ms"] <= 3.5 and row["ours"]["p99_ms"] < 60 and row["ours"]["doubles"] == 0,
        note="the next case of a desk, 8 clients",
    )


CLAIMED = """
WITH taken AS (UPDATE cases_case SET claimed_by_id = (%(users)s::bigint[])[1 + id %% %(count)s], claimed_until = %(until)s
  WHERE id = ANY(%(ids)s) RETURNING id, claimed_by_id)
INSERT INTO cases_claim (case_id, user_id, desk, since, until, ended_by)
SELECT id, claimed_by_id, 'review', now(), %(until)s, '' FROM taken
"""


def deciding(bench) -> Job:
    """Each reviewer corrects the cases he holds."""
    corrected = {"label": "exchange", "reason": "As asked."}

    def held(name, size):
        users, ids = [reviewer.pk for reviewer in bench.world.reviewers], stock(bench, name, size)
        until = clock.now() + timedelta(minutes=15)
        execute(CLAIMED, {"users": users, "count": CLIENTS, "until": until, "ids": ids})
        return [(pk, pk % CLIENTS) for pk in ids]

    def rest(side, name, size):
        body = msgspec.json.encode({"output": corrected, "root_causes": {"label": "model"}, "active_seconds": 20})
        keys = bench.world.reviewer_keys
        requests = [clients.request(f"cases/{pk}/correct/", keys[whose], body) for pk, whose in held(name, size)]
        return over_rest(bench, side, requests)[0]

    def psycopg(name, size):
        about = {"output": msgspec.json.encode(corrected).decode(), "name": "reviewer", "now": clock.now()}
        who = bench.world.reviewers
        return over_psycopg(bench, floor.CORRECT, [{"case": pk, "user": who[n].pk, **about} for pk, n in held(name, size)])

    return Job(
        "decide",
        {"ours": partial(rest, "ours"), "plain": partial(rest, "plain"), "floor": psycopg},
        size=400,
        target="≤ 4.5 ms",
        yardstick=Yardstick("plain", took=7.0, target=4.5),
        met=lambda row: row["ours"]["cpu_ms"] <= 4.5,
        note="correct a claimed case: transition, decision, correction, release, 2 events, 2 outbox rows; 8 clients",
    )


# commands


def command(*words) -> tuple[float, float, int]:
    """A management command in a process of its own: seconds, CPU seconds, and the peak of its memory in bytes."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "manage.py", *words], cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    peak, ended = 0, 0
    try:
        while not ended:
            time.sleep(0.02)
            peak = max(peak, peak_of(process.pid))
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
    except BaseException:
        process.kill()
        raise
    if status:
        raise RuntimeError(f"{words[0]} failed.")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, peak


def peak_of(pid) -> int:
    """VmHWM, in bytes; not wait4's ru_maxrss, which counts our own memory from before the child's exec."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def importing(bench) -> Job:
    """Two streams, one three times as long: the rate is of the difference (starting up is not in it), the memory of each."""

    def stream(name, count):
        path = bench.world.folder / f"{name}.jsonl.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.writelines(msgspec.json.encode(samples.output("bench", n, name)) + b"\n" for n in range(count))
        return path

    def taken_in(name, count):
        path = stream(name, count)
        used = command("import_cases", str(path), "--as", "sender", "--no-progress")
        path.unlink()
        return used

    def ours(name, size):
        short, long = taken_in(f"{name}-short", size), taken_in(f"{name}-long", 3 * size)
        facts = {"rss_short_mb": short[2] / 2**20, "rss_long_mb": long[2] / 2**20}
        return Round(2 * size, long[0] - short[0], long[1] - short[1], facts=facts)

    return Job(
        "import",
        {"ours": ours},
        size=10_000,
        is_command=True,
        target="≥ 10,000 cases/s, < 150 MB, flat",
        met=lambda row: row["ours"]["per_second"] >= 10_000 and _is_flat(row["ours"]),
        note="a .jsonl.gz; the rate between a length and three times it",
    )


def _is_flat(ours):
    return ours["rss_long_mb"] < 150 and ours["rss_long_mb"] < 1.1 * ours["rss_short_mb"]


def verifying(bench) -> Job:
    """Every event of everything above; starting up is in it."""

    def ours(name, size):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_auditevent")
            [events] = cursor.fetchone()
        seconds, cpu, memory = command("verify_audit", "--no-progress")
        return Round(events, seconds, cpu, facts={"rss_mb": memory / 2**20, "events": events})

    return Job(
        "verify",
        {"ours": ours},
        size=1,
        is_command=True,
        target="1 M events < 60 s",
        met=lambda row: row["ours"]["per_second"] >= 1_000_000 / 60,
        note="the whole ledger, by command",
    )


def url(database) -> str:
    return postgres.url("hitl_app", database)
