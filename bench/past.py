"""What looks back over many cases: the replay of a draft, and what each trigger cost."""

import time
from functools import partial
from typing import get_args

import msgspec
from django.db import transaction

from accounts.models import User
from accounts.roles import Ownership
from bench import routing, samples
from bench.jobs import BATCH, command
from bench.rounds import Job, Round, Yardstick
from bench.world import World, settle_down
from cases import intake, trigger_log
from workflows import actions as workflows
from workflows.models import Workflow
from workflows.triggers import Trigger
from workflows.triggers.expression import Expression

SLUG = "past"
EXPRESSIONS = [
    "action.amount > 250",
    "confidence < 0.4",
    "input.country == 'NO'",
    "segment == 'business'",
    "output.score < 0.2",
]


def jobs(world: World) -> list[Job]:
    return [replaying(world), logging(world), one_routing()]


def thirty_triggers() -> list[dict]:
    """Word lists, fields, confidences, actions, and five expressions."""
    words = [
        {"kind": "keywords", "name": f"Words {n}", "words": samples.WORDS[n::10], "within": "input.text", "tag": f"w{n}"}
        for n in range(10)
    ]
    values = [
        {"kind": "field_is_one_of", "name": f"Market {n}", "field": "input.country", "values": [f"X{n}", "NO"], "tag": f"m{n}"}
        for n in range(5)
    ]
    unsure = [
        {"kind": "low_confidence", "name": f"Unsure {n}", "below": n / 20, "field": "label", "tag": f"u{n}"} for n in range(5)
    ]
    actions = [
        {"kind": "action", "name": f"Payment {n}", "types": ["refund"], "currency": "EUR", "amount": 300 + n} for n in range(4)
    ]
    absent = [{"kind": "required_fields", "name": "Customer named", "fields": ["input.customer", "output.reason"]}]
    said = [{"kind": "expression", "name": f"Rule {n}", "expression": text} for n, text in enumerate(EXPRESSIONS)]
    if Expression not in get_args(Trigger):  # not to be had yet: as many fields in their place
        said = [{**values[0], "name": f"Field {n}"} for n in range(len(said))]
    return [*words, *values, *unsure, *actions, *absent, *said]


def stock(world: World, count):
    """So many cases of a workflow of their own, under the usual rules and with a draft of thirty triggers; some more each time."""
    workflow = Workflow.objects.filter(slug=SLUG).first() or peopled(world)
    known = workflow.cases.count()
    for first in range(known, count, BATCH):
        items = samples.outputs(SLUG, first, min(BATCH, count - first), SLUG)
        intake.receive([msgspec.convert(item, intake.Intake) for item in items], by=world.sender)


def peopled(world) -> Workflow:
    owner = world.workflow.policy.published_by
    administrator = User.objects.get(username="administrator")
    made = workflows.create(SLUG, "Past", by=administrator)
    for of in Ownership.values:
        workflows.own(made, of, owner, by=administrator)
    workflows.seat(world.sender, made, "integration", by=owner)
    schemas = {"input_schema": samples.INPUT_SCHEMA, "output_schema": samples.OUTPUT_SCHEMA}
    usual = workflows.draft(made, by=owner, rules=samples.RULES, **schemas)
    workflows.publish(usual, by=owner, reason="The benchmarks need it.")
    workflows.draft(made, by=owner, rules={**samples.RULES, "triggers": thirty_triggers()}, **schemas)
    return made


def one_routing() -> Job:
    """One realistic output under thirty triggers, five of them CEL; an operation is a case."""

    def timed(once):
        def side(name, size):
            began, cpu = time.monotonic(), time.process_time()
            for _ in range(size):
                once()
            return Round(size, time.monotonic() - began, time.process_time() - cpu)

        return side

    compiled = routing.policy()
    return Job(
        "routing",
        {"ours": timed(partial(routing.once, compiled)), "floor": timed(routing.libraries(compiled))},
        size=5_000,
        is_command=True,
        target=f"≤ {routing.TARGET} µs",
        met=lambda row: row["ours"]["cpu_ms"] <= routing.TARGET / 1000,
        yardstick=Yardstick("floor", took=0.0284, target=routing.TARGET / 1000),
        note="30 triggers, 5 of them CEL; the CPU of one output, no database; floor: the case as CEL's context, its five, two schemas",
    )


def replaying(world) -> Job:
    def ours(name, size):
        with transaction.atomic():
            stock(world, size)
        settle_down()
        seconds, cpu, memory = command("replay", SLUG, "--days", "2", "--no-progress")
        return Round(size, seconds, cpu, facts={"rss_mb": memory / 2**20})

    return Job(
        "replay",
        {"ours": ours},
        size=100_000,
        is_command=True,
        target="100,000 cases ≤ 10 s, < 150 MB",
        met=lambda row: row["ours"]["per_second"] >= 10_000 and row["ours"]["rss_mb"] < 150,
        note="a draft of 30 triggers over past cases, by command, two processes; starting up is in it; memory without theirs",
    )


def logging(world) -> Job:
    """What the page of the triggers asks, over the same cases."""

    def ours(name, size):
        with transaction.atomic():
            stock(world, size)
        settle_down()
        began, cpu = time.monotonic(), time.process_time()
        trigger_log.log(Workflow.objects.get(slug=SLUG), days=2)
        return Round(1, time.monotonic() - began, time.process_time() - cpu)

    return Job(
        "triggers",
        {"ours": ours},
        size=100_000,
        is_command=True,
        target="≤ 1 s over 100,000 cases",
        met=lambda row: row["ours"]["per_second"] >= 1,
        note="what each trigger did; every fifth case has fired one",
    )
