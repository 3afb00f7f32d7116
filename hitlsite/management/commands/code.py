"""The present code of a demo person's second factor, in place of a telephone."""

from django.core.management.base import BaseCommand, CommandError

from hitlsite.demo import people


class Command(BaseCommand):
    help = "Print the present six digits for one of the demo's people. Each counts once; the next comes within half a minute."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username, **options):
        code = people.code(username)
        if not code:
            raise CommandError(f"{username} is none of the demo's people with a second factor.")
        self.stdout.write(code)
