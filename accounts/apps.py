from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def make_the_machine(sender, using, **_):
    """The machine is a row that code needs; a flush empties migrations' rows, but runs this again."""
    user = sender.get_model("User")
    user.objects.using(using).get_or_create(
        username="machine", defaults={"kind": "machine", "first_name": "The machine", "password": "!"}
    )


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self):
        post_migrate.connect(make_the_machine, sender=self)
