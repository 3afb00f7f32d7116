"""The pages about versions of a policy: the difference, publishing, the second person's signature, rolling back, discarding."""

from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext

from accounts.asking import Asking
from accounts.forms import ReasonForm
from accounts.permissions import is_in_house_staff
from audit import clock, moments
from workflows import actions, gaps, signatures
from workflows.differences import Version, differences
from workflows.forms import OptionalReasonForm, PublishForm, RollBackForm, SignForm
from workflows.models import Policy
from workflows.pages import address, allowed, refuse, typed
from workflows.permissions import refusal
from workflows.warnings import warnings
from workflows.weight import by_weight, has_grave


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


def overtaking(policy):
    """The newest version that was published above this draft, which can then be published no more; None where there is none."""
    if not policy.is_open:
        return None
    above = policy.workflow.policies.published().filter(version__gt=policy.version)
    return above.select_related("published_by").order_by("-version").first()


def odd(policy) -> list[str]:
    """What is odd in the rules themselves, and what they ask for that nobody is there to do; the grave first."""
    rules, schemas = understood(policy)
    return by_weight([*gaps.warnings(policy.workflow, rules), *warnings(rules, schemas)])


def offered(request, policy) -> dict:
    """What this person may do with this version, for its buttons."""
    workflow = policy.workflow
    may_publish = allowed(request, "publish_policy", workflow)
    may_define = allowed(request, "define", workflow)
    draft, overtaken_by = policy.is_open, overtaking(policy)
    in_force = workflow.policy if policy.published_at else None
    may_sign = not overtaken_by and signatures.is_wanted(policy, request.user) and allowed(request, "sign_policy", workflow)
    return {
        "overtaken_by": overtaken_by,
        "may_publish": draft and may_publish and not overtaken_by,
        "may_draft": may_define,
        "may_discard": draft and may_define,
        "may_restore": policy.discarded_at is not None and may_define,
        "may_sign": may_sign,
        "signing_leaves_nobody": may_sign and signatures.leaves_nobody(policy, request.user),
        "signed_by_a_publisher": draft and policy.signed_at is not None and signatures.is_of_a_publisher(policy),
        "may_roll_back": may_publish and in_force is not None and (policy.pk != in_force.pk or policy.later().exists()),
    }


def _to_begin(workflow) -> list[str]:
    """What is published and has not begun: another version may come before it."""
    coming = workflow.policies.published().filter(effective_from__gt=clock.now()).order_by("version")
    return [
        gettext("Version {version} is to take effect on {when}. If this one begins before that, it never does.").format(
            version=each.version, when=moments.when(each.effective_from)
        )
        for each in coming
        if not each.never_begins
    ]


def _asked_before(last, difference, found) -> str:
    """What a tick is asked for before publishing; empty where nothing is."""
    if last and not difference:
        return gettext("Nothing differs from version {version}. Publish it all the same").format(version=last.version)
    return gettext("I have read these, and publish all the same") if has_grave(found) else ""


def _away(request, policy):
    """To the version's page, where it is a draft no more, with what became of it; what was typed is answered by the verb."""
    why = actions.no_draft(policy)
    if not why or request.method == "POST":
        return None
    messages.error(request, moments.told(str(why)))
    return redirect(address(policy))


