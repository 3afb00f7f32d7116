"""Ctrl-K: one box on every page that finds a case, a workflow or a person. Without a script it is a page of its own."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.strict import strict_page
from cases import finding
from cases.listing import own_desks, roles_of
from cases.models import Case, seen_workflows
from cases.seen import Sight

MOST = 6  # of each kind


@dataclass(frozen=True)
class Found:
    """One thing that was found: its name, what it is, and where it opens."""

    name: str
    about: str
    link: str


class FindPages:
    """For the case's admin."""

    def find_urls(self):
        return [path("find/", strict_page(self.admin_site.admin_view(self.find_page)), name="cases_case_find")]

    def find_page(self, request):
        """The results; to a script only their list, and whoever presses Enter on a single one is led there."""
        text = request.GET.get("q", "").strip()[:200]
        groups = found(text, request.user) if text else []
        if request.headers.get("X-Find"):
            return render(request, "cases/find_options.html", {"groups": groups, "q": text})
        alone = [each for _label, all_of_it in groups for each in all_of_it]
        if len(alone) == 1 and not request.GET.get("stay"):
            return redirect(alone[0].link)
        shown = {"title": _("Find"), "groups": groups, "q": text}
        return render(request, "cases/find.html", {**self.admin_site.each_context(request), **shown})


def found(text, user) -> list[tuple[str, list[Found]]]:
    """What this person may see and open, kind by kind."""
    kinds = ((_("Cases"), _cases), (_("Workflows"), _workflows), (_("People"), _people))
    groups = [(label, look(text, user)) for label, look in kinds]
    return [(label, all_of_it) for label, all_of_it in groups if all_of_it]


def _cases(text, user) -> list[Found]:
    visible = Case.objects.visible_to(user)
    ids = finding.by_reference(text) if user.is_in_house else finding.as_seen(visible, user, text)
    if not ids:
        return []
    cases = visible.filter(pk__in=ids).select_related("workflow", "ai_release", "category").order_by("-pk")[:MOST]
    desks = own_desks(roles_of(user))
    return [_case(case, desks) for case in Sight(user).of_all(cases)]


def _case(case, desks) -> Found:
    page = "work" if case.state in desks else "change"
    about = " · ".join(
        filter(None, [str(case.workflow), case.get_closed_as_display() or case.get_state_display(), case.action_sentence])
    )
    return Found(case.external_id, about, reverse(f"admin:cases_case_{page}", args=[case.pk]))


def _workflows(text, user) -> list[Found]:
    """To the house its definitions; to a vendor's people their cases of it."""
    named = seen_workflows(user).filter(Q(name__istartswith=text) | Q(slug__istartswith=text) | Q(name__icontains=f" {text}"))[
        :MOST
    ]
    return [Found(each.name, _("Workflow"), _workflow(each, user)) for each in named]


def _workflow(workflow, user) -> str:
    if user.is_in_house:
        return reverse("admin:workflows_workflow_change", args=[workflow.pk])
    return f"{reverse('admin:cases_case_changelist')}?{urlencode({'workflow': workflow.slug})}"


def _people(text, user) -> list[Found]:
    """The house looks up anybody; a vendor's people have no page about people."""
    if not user.is_in_house:
        return []
    named = Q(username__istartswith=text) | Q(first_name__istartswith=text) | Q(last_name__istartswith=text)
    people = (
        User.objects.filter(named, kind=User.Kind.PERSON).select_related("vendor").order_by("first_name", "username")[:MOST]
    )
    return [
        Found(
            str(each), str(each.vendor) if each.vendor else _("In-house"), reverse("admin:accounts_user_change", args=[each.pk])
        )
        for each in people
    ]
