"""“What may X do, as of any date”: for a person, and for a workflow. In-house people read it."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from accounts.forms import MomentForm
from accounts.models import User
from accounts.permissions import is_in_house_staff
from audit import clock
from workflows import authority
from workflows.models import Workflow

KINDS = {
    "person": (User, authority.of_person, _("What {} may do"), "admin:accounts_user_change"),
    "workflow": (Workflow, authority.of_workflow, _("Who may do what in {}"), "admin:workflows_workflow_change"),
}


class AuthorityPages:
    """For the workflow's admin; the person's page links here by name."""

    def authority_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path(f"{kind}/<int:pk>/may/", wrap(self.authority_page), {"kind": kind}, f"workflows_{kind}_may") for kind in KINDS
        ]

    def authority_page(self, request, pk, kind):
        if not is_in_house_staff(request.user):
            raise PermissionDenied
        model, told, title, back = KINDS[kind]
        thing = model.objects.filter(pk=pk).first()
        if thing is None:
            raise Http404(_("There is no such page."))
        form = MomentForm(request.GET if "at" in request.GET else None, label_suffix="")
        at = (form.is_valid() and form.cleaned_data["at"]) or clock.now()
        shown = {
            "title": title.format(thing),
            "form": form,
            "at": at,
            "then": told(thing, at),
            "back": reverse(back, args=[pk]),
        }
        status = 422 if form.is_bound and not form.is_valid() else 200
        return self.page(request, "workflows/authority.html", {**shown, "original": thing, "opts": model._meta}, status=status)
