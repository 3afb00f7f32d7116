"""The outermost layer of /api/: whatever refuses or breaks below it, the caller reads a problem document."""

import functools
import uuid

from django.conf import settings

from integrations import problems

API = "/api/"


class ProblemMiddleware:
    """First in MIDDLEWARE, so that bad hosts, unknown URLs and crashes pass through here too. The admin keeps its pages."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.path_info.startswith(API):
            return self.get_response(request)
        response = problems.plain(413) if too_large(request) else self.get_response(request)
        if response.status_code == 301 and request.method == "POST":
            response = told_anew(response, lambda **more: problems.without_slash(request.path, **more))
        if response.status_code >= 400 and not is_told(response):
            response = told_anew(response, functools.partial(problems.plain, response.status_code))
        return response

    def process_exception(self, request, exc):
        """A crash outside DRF, or a promise broken at commit; the transaction has been rolled back already."""
        return problems.problem_of(exc) if request.path_info.startswith(API) else None


def too_large(request) -> bool:
    """Asked here because DRF's parsers read the stream, past Django's own limit."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def is_told(response) -> bool:
    return response.get("Content-Type") == problems.MEDIA_TYPE and "X-Request-Id" in response


def told_anew(response, document):
    """The same headers, with a document for a body and an id to ask after it by."""
    request_id = response.get("X-Request-Id") or uuid.uuid4().hex
    told = document(request_id=request_id)
    del response["Location"]
    said = {"Content-Type": told["Content-Type"], "Content-Length": len(told.content), "X-Request-Id": request_id}
    for name, value in {**dict(response.items()), **said}.items():
        told[name] = value
    told.cookies = response.cookies
    return told
