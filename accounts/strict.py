"""For pages of our own: a content security policy without exceptions, sent compressed. docs/decisions/0020 says which pages have which."""

from csp.decorators import csp_replace
from django.conf import settings
from django.views.decorators.gzip import gzip_page

_policy = csp_replace(settings.STRICT_POLICY)


def strict_page(view):
    """Compressed too: a page's length tells nothing of its token, which is another one each time, and Django adds random bytes."""
    return gzip_page(_policy(view))
