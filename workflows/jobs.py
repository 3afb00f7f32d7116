"""Work on definitions that is done in the background: find, call the verb."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.models import User
from workflows import actions
from workflows.models import Proposal

ASKED_FOR = [gettext_noop("Seat the proposed")]  # as their functions are called


def seat_the_proposed(proposal_id) -> str:
    """Whom a vendor's lead proposed where the house left it to him. What cannot be is declined, in words."""
    machine = User.objects.machine()
    with transaction.atomic():
        proposal = Proposal.objects.select_related("mandate__workflow").get(pk=proposal_id)
        if proposal.answer:
            return f"It was {proposal.answer} already."
        try:
            actions.accept(proposal, by=machine)
        except PermissionDenied:
            return "The house answers it itself now."
        except ValidationError as refusal:
            actions.decline(proposal, by=machine, reason=" ".join(refusal.messages))
            return "Declined."
    return f"{proposal.name} is seated."
