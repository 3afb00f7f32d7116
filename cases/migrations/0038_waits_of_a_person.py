"""What somebody waits for is found by who paused it: My desk asks for it."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0037_own_decisions_in_order"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddIndex(
            model_name="pause",
            index=models.Index(fields=["by"], name="pauses_of_a_person", condition=models.Q(ended_at=None)),
        )
    ]
