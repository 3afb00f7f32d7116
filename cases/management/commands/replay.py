"""Replay a version of a workflow's rules over past cases, here and now."""

import sys

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from audit import acting
from cases import replay, replay_table
from workflows import actions as workflows
from workflows.models import Workflow

HOUSE = acting.Acting(in_house=True)


class Command(BaseCommand):
    help = (
        "What a version of the rules (the newest, draft or published, unless --policy names one) would have made of the cases "
        "of the last days. Nothing is kept or changed; a replay asked for on the version's page is kept with it."
    )

    def add_arguments(self, parser):
        parser.add_argument("workflow", help="The workflow's slug.")
        parser.add_argument("--policy", type=int, metavar="VERSION", help="The version to replay.")
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--no-progress", action="store_true", help="No progress bar (there is none without a terminal).")

    def handle(self, *, workflow, policy, days, no_progress, **options):
        with acting.scope(HOUSE):
            version = self._version(workflow, policy)
            with tqdm(unit=" cases", disable=no_progress or not sys.stderr.isatty()) as bar:
                result = self._replayed(version, days, bar)
        self.stdout.write(f"{version}, over the last {days} days\n")
        self.stdout.write(replay_table.plain(result))

    def _version(self, slug, number):
        found = Workflow.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"There is no workflow “{slug}”.")
        versions = found.policies.select_related("workflow").order_by("-version")
        version = versions.filter(**({"version": number} if number else {"discarded_at": None})).first()
        if version is None:
            raise CommandError(f"{found} has no version {number or 'of its rules yet'}.")
        return version

    def _replayed(self, version, days, bar):
        def told(done, total):
            bar.total = total
            bar.update(done - bar.n)

        try:
            since, until = replay.span(days)
            workflows.check(version.rules, version.input_schema, version.output_schema, version.workflow)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return replay.result_of(replay.draft_of(version), version.workflow, since, until, told)
