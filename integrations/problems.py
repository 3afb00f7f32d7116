"""Every 4xx and 5xx of the API is a problem document (RFC 9457), and every cause is mapped here, once.

DRF's exception handler is `answer`; what DRF never sees (unknown URLs, bad hosts, crashes, errors at commit) is
caught by `integrations.middleware.ProblemMiddleware` with the same table.
"""

import json
import logging
import traceback
from http import HTTPStatus

import msgspec
import psycopg
from django.core import exceptions as django
from django.db import DataError, IntegrityError
from django.http import Http404, HttpResponse, UnreadablePostError
from django_fsm import TransitionNotAllowed
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated
from rest_framework.views import set_rollback

from audit import acting
from integrations import pointers

MEDIA_TYPE = "application/problem+json"
SHALLOW = 300  # frames: a RecursionError with fewer was the body's nesting, not a loop of ours

log = logging.getLogger(__name__)


class Conflict(Exception):
    """A lost race, 409: the message says what happened; facts (`by`, `at`…) become members of the document."""

    def __init__(self, message, code="conflict", **facts):
        super().__init__(message)
        self.code, self.facts = code, facts


def problem(status, code, detail, /, errors=(), **more) -> HttpResponse:
    """A problem document. `errors` are pairs of JSON pointer and sentence; `more` are members of its own."""
    body = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": sentence(detail),
        "code": code,
        "errors": [{"pointer": pointer, "detail": sentence(said)} for pointer, said in errors],
    }
    body = {**more, **body, "request_id": more.get("request_id") or acting.current().request_id}
    return HttpResponse(json.dumps(body, default=str), status=status, content_type=MEDIA_TYPE)


def plain(status, **more) -> HttpResponse:
    """The document for a status of which nothing else is known."""
    words = HTTPStatus(status)
    return problem(
        status, CODES.get(status) or words.phrase.lower().replace(" ", "_"), words.description or words.phrase, **more
    )


def sentence(text) -> str:
    text = str(text).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def answer(exc, context):
    """DRF's exception handler. As with DRF's own, an error rolls the request's transaction back."""
    set_rollback()
    return problem_of(exc)


def problem_of(exc) -> HttpResponse:
    """The document for an exception, by the first line of CAUSES that fits; anything else is a crash of ours."""
    for kind, tell in CAUSES:
        if isinstance(exc, kind) and (told := tell(exc)):
            return told
    log.error("Request %s crashed.", acting.current().request_id, exc_info=exc)
    return problem(
        500, "internal_error", "Something broke on our side. Nothing was changed. Quote the request id when you report it."
    )


def always(status, code, detail):
    return lambda exc: problem(status, code, detail)


def in_its_words(status, code, otherwise=""):
    return lambda exc: problem(status, code, str(exc) or otherwise)


def refusal_of_drf(exc):
    many = isinstance(exc.detail, list | dict)
    errors = list(pointers.flatten(exc.detail)) if many else []
    said = errors[0][1] if isinstance(exc.detail, list) and len(errors) == 1 else exc.detail
    code = getattr(said, "code", exc.default_code)
    told = problem(exc.status_code, code or exc.default_code, summary(errors) if many else exc.detail, errors)
    if getattr(exc, "auth_header", None):
        told["WWW-Authenticate"] = exc.auth_header
    if getattr(exc, "wait", None):
        told["Retry-After"] = str(int(exc.wait))
    return told


def nobody(exc):
    """No key came, or none where we look for one."""
    how = "Send an API key as `Authorization: Bearer hd_live_…`. An administrator makes one, under People → API keys"
    exc.detail = ErrorDetail(how, exc.default_code)
    return refusal_of_drf(exc)


def without_slash(path, **more) -> HttpResponse:
    """A POST that Django would redirect to the address with its slash: many clients would send a GET there."""
    return problem(404, "not_found", f"Every address ends with a slash. Nothing was taken in; send it to {path}/", **more)


def summary(errors) -> str:
    """One error speaks for itself; of several the document says how many."""
    if len(errors) != 1:
        return f"{len(errors)} things are not right. Each is listed in errors"
    return pointers.placed(*errors[0])


def unfit(exc):
    """Django's ValidationError: well formed, but not what may be said here."""
    errors = list(pointers.flatten(exc.message_dict if hasattr(exc, "error_dict") else exc.messages))
    return problem(422, getattr(exc, "code", None) or "invalid", summary(errors), errors)


def misshapen(exc):
    said, pointer = pointers.of_msgspec(str(exc))
    return problem(422, "invalid", summary([(pointer, said)]), [(pointer, said)])


def lost(exc):
    return problem(409, exc.code, str(exc), **exc.facts)


def broken_promise(exc):
    """The database refused. Where the constraint's name is a sentence of ours, it is the answer."""
    cause = exc if isinstance(exc, psycopg.Error) else exc.__cause__
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    if name is None:
        return None
    if isinstance(cause, psycopg.errors.ForeignKeyViolation):
        return problem(
            409, "reference_broken", "This refers to something that is not there, or removes what is still referred to."
        )
    if name.startswith(cause.diag.table_name[:20]):
        return problem(409, "already_exists", "There is one like this already.")
    return problem(409, name, name.replace("_", " ").capitalize())


def too_deep(exc):
    if len(list(traceback.walk_tb(exc.__traceback__))) < SHALLOW:
        return problem(400, "nested_too_deeply", "The body is nested too deeply.")
    return None


NOT_HERE = "There is no such thing here, or you may not see it."
CAUSES = [
    (NotAuthenticated, nobody),
    (APIException, refusal_of_drf),
    (Conflict, lost),
    (TransitionNotAllowed, in_its_words(409, "transition_not_allowed")),
    (django.PermissionDenied, in_its_words(403, "permission_denied", "You may not do this.")),
    ((Http404, django.ObjectDoesNotExist), always(404, "not_found", NOT_HERE)),
    (django.ValidationError, unfit),
    (msgspec.ValidationError, misshapen),
    (msgspec.DecodeError, in_its_words(400, "parse_error")),
    ((IntegrityError, psycopg.IntegrityError), broken_promise),
    (DataError, always(422, "unstorable_value", "A value is out of range, or has characters that cannot be stored.")),
    (django.RequestDataTooBig, always(413, "body_too_large", "The body is larger than one request may be.")),
    (UnreadablePostError, always(400, "body_unreadable", "The body broke off.")),
    ((django.SuspiciousOperation, django.BadRequest), always(400, "bad_request", "The request is malformed.")),
    (UnicodeError, always(400, "not_utf_8", "The body is not valid UTF-8 text.")),
    (RecursionError, too_deep),
]
CODES = {403: "permission_denied", 404: "not_found", 413: "body_too_large", 500: "internal_error"}
