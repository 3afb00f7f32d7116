"""What a signature under a draft is worth. It counts where somebody else publishes; so one's own is worth nothing to oneself."""

from django.db.models import Exists, OuterRef
from django.db.models.expressions import RawSQL

from accounts.roles import Ownership
from audit import clock
from workflows.models import Owner, Policy


def publishers(workflow) -> set[int]:
    """Who may publish in it now: the owner of policy, and whoever stands in for him."""
    return set(Owner.objects.acting_for(workflow.pk, Ownership.POLICY, clock.now()))


def is_of_a_publisher(policy) -> bool:
    """Whether whoever signed it may publish, too: he then publishes nothing that nobody else signed."""
    return policy.signed_by_id in publishers(policy.workflow)


def is_wanted(policy, user, able=None) -> bool:
    """Whether this person's signature would help: there is none, or one by another who perhaps was to publish himself.

    `able`: who may publish, where that was asked before.
    """
    if not policy.is_open or not policy.workflow.two_people_publish:
        return False
    if not policy.signed_at:
        return True
    return policy.signed_by_id != user.pk and policy.signed_by_id in (publishers(policy.workflow) if able is None else able)


def leaves_nobody(policy, user, able=None) -> bool:
    """Whether nobody could publish it on this person's signature alone."""
    return (publishers(policy.workflow) if able is None else able) <= {user.pk}


def waited_for(user) -> list[Policy]:
    """The versions that wait for this person's signature and can be published on it, the oldest first; asked at once."""
    now = clock.now()
    owned = Owner.objects.acting_as(user, now).values("workflow")
    above = Policy.objects.published().filter(workflow=OuterRef("workflow"), version__gt=OuterRef("version"))
    found = Policy.objects.open().filter(~Exists(above), workflow__in=owned, workflow__two_people_publish=True)
    found = found.annotate(able=RawSQL(PUBLISHERS, [now, Ownership.POLICY])).select_related("workflow")
    shown = found.only("version", "reason", "signed_at", "signed_by", "published_at", "discarded_at", *OF_THE_WORKFLOW)
    return [
        policy
        for policy in shown.order_by("id")
        if is_wanted(policy, user, set(policy.able)) and not leaves_nobody(policy, user, set(policy.able))
    ]


OF_THE_WORKFLOW = ("workflow__name", "workflow__two_people_publish")
PUBLISHERS = """
ARRAY(SELECT o.user_id FROM owners_acting(%s) o WHERE o.workflow_id = workflows_policy.workflow_id AND o."of" = %s)
"""
