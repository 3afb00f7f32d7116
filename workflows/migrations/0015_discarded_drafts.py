"""A draft of a policy can be discarded, and restored; what the database itself says to both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

SQL = """
-- Whoever may define in the workflow: it stands in accounts/roles.py, too.
CREATE FUNCTION the_discarder_may_define() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT owns(NEW.workflow_id, 'any', NEW.discarded_by_id) AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = NEW.discarded_by_id
      AND u.office = 'administrator' AND u.is_active AND u.vendor_id IS NULL AND u.kind = 'person') THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_an_owner_or_administrator_discards_a_draft AFTER INSERT OR UPDATE ON workflows_policy FOR EACH ROW
  WHEN (NEW.discarded_by_id IS NOT NULL) EXECUTE FUNCTION the_discarder_may_define();
-- After the row, with every column there is: whatever is added to a policy later stays, too.
CREATE TRIGGER a_discarded_draft_is_only_restored AFTER UPDATE ON workflows_policy FOR EACH ROW
  WHEN (OLD.discarded_at IS NOT NULL AND (NEW.discarded_at IS NOT NULL
    OR to_jsonb(OLD) - '{discarded_at,discarded_by_id,discarded_because}'::text[]
      IS DISTINCT FROM to_jsonb(NEW) - '{discarded_at,discarded_by_id,discarded_because}'::text[])) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_discarded_draft_keeps_its_number BEFORE DELETE ON workflows_policy FOR EACH ROW
  WHEN (OLD.discarded_at IS NOT NULL) EXECUTE FUNCTION refuse();
CALL promises_see_every_row();
"""
UNDO = """
DROP TRIGGER a_discarded_draft_keeps_its_number ON workflows_policy;
DROP TRIGGER a_discarded_draft_is_only_restored ON workflows_policy;
DROP TRIGGER only_an_owner_or_administrator_discards_a_draft ON workflows_policy;
DROP FUNCTION the_discarder_may_define();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0014_authority_is_the_houses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("policy", "discarded_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField(
            "policy",
            "discarded_by",
            models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("policy", "discarded_because", models.TextField(blank=True, editable=False)),
        migrations.AddConstraint(
            "policy",
            models.CheckConstraint(
                condition=Q(discarded_at=None, discarded_by=None, discarded_because="")
                | Q(discarded_at__isnull=False, discarded_by__isnull=False) & ~Q(discarded_because=""),
                name="a_discarded_draft_says_when_why_and_by_whom",
            ),
        ),
        migrations.AddConstraint(
            "policy",
            models.CheckConstraint(
                condition=Q(discarded_at=None) | Q(published_at=None), name="a_discarded_draft_is_never_published"
            ),
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
