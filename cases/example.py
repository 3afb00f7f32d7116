"""A value that fits a JSON schema, to start typing from. Pure, and no more than a start: what it cannot make it leaves out."""

from typing import Any

DEEPEST = 6
PLAIN = {"string": "…", "integer": 0, "number": 0, "boolean": False, "null": None}


def example(schema: Any, root: dict | None = None, depth: int = 0) -> Any:
    """What the schema names as its example, default or first permitted value, else the plainest value of its type."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > DEEPEST:
        return {} if depth == 0 else None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        asked = {name: {} for name in schema.get("required", ())} | (schema.get("properties") or {})
        return {name: example(inner, root, depth + 1) for name, inner in asked.items()}
    if kind == "array":
        return [example(schema["items"], root, depth + 1)] if schema.get("minItems") and "items" in schema else []
    if kind in ("integer", "number"):
        return schema.get("minimum", PLAIN[kind])
    return "2026-01-01" if schema.get("format") == "date" else PLAIN.get(kind)


def _resolved(schema, root):
    """Where the schema only refers to another part of itself, that part."""
    reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
    if not reference.startswith("#/"):
        return schema
    for part in reference[2:].split("/"):
        root = root.get(part) if isinstance(root, dict) else None
    return root
