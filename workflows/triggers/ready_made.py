"""Triggers to start from, as the documents that a policy holds; whoever writes a policy picks some and fits them."""

COMPLIANCE = {
    "en": ["lawyer", "attorney", "legal action", "court", "sue", "gdpr", "data protection", "regulator", "ombudsman", "fraud"],
    "de": [
        "anwalt",
        "rechtsanwalt",
        "klage",
        "gericht",
        "dsgvo",
        "datenschutz",
        "aufsichtsbehörde",
        "schlichtungsstelle",
        "betrug",
    ],
    "fr": ["avocat", "tribunal", "plainte", "rgpd", "protection des données", "médiateur", "régulateur", "fraude"],
    "es": ["abogado", "demanda", "juzgado", "tribunal", "rgpd", "protección de datos", "defensor del cliente", "fraude"],
}
VULNERABLE = {
    "en": ["suicide", "bereavement", "passed away", "terminal illness", "domestic violence", "bankruptcy"],
    "de": ["suizid", "selbstmord", "verstorben", "todesfall", "unheilbar", "häusliche gewalt", "insolvenz"],
    "fr": ["suicide", "décédé", "décès", "incurable", "violence conjugale", "faillite"],
    "es": ["suicidio", "fallecido", "fallecimiento", "enfermedad terminal", "violencia doméstica", "quiebra"],
}

READY_MADE = [
    {
        "kind": "required_fields",
        "name": "Missing data",
        "fields": ["input.text", "input.customer"],
        "category": "missing-data",
    },
    {
        "kind": "conflict",
        "name": "Conflicting amounts",
        "left": "output.amount",
        "right": "context.order.total",
        "must": "be_at_most",
        "tolerance": 0.01,
        "category": "policy-conflict",
    },
    {"kind": "duplicate", "name": "Possible duplicate", "days": 30, "category": "duplicate"},
    {
        "kind": "repeat_contact",
        "name": "Repeat contact",
        "days": 7,
        "contacts": 2,
        "desk": "review",
        "tag": "repeat",
    },
    {"kind": "low_confidence", "name": "Low confidence", "below": 0.6, "desk": "review"},
    {"kind": "ambiguous", "name": "Ambiguous", "margin": 0.1, "desk": "review", "category": "unclear-request"},
    {
        "kind": "keywords",
        "name": "Compliance terms",
        "by_language": COMPLIANCE,
        "raises": "high",
        "tag": "compliance",
    },
    {
        "kind": "keywords",
        "name": "Vulnerable customers",
        "by_language": VULNERABLE,
        "desk": "resolution",
        "tag": "vulnerable",
    },
    {
        "kind": "promises",
        "name": "Promises to customers",
        "of": ["guarantee", "waiver", "deadline"],
        "desk": "review",
        "tag": "promise",
    },
    {
        "kind": "required_wording",
        "name": "Required wording",
        "by_language": {
            "en": ["right of withdrawal"],
            "de": ["widerrufsrecht"],
            "fr": ["droit de rétractation"],
            "es": ["derecho de desistimiento"],
        },
        "language_from": "input.language",
        "desk": "review",
    },
    {
        "kind": "protected_account",
        "name": "Protected accounts",
        "fact": "context.account_status",
        "values": ["vip", "executive", "legal hold"],
        "raises": "high",
        "tag": "protected",
    },
    {"kind": "action", "name": "Action on money", "on_money": True, "raises": "medium", "tag": "money"},
    {
        "kind": "action",
        "name": "Account change",
        "types": ["close_account", "change_owner", "change_bank_details", "change_email", "reset_password"],
        "raises": "high",
        "tag": "account",
    },
    {
        "kind": "field_is_one_of",
        "name": "Policy exception",
        "field": "output.exception",
        "values": [True, "yes", "goodwill"],
        "raises": "high",
        "tag": "exception",
    },
    {
        "kind": "expression",
        "name": "Larger than the order",
        "expression": "action.amount > context.order.total",
        "raises": "high",
    },
]


def ready_made(position: int | None) -> dict:
    """The one at that place; empty where there is none."""
    return READY_MADE[position] if position is not None and position < len(READY_MADE) else {}
