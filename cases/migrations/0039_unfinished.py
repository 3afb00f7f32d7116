"""What somebody had begun of an answer when he put the case aside is kept for him."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
CALL vendors_see_only('cases_unfinished', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
  AND EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())');
CALL promises_see_every_row();
CALL cases_are_asked_by_index();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0038_waits_of_a_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Unfinished",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField()),
                (
                    "desk",
                    models.CharField(
                        choices=[
                            ("intake", "Intake"),
                            ("review", "Review"),
                            ("resolution", "Resolution"),
                            ("approval", "Approval"),
                            ("closed", "Closed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField(default=audit.clock.now)),
                (
                    "typed",
                    models.JSONField(help_text="The values of each field that was changed, as the form sent them."),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="cases.case"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "verbose_name": "unfinished answer",
                "verbose_name_plural": "unfinished answers",
                "constraints": [models.UniqueConstraint(fields=("case", "by"), name="a_person_leaves_a_case_unfinished_once")],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
