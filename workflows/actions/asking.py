"""How every verb on a definition begins."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction

from audit import trail
from workflows.models import Workflow
from workflows.permissions import may, refusal


@contextmanager
def deciding(workflow, verb, *, by):
    """Lock the workflow, ask `may`, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            locked = Workflow.objects.select_for_update().get(pk=workflow.pk)
            if not may(by, verb, locked):
                raise PermissionDenied(refusal(by, verb, workflow))
            yield locked
    except PermissionDenied as refused:
        trail.refused(f"workflow.{verb}", by=by, subject=workflow, why=refused)
        raise
