"""A vendor is given work under a live mandate for the desk only, by whatever door: so it never has an approval."""

from django.db import migrations

SQL = """
-- The time; a moved one only for the tables' owner, who makes the demo's history.
CREATE FUNCTION the_moment() RETURNS timestamptz LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE moved text := current_setting('hitl.clock', true);
BEGIN
  IF moved <> '' AND session_user = (SELECT relowner::regrole::text FROM pg_class WHERE oid = 'cases_case'::regclass) THEN
    RETURN moved::timestamptz;
  END IF;
  RETURN clock_timestamp();
END $$;

CREATE FUNCTION is_mandated(workflow bigint, vendor bigint, desk text, moment timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM mandates_at(moment) m WHERE m.workflow_id = workflow AND m.vendor_id = vendor
    AND CASE desk WHEN 'review' THEN 'reviewer' WHEN 'resolution' THEN 'resolver' ELSE 'nobody' END = ANY (m.roles));
END $$;
CREATE FUNCTION the_vendor_is_mandated() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT is_mandated(NEW.workflow_id, NEW.vendor_id, NEW.state, the_moment()) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION the_vendors_are_mandated() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT a.workflow_id, a.vendor_id, a.state FROM arrived a
      WHERE a.vendor_id IS NOT NULL AND a.state <> 'closed') x WHERE NOT is_mandated(x.workflow_id, x.vendor_id, x.state, the_moment())) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_vendor_gets_work_under_a_live_mandate_only AFTER UPDATE OF vendor_id ON cases_case FOR EACH ROW
  WHEN (NEW.vendor_id IS NOT NULL AND NEW.state <> 'closed' AND NEW.vendor_id IS DISTINCT FROM OLD.vendor_id)
  EXECUTE FUNCTION the_vendor_is_mandated();
CREATE TRIGGER a_vendor_is_born_work_under_a_live_mandate_only AFTER INSERT ON cases_case REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION the_vendors_are_mandated();
CALL promises_see_every_row();
"""
UNDO = """
DROP TRIGGER a_vendor_is_born_work_under_a_live_mandate_only ON cases_case;
DROP TRIGGER a_vendor_gets_work_under_a_live_mandate_only ON cases_case;
DROP FUNCTION the_vendors_are_mandated();
DROP FUNCTION the_vendor_is_mandated();
DROP FUNCTION is_mandated(bigint, bigint, text, timestamptz);
DROP FUNCTION the_moment();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0018_allocation")]
    operations = [
        migrations.RunSQL(SQL, UNDO),
    ]
