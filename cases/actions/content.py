"""Another content in place of what stands: checked, routed anew, kept field by field."""

import re
from copy import copy
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from audit.phrases import retold
from cases import lookback
from cases.chains import approvals, as_steps
from cases.corrections import differences
from cases.models import Correction
from cases.seen import as_meant
from workflows.models import compiled_policy
from workflows.patterns import RANK
from workflows.routing import Dial, action_in, at_odds_anew, chain_for, route
from workflows.triggers import Facts

OF_A_LIST = re.compile(r"has (?:(?:less|more) than \d+ items?|non-unique elements)$")


def edit(case, output, action=None, root_causes=None, new_values=None):
    """Put a new content in place of what stands, re-run tier and triggers on it, and keep what changed, field by field."""
    policy, root_causes = compiled_policy(case.policy_id), root_causes or {}
    output, action = _as_meant(case, output, action)
    _check_output(output, policy)
    new_action = _edited_action(case, output, action, policy)
    changed = [*differences(case.standing, output), *_action_differences(case.action, new_action)]
    case.story.corrections = [
        Correction(field=path, before=before, after=after, root_cause=root_causes.get(path, ""))
        for path, before, after in changed
    ]
    keep_new_values(case, new_values, root_causes)
    if changed:
        case.story.before = {"output": case.standing_output, "action": {**case.action, "amount": _text(case.amount)}}
        case.story.output, case.story.voids = output, True
        case.standing_output = output
        set_action(case, new_action)
        _reroute(case, policy)


def _as_meant(case, output, action):
    """What a vendor's person edited has placeholders where he saw no value."""
    by = case.story.by
    return as_meant(case, by, output, case.standing, "output"), as_meant(case, by, action, case.action, "action")


def _check_output(output, policy):
    """The edited output must fit the schema; each fault is named at its field."""
    faults = {}
    for error in policy.output.iter_errors(output):
        where = ".".join(["output", *map(str, error.instance_path)])
        more = (
            gettext(" Choose a permitted value, or escalate it and name the new value.")
            if "is not one of" in error.message
            else ""
        )
        faults.setdefault(where, []).append(f"{fault(error)}{more}")
    if faults:
        raise ValidationError(faults)


def fault(error) -> str:
    """What the schema says of a value, as a sentence; of an empty text it would say how short it is, and of a list all that is in it."""
    of_a_list = OF_A_LIST.search(error.message) if isinstance(error.instance, list) else None
    message = " ".join([gettext("The list"), of_a_list[0]]) if of_a_list else error.message
    return gettext("Fill this in.") if error.instance == "" else f"{retold(message, 'fault')}."


def _edited_action(case, output, action, policy):
    """The action after an edit: what the output says where the policy reads it there, else as given, else as it stands."""
    sent = {**case.action, **(action or {})}
    for name in ("type", "amount", "currency", "payee"):
        if getattr(policy.rules.action_from, name):
            sent[name] = None if name == "amount" else ""
    derived, faults = action_in(output, sent, policy.rules)
    if faults:
        raise ValidationError({"action": [f"{fault[0].upper()}{fault[1:]}." for fault in faults]})
    return derived


def _action_differences(before, after):
    return [(f"action.{name}", _text(before[name]), _text(after[name])) for name in before if before[name] != after[name]]


def _text(value):
    return str(value) if isinstance(value, Decimal) else value


def set_action(case, action):
    case.action_type, case.amount = action["type"], action["amount"]
    case.currency, case.payee = action["currency"], action["payee"]


def restore(case, before):
    """The content as it stood before an edit, as the decision keeps it: amounts as text."""
    amount = before["action"]["amount"]
    case.standing_output = before["output"]
    set_action(case, {**before["action"], "amount": None if amount is None else Decimal(amount)})


def as_it_stood(case, before):
    """The case with the content that its last decision changed, and nothing saved of it; `before` is empty where it changed none."""
    if not before:
        return case
    then = copy(case)
    restore(then, before)
    return then


def _reroute(case, policy):
    """Tier and required approval after an edit: they may only rise, and the reasons are kept.

    What came before the case is looked up anew, as of its arrival: an edited action may repeat an earlier one.
    """
    facts = {
        **facts_of(case),
        "earlier": lookback.before(case, policy.looks_back) if policy.looks_back else [],
    }
    anew = route(facts, policy, Dial(), draw=1.0)
    risen = RANK[anew.tier] > RANK[case.tier] or (anew.requires_approval and not case.requires_approval)
    if risen:
        case.story.facts |= {"tier": anew.tier, "risen_because": anew.sentence}
    if RANK[anew.tier] > RANK[case.tier]:
        case.tier = anew.tier
    if anew.requires_approval:
        require_approval(case)


def facts_of(case) -> Facts:
    """What the policy's triggers look at; but for what came before the case."""
    return {
        "input": case.input,
        "output": case.standing,
        "context": case.context or {},
        "action": case.action,
        "confidence": case.confidence,
        "confidences": case.confidences or {},
        "alternatives": case.alternatives,
        "segment": case.segment,
        "channel": case.channel,
        "customer_reference": case.customer_reference,
        "received_at": case.received_at,
        "earlier": [],
    }


def at_odds(case) -> list[dict]:
    """Which rules of its version an edit that was just made sets off: those that hold two values against each other."""
    if not (before := case.story.before):
        return []
    return at_odds_anew(compiled_policy(case.policy_id), facts_of(as_it_stood(case, before)), facts_of(case))


def require_approval(case):
    """From now on somebody approves it, by the chain of what stands; a chain never gets shorter, and another one voids approvals."""
    steps = as_steps(chain_for(case.action, case.tier, compiled_policy(case.policy_id).rules))
    case.requires_approval = True
    if steps != case.chain and approvals(steps) >= case.approvals_needed:
        case.story.voids = case.story.voids or bool(case.chain)
        case.chain, case.approvals_needed = steps, approvals(steps)


def keep_new_values(case, new_values, root_causes):
    """A value outside the schema's list: kept as a correction, counted for drift, never part of what is released."""
    for path, value in as_meant(case, case.story.by, new_values or {}, {}, "output").items():
        kept = Correction(field=path, before=None, after=value, root_cause=(root_causes or {}).get(path, ""), is_new_value=True)
        case.story.corrections.append(kept)
