"""Pauses, what is stuck, forecasts; since when a case is at its desk and since when its clock stands."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_signed_out"),
        ("cases", "0012_plans"),
        ("workflows", "0008_clocks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Forecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("at", models.DateTimeField()),
                ("shift_ends", models.DateTimeField()),
                ("waiting", models.PositiveIntegerField()),
                ("late", models.PositiveIntegerField()),
                ("pace", models.FloatField(help_text="Decisions an hour.")),
                ("says", models.TextField()),
                (
                    "cases",
                    models.JSONField(
                        default=list, help_text="The ids of those that would be late, the most urgent first; a hundred at most."
                    ),
                ),
            ],
            options={
                "ordering": ["-shift_ends", "workflow", "desk", "vendor"],
            },
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("customer", "Waiting on the customer"),
                            ("team", "Waiting on another team"),
                            ("snooze", "Snoozed"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "on_whom",
                    models.CharField(
                        blank=True,
                        help_text="In words: the customer, the bank, Finance. A snooze waits on nobody.",
                        max_length=200,
                    ),
                ),
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
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
                (
                    "until",
                    models.DateTimeField(help_text="When it is planned to go on. A snooze ends then by itself.", null=True),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_with",
                    models.CharField(blank=True, help_text="The verb that ended it: go_on, wake, accept…", max_length=12),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Stuck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
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
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("overdue", "Overdue"),
                            ("not_back", "Waiting for longer than planned"),
                            ("nobody", "Nobody can take it"),
                            ("absent", "Assigned to somebody who is not there"),
                            ("passed", "Passed on by everybody"),
                            ("claims", "Claims on it keep running out"),
                            ("snoozes", "Snoozed again and again"),
                            ("expired", "Its approval has expired"),
                        ],
                        max_length=8,
                    ),
                ),
                ("says", models.TextField()),
            ],
            options={
                "ordering": ["-day", "workflow", "desk", "why", "case"],
            },
        ),
        migrations.AddField(
            model_name="case",
            name="desk_since",
            field=models.DateTimeField(
                help_text="Since when it is at its desk; its due time is reckoned from then.", null=True
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="paused_since",
            field=models.DateTimeField(
                help_text="Since when its clock stands; empty: it runs. The pauses say on whom it waits.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="code",
            field=models.CharField(
                choices=[
                    ("nobody_can_approve", "Nobody can approve it"),
                    ("approval_expired", "The approval has expired"),
                    ("not_released", "It may not take effect"),
                    ("review_overdue", "A broken glass is not reviewed"),
                    ("due_soon", "It is due soon"),
                    ("overdue", "It is overdue"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="to",
            field=models.CharField(
                blank=True,
                choices=[
                    ("policy", "Policy"),
                    ("quality", "Quality"),
                    ("risk", "Risk"),
                    ("exceptions", "Exceptions"),
                    ("improvement", "Improvement"),
                ],
                help_text="Empty: whoever works it.",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("state", "closed"), _negated=True), ("paused_since", None), _connector="OR"),
                name="no_closed_case_is_paused",
            ),
        ),
        migrations.AddField(
            model_name="forecast",
            name="vendor",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.vendor"
            ),
        ),
        migrations.AddField(
            model_name="forecast",
            name="workflow",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workflows.workflow"),
        ),
        migrations.AddField(
            model_name="pause",
            name="by",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="pause",
            name="case",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="pauses", to="cases.case"),
        ),
        migrations.AddField(
            model_name="pause",
            name="ended_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="stuck",
            name="case",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case"),
        ),
        migrations.AddField(
            model_name="stuck",
            name="vendor",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.vendor"
            ),
        ),
        migrations.AddField(
            model_name="stuck",
            name="workflow",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workflows.workflow"
            ),
        ),
        migrations.AddConstraint(
            model_name="forecast",
            constraint=models.UniqueConstraint(
                fields=("workflow", "desk", "vendor", "shift_ends"), name="one_forecast_per_desk_vendor_and_shift"
            ),
        ),
        migrations.AddConstraint(
            model_name="forecast",
            constraint=models.UniqueConstraint(
                condition=models.Q(("vendor", None)),
                fields=("workflow", "desk", "shift_ends"),
                name="one_forecast_per_desk_and_shift_of_the_house",
            ),
        ),
        migrations.AddIndex(
            model_name="pause",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["kind", "until"], name="pauses_open"),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None), ("kind", "snooze")), fields=("case",), name="one_open_snooze_per_case"
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kind", "snooze"), _negated=True), ("until__isnull", False), _connector="OR"),
                name="a_snooze_says_until_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "snooze"), models.Q(("on_whom", ""), _negated=True), _connector="OR"),
                name="a_wait_says_on_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until", None),
                    models.Q(
                        ("until__gt", models.F("since")),
                        (
                            "until__lte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("since"), "+", models.Value(datetime.timedelta(days=90))
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="a_pause_is_planned_for_90_days_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("ended_by", None), ("ended_with", "")),
                    models.Q(
                        ("ended_at__gte", models.F("since")),
                        ("ended_by__isnull", False),
                        models.Q(("ended_with", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="a_pause_ends_after_it_began_and_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="stuck",
            constraint=models.UniqueConstraint(fields=("day", "case", "why"), name="stuck_once_a_day_for_each_reason"),
        ),
    ]
