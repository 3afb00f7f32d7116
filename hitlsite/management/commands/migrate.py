"""Django's migrate, run as the owner of the tables; the application's own role may define nothing."""

from django.core.management.commands.migrate import Command as Migrate

from hitlsite.scoped.owner import as_owner


class Command(Migrate):
    def handle(self, *args, **options):
        with as_owner():
            return super().handle(*args, **options)
