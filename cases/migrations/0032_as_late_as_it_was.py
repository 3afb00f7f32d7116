"""Since when the case was at the desk that decided, and until when it was to be approved: whoever undoes the decision finds it as late."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0031_sides_by_one_plan")]

    operations = [
        migrations.AddField(
            "decision",
            "desk_since",
            models.DateTimeField(
                null=True, help_text="Since when the case was at that desk: whoever undoes it finds it there as late."
            ),
        ),
        migrations.AddField(
            "decision",
            "expires_at",
            models.DateTimeField(null=True, help_text="Until when it was to be approved; of a decision at approval only."),
        ),
    ]
