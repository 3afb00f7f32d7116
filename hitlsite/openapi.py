"""OpenAPI: the shapes of cases/shapes.py as components, and the problem document every error is."""

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from cases import shapes

PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}},
        },
        "request_id": {"type": "string"},
    },
}


class KeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer hd_…`."""

    target_class = "accounts.keys.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "An API key, made under People → API keys."}


STRUCTS = [
    value
    for value in vars(shapes).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
]


def add_shapes(result, generator, request, public):
    """drf-spectacular's hook: every shape is a component, every operation may answer with a problem."""
    _, components = msgspec.json.schema_components(STRUCTS, ref_template="#/components/schemas/{name}")
    result.setdefault("components", {}).setdefault("schemas", {}).update({**components, "Problem": PROBLEM})
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {
                "description": "An error, as a problem document.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    return result
