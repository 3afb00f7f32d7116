"""What is written to the log: one line of JSON each, of facts that are nobody's secret. docs/decisions/0019 says why so.

A line never has a value that somebody sent or stored: of a message only its wording and numbers, of an error its type and
its places. Paths and addresses, too, may hold names: a request is told by its route.
"""

import json
import logging
import signal
import sys
import threading
import traceback
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, SystemCheckError

from audit import acting

OURS = ("hitldesk", "audit", "jobs", "accounts", "integrations", "workflows", "scorecards", "cases", "hitlsite", "bench")
OF_THE_SETTINGS = (SystemCheckError, CommandError, ImproperlyConfigured, ImportError)  # what they say is about the set-up
HERE = f"{Path(__file__).resolve().parent.parent}/"
FRAMES, CAUSES = 20, 5
SIGNALS = {each.name for each in signal.Signals}  # what ended a process

requests = logging.getLogger("hitldesk.requests")
logging.captureWarnings(True)
logging.raiseExceptions = False  # or a line that cannot be written is written to stderr, with its values


class Line(logging.Formatter):
    """One record as one line. `facts` of the record are written as they are: only we give them, and only keys and numbers."""

    def format(self, record) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "says": wording(record),
            "request": acting.current().request_id,
            **getattr(record, "facts", {}),
            "error": error(record.exc_info[1]) if record.exc_info and record.exc_info[1] else None,
        }
        return json.dumps({name: value for name, value in told.items() if value not in (None, "")}, default=type_of)


def wording(record) -> str:
    """The message with its numbers, and a dot for every other value. Of a stranger's finished sentence, only where it was said."""
    if not isinstance(record.msg, str) or not (record.args or record.name.partition(".")[0] in OURS):
        return f"{short(record.pathname)}:{record.lineno}"
    if not record.args:
        return record.msg
    named = isinstance(record.args, dict)
    shown = {name: plain(value) for name, value in record.args.items()} if named else tuple(map(plain, record.args))
    try:
        return record.msg % shown
    except (TypeError, ValueError):  # it wants a number where we have a dot
        return record.msg


def plain(value):
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, BaseException):
        return type_of(value)
    if isinstance(value, list | tuple) and all(isinstance(each, int) for each in value):
        return value
    return value if isinstance(value, str) and value in SIGNALS else "·"


def error(exc) -> list[dict]:
    """The error and what caused it: type, the promise that it broke, places. Never what it says: that names values and rows."""
    chain = [exc]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain and len(chain) < CAUSES:
        chain.append(cause)
    return [told_of(each) for each in chain]


def told_of(exc) -> dict:
    diag = getattr(exc, "diag", None)  # a database error's own; its DETAIL has the row
    frames = [f"{short(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}" for frame, line in walked(exc)]
    told = {
        "type": type_of(exc),
        "says": str(exc) if isinstance(exc, OF_THE_SETTINGS) else None,
        "sqlstate": getattr(exc, "sqlstate", None),
        "constraint": getattr(diag, "constraint_name", None),
        "frames": frames[-FRAMES:],
    }
    return {name: value for name, value in told.items() if value}


def walked(exc):
    return islice(traceback.walk_tb(exc.__traceback__), 1000)


def type_of(value) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def short(path) -> str:
    """From the project's or the packages' folder on."""
    return path.removeprefix(HERE).rpartition("site-packages/")[2]


class RequestLine:
    """First in MIDDLEWARE: one line for each request, when it is answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        began, status = perf_counter(), 500
        try:
            response = self.get_response(request)
            status = response.status_code
            return response
        finally:
            requests.info("request", extra={"facts": self.facts(request, status, began)})

    def facts(self, request, status, began) -> dict:
        who, met = getattr(request, "acting", acting.NOBODY), request.resolver_match
        return {
            "request": who.request_id,
            "actor": who.person_id,
            "method": request.method if request.method in METHODS else "·",
            "route": met.view_name if met else None,
            "status": status,
            "ms": round((perf_counter() - began) * 1000, 1),
        }


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}


def in_short(exc) -> str:
    """An error for whoever runs the desk, where it is kept beside what went wrong: of a database's, its first line, for its DETAIL has the row."""
    diag = getattr(exc, "diag", None) or getattr(exc.__cause__, "diag", None)
    said = diag.constraint_name or diag.message_primary if diag else str(exc)
    return f"{type(exc).__name__}: {said}"


def tell_of_crashes():
    """For a process that nobody sits at: what ends it is a line like any other, not a traceback with its values."""
    crashes = logging.getLogger("hitldesk.crashes")
    sys.excepthook = lambda *error: crashes.critical("The process ended.", exc_info=error)
    threading.excepthook = lambda died: crashes.critical("A thread ended.", exc_info=died[:3])
