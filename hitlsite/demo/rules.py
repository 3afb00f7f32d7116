"""The demo's three workflows, one for each pattern, and the hours of its office."""

from datetime import date, time

from hitlsite.demo.policies import VERSIONS
from workflows import actions, calendars
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


def publish(workflow, number, *, by):
    """The version of this number, counted from 0."""
    reason, improvement, rules = VERSIONS[workflow.slug][number]
    return actions.publish(draft(workflow, reason, improvement, rules, by=by), by=by, reason=reason)


def draft(workflow, reason, improvement, rules, *, by):
    [told] = [told for told in ALL if told["slug"] == workflow.slug]
    schemas = {name: told[name] for name in ("input_schema", "output_schema")}
    return actions.draft(workflow, by=by, rules=rules, reason=reason, improvement=improvement, **schemas)


def keep_hours(year, *, by):
    """The office's calendar: weekdays, shorter on Fridays, and the days on which it differs."""
    week = [(day, time(8), time(18) if day < 4 else time(16)) for day in range(5)]
    holidays = [
        (date(year, 1, 1), "New Year", None, None),
        (date(year, 5, 1), "Labour Day", None, None),
        (date(year, 10, 3), "Unity Day", None, None),
        (date(year, 12, 24), "Christmas Eve", time(8), time(12)),
        (date(year, 12, 25), "Christmas", None, None),
        (date(year, 12, 26), "Christmas", None, None),
    ]
    return calendars.define(None, by=by, name="Berlin office", time_zone="Europe/Berlin", shifts=week, holidays=holidays)
