"""For pages of our own: a content security policy without exceptions. docs/decisions/0020 says which pages have which."""

from csp.decorators import csp_replace
from django.conf import settings

strict_page = csp_replace(settings.STRICT_POLICY)
