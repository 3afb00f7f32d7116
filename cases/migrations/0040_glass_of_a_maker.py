"""Whoever stands in for the owner of risk breaks no glass over what that owner worked on: he was chosen by him."""

from django.db import migrations

FOR_NO_MAKER = """
     AND NOT EXISTS (SELECT FROM workflows_owner w JOIN cases_decision d ON d.case_id = c.id AND d.by_id = w.user_id
       WHERE w.id = o.id AND w.user_id <> NEW.by_id
         AND (d.output IS NOT NULL OR d.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit')))
     AND NOT EXISTS (SELECT FROM workflows_owner w JOIN accounts_user u ON u.id = c.sender_id AND u.answers_for_id = w.user_id
       WHERE w.id = o.id AND w.user_id <> NEW.by_id)"""
SQL = """
CREATE OR REPLACE FUNCTION he_owns_the_risk() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c JOIN owners_acting(NEW.at) o ON o.workflow_id = c.workflow_id
      WHERE c.id = NEW.case_id AND o."of" = 'risk' AND o.user_id = NEW.by_id{}) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CALL cases_are_asked_by_index();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0039_unfinished")]
    operations = [migrations.RunSQL(SQL.format(FOR_NO_MAKER), SQL.format(""))]
