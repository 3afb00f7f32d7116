"""The ready-made card: what most workflows begin with, and then make their own."""

NAME = "Ready-made scorecard"
PASS_MARK = 80
DEFINITION_OF_DONE = (
    "Everything the customer asked for is answered or routed, every required statement is in place, "
    "and somebody who reads the notes tomorrow needs to ask nobody."
)
ELSE = "Something else"  # else somebody would choose a better mark only to be done
THREE_STEPS = [("Right", 100), ("Minor slip", 60), ("Wrong", 0)]

SECTIONS = [
    {
        "title": "The substance",
        "criteria": [
            {
                "key": "accuracy",
                "label": "Accuracy",
                "help": "Every fact, figure and name agrees with the input and with our records.",
                "weight": 3,
                "critical": True,
                "good_example": "“Your refund of 42.50 EUR for order 1187 was approved on 3 June”, as the order says.",
                "bad_example": "“Your refund of 45.20 EUR was approved”: two digits changed places.",
                "options": THREE_STEPS,
                "root_causes": ["Made up", "Misread the input", "Outdated knowledge", "Miscalculated", ELSE],
            },
            {
                "key": "completeness",
                "label": "Completeness",
                "help": "Every question is answered, every required field is filled.",
                "weight": 2,
                "good_example": "Answers both the refund and the question about the next delivery.",
                "bad_example": "Answers the refund only; the second question is lost.",
                "options": [("Complete", 100), ("Something minor missing", 60), ("Incomplete", 0)],
                "root_causes": ["Second question overlooked", "Field left empty", "Missing in the input", "Cut short", ELSE],
            },
        ],
    },
    {
        "title": "The form",
        "criteria": [
            {
                "key": "formatting",
                "label": "Formatting",
                "help": "Dates, amounts, greeting and layout follow the house's standard.",
                "weight": 1,
                "good_example": "“2026-06-03” in the date field, “42.50 EUR” in the text.",
                "bad_example": "“3/6/26” in the date field: nobody knows which is the month.",
                "options": THREE_STEPS,
                "root_causes": ["Wrong template", "Date or amount format", "Broken layout", ELSE],
            },
            {
                "key": "tone-and-clarity",
                "label": "Tone and clarity",
                "help": "Polite, plain, in the customer's language; nothing has to be read twice.",
                "weight": 1,
                "may_be_na": True,
                "good_example": "“We are sorry for the delay. Your parcel arrives on Friday.”",
                "bad_example": "“As per our T&C the SLA was not breached.”",
                "options": [("Clear and kind", 100), ("Minor slip", 60), ("Unclear or rude", 0)],
                "root_causes": ["Jargon", "Cold or rude", "Wrong language", "Too long", ELSE],
            },
        ],
    },
    {
        "title": "The rules",
        "criteria": [
            {
                "key": "routing",
                "label": "Routing",
                "help": "The right category, priority and team.",
                "weight": 2,
                "may_be_na": True,
                "good_example": "A card that was stolen goes to Fraud, urgent.",
                "bad_example": "A card that was stolen goes to Address changes, because the letter gives a new address.",
                "options": [("Right", 100), ("Right team, wrong priority", 60), ("Wrong", 0)],
                "root_causes": ["Ambiguous request", "Category missing", "Keyword misled", "Priority misjudged", ELSE],
            },
            {
                "key": "policy-and-required-language",
                "label": "Policy and required language",
                "help": "No promise that the policy does not allow; every statement that the law or the policy requires is there.",
                "weight": 3,
                "critical": True,
                "good_example": "Names the right to complain to the ombudsman, as the policy requires for a refusal.",
                "bad_example": "“We guarantee that this will not happen again.”",
                "options": THREE_STEPS,
                "root_causes": [
                    "Required sentence missing",
                    "Promise not allowed",
                    "Outdated policy",
                    "Exception not noticed",
                    ELSE,
                ],
            },
            {
                "key": "documentation-and-notes",
                "label": "Documentation and notes",
                "help": "The notes say what was done and why, so that the next person need not ask.",
                "weight": 1,
                "may_be_na": True,
                "good_example": "“Refunded the delivery fee: parcel four days late, tracking attached.”",
                "bad_example": "“Done.”",
                "options": [("Complete", 100), ("Minor slip", 60), ("Missing or wrong", 0)],
                "root_causes": ["No note", "Reason missing", "Evidence not attached", ELSE],
            },
        ],
    },
]
