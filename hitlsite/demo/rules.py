"""The demo's three workflows, one for each pattern."""

from workflows import actions
from workflows.models import PlaybookSection

TEXT = {"type": "string", "minLength": 1}
QUEUES = ["cards", "transfers", "accounts", "fraud", "general"]


def enum(*values):
    return {"type": "string", "enum": list(values)}


TRIAGE = {
    "slug": "ticket-triage",
    "name": "Ticket triage",
    "purpose": "Send every customer message to the team that can answer it, with the right urgency.",
    "what_is_right": "The queue is the one whose team can close the ticket; urgent means money or access is at stake.",
    "what_is_done": "Queue and urgency are set, and the summary says what the customer wants in one sentence.",
    "minutes_by_hand": 3,
    "input_schema": {"type": "object", "required": ["subject", "message"]},
    "output_schema": {
        "type": "object",
        "required": ["queue", "urgency", "summary"],
        "properties": {
            "queue": {**enum(*QUEUES), "title": "Queue"},
            "urgency": {**enum("low", "normal", "urgent"), "title": "Urgency"},
            "summary": {**TEXT, "title": "Summary", "maxLength": 300},
        },
    },
    "rules": {
        "default_tier": "low",
        "tiers": {
            "low": {"pattern": "sampling", "sample_rate": 0.15, "due_minutes": 1440},
            "medium": {"pattern": "threshold", "threshold": 0.8, "due_minutes": 480},
            "high": {"pattern": "threshold", "threshold": 1.0, "due_minutes": 120},
        },
        "triggers": [
            {
                "kind": "keywords",
                "name": "Words of trouble",
                "words": ["lawyer", "ombudsman", "stolen", "fraud", "press"],
                "raises": "high",
                "tag": "trouble",
            },
            {"kind": "low_confidence", "name": "Unsure", "below": 0.6, "desk": "review", "category": "unclear-request"},
        ],
    },
    "playbook": [
        ("Which queue", "Ask which team can close the ticket. A stolen card is fraud, not cards."),
        ("How urgent", "Urgent is money gone or access lost today. Anger alone is not urgent."),
    ],
}
INVOICES = {
    "slug": "invoice-capture",
    "name": "Invoice capture",
    "purpose": "Read supplier invoices so that finance can pay them.",
    "what_is_right": "Supplier, number, date and amount are as on the invoice.",
    "what_is_done": "Every field is filled, and the amount has its currency.",
    "minutes_by_hand": 6,
    "input_schema": {"type": "object", "required": ["text"]},
    "output_schema": {
        "type": "object",
        "required": ["supplier", "invoice_number", "invoice_date", "amount", "currency"],
        "properties": {
            "supplier": {**TEXT, "title": "Supplier"},
            "invoice_number": {**TEXT, "title": "Invoice number"},
            "invoice_date": {"type": "string", "format": "date", "title": "Invoice date"},
            "amount": {"type": "number", "minimum": 0, "title": "Amount"},
            "currency": {**enum("EUR", "GBP", "USD"), "title": "Currency"},
        },
    },
    "rules": {
        "default_tier": "medium",
        "action_from": {"amount": "amount", "currency": "currency", "payee": "supplier"},
        "amount_bands": [{"currency": currency, "amount": 1000, "tier": "high"} for currency in ("EUR", "GBP", "USD")],
        "tiers": {
            "low": {"pattern": "sampling"},
            "medium": {"pattern": "threshold", "threshold": 0.85, "due_minutes": 960},
            "high": {"pattern": "approval", "review_first": True, "due_minutes": 480},
        },
        "triggers": [
            {"kind": "required_fields", "name": "Nothing to pay", "fields": ["output.amount"], "category": "missing-data"},
        ],
    },
    "playbook": [("Amounts", "Take the total including tax. Where two totals differ, resolve it with the supplier.")],
}
REFUNDS = {
    "slug": "refunds",
    "name": "Refunds",
    "purpose": "Give customers back what they are owed, and nothing else.",
    "what_is_right": "The refund is owed under the fee policy, and the reply says so in plain words.",
    "what_is_done": "Decision, reason and reply are there; money moves only with an approval.",
    "minutes_by_hand": 11,
    "input_schema": {"type": "object", "required": ["message", "account"]},
    "output_schema": {
        "type": "object",
        "required": ["decision", "reason", "reply"],
        "properties": {
            "decision": {**enum("refund", "decline"), "title": "Decision"},
            "amount": {"type": "number", "minimum": 0, "title": "Amount"},
            "reason": {**TEXT, "title": "Reason"},
            "reply": {**TEXT, "title": "Reply to the customer", "maxLength": 2000},
        },
    },
    "rules": {
        "default_tier": "medium",
        "action_tiers": {"refund": "high"},
        "action_from": {"amount": "amount"},
        "grace_seconds": 30,
        "tiers": {
            "low": {"pattern": "sampling"},
            "medium": {"pattern": "threshold", "threshold": 0.9, "due_minutes": 480},
            "high": {"pattern": "approval", "due_minutes": 240},
        },
        "triggers": [
            {
                "kind": "keywords",
                "name": "Legal words",
                "words": ["lawyer", "court", "ombudsman"],
                "desk": "review",
                "raises": "high",
            },
        ],
        "scorecard": 1,
    },
    "playbook": [
        ("What is owed", "Fees charged twice, fees after a complaint upheld, and fees below 30 EUR once a year as goodwill."),
        ("How to say no", "Say what was checked, why it is not owed, and what the customer can do next."),
    ],
}
ALL = (TRIAGE, INVOICES, REFUNDS)


def write(told, *, by):
    """The workflow with its charter, categories and playbook; its first policy is drafted and published afterwards."""
    charter = {name: told[name] for name in ("purpose", "what_is_right", "what_is_done", "minutes_by_hand")}
    workflow = actions.create(told["slug"], told["name"], by=by, **charter)
    for position, (title, text) in enumerate(told["playbook"]):
        actions.add(PlaybookSection(workflow=workflow, title=title, text=text, position=position), by=by)
    return workflow


def publish(workflow, told, *, by):
    schemas = {name: told[name] for name in ("input_schema", "output_schema")}
    draft = actions.draft(workflow, by=by, rules=told["rules"], **schemas)
    return actions.publish(draft, by=by, reason="The first rules, agreed with operations and risk.")
