"""What a rule may look at: the fields of the schemas and what every case has. Pure."""

from workflows.schemas import properties

OF_EVERY_CASE = [
    "action.type", "action.amount", "action.currency", "action.payee",
    "confidence", "segment", "channel", "customer_reference",
]  # fmt: skip


def known(policy) -> list[str]:
    """Dotted paths, as triggers name them."""
    sides = (("output", policy.output_schema), ("input", policy.input_schema))
    named = [f"{side}.{path}" for side, schema in sides for path in properties(schema)]
    return ["input", "output", *named, *OF_EVERY_CASE]


def fields(policy) -> list[str]:
    """The output's own fields, as the action and the confidences name them."""
    return list(properties(policy.output_schema))
