"""Seal what is new in the ledger."""

from django.core.management.base import BaseCommand, CommandError

from audit import seal, verify


class Command(BaseCommand):
    help = "Sign a statement over every event since the last seal, in the database and in the file outside it."

    def handle(self, *args, **options):
        try:
            made = seal.seal()
        except (seal.NotSettled, verify.Unreadable) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Seal {made.number} covers {made.events:,} events." if made else "Nothing is new since the last seal."
        )
