"""What the demo's rules say, version by version: what they began with, what was changed after five weeks, and one draft."""

from workflows.triggers.ready_made import COMPLIANCE

# ticket triage: straight through, with samples

TRIAGE_FIRST = {
    "default_tier": "low",
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": 0.15, "due_minutes": 1440},
        "medium": {"pattern": "threshold", "threshold": 0.8, "sample_rate": 0.15, "due_minutes": 480},
        "high": {"pattern": "threshold", "threshold": 1.0, "sample_rate": 0.15, "due_minutes": 120},
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
}
TRIAGE_SECOND = {
    **TRIAGE_FIRST,
    "tiers": {
        **TRIAGE_FIRST["tiers"],
        "low": {
            "pattern": "sampling",
            "sample_rate": 0.1,
            "sample_rates": {"business": 0.25},
            "sample_floor": 0.05,
            "due_minutes": 1440,
        },
        "medium": {**TRIAGE_FIRST["tiers"]["medium"], "warn_minutes": 60},
        "high": {**TRIAGE_FIRST["tiers"]["high"], "warn_minutes": 30},
    },
    "dues": [{"tier": "high", "desk": "resolution", "due_minutes": 240}],
    "snooze_boost": 2,
    "triggers": [
        *TRIAGE_FIRST["triggers"],
        {
            "kind": "required_wording",
            "name": "Says who writes",
            "phrases": ["the customer"],
            "within": "output.summary",
            "desk": "review",
        },
        {
            "kind": "repeat_contact",
            "name": "Wrote twice this week",
            "days": 7,
            "contacts": 2,
            "raises": "medium",
            "tag": "repeat",
        },
    ],
}

# invoice capture: by confidence, and from 1,000 on with an approval

SUPPLIER_NOT_KNOWN = {
    "kind": "required_fields",
    "name": "Supplier not known",
    "fields": ["context.supplier.number"],
    "category": "missing-data",
}
SENT_TWICE = {"kind": "duplicate", "name": "Sent twice", "same": "either", "days": 30, "category": "duplicate"}
INVOICES_FIRST = {
    "default_tier": "medium",
    "action_from": {"amount": "amount", "currency": "currency", "payee": "supplier"},
    "amount_bands": [{"currency": currency, "amount": 1000, "tier": "high"} for currency in ("EUR", "GBP", "USD")],
    "tiers": {
        "low": {"pattern": "sampling"},
        "medium": {"pattern": "threshold", "threshold": 0.85, "due_minutes": 960},
        "high": {"pattern": "approval", "review_first": True, "due_minutes": 480},
    },
    "triggers": [SUPPLIER_NOT_KNOWN, SENT_TWICE],
}
INVOICES_SECOND = {
    **INVOICES_FIRST,
    "blind_first": True,
    "tiers": {
        **INVOICES_FIRST["tiers"],
        "medium": {
            "pattern": "threshold",
            "threshold": 0.85,
            "thresholds": {"utilities": 0.8, "agencies": 0.92},
            "field_thresholds": {"amount": 0.85},
            "due_minutes": 960,
        },
    },
    "triggers": [
        SUPPLIER_NOT_KNOWN,
        {
            "kind": "conflict",
            "name": "Not what was ordered",
            "left": "output.amount",
            "right": "context.order.total",
            "must": "equal",
            "tolerance_share": 0.02,
            "category": "policy-conflict",
        },
        SENT_TWICE,
    ],
}

# refunds: money moves with an approval only

