"""A workflow with what stands around it: its charter, exception categories, playbook."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.text import format_lazy, slugify
from django.utils.translation import gettext_lazy, ngettext_lazy

from audit import trail
from workflows.actions.asking import deciding
from workflows.models import Dial, ExceptionCategory, PlaybookSection, Workflow
from workflows.permissions import may


def create(slug, name, *, by, **charter) -> Workflow:
    """A new workflow with its dial and the ready-made exception categories. An administrator makes it and names its owners."""
    if not may(by, "create"):
        why = format_lazy(gettext_lazy("{by} may not create a workflow. Ask an administrator."), by=by)
        trail.refused("workflow.create", by=by, subject=by, why=why, slug=slug)
        raise PermissionDenied(why)
    with transaction.atomic():
        workflow = Workflow.objects.create(slug=slug, name=name, **charter)
        Dial.objects.create(workflow=workflow)
        ExceptionCategory.objects.bulk_create(
            ExceptionCategory(workflow=workflow, slug=slug, label=label) for slug, label in ExceptionCategory.READY_MADE.items()
        )
        trail.record("workflow.create", by=by, subject=workflow, slug=slug)
    return workflow


def change(thing, *, by, **fields):
    """Other words in a charter, an exception category or a section of the playbook: one event, with each field's before and after."""
    with deciding(_workflow_of(thing), "define", by=by):
        stored = type(thing).objects.select_for_update().get(pk=thing.pk)
        changed = {name: [getattr(stored, name), value] for name, value in fields.items() if getattr(stored, name) != value}
        for name, (_, value) in changed.items():
            setattr(stored, name, value)
            setattr(thing, name, value)
        if changed:
            stored.save(update_fields=list(changed))
            trail.record(f"{_noun(thing)}.change", by=by, subject=stored, changed=changed)
    return thing


def add(thing, *, by):
    """A new exception category or section of the playbook."""
    with deciding(thing.workflow, "define", by=by):
        thing.save()
        trail.record(f"{_noun(thing)}.add", by=by, subject=thing, workflow=thing.workflow.slug, named=str(thing))
    return thing


def remove(section: PlaybookSection, *, by):
    """A section of the playbook goes; its last words stay in the history."""
    with deciding(section.workflow, "define", by=by):
        facts = {"workflow": section.workflow.slug, "title": section.title, "text": section.text}
        trail.record("playbook.remove", by=by, subject=section, **facts)
        try:
            section.delete()
        except ProtectedError as used:
            many = len(used.protected_objects)
            rests = ngettext_lazy(
                "%(many)d decision rests on this section, so it stays. Change its words where they no longer hold.",
                "%(many)d decisions rest on this section, so it stays. Change its words where they no longer hold.",
                "many",
            )
            raise ValidationError(rests % {"many": many}) from used


def publish_section(section: PlaybookSection, *, by) -> PlaybookSection:
    """A draft of the playbook stands beside the work from now on. The owner of policy does it."""
    with deciding(section.workflow, "publish_playbook", by=by):
        stored = PlaybookSection.objects.select_for_update().get(pk=section.pk)
        if not stored.is_draft:
            raise ValidationError(gettext_lazy("This section is published already."))
        stored.is_draft = False
        stored.save(update_fields=["is_draft"])
        trail.record("playbook.publish", by=by, subject=stored, workflow=stored.workflow.slug, named=str(stored))
    return stored


def add_category(workflow, label, *, by) -> ExceptionCategory:
    """A category of the workflow, found by its label or made."""
    slug = slugify(label)[:60]
    if not slug:
        raise ValidationError({"new_category": gettext_lazy("Name the category with letters or digits.")})
    with deciding(workflow, "define", by=by):
        category, made = ExceptionCategory.objects.get_or_create(workflow=workflow, slug=slug, defaults={"label": label})
        if made:
            trail.record("category.add", by=by, subject=category, workflow=workflow.slug, slug=slug)
    return category


def _workflow_of(thing):
    return thing if isinstance(thing, Workflow) else thing.workflow


def _noun(thing) -> str:
    return {Workflow: "workflow", ExceptionCategory: "category", PlaybookSection: "playbook"}[type(thing)]
