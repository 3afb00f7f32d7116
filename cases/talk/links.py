"""The signed link by which somebody without an account answers one question. docs/decisions/0028 says what it may and may not."""

from django.core import signing
from django.urls import reverse

from cases.models import Inquiry

SALT = "cases.inquiry.link"
LONGEST_DAYS = 30


def of(inquiry) -> str:
    """The address under which it is answered. It is nowhere stored: it follows from the number, and the server's secret."""
    return reverse("inquiry_link", args=[signing.Signer(salt=SALT).sign(f"{inquiry.pk}.{inquiry.link_number}")])


def behind(token) -> Inquiry | None:
    """What the link is for, whether or not it still opens it; None where nobody of ours made it, or a newer one has replaced it."""
    try:
        pk, _, number = signing.Signer(salt=SALT).unsign(token).partition(".")
    except signing.BadSignature:
        return None
    related = ("pause", "case__workflow", "by")
    return Inquiry.objects.select_related(*related).filter(pk=int(pk), link_number=int(number)).first()
