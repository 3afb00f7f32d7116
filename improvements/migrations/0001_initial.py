"""Findings, and the cases flagged as one. A vendor's people see what their own flagged."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
CALL history_is_append_only('improvements_flag');
CALL vendors_see_only('improvements_finding', 'vendor_id = acting_vendor()');
CALL vendors_see_only('improvements_flag', 'vendor_id = acting_vendor()',
  'vendor_id = acting_vendor() AND EXISTS (SELECT FROM improvements_finding f WHERE f.id = finding_id)
   AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cases", "0027_rulings"),
        ("workflows", "0013_drafts_of_the_playbook"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=160)),
                (
                    "vendor_id",
                    models.BigIntegerField(help_text="The vendor for whom whoever opened it worked then.", null=True),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="workflows.workflow"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Flag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor_id", models.BigIntegerField(help_text="The vendor for whom he worked then.", null=True)),
                ("at", models.DateTimeField()),
                ("words", models.TextField(blank=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="flags", to="cases.case")),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="flags", to="improvements.finding"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(condition=models.Q(("title__regex", "\\S")), name="a_finding_has_a_title"),
        ),
        migrations.AddConstraint(
            model_name="flag",
            constraint=models.UniqueConstraint(fields=("finding", "case"), name="a_case_stands_once_in_a_finding"),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
