"""Which points of the standard were ticked when somebody decided at approval. Of a decision, so it is written once, as that is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0029_waiting_in_house")]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="standard",
            field=models.JSONField(
                help_text="Its points as they read then, each ticked or not; empty where nobody was asked.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("standard__isnull", True), ("desk", "approval"), _connector="OR"),
                name="the_standard_is_ticked_off_at_approval",
            ),
        ),
    ]
