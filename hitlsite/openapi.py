"""OpenAPI as a stranger reads it: how to begin, what belongs together, the shapes, the webhooks, and the document every error is."""

import re
from pathlib import Path
from string import Template

import msgspec
from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from cases import api, events, shapes
from cases.intake import MOST_AT_ONCE

INTRODUCTION = Template((Path(__file__).parent / "introduction.md").read_text())

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


GROUPS = {
    "Sending": ("Outputs come in, and are taken back or reported wrong.", "receive receive_bulk withdraw reopen rework"),
    "Reading": ("Where a case stands, and why.", "list detail why wait attachment"),
    "Working": (
        "A person's hold on a case, and what it waits for.",
        "next claim heartbeat give_back skip pause go_on snooze reveal hand_over recall",
    ),
    "Deciding": (
        "What a person says of a case.",
        "own_answer accept correct escalate resolve no_action send_back approve retract reject extend review_break_glass undo",
    ),
    "Talking": ("Words and files beside a case; they move nothing.", "ask inquire answer comment mend attach"),
}
TAGS = {f"cases_{verb}": group for group, (_, verbs) in GROUPS.items() for verb in verbs.split()}
STRUCTS = [
    value
    for module in (shapes, events)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
]


def add_shapes(result, generator, request, public):
    """drf-spectacular's hook: every shape is a component, every operation may answer with a problem, every event is a webhook."""
    _, components = msgspec.json.schema_components(STRUCTS, ref_template="#/components/schemas/{name}")
    result.setdefault("components", {}).setdefault("schemas", {}).update({**components, "Problem": PROBLEM})
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["tags"] = [TAGS[operation["operationId"]]]
            operation["summary"] = first_sentence(operation["description"])
            operation["responses"]["default"] = {
                "description": "An error, as a problem document.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    result["info"]["description"] = introduction()
    result["tags"] = [{"name": group, "description": says} for group, (says, _) in {**GROUPS, **WEBHOOKS}.items()]
    result["webhooks"] = {event.value: {"post": told(event)} for event in events.TOLD}
    return result


def first_sentence(text) -> str:
    """What an operation is called in the list of them: the beginning of what its verb says of itself."""
    return re.split(r"[.;](?:\s|$)", " ".join(text.split()), maxsplit=1)[0]


def introduction() -> str:
    return INTRODUCTION.substitute(
        address="/api/v1",
        body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20,
        batch=f"{MOST_AT_ONCE:,}",
        rate=settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["key"].partition("/")[0],
        page=api.Newest.max_page_size,
        patience=api.PATIENCE,
        polls=api.AT_ONCE,
    )


# Webhooks


WEBHOOKS = {
    "Webhooks": (
        "What we send to the endpoint that an administrator adds for you. Signed as Standard Webhooks has it; its libraries verify it,"
        " with the secret that the administrator was shown. The same event may arrive again, with the same `webhook-id`, and in any order."
        " Ignore types that you do not know.",
        "",
    )
}
HEADERS = {
    "webhook-id": "The event's id, the same at every try.",
    "webhook-timestamp": "When this try was signed, in seconds since 1970. Refuse what is more than five minutes old or early.",
    "webhook-signature": "One signature, or two for a day after a rotation: `v1,` and the HMAC-SHA256, in Base64, of"
    " `{webhook-id}.{webhook-timestamp}.{body}`.",
}
ANSWERS = {
    "2XX": "Taken. Answer within 15 seconds.",
    "410": "Gone: the endpoint is switched off.",
    "default": "Anything else is tried again: eleven tries in about three days. `Retry-After` on 429 and 503 is honoured for up to a day."
    " Redirects are not followed.",
}


def told(event) -> dict:
    """One event as an operation of the receiver's."""
    about, says = events.TOLD[event]
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event.value},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {"$ref": f"#/components/schemas/{about.__name__}"},
        },
    }
    return {
        "operationId": event.value.replace(".", "_"),
        "tags": [*WEBHOOKS],
        "summary": first_sentence(says),
        "description": says,
        "parameters": [
            {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": means}
            for name, means in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {code: {"description": means} for code, means in ANSWERS.items()},
        "security": [],
    }
