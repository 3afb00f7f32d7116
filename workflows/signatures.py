"""What a signature under a draft is worth. It counts where somebody else publishes; so one's own is worth nothing to oneself."""

from accounts.roles import Ownership
from audit import clock
from workflows.models import Owner


def publishers(workflow) -> set[int]:
    """Who may publish in it now: the owner of policy, and whoever stands in for him."""
    return set(Owner.objects.acting_for(workflow.pk, Ownership.POLICY, clock.now()))


def is_of_a_publisher(policy) -> bool:
    """Whether whoever signed it may publish, too: he then publishes nothing that nobody else signed."""
    return policy.signed_by_id in publishers(policy.workflow)


def is_wanted(policy, user) -> bool:
    """Whether this person's signature would help: there is none, or one by another who perhaps was to publish himself."""
    if not policy.is_open or not policy.workflow.two_people_publish:
        return False
    return not policy.signed_at or (policy.signed_by_id != user.pk and is_of_a_publisher(policy))


def leaves_nobody(policy, user) -> bool:
    """Whether nobody could publish it on this person's signature alone."""
    return publishers(policy.workflow) <= {user.pk}
