"""Django's createsuperuser, acting for the house: only the house says who somebody is."""

from django.contrib.auth.management.commands.createsuperuser import Command as Create
from django.db import transaction

from audit import acting


class Command(Create):
    def handle(self, *args, **options):
        with acting.scope(acting.Acting(in_house=True)), transaction.atomic():
            return super().handle(*args, **options)
