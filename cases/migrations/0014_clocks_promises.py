"""What pauses promise, and since when the open cases are at their desks."""

from django.db import migrations

SQL = """
UPDATE cases_case c SET desk_since = coalesce((SELECT max(d.at) FROM cases_decision d WHERE d.case_id = c.id AND d.desk <> d.to), c.received_at)
 WHERE c.state <> 'closed';

-- A pause is of an open case whose clock stands, and the clock goes on with its last pause only.
CREATE FUNCTION the_case_is_open_and_stands() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.case_id AND c.state <> 'closed' AND c.paused_since IS NOT NULL) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_pause_is_of_an_open_case_whose_clock_stands AFTER INSERT ON cases_pause FOR EACH ROW
  EXECUTE FUNCTION the_case_is_open_and_stands();
CREATE FUNCTION no_pause_of_it_is_open() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_pause p WHERE p.case_id = NEW.id AND p.ended_at IS NULL) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_clock_goes_on_when_the_last_pause_has_ended AFTER UPDATE OF paused_since ON cases_case FOR EACH ROW
  WHEN (OLD.paused_since IS NOT NULL AND NEW.paused_since IS NULL) EXECUTE FUNCTION no_pause_of_it_is_open();

-- A pause ends, once; what it says stays.
CREATE TRIGGER what_a_pause_says_never_changes BEFORE UPDATE ON cases_pause FOR EACH ROW
  WHEN ((OLD.case_id, OLD.kind, OLD.on_whom, OLD.desk, OLD.reason, OLD.by_id, OLD.since, OLD.until)
      IS DISTINCT FROM (NEW.case_id, NEW.kind, NEW.on_whom, NEW.desk, NEW.reason, NEW.by_id, NEW.since, NEW.until)
    OR (OLD.ended_at IS NOT NULL AND (OLD.ended_at, OLD.ended_by_id, OLD.ended_with)
      IS DISTINCT FROM (NEW.ended_at, NEW.ended_by_id, NEW.ended_with))) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_pause_is_never_deleted BEFORE DELETE ON cases_pause FOR EACH ROW EXECUTE FUNCTION refuse();
CALL history_is_append_only('cases_stuck');
CALL history_is_append_only('cases_forecast');
CALL only_the_house_defines('cases_stuck');
CALL only_the_house_defines('cases_forecast');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON cases_pause FROM hitl_app, hitl_house;
  END IF;
END $$;
"""
UNDO = """
DROP TRIGGER history_is_append_only ON cases_forecast;
DROP TRIGGER history_is_append_only ON cases_stuck;
DROP TRIGGER a_pause_is_never_deleted ON cases_pause;
DROP TRIGGER what_a_pause_says_never_changes ON cases_pause;
DROP TRIGGER a_clock_goes_on_when_the_last_pause_has_ended ON cases_case;
DROP FUNCTION no_pause_of_it_is_open();
DROP TRIGGER a_pause_is_of_an_open_case_whose_clock_stands ON cases_pause;
DROP FUNCTION the_case_is_open_and_stands();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0013_clocks")]
    operations = [migrations.RunSQL(SQL, UNDO)]
