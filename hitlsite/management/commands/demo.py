"""Fill an empty database with the demo operation."""

import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from accounts import keys
from accounts.roles import VERBS, Role
from audit import acting, clock
from hitlsite.demo import people
from hitlsite.demo.history import A_DAY, WAITING, WEEKS, History
from hitlsite.scoped.owner import as_owner
from workflows.models import Workflow


class Command(BaseCommand):
    help = "Make the demo operation: three workflows, fourteen people, eight weeks of history and a morning's work waiting."

    def add_arguments(self, parser):
        parser.add_argument(
            "--if-empty", action="store_true", help="Do nothing, without a word, where there is a workflow already."
        )

    def handle(self, *, if_empty, **options):
        if Workflow.objects.exists():
            if if_empty:
                return
            raise CommandError("There are workflows here already. The demo is made in an empty database only.")
        if settings.PRODUCTION:
            raise CommandError("The demo's people have no place in production. Unset HITLDESK_HTTPS to look at the demo.")
        history = History()
        with (
            tqdm(total=WEEKS * 5 * A_DAY + WAITING, desc="Making the demo", disable=not sys.stderr.isatty()) as bar,
            as_owner(),
        ):
            history.step = bar.update
            history.make(clock.now())
        integration = history.people["core-banking"]
        with acting.scope(acting.Acting(in_house=True)), transaction.atomic():
            _, text = keys.make(integration, by=history.people["adam"], name="Demo", verbs=VERBS[Role.INTEGRATION])
        self.stdout.write(f"API key of the demo's integration, shown this once: {text}")
        self.stdout.write(
            f"Everybody's password: {people.password()}. For a present code of the second factor: manage.py code anna"
        )
