"""Brings the catalogues up to date with the code, and compiles them."""

from django.core.management.base import BaseCommand

from hitlsite import words


class Command(BaseCommand):
    help = "Adds the code's new texts to locale/*/LC_MESSAGES/django.po, drops those that are gone, and compiles the rest."
    requires_system_checks = []

    def handle(self, **options):
        for language in words.translated():
            catalog = words.brought_up_to_date(language)
            faults = words.faults(catalog)
            words.path(language).parent.mkdir(parents=True, exist_ok=True)
            words.path(language).write_bytes(words.as_po(catalog))
            words.path(language, "mo").write_bytes(words.as_mo(words.read(language)))
            self.stdout.write("\n".join([*faults, f"{language}: {len(catalog)} texts, {len(faults)} faults."]))
