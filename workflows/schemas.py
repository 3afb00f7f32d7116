"""What a JSON Schema names. Pure."""

from collections.abc import Iterator


def properties(schema, before="") -> Iterator[str]:
    """The dotted names of a schema's properties, those inside objects too."""
    inner = schema.get("properties") if isinstance(schema, dict) else None
    for name, each in inner.items() if isinstance(inner, dict) else ():
        yield f"{before}{name}"
        yield from properties(each, f"{before}{name}.")
