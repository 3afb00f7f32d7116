"""Was the ledger changed? One sentence, and the exit code, say so."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from audit import acting, ledger, seal, verify

SHOWN = 100


class Command(BaseCommand):
    help = "Verify every event, every seal and the copy of the seals outside the database. Exits with 1 on a fault."

    def add_arguments(self, parser):
        parser.add_argument("--export", type=Path, metavar="DIR", help="also write what was verified, for a verifier elsewhere")
        parser.add_argument("--no-progress", action="store_true", help="draw no progress bar")
        parser.add_argument("--key", action="append", type=bytes.fromhex, default=[], help="an earlier public key of ours")

    def handle(self, *args, export, no_progress, key, **options):
        with acting.scope(acting.Acting(in_house=True)):
            outside = self._outside()  # read first: what it names is in the database already
            with transaction.atomic():
                run = verify.Verification(ledger.seals(), outside, [seal.public_key(), *key])
                faults = self._tell(run.faults(self._events(run, export, no_progress)))
        for note in run.notes():
            self.stdout.write(note)
        self.stdout.write(run.result(faults))
        if faults:
            sys.exit(1)

    def _outside(self):
        try:
            return ledger.outside_seals()
        except verify.Unreadable as error:
            raise CommandError(f"The outside copy of the seals is damaged: {error}") from error

    def _events(self, run, export, no_progress):
        events = ledger.events()
        if export:
            ledger.export(export, run.sealed, seal.public_key())
            events = ledger.exported(export, events)
        total = None if no_progress else ledger.count()
        return tqdm(events, total=total, unit=" events", disable=no_progress or None)

    def _tell(self, faults) -> int:
        """Says the first faults, counts them all."""
        told = 0
        for fault in faults:
            told += 1
            if told <= SHOWN:
                self.stdout.write(fault.sentence)
        if told > SHOWN:
            self.stdout.write(f"… and {told - SHOWN:,} more.")
        return told