REFUND_REASONS = [
    {"code": "not-owed", "label": "Not owed under the fee policy", "verbs": ["reject"]},
    {"code": "refunded-before", "label": "Refunded before", "verbs": ["reject", "no_action"]},
    {"code": "check-the-amount", "label": "The amount must be checked again", "verbs": ["send_back"]},
    {"code": "reply-promises", "label": "The reply promises too much", "verbs": ["send_back"]},
    {"code": "another-case", "label": "Another case deals with it", "verbs": ["no_action"]},
    {"code": "no-longer-wanted", "label": "The customer no longer wants it", "verbs": ["no_action"]},
]
COMPLIANCE_TERMS = {
    "kind": "keywords",
    "name": "Compliance terms",
    "by_language": {code: COMPLIANCE[code] for code in ("en", "de")},
    "language_from": "input.language",
    "desk": "review",
    "raises": "high",
    "tag": "compliance",
}
PROTECTED = {
    "kind": "protected_account",
    "name": "Protected accounts",
    "fact": "context.account_status",
    "values": ["vip", "legal hold"],
    "raises": "high",
    "tag": "protected",
}
AMBIGUOUS = {
    "kind": "ambiguous",
    "name": "Two answers are as likely",
    "margin": 0.15,
    "desk": "review",
    "category": "unclear-request",
}
UNSURE_OF_THE_AMOUNT = {
    "kind": "low_confidence",
    "name": "Unsure of the amount",
    "field": "amount",
    "below": 0.6,
    "desk": "review",
}
REPEAT_CONTACT = {
    "kind": "repeat_contact",
    "name": "Repeat contact",
    "days": 7,
    "contacts": 2,
    "desk": "review",
    "tag": "repeat",
}
SAME_AGAIN = {"kind": "duplicate", "name": "The same refund again", "same": "either", "days": 30, "category": "duplicate"}
REFUNDS_FIRST = {
    "default_tier": "medium",
    "action_tiers": {"refund": "high"},
    "action_from": {"amount": "amount"},
    "grace_seconds": 30,
    "tiers": {
        "low": {"pattern": "sampling"},
        "medium": {"pattern": "threshold", "threshold": 0.9, "due_minutes": 480},
        "high": {"pattern": "approval", "due_minutes": 240},
    },
    "triggers": [COMPLIANCE_TERMS, PROTECTED, SAME_AGAIN, REPEAT_CONTACT, UNSURE_OF_THE_AMOUNT, AMBIGUOUS],
    "reason_codes": REFUND_REASONS,
    "scorecard": 1,
}
TWO_STEPS = [{"name": "Team lead", "title": "team lead"}, {"name": "Finance", "title": "finance"}]
REFUNDS_SECOND = {
    **{name: rule for name, rule in REFUNDS_FIRST.items() if name != "action_tiers"},
    "default_tier": "low",
    "amount_bands": [
        {"currency": "EUR", "amount": 0, "tier": "medium"},
        {"currency": "EUR", "amount": 50, "tier": "high"},
    ],
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": 0.15, "due_minutes": 960},
        "medium": {"pattern": "threshold", "threshold": 0.9, "sample_rate": 0.15, "due_minutes": 480},
        "high": {"pattern": "approval", "due_minutes": 240},
    },
    "triggers": [
        *REFUNDS_FIRST["triggers"],
        {
            "kind": "promises",
            "name": "Promises to customers",
            "of": ["guarantee", "waiver", "deadline"],
            "within": "output.reply",
            "desk": "review",
            "tag": "promise",
        },
        {
            "kind": "expression",
            "name": "More than was charged",
            "expression": "action.amount > context.fee.charged",
            "raises": "high",
            "desk": "review",
            "tag": "too much",
        },
    ],
    "chains": [{"currency": "EUR", "amount": 200, "steps": TWO_STEPS}],
}
REFUNDS_DRAFT = {
    **REFUNDS_SECOND,
    "amount_bands": [
        {"currency": "EUR", "amount": 0, "tier": "medium"},
        {"currency": "EUR", "amount": 30, "tier": "high"},
    ],
    "chains": [{"currency": "EUR", "amount": 400, "steps": TWO_STEPS}],
}

# slug → the versions in their order: why it was published, what it was to improve, and its rules
VERSIONS = {
    "ticket-triage": [
        ("The first rules, agreed with operations and risk.", "", TRIAGE_FIRST),
        (
            "Private customers' tickets were nearly always right, business customers' were not: look where the errors are.",
            "Fewer looks for the same number of errors found.",
            TRIAGE_SECOND,
        ),
    ],
    "invoice-capture": [
        ("The first rules, agreed with finance.", "", INVOICES_FIRST),
        (
            "Invoices were read with the tax added twice, at a high confidence. The order's total says so; agencies have no orders. "
            "Whoever reads one writes down what he reads before he sees what the AI read.",
            "No invoice is paid that is more than 2 % off its order.",
            INVOICES_SECOND,
        ),
    ],
    "refunds": [
        ("The first rules: every refund is approved.", "", REFUNDS_FIRST),
        (
            "Small refunds were approved as they came: below 50 EUR they go by confidence. From 200 EUR on finance approves too. "
            "A reply that promises something, or a refund above the fee that was charged, is looked at.",
            "Half of the approvals, and nothing above 50 EUR without one.",
            REFUNDS_SECOND,
        ),
    ],
}
DRAFT = (
    "Proposed by the team leads: finance joins from 400 EUR on only; in return every refund from 30 EUR on is approved.",
    "Finance approves half as often.",
    REFUNDS_DRAFT,
)
