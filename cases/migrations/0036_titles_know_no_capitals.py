"""The title that a step asks for and that of a seat are compared without their capitals and the spaces around them."""

from django.db import migrations

SQL = """
-- `workflows.patterns.title_key` says the same.
CREATE FUNCTION title_key(title text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN lower(btrim(title));

-- An approval takes the next step of the chain, by somebody whose seat has its title, in time
CREATE OR REPLACE FUNCTION the_approval_takes_its_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c
      CROSS JOIN LATERAL (SELECT c.chain->NEW.step AS step, (SELECT coalesce(array_agg(v.step), '{}') FROM valid_approvals(c.id, NEW.digest) v) AS given) x
     WHERE c.id = NEW.case_id AND NEW.step >= 0 AND x.step IS NOT NULL
       AND cardinality(array_positions(x.given, NEW.step)) <= (x.step->>'people')::integer
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(c.chain) WITH ORDINALITY before(step, number)
         WHERE before.number <= NEW.step
           AND cardinality(array_positions(x.given, (before.number - 1)::smallint)) < (before.step->>'people')::integer)
       AND (NEW.break_glass OR title_key(x.step->>'title') = '' OR EXISTS (SELECT FROM approvers_at(NEW.at) p
         WHERE p.workflow_id = c.workflow_id AND p.user_id = NEW.by_id AND title_key(p.title) = title_key(x.step->>'title')
           AND p.delegation_id IS NOT DISTINCT FROM NEW.delegation_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CALL cases_are_asked_by_index();
"""
UNDO = """
CREATE OR REPLACE FUNCTION the_approval_takes_its_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c
      CROSS JOIN LATERAL (SELECT c.chain->NEW.step AS step, (SELECT coalesce(array_agg(v.step), '{}') FROM valid_approvals(c.id, NEW.digest) v) AS given) x
     WHERE c.id = NEW.case_id AND NEW.step >= 0 AND x.step IS NOT NULL
       AND cardinality(array_positions(x.given, NEW.step)) <= (x.step->>'people')::integer
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(c.chain) WITH ORDINALITY before(step, number)
         WHERE before.number <= NEW.step
           AND cardinality(array_positions(x.given, (before.number - 1)::smallint)) < (before.step->>'people')::integer)
       AND (NEW.break_glass OR x.step->>'title' = '' OR EXISTS (SELECT FROM approvers_at(NEW.at) p
         WHERE p.workflow_id = c.workflow_id AND p.user_id = NEW.by_id AND p.title = x.step->>'title'
           AND p.delegation_id IS NOT DISTINCT FROM NEW.delegation_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CALL cases_are_asked_by_index();
DROP FUNCTION title_key(text);
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0035_retraction")]
    operations = [migrations.RunSQL(SQL, UNDO)]
