"""The first password: who was given an account chooses it himself, by a link that whoever answers for him passes on, once."""

from urllib.parse import urljoin

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import administers, leads
from audit import acting, trail


class Tokens(PasswordResetTokenGenerator):
    """Good for three days, and until a password is chosen: it is over the (unusable) password that stands."""

    key_salt = "accounts.welcome"


tokens = Tokens()


def may_invite(user, person) -> bool:
    """Administrators, and the lead of the person's vendor."""
    return administers(user) or (person.vendor_id is not None and leads(user, person.vendor))


def link(person, *, by, base) -> str:
    """The address under which this person chooses his first password. Shown once; who has a password needs none."""
    if not may_invite(by, person):
        why = format_lazy(_("{by} does not answer for {person}."), by=by, person=person)
        trail.refused("user.invite", by=by, subject=person, why=why)
        raise PermissionDenied(why)
    if not person.is_active or person.has_usable_password():
        raise ValidationError(
            format_lazy(_("{person} has chosen a password already. An administrator gives a new one."), person=person)
        )
    trail.record("user.invite", by=by, subject=person)
    return urljoin(base, reverse("welcome", args=[person.pk, tokens.make_token(person)]))


@transaction.non_atomic_requests
def page(request, user_id, token):
    """Whoever has the link is that person, and chooses the password; nobody but himself changes an account."""
    with transaction.atomic():
        person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None or person.has_usable_password() or not tokens.check_token(person, token):
        raise Http404(_("This link has been used, or is over. Ask whoever gave it to you for another."))
    with acting.scope(acting.on_behalf_of(person, request.request_id)), transaction.atomic():
        return _chosen(request, person)


def _chosen(request, person):
    form = SetPasswordForm(person, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        shown = {"form": form, "person": person}
        return render(request, "signin/welcome.html", shown, status=422 if form.is_bound else 200)
    form.save()
    trail.record("user.choose_password", by=person, subject=person)
    messages.success(request, gettext("Your password is set. Sign in with it."))
    return redirect("account_login")
