"""What a person reads where there is no page: something broke, or the address takes forms only. Over REST it is a problem document."""

from django.http import HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string

from integrations.middleware import API


def broke(request):
    """Without the request's context, which may be what broke; with its number, by which the logs know it."""
    return HttpResponseServerError(render_to_string("500.html", {"number": getattr(request, "request_id", "")}))


class FormsOnly:
    """What only takes forms is opened by its address, too: from a history, or after signing in again. It says so then."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code != 405 or response.content or request.path_info.startswith(API):
            return response
        told = render(request, "405.html", status=405)
        told["Allow"] = response["Allow"]
        return told
