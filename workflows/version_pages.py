"""The pages about versions of a policy: the difference, publishing, the second person's signature, rolling back."""

from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.urls import path

from accounts.asking import Asking
from accounts.forms import ReasonForm
from accounts.permissions import is_in_house_staff
from workflows import actions, gaps
from workflows.differences import Version, differences
from workflows.forms import PublishForm, SignForm
from workflows.models import Policy
from workflows.pages import address, allowed, typed
from workflows.warnings import warnings


def between(before, after) -> list:
    """What differs, by subject; against nothing there is no difference to tell."""
    return differences(Version.of(before), Version.of(after)) if before else []


def compared_with(policy):
    """Where nobody said with what: the version in force, and for that one the published version before it."""
    in_force = policy.workflow.policy
    if in_force and in_force.pk != policy.pk:
        return in_force
    return policy.workflow.policies.published().filter(version__lt=policy.version).first()


def understood(policy) -> tuple:
    """The rules and the schemas by side, as `warnings` asks for them."""
    return Version.of(policy).rules, {"input": policy.input_schema, "output": policy.output_schema}


def offered(request, policy) -> dict:
    """What this person may do with this version, for its buttons."""
    workflow = policy.workflow
    may_publish = allowed(request, "publish_policy", workflow)
    draft, in_force = policy.published_at is None, workflow.policy
    signable = draft and workflow.two_people_publish and not policy.signed_at
    return {
        "may_publish": draft and may_publish,
        "may_draft": allowed(request, "define", workflow),
        "may_sign": signable and allowed(request, "sign_policy", workflow),
        "may_roll_back": may_publish and not draft and in_force is not None and policy.pk != in_force.pk,
        "in_force": in_force,
    }


class PolicyPages(Asking):
    """From a policy's page."""

    def own_urls(self):
        pages = {
            "difference": self.difference_page,
            "publish": self.publish_page,
            "sign": self.sign_page,
            "roll-back": self.roll_back_page,
        }
        return [
            path(
                f"<int:policy_id>/{name}/", self.admin_site.admin_view(page), name=f"workflows_policy_{name.replace('-', '_')}"
            )
            for name, page in pages.items()
        ]

    def difference_page(self, request, policy_id):
        """From another version (named in the address, else the one in force, else the one before) to this one."""
        if not is_in_house_staff(request.user):
            raise PermissionDenied
        policy = self._policy(policy_id)
        others = policy.workflow.policies.exclude(pk=policy.pk)
        asked = request.GET.get("with", "")
        other = others.filter(version=int(asked)).first() if asked.isdecimal() and len(asked) < 9 else None
        other = other or compared_with(policy)
        told = {"original": policy, "other": other, "others": others, "difference": between(other, policy)}
        return self.page(request, "workflows/difference.html", {"title": f"What differs in {policy}", **told})

    def publish_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "publish_policy")
        workflow, last = policy.workflow, policy.workflow.policies.published().order_by("-version").first()
        first = {"reason": policy.reason, "improvement": policy.improvement, "seen": last.version if last else 0}
        wanting = gaps.gaps(workflow)
        unsigned = workflow.two_people_publish and not actions.signed_for(policy, request.user)
        told = {
            "title": f"Publish {policy}",
            "button": "" if wanting or unsigned else f"Publish version {policy.version}",
            "said": f"Version {policy.version} is published.",
            "sentence": f"New cases of {workflow} are routed by version {policy.version}; cases in flight keep theirs. "
            "A published version never changes.",
            "other": last,
            "difference": between(last, policy),
            "gaps": wanting,
            "unsigned": unsigned,
            "warnings": [*gaps.warnings(workflow, Version.of(policy).rules), *warnings(*understood(policy))],
        }
        act = partial(actions.publish, policy, by=request.user)
        return self._ask(request, policy, PublishForm(typed(request), label_suffix="", initial=first), act, **told)

    def sign_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "sign_policy")
        last = policy.workflow.policies.published().order_by("-version").first()
        told = {
            "title": f"Sign {policy}",
            "button": f"Sign version {policy.version}",
            "said": f"You have signed version {policy.version}. The owner of policy can publish it now.",
            "sentence": "You stand for exactly what this version says. If anybody edits it afterwards, your signature is void.",
            "other": last,
            "difference": between(last, policy),
        }
        form = SignForm(typed(request), label_suffix="", initial={"digest": bytes(policy.digest).hex()})
        return self._ask(request, policy, form, partial(actions.sign, policy, by=request.user), **told)

    def roll_back_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "publish_policy")
        in_force, two = policy.workflow.policy, policy.workflow.two_people_publish
        then = "waits for another owner's signature" if two else "is in force at once"
        told = {
            "title": f"Roll back to {policy}",
            "button": f"Roll back to version {policy.version}",
            "said": f"The rules of version {policy.version} stand in a new version, which {then}.",
            "sentence": f"What version {policy.version} said becomes the next version, which {then}. Cases in flight keep theirs.",
            "other": in_force,
            "difference": between(in_force, policy),
            "gaps": gaps.gaps(policy.workflow),
        }
        act = partial(actions.roll_back, policy, by=request.user)
        after = partial(self._rolled_back, request, told["said"])
        return self._ask(request, policy, ReasonForm(typed(request), label_suffix=""), act, after=after, **told)

    def _rolled_back(self, request, said, made):
        """On to the new version: it is what one looks for next, and what may wait for a signature."""
        messages.success(request, said)
        return redirect(address(made))

    def _ask(self, request, policy, form, act, **told):
        back = address(policy)
        return self.ask(request, form, act, back=back, template="workflows/publish.html", original=policy, **told)

    def _asked(self, request, policy_id, verb):
        policy = self._policy(policy_id)
        if not allowed(request, verb, policy.workflow):
            raise PermissionDenied(f"{request.user} may not {verb.replace('_', ' ')} in {policy.workflow}.")
        return policy

    def _policy(self, policy_id):
        people = ("workflow", "published_by", "signed_by", "rolls_back_to")
        return get_object_or_404(Policy.objects.select_related(*people), pk=policy_id)
