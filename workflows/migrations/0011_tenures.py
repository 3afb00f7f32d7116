"""Who owned what, and when: an owner's row is overwritten, and goes when he joins a vendor; who it was is kept beside it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KINDS = [(kind, kind.capitalize()) for kind in ("policy", "quality", "risk", "exceptions", "improvement")]

SQL = """
-- A moved clock is believed of the tables' owner only, who makes the demo's history.
CREATE FUNCTION remember_the_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  moment timestamptz := clock_timestamp();
BEGIN
  IF current_setting('hitl.clock', true) <> '' AND session_user = (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
    moment := current_setting('hitl.clock', true)::timestamptz;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    UPDATE workflows_tenure t SET ended_at = moment
     WHERE t.workflow_id = OLD.workflow_id AND t."of" = OLD."of" AND t.ended_at IS NULL;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO workflows_tenure (workflow_id, "of", user_id, since) VALUES (NEW.workflow_id, NEW."of", NEW.user_id, moment);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER every_owner_is_remembered AFTER INSERT OR DELETE ON workflows_owner
  FOR EACH ROW EXECUTE FUNCTION remember_the_owner();
CREATE TRIGGER every_change_of_owner_is_remembered AFTER UPDATE ON workflows_owner FOR EACH ROW
  WHEN ((OLD.workflow_id, OLD."of", OLD.user_id) IS DISTINCT FROM (NEW.workflow_id, NEW."of", NEW.user_id))
  EXECUTE FUNCTION remember_the_owner();
CREATE TRIGGER a_tenure_is_only_ended BEFORE UPDATE ON workflows_tenure FOR EACH ROW
  WHEN ((OLD.id, OLD.workflow_id, OLD."of", OLD.user_id, OLD.since) IS DISTINCT FROM (NEW.id, NEW.workflow_id, NEW."of", NEW.user_id, NEW.since)
    OR OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse();
INSERT INTO workflows_tenure (workflow_id, "of", user_id, since)
SELECT o.workflow_id, o."of", o.user_id, coalesce((SELECT max(e.at) FROM audit_auditevent e
    WHERE e.subject_type = 'owner' AND e.subject_id = o.id AND e.verb = 'owner.name'), now()) FROM workflows_owner o;
CALL only_the_house_sees('workflows_tenure');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON workflows_tenure FROM hitl_app, hitl_house;
  END IF;
END $$;
"""
UNDO = """
DROP TRIGGER a_tenure_is_only_ended ON workflows_tenure;
DROP TRIGGER every_change_of_owner_is_remembered ON workflows_owner;
DROP TRIGGER every_owner_is_remembered ON workflows_owner;
DROP FUNCTION remember_the_owner();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0010_seats_within_engagements"),
        ("audit", "0007_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Tenure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of", models.CharField(choices=KINDS, max_length=12, verbose_name="owner of")),
                ("since", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tenures", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tenures", to="workflows.workflow"
                    ),
                ),
            ],
            options={
                "ordering": ["workflow", "of", "since"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("workflow", "of"),
                        name="one_owner_of_each_kind_at_a_time",
                    )
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
