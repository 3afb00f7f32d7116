"""Pages beside a version of the rules: try it, replay it; and what each trigger of a workflow did. Doors: they ask, call and show."""

from functools import partial
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.asking import Asking
from accounts.permissions import administers, is_in_house_staff
from accounts.roles import Office
from audit import clock
from cases import lookback, replay, replay_table, trigger_log, trying
from cases.models import Case, Replay
from cases.rules_forms import DaysForm, TryForm, as_received, clean_days, first_of
from cases.seen import Sight
from cases.states import CLOSED, State
from cases.titles import Titles
from jobs.models import Job
from workflows.models import TIER_CHOICES, Policy, Workflow
from workflows.pages import allowed, refuse, typed

NEWEST = 300  # cases among which those to start from are looked for
GONE = _("There is no such page, or not for you.")


def may_look(user, workflow) -> bool:
    """In-house people who see the workflow: those with a seat, its owners, managers and auditors; and who may define it."""
    if not is_in_house_staff(user):
        return False
    seated = user.seats.live().filter(workflow=workflow).exists()
    return user.office in (Office.MANAGER, Office.AUDITOR) or administers(user) or seated or _owns(user, workflow)


def _owns(user, workflow):
    return workflow.owners.filter(user=user).exists()


def _told_to(user):
    """The cases of which these pages may tell this person how the AI's output was judged."""
    return Sight(user).unowed(Case.objects.visible_to(user))


class RulesPages(Asking):
    """For the replay's admin."""

    def own_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("try/<int:policy_id>/", wrap(self.try_page), name="cases_try_policy"),
            path("of/<int:policy_id>/", wrap(self.replays_page), name="cases_replay_policy"),
            path("<int:replay_id>/change/", wrap(self.replay_page), name="cases_replay_change"),
            path("triggers/<int:workflow_id>/", wrap(self.triggers_page), name="cases_trigger_log"),
        ]

    # try it

    def try_page(self, request, policy_id):
        """What a version says of one output. Nothing that is typed is lost but by what is filled in over it."""
        policy = self._policy(request, policy_id)
        begun = self._case(request, policy, request.GET.get("case", ""))
        form = TryForm(policy, typed(request), said=as_received(begun) if begun else first_of(policy))
        told, fault = None, ""
        if form.is_bound and (named := form.case_named()) and named != str(begun):
            if found := self._case(request, policy, named):
                return redirect(f"{request.path}?{urlencode({'case': found.external_id})}")
            form.add_error("case", gettext("{workflow} has no such case, or not for you.").format(workflow=policy.workflow))
        elif form.is_bound and form.is_valid():
            if wanted := request.POST.get("as"):
                form = form.anew(by_value=wanted == "fields")
            else:
                told, fault = self._tried(form, policy, begun)
                form = form.anew() if form.changes_a_list() else form
        shown = {
            "policy": policy,
            "form": form,
            "tried": told,
            **(_answer(told) if told else {}),
            "fault": fault,
            "offered": list(self._offered(request, policy)),
            "begun": begun,
        }
        return self._show(
            request, "try", policy, gettext("Try {policy}").format(policy=policy), shown, 422 if form.errors or fault else 200
        )

    def _case(self, request, policy, named):
        """The case of this reference, or else of this number, where this person may be told of it."""
        if not named:
            return None
        told = _told_to(request.user).filter(workflow=policy.workflow)
        found = told.filter(external_id=named).first() if named.isprintable() else None
        return found or (told.filter(pk=named).first() if named.isdecimal() and len(named) < 19 else None)

    def _offered(self, request, policy):
        """(case, what it is about, why it went where it went) of the newest, one for each desk and tier."""
        told, ways = _told_to(request.user).filter(workflow=policy.workflow), {}
        for pk, *way in told.values_list("pk", "routed__to", "tier")[:NEWEST]:
            ways.setdefault(tuple(way), pk)
        for case in told.filter(pk__in=ways.values()):
            titles = Titles(case)
            yield case, titles.of_the_case(), titles.sentence(case.sentence)

    def _tried(self, form, policy, begun):
        """The answer, as of when the case came that was begun with; or why the rules cannot be applied yet."""
        try:
            draft, now = replay.draft_of(policy), begun.received_at if begun else clock.now()
            compiled = draft.compiled()
            earlier = lookback.before_a_try(form.item, policy.workflow_id, compiled.looks_back, now, like=begun)
            return trying.tried(form.item, compiled, draft.dial(), now=now, earlier=earlier), ""
        except ValueError as error:  # msgspec's and the schema library's errors are ValueErrors
            return None, gettext("This version cannot be applied yet: {error}. Mend its rules first.").format(error=error)

    # replays

    def replays_page(self, request, policy_id):
        """What was replayed of this version; whoever may define asks for another one."""
        policy = self._policy(request, policy_id)
        may_ask = allowed(request, "define", policy.workflow)
        if request.method == "POST" or request.GET.get("ask"):
            if not may_ask:
                why = format_lazy(_("{user} may not define {workflow}."), user=request.user, workflow=policy.workflow)
                refuse(request, "define", policy.workflow, why)
            return self._ask_for_one(request, policy)
        shown = {"policy": policy, "replays": policy.replays.select_related("asked_by"), "may_ask": may_ask}
        return self._show(request, "replays", policy, gettext("Replays of {policy}").format(policy=policy), shown)

    def _ask_for_one(self, request, policy):
        told = {
            "title": gettext("Replay {policy}").format(policy=policy),
            "button": gettext("Replay"),
            "sentence": gettext("What would this version have made of past cases? Nothing is released, held or changed by it."),
            "back": reverse("admin:cases_replay_policy", args=[policy.pk]),
        }
        form = DaysForm(typed(request), label_suffix="")
        act = partial(replay.replay, policy, by=request.user)
        return self.ask(
            request, form, act, after=lambda made: redirect("admin:cases_replay_change", made.pk), original=policy, **told
        )

    def replay_page(self, request, replay_id):
        found = Replay.objects.select_related("policy__workflow", "asked_by").filter(pk=replay_id).first()
        if found is None:
            raise Http404(GONE)
        self._look(request, found.policy.workflow)
        if not found.finished_at:
            job = Job.objects.filter(pk=found.job).first()
            shown = {"replay": found, "job": job, "waits": job is None or job.state in ("queued", "running")}
            return self._show(
                request, "replaying", found.policy, gettext("Replay of {policy}").format(policy=found.policy), shown
            )
        return self._show(
            request,
            "replay",
            found.policy,
            gettext("Replay of {policy}").format(policy=found.policy),
            as_told(found, request.user),
        )

    # triggers

    def triggers_page(self, request, workflow_id):
        workflow = Workflow.objects.filter(pk=workflow_id).first()
        if workflow is None:
            raise Http404(GONE)
        self._look(request, workflow)
        days, version = clean_days(request.GET.get("days")), clean_days(request.GET.get("version"), None)
        log = trigger_log.log(workflow, days=days, version=version)
        seen = _told_to(request.user).filter(pk__in=log.examples()).values_list("pk", "external_id")
        log.name_cases(dict(seen))
        versions = workflow.policies.published().values_list("version", flat=True)
        shown = {
            "workflow": workflow,
            "log": log,
            "days": days,
            "version": version,
            "versions": versions,
            "choices": (7, 30, 90),
        }
        return self._show(request, "triggers", workflow, gettext("Triggers of {workflow}").format(workflow=workflow), shown)

    # what the pages share

    def _policy(self, request, policy_id):
        policy = Policy.objects.select_related("workflow").filter(pk=policy_id).first()
        if policy is None:
            raise Http404(GONE)
        self._look(request, policy.workflow)
        return policy

    def _look(self, request, workflow):
        if not may_look(request.user, workflow):
            raise PermissionDenied(format_lazy(_("{user} does not see {workflow}."), user=request.user, workflow=workflow))

    def _show(self, request, name, original, title, shown, status=200):
        return self.page(request, f"cases/rules/{name}.html", {**shown, "original": original, "title": title}, status)


