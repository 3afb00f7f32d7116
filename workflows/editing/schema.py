"""A JSON Schema as rows of fields, and back. Pure. What the rows cannot say exactly is not turned into rows at all."""

KINDS = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "choice": {"type": "string"},
}


def schema_of(fields: list[dict], *, closed: bool = False) -> dict:
    """The schema that says: an object with these fields. Nothing said at all is the schema that allows anything."""
    if not fields and not closed:
        return {}
    schema = {"type": "object", "properties": {field["name"]: _property(field) for field in fields}}
    if required := [field["name"] for field in fields if field.get("required")]:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return schema


def _property(field: dict) -> dict:
    said = dict(KINDS[field["kind"]])
    if field.get("title"):
        said["title"] = field["title"]
    if field["kind"] == "choice":
        said["enum"] = list(field["options"])
    if field["kind"] == "text" and field.get("longest"):
        said["maxLength"] = field["longest"]
    return said


def fields_of(schema: dict) -> tuple[list[dict], bool] | None:
    """The rows of a schema, and whether other fields are refused; None where rows would lose anything of it."""
    try:
        required = schema.get("required", [])
        fields = [_field(name, said, name in required) for name, said in schema.get("properties", {}).items()]
        closed = schema.get("additionalProperties") is False
        again = schema_of(fields, closed=closed)
    except (AttributeError, KeyError, TypeError, StopIteration):
        return None
    same = _comparable(again) == _comparable(schema) or schema == {"type": "object"}
    return (fields, closed) if same else None


def _field(name: str, said: dict, required: bool) -> dict:
    plain = {key: value for key, value in said.items() if key in ("type", "format")}
    kind = "choice" if "enum" in said else next(kind for kind, type_ in KINDS.items() if type_ == plain)
    field = {"name": name, "kind": kind, "title": said.get("title", ""), "required": required}
    return {**field, "options": said.get("enum", []), "longest": said.get("maxLength")}


def _comparable(schema: dict) -> dict:
    """The order in which fields are required says nothing."""
    return {**schema, "required": sorted(schema.get("required", [])), "properties": schema.get("properties", {})}
