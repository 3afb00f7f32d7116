"""Who and what the benchmarks need: a workflow, an integration that sends to it, eight reviewers, and their keys."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection, transaction

from accounts import keys
from accounts.models import User
from accounts.roles import KEY_VERBS, Office, Ownership
from audit import acting
from bench import samples
from hitlsite.scoped.owner import as_owner
from workflows import actions as workflows
from workflows.models import Workflow

REVIEWERS = 8


@dataclass
class World:
    workflow: Workflow
    sender: User
    sender_key: str
    reviewers: list[User]
    reviewer_keys: list[str]
    folder: Path


@contextmanager
def made():
    """Inside the block we act as the house, in a world made by the real verbs, with a folder for files."""
    with acting.scope(acting.Acting(in_house=True)), TemporaryDirectory(prefix="hitl-bench-") as folder:
        with transaction.atomic():
            world = peopled(Path(folder))
        yield world


def peopled(folder) -> World:
    owner = User.objects.create(username="owner")
    administrator = User.objects.create(username="administrator", is_staff=True, office=Office.ADMINISTRATOR)
    workflow = made_workflow(owner, administrator)
    sender = User.objects.create(username="sender", kind=User.Kind.INTEGRATION, answers_for=owner)
    workflows.seat(sender, workflow, "integration", by=owner)
    reviewers = [User.objects.create(username=f"reviewer{number}") for number in range(REVIEWERS)]
    for reviewer in reviewers:
        workflows.seat(reviewer, workflow, "reviewer", by=owner)
    texts = [keys.make(user, by=administrator, name="bench", verbs=KEY_VERBS)[1] for user in (sender, *reviewers)]
    return World(workflow, sender, texts[0], reviewers, texts[1:], folder)


def made_workflow(owner, administrator) -> Workflow:
    workflow = workflows.create("bench", "Bench", by=administrator)
    for of in Ownership.values:
        workflows.own(workflow, of, owner, by=administrator)
    schemas = {"input_schema": samples.INPUT_SCHEMA, "output_schema": samples.OUTPUT_SCHEMA}
    policy = workflows.draft(workflow, by=owner, rules=samples.RULES, **schemas)
    workflows.publish(policy, by=owner, reason="The benchmarks need it.")
    return workflow


def settle_down():
    """Between two jobs: what the planner knows of the tables that grew is fresh."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case, cases_claim, audit_auditevent, integrations_outboxrow")
