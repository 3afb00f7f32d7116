"""Outputs to send: the same at every run, a mix of straight-through, held, broken and high-risk ones."""

import itertools
import random

TEXTS = [
    "Where is my parcel? The tracking page has said the same thing for five days and nobody answers the phone.",
    "I was charged twice for the same order and would like one of the two amounts back on my card, please.",
    "The jacket arrived in the wrong size. I would rather change it than send it back, if you still have a medium.",
    "Más de una semana esperando. ¿Pueden decirme cuándo llega el pedido y por qué nadie me contesta?",
    "I want to cancel my subscription before the next payment. My lawyer says that a mail is enough.",
]
WORDS = ["lawyer", "chargeback", "ombudsman", *(f"{a}{b}" for a, b in itertools.product("qxzwvk", range(33)))]
EXPRESSIONS = (
    "action.amount > 5000.0",
    "confidence < 0.1 && segment == 'business'",
    "input.text.contains('escalate this')",
    "size(input.text) > 4900",
    "output.label == 'refund' && !has(output.reason)",
)
RULES = {
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": 0.05},
        "medium": {"pattern": "threshold", "threshold": 0.7, "sample_rate": 0.05},
        "high": {"pattern": "approval"},
    },
    "default_tier": "medium",
    "action_tiers": {"note": "low", "reply": "low", "close_account": "high"},
    "amount_bands": [
        {"currency": "EUR", "amount": 50, "tier": "medium"},
        {"currency": "EUR", "amount": 500, "tier": "high"},
        {"currency": "USD", "amount": 500, "tier": "high"},
    ],
    "triggers": [
        {"kind": "keywords", "name": "Risk words", "words": WORDS, "within": "input.text", "desk": "review", "tag": "words"},
        {"kind": "required_fields", "name": "Customer named", "fields": ["input.customer", "output.reason"]},
        {"kind": "low_confidence", "name": "Unsure of the label", "below": 0.3, "field": "label", "desk": "review"},
        {"kind": "field_is_one_of", "name": "Markets", "field": "input.country", "values": ["CH", "NO"], "tag": "abroad"},
        {"kind": "action", "name": "Large payment", "types": ["refund"], "currency": "EUR", "amount": 300, "raises": "high"},
        *({"kind": "expression", "name": f"Expression {n}", "expression": each} for n, each in enumerate(EXPRESSIONS, 1)),
    ],
}
INPUT_SCHEMA = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "maxLength": 5000}, "country": {"type": "string", "maxLength": 2}},
}
OUTPUT_SCHEMA = {
    "type": "object",
    "required": ["label", "reason"],
    "properties": {
        "label": {"enum": ["refund", "exchange", "answer", "cancel"]},
        "reason": {"type": "string", "minLength": 1},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}


def output(workflow: str, number: int, name: str) -> dict:
    """The `number`th output; `name` makes its external id its own."""
    chance = random.Random(number)
    label = chance.choice(["refund", "exchange", "answer", "cancel"])
    confidence = round(min(0.999, chance.betavariate(8, 1.6)), 4)
    item = {
        "workflow": workflow,
        "external_id": f"{name}-{number:07}",
        "input": {
            "text": chance.choice(TEXTS),
            "customer": f"C-{chance.randrange(10**5)}",
            "country": chance.choice(["DE", "FR", "ES", "NO"]),
        },
        "output": {"label": label, "reason": "As the customer asks and the terms allow.", "score": confidence},
        "confidence": confidence,
        "confidences": {"label": confidence, "reason": round(chance.random(), 3)},
        "segment": chance.choice(["retail", "business"]),
        "channel": "mail",
        "model_name": "classifier",
        "model_version": "2026-05",
        "prompt_version": "14",
    }
    if label == "refund":
        amount = f"{chance.lognormvariate(3.5, 1.2):.2f}"
        item["action"] = {"type": "refund", "amount": amount, "currency": "EUR", "payee": item["input"]["customer"]}
    if number % 50 == 7:
        del item["input"]["customer"]
    if number % 50 == 9:
        item["output"]["label"] = "nonsense"
    return item


def outputs(workflow: str, first: int, count: int, name: str) -> list[dict]:
    return [output(workflow, number, name) for number in range(first, first + count)]
