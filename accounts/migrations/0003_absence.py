"""Who is away, and who stands in for him."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
CREATE FUNCTION is_absent(person bigint, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT EXISTS (SELECT FROM accounts_absence a
    WHERE a.user_id = person AND a.since <= moment AND moment < least(a.until, a.ended_at));
END;

CREATE FUNCTION the_stand_in_is_in_house() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT vendor_id, kind FROM accounts_user WHERE id IN (NEW.user_id, NEW.stand_in_id) FOR SHARE) u
      WHERE u.vendor_id IS NOT NULL OR u.kind <> 'person') THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_in_house_stands_in AFTER INSERT OR UPDATE ON accounts_absence FOR EACH ROW
  WHEN (NEW.stand_in_id IS NOT NULL) EXECUTE FUNCTION the_stand_in_is_in_house();
CREATE TRIGGER an_absence_is_only_ended BEFORE UPDATE ON accounts_absence FOR EACH ROW
  WHEN ((OLD.id, OLD.user_id, OLD.since, OLD.until, OLD.reason) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.since, NEW.until, NEW.reason)
    OR (NEW.stand_in_id IS NOT NULL AND NEW.stand_in_id IS DISTINCT FROM OLD.stand_in_id)
    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)) EXECUTE FUNCTION refuse();
CREATE INDEX absences_of_a_person ON accounts_absence (user_id, until);
CALL only_the_house_defines('accounts_absence');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON accounts_absence FROM hitl_app, hitl_house;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_promises"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="verbs",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("accept", "accept"),
                        ("approve", "approve"),
                        ("claim", "claim"),
                        ("correct", "correct"),
                        ("escalate", "escalate"),
                        ("extend", "extend"),
                        ("hand_over", "hand over"),
                        ("no_action", "no action"),
                        ("read", "read"),
                        ("recall", "recall"),
                        ("receive", "receive"),
                        ("reject", "reject"),
                        ("reopen", "reopen"),
                        ("resolve", "resolve"),
                        ("review_break_glass", "review break glass"),
                        ("rework", "rework"),
                        ("send_back", "send back"),
                        ("skip", "skip"),
                        ("undo", "undo"),
                        ("withdraw", "withdraw"),
                    ],
                    max_length=20,
                ),
                help_text="What the key may do, at most: never more than its user may.",
                size=None,
            ),
        ),
        migrations.CreateModel(
            name="Absence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(default=audit.clock.now)),
                ("until", models.DateTimeField(help_text="The return date.")),
                ("reason", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(editable=False, help_text="When he said that he is back.", null=True)),
                (
                    "stand_in",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="absences", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-since"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))), name="an_absence_ends_after_it_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stand_in", None), models.Q(("stand_in", models.F("user")), _negated=True), _connector="OR"
                        ),
                        name="nobody_stands_in_for_himself",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