class PolicyPages(Asking):
    """From a policy's page."""

    def own_urls(self):
        pages = {
            "difference": self.difference_page,
            "publish": self.publish_page,
            "sign": self.sign_page,
            "roll-back": self.roll_back_page,
            "discard": self.discard_page,
            "restore": self.restore_page,
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
        return self.page(
            request, "workflows/difference.html", {"title": gettext("What differs in {policy}").format(policy=policy), **told}
        )

    def publish_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "publish_policy")
        if away := _away(request, policy):
            return away
        workflow, last = policy.workflow, policy.workflow.policies.published().order_by("-version").first()
        first = {"reason": policy.reason, "improvement": policy.improvement, "seen": last.version if last else 0}
        wanting, difference, found = gaps.gaps(workflow), between(last, policy), [*odd(policy), *_to_begin(workflow)]
        unsigned = workflow.two_people_publish and not actions.signed_for(policy, request.user)
        told = {
            "title": gettext("Publish {policy}").format(policy=policy),
            "button": "" if wanting or unsigned else gettext("Publish version {version}").format(version=policy.version),
            "said": gettext("Version {version} is published.").format(version=policy.version),
            "sentence": gettext(
                "New cases of {workflow} are routed by version {version}; cases in flight keep theirs. A published version never changes."
            ).format(workflow=workflow, version=policy.version),
            "other": last,
            "difference": difference,
            "gaps": wanting,
            "unsigned": unsigned,
            "warnings": found,
        }
        act = partial(actions.publish, policy, by=request.user)
        asked = _asked_before(last, difference, found) if told["button"] else ""
        form = PublishForm(typed(request), asked=asked, label_suffix="", initial=first)
        return self._ask(request, policy, form, act, **told)

    def sign_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "sign_policy")
        if away := _away(request, policy):
            return away
        last = policy.workflow.policies.published().order_by("-version").first()
        alone = signatures.leaves_nobody(policy, request.user)
        then = (
            gettext("Another owner has to sign it, too, before you can publish it.")
            if alone
            else gettext("The owner of policy can publish it now.")
        )
        told = {
            "title": gettext("Sign {policy}").format(policy=policy),
            "button": gettext("Sign version {version}").format(version=policy.version),
            "said": gettext("You have signed version {version}. {then}").format(version=policy.version, then=then),
            "signing_leaves_nobody": alone,
            "sentence": gettext(
                "You stand for exactly what this version says. If anybody edits it afterwards, your signature is void."
            ),
            "other": last,
            "difference": between(last, policy),
        }
        form = SignForm(typed(request), label_suffix="", initial={"digest": bytes(policy.digest).hex()})
        return self._ask(request, policy, form, partial(actions.sign, policy, by=request.user), **told)

    def roll_back_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "publish_policy")
        in_force, two = policy.workflow.policy, policy.workflow.two_people_publish
        wanting, difference, found = (
            gaps.gaps(policy.workflow),
            between(in_force, policy),
            [*odd(policy), *_to_begin(policy.workflow)],
        )
        then = gettext("waits for another owner's signature") if two else gettext("is in force at once")
        told = {
            "title": gettext("Roll back to {policy}").format(policy=policy),
            "button": "" if wanting and not two else gettext("Roll back to version {version}").format(version=policy.version),
            "said": gettext("The rules of version {version} stand in a new version, which {then}.").format(
                version=policy.version, then=then
            ),
            "sentence": gettext(
                "What version {version} said becomes the next version, which {then}. Cases in flight keep theirs."
            ).format(version=policy.version, then=then),
            "other": in_force,
            "difference": difference,
            "gaps": wanting,
            "warnings": found,
        }
        asked = _asked_before(in_force, difference, found) if told["button"] else ""
        first = {"seen": in_force.version if in_force else 0}
        form = RollBackForm(typed(request), asked=asked, label_suffix="", initial=first)
        act = partial(actions.roll_back, policy, by=request.user)
        after = partial(self._rolled_back, request, told["said"])
        return self._ask(request, policy, form, act, after=after, **told)

    def _rolled_back(self, request, said, made):
        """On to the new version: it is what one looks for next, and what may wait for a signature."""
        messages.success(request, said)
        return redirect(address(made))

    def discard_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "define")
        if away := _away(request, policy):
            return away
        told = {
            "title": gettext("Discard {policy}").format(policy=policy),
            "button": gettext("Discard version {version}").format(version=policy.version),
            "said": gettext("Version {version} is discarded. It can be restored.").format(version=policy.version),
            "sentence": gettext(
                "Nobody edits, signs or publishes version {version} any more. It keeps its number, its content and its replays, and can be restored."
            ).format(version=policy.version),
        }
        act = partial(actions.discard, policy, by=request.user)
        return self.ask(
            request, ReasonForm(typed(request), label_suffix=""), act, back=address(policy), original=policy, **told
        )

    def restore_page(self, request, policy_id):
        policy = self._asked(request, policy_id, "define")
        told = {
            "title": gettext("Restore {policy}").format(policy=policy),
            "button": gettext("Restore version {version}").format(version=policy.version),
            "said": gettext("Version {version} is a draft again.").format(version=policy.version),
            "sentence": gettext("Version {version} becomes a draft again, as it was when it was discarded.").format(
                version=policy.version
            ),
        }
        act = partial(actions.restore, policy, by=request.user)
        return self.ask(
            request, OptionalReasonForm(typed(request), label_suffix=""), act, back=address(policy), original=policy, **told
        )

    def _ask(self, request, policy, form, act, **told):
        back = address(policy)
        return self.ask(request, form, act, back=back, template="workflows/publish.html", original=policy, **told)

    def _asked(self, request, policy_id, verb):
        policy = self._policy(policy_id)
        if not allowed(request, verb, policy.workflow):
            refuse(request, verb, policy.workflow, refusal(request.user, verb, policy.workflow))
        return policy

    def _policy(self, policy_id):
        people = ("workflow", "published_by", "signed_by", "discarded_by", "rolls_back_to")
        return get_object_or_404(Policy.objects.select_related(*people), pk=policy_id)
