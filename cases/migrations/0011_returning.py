"""Who is assigned what is looked up every few seconds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0010_speed"), ("accounts", "0005_signed_out")]
    operations = [
        migrations.AddIndex(
            "case",
            models.Index(
                fields=["assigned_to"],
                name="cases_assigned",
                condition=models.Q(("assigned_to__isnull", False), models.Q(("state", "closed"), _negated=True)),
            ),
        ),
        migrations.AlterField(
            "claim",
            "ended_by",
            models.CharField(
                blank=True,
                help_text="The verb that ended it, or: given back, skipped, expired, absent, switched off, other side, no seat, signed out.",
                max_length=12,
            ),
        ),
    ]
