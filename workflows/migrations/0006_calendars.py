"""Calendars: shifts, holidays, and what the database itself says of them."""

import django.db.models.deletion
from django.db import migrations, models

SQL = """
CALL only_the_house_defines('workflows_calendar');
CALL only_the_house_defines('workflows_shift');
CALL only_the_house_defines('workflows_holiday');

-- A week is a ring of 604800 seconds: Sunday's night runs into Monday. The lock makes two editors wait for each other.
CREATE FUNCTION the_shift_lies_apart() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM FROM workflows_calendar WHERE id = NEW.calendar_id FOR UPDATE;
  IF EXISTS (
    WITH span AS (
      SELECT id, weekday * 86400 + extract(epoch FROM opens) AS begins,
        extract(epoch FROM closes - opens) + CASE WHEN closes > opens THEN 0 ELSE 86400 END AS lasts
      FROM workflows_shift WHERE calendar_id = NEW.calendar_id
    )
    SELECT FROM span AS one, span AS other WHERE one.id = NEW.id AND other.id <> NEW.id
      AND (mod(604800 + other.begins - one.begins, 604800) < one.lasts
        OR mod(604800 + one.begins - other.begins, 604800) < other.lasts)
  ) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER shifts_of_a_calendar_do_not_overlap AFTER INSERT OR UPDATE ON workflows_shift
  FOR EACH ROW EXECUTE FUNCTION the_shift_lies_apart();
"""
UNDO = """
DROP TRIGGER shifts_of_a_calendar_do_not_overlap ON workflows_shift;
DROP FUNCTION the_shift_lies_apart();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0005_versions_promises"),
    ]

    operations = [
        migrations.CreateModel(
            name="Calendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                (
                    "time_zone",
                    models.CharField(default="UTC", help_text="The shifts are meant by the clock of this zone.", max_length=64),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("name",), name="one_calendar_per_name")],
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                ("name", models.CharField(max_length=80)),
                ("opens", models.TimeField(blank=True, help_text="Empty: closed.", null=True, verbose_name="from")),
                ("closes", models.TimeField(blank=True, null=True, verbose_name="to")),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holidays", to="workflows.calendar"
                    ),
                ),
            ],
            options={
                "ordering": ["calendar", "date"],
                "constraints": [
                    models.UniqueConstraint(fields=("calendar", "date"), name="one_holiday_per_calendar_and_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closes", None), ("opens", None)),
                            models.Q(("closes__isnull", False), ("opens__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_holiday_is_closed_or_says_from_and_to",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Shift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ]
                    ),
                ),
                ("opens", models.TimeField(verbose_name="from")),
                ("closes", models.TimeField(help_text="At or before “from”: on the next day.", verbose_name="to")),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="shifts", to="workflows.calendar"
                    ),
                ),
            ],
            options={
                "ordering": ["calendar", "weekday", "opens"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("weekday__lte", 6)), name="a_weekday_is_monday_to_sunday")
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
