"""Who may look at definitions of quality, and in which workflows somebody may change them."""

from accounts.roles import Office
from workflows.models import Workflow


def may_look(user) -> bool:
    """In-house staff. A vendor's reviewers see the card where they mark with it, never here."""
    return user.is_active and user.is_staff and user.is_in_house


def definable_by(user):
    """The workflows of which `workflows.permissions.may(user, "define", workflow)` says yes, as one queryset."""
    if not user.is_active or not user.is_in_house:
        return Workflow.objects.none()
    if user.office == Office.ADMINISTRATOR:
        return Workflow.objects.all()
    return Workflow.objects.filter(pk__in=user.ownerships.values("workflow"))
