"""The product's own measurements: one table, one JSON in bench/results/. See `python -m bench --help`."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from bench import database, rounds, table
from bench.servers import SETTINGS, serving

RESULTS = Path(__file__).parent / "results"
NAMES = ("intake", "bulk", "claim", "decide", "import", "replay", "triggers", "routing", "verify")
ONLY_ASKED = ("desk",)  # fills a database of its own, which takes minutes


def asked():
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure ours, a plain DRF app and psycopg side by side."
    )
    parser.add_argument("--quick", action="store_true", help="fewer operations: under a minute, and less exact")
    parser.add_argument("--job", action="append", choices=NAMES + ONLY_ASKED, help="this one only (may be given several times)")
    parser.add_argument("--rounds", type=int, help="of every side (3; 5 without --quick)")
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many cases the pages of --job desk have before them")
    return parser.parse_args()


def main():
    asking = asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every block below ends as it should
    began = time.time()
    if "desk" in (asking.job or ()):
        return of_pages(asking, began)
    with database.made(), ExitStack() as stack:
        rows = measured(asking, stack)
        about = circumstances(asking, began)
    if rows:
        finished(table.shown(rows), about, {"jobs": rows})


def of_pages(asking, began):
    """What people wait for: its own database, its own table."""
    with database.made():
        from bench import pages

        result = pages.measured(asking.cases)
        about = circumstances(asking, began)
    finished(pages.shown(result), about, result)


def finished(shown, about, result):
    print(shown)
    print(f"Ten million additions in Python took {about['additions_s']:.2f} s of CPU beside it.")
    print(f"Written to {written({**about, **result})}.")


def measured(asking, stack) -> list[dict]:
    """The rows of the table; Django is ready only now."""
    from bench import jobs, past, world

    made = stack.enter_context(world.made())
    os.environ["HITLDESK_SEAL_FILE"] = str(made.folder / "seals.jsonl")
    pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
    servers = {side: stack.enter_context(serving(settings)) for side, settings in SETTINGS.items()}
    bench = jobs.Bench(made, servers, pool, jobs.url(database.NAME))
    rows = []
    for job in [*jobs.jobs(bench), *past.jobs(made)]:
        if asking.job and job.name not in asking.job:
            continue
        print(f"{job.name}…", file=sys.stderr, flush=True)
        world.settle_down()
        size = -(-job.size // 6) if asking.quick else job.size
        rows.append(rounds.run(job, rounds=asking.rounds or (3 if asking.quick else 5), size=size))
    return rows


def circumstances(asking, began) -> dict:
    """What somebody must know who reads the numbers later."""
    from django.db import connection

    connection.ensure_connection()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began),
        "quick": asking.quick,
        "commit": commit,
        "python": platform.python_version(),
        "postgresql": connection.pg_version,
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "additions_s": additions(),
    }


def additions() -> float:
    """CPU seconds of a plain loop, so that figures of two machines, or of a quiet and a busy hour, can be held against each other."""
    began, total = time.process_time(), 0
    for number in range(10**7):
        total += number
    return time.process_time() - began


def written(result) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{result['at'].replace(':', '')}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False))
    return path


if __name__ == "__main__":
    main()
