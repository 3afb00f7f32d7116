"""Try it: what a version, published or a draft, says of one output. Pure; nothing is stored, and no lot is drawn."""

from dataclasses import dataclass
from datetime import datetime

from audit.phrases import retold
from cases.facts import facts_of
from cases.intake import Intake, sent_action
from workflows.routing import Compiled, Dial, Route, action_in, route


@dataclass(frozen=True)
class Tried:
    """The answer, and all that it was made of."""

    way: Route
    reasons: list[dict]  # that fired, each with the facts it saw
    silent: list  # the triggers that did not fire
    faults: list[str]  # of the schemas, all of them
    probability: float | None  # of being drawn for a look, where the output goes straight through
    drawn_is_held: bool
    policy: Compiled

    @property
    def verdict(self) -> str:
        return "go" if self.way.released else "held"


def tried(item: Intake, policy: Compiled, dial: Dial, *, now: datetime, earlier=()) -> Tried:
    """As intake would route it, were it never drawn: the draw of 1 is beyond every rate."""
    action, conflicts = action_in(item.output, sent_action(item), policy.rules)
    facts = facts_of(
        input=item.input,
        output=item.output,
        action=action,
        confidence=item.confidence,
        received_at=now,
        context=item.context,
        confidences=item.confidences,
        alternatives=item.alternatives,
        segment=item.segment,
        channel=item.channel,
        customer_reference=item.customer_reference,
        earlier=earlier,
    )
    way = route(facts, policy, dial, draw=1.0, conflicts=conflicts)
    named = {(reason["name"], reason["kind"]) for reason in way.reasons}
    silent = [each for each in policy.rules.triggers if (each.name, each.__struct_config__.tag) not in named]
    straight = way.state == "closed"
    return Tried(
        way=way,
        reasons=way.reasons,
        silent=silent,
        faults=list(_faults(item, policy)),
        probability=way.probability if straight else None,
        drawn_is_held=straight and policy.rules.tiers[way.tier].sampled == "held",
        policy=policy,
    )


def _faults(item, policy):
    for side, validator, value in (("input", policy.input, item.input), ("output", policy.output, item.output)):
        for error in validator.iter_errors(value):
            yield f"{'.'.join(map(str, [side, *error.instance_path]))}: {retold(error.message, 'fault')}."