def _answer(tried) -> dict:
    """What the version says, with its fields by their titles."""
    titles = Titles(tried, tried.policy)
    return {
        "sentence": titles.sentence(tried.way.sentence),
        "desk": "" if tried.way.state == CLOSED else State(tried.way.state).label,
        "tier": dict(TIER_CHOICES)[tried.way.tier],
        "fired": [(titles.name(each), titles.says(each), titles.facts_at_length(each)) for each in tried.reasons],
    }


def as_told(found, user) -> dict:
    """A finished replay, with the changed cases that this person may see."""
    result = found.result
    ids = [change["id"] for change in result["changes"]]
    seen = dict(_told_to(user).filter(pk__in=ids).values_list("pk", "external_id"))
    return {
        "replay": found,
        "result": result,
        "stands": replay.is_of_what_stands(found),
        "in_force": found.policy.workflow.policy,
        "sums": replay_table.sums(result),
        "volumes": [(*row, replay_table.difference(*row[2:])) for row in replay_table.volumes(result)],
        "moves": replay_table.moves(result),
        "reasons": replay_table.counted(result, "reasons"),
        "triggers": replay_table.counted(result, "triggers"),
        "silent": replay_table.silent(result, found.policy.rules),
        "truth": replay_table.truth(result),
        "time_from": replay_table.time_from(result),
        "changes": [(change["id"], seen[change["id"]], *_told(change)) for change in result["changes"] if change["id"] in seen],
        "hidden": len(ids) - len(seen),
    }


def _told(change) -> list[tuple[str, str]]:
    return [(replay_table.way(side["tier"], side["way"]), side["sentence"]) for side in (change["was"], change["now"])]
