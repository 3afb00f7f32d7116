"""A job's sides in turn, round after round, so that noise hits all of them alike; and the medians of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles

LEAST = 3  # rounds
PATIENCE = 35  # seconds for one job


@dataclass
class Round:
    """One side's work in one round; `cpu` in seconds, None where it was not measured."""

    operations: int
    seconds: float
    cpu: float | None = None
    latencies: list[float] = field(default_factory=list)
    facts: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Yardstick:
    """What another side of the job took where the target was set, so that the target can be held against a faster or slower machine.

    `took` and `target` are in `of`: CPU ms an operation, or operations a second.
    """

    side: str
    took: float
    target: float
    of: str = "cpu_ms"

    def here(self, row: dict) -> float:
        """The target, as much harder or easier as that side's work was in this run."""
        return self.target * row[self.side][self.of] / self.took

    def met(self, row: dict) -> bool:
        ours = row["ours"][self.of]
        return ours <= self.here(row) if self.of == "cpu_ms" else ours >= self.here(row)


@dataclass
class Job:
    """What is measured: one function a side, which does a round of a size under a name of its own; and what is aimed at."""

    name: str
    sides: dict[str, Callable[[str, int], Round]]
    size: int
    target: str
    met: Callable[[dict], bool]
    ratio_of: str = "cpu_ms"  # or "per_second"
    is_command: bool = False  # nothing to warm up, and long: three rounds do
    note: str = ""
    yardstick: Yardstick | None = None


WARM = 8  # requests at least, so that every worker has answered one before anything is measured


def run(job: Job, *, rounds: int, size: int) -> dict:
    """The job's row of the table: medians over the rounds, percentiles over all their requests, and the ratio to the plain one."""
    for side, do in job.sides.items() if not job.is_command else ():
        do(f"{job.name}-{side}-warm", max(size // 5, WARM))
    rounds = min(rounds, LEAST) if job.is_command else rounds
    kept = {side: [] for side in job.sides}
    began = time.monotonic()
    for number in range(rounds):
        if number >= LEAST and time.monotonic() - began > PATIENCE:
            break  # the machine is busy with something else
        turn = number % len(job.sides)
        for side in [*job.sides][turn:] + [*job.sides][:turn]:
            kept[side].append(job.sides[side](f"{job.name}-{side}-{number}", size))
    row = {"job": job.name, **{side: summed_up(done) for side, done in kept.items()}, "target": job.target, "note": job.note}
    row["ratio"] = ratio(row, job.ratio_of)
    row["met"] = bool(job.met(row))
    if job.yardstick:
        row |= {
            "scaled_target": job.yardstick.here(row),
            "met_to_scale": job.yardstick.met(row),
            "scaled_by": job.yardstick.side,
        }
    return row


def summed_up(rounds: list[Round]) -> dict:
    latencies = sorted(latency for one in rounds for latency in one.latencies)
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else None
    return {
        "cpu_ms": median(1000 * one.cpu / one.operations for one in rounds) if rounds[0].cpu is not None else None,
        "per_second": median(one.operations / one.seconds for one in rounds),
        "p50_ms": 1000 * cuts[49] if cuts else None,
        "p99_ms": 1000 * cuts[98] if cuts else None,
        "rounds": [{"operations": one.operations, "seconds": one.seconds, "cpu": one.cpu} for one in rounds],
        **{name: max(one.facts[name] for one in rounds) for name in rounds[0].facts},
    }


def ratio(row, of) -> float | None:
    """How many times better than the plain one: less CPU an operation, or more of them a second."""
    if "plain" not in row:
        return None
    ours, plain = row["ours"][of], row["plain"][of]
    return plain / ours if of == "cpu_ms" else ours / plain
