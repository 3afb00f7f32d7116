"""A vendor's people hold seats within its engagements only, and leave them when they change sides."""

from django.db import migrations

SQL = """
-- FOR SHARE makes giving a seat and ending its contract wait for each other: whichever comes second sees the first.
CREATE FUNCTION the_seat_is_within_a_mandate() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE side bigint;
BEGIN
  SELECT u.vendor_id INTO side FROM accounts_user u WHERE u.id = NEW.user_id FOR SHARE;
  IF side IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM FROM workflows_engagement e JOIN workflows_mandate m ON m.engagement_id = e.id
    WHERE e.vendor_id = side AND m.workflow_id = NEW.workflow_id AND NEW.role = ANY (m.roles)
      AND e.since <= NEW.since AND NEW.since < least(e.until, e.ended_at, m.ended_at) FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_vendors_seat_is_within_its_engagement AFTER INSERT ON workflows_seat FOR EACH ROW
  WHEN (NEW.role IN ('reviewer', 'resolver', 'improver') AND NEW.ended_at IS NULL) EXECUTE FUNCTION the_seat_is_within_a_mandate();

-- Who joins a vendor, or another one, begins there without a seat.
CREATE OR REPLACE FUNCTION end_what_only_the_house_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE workflows_delegation g SET ended_at = clock_timestamp() FROM workflows_seat s
   WHERE s.id = g.seat_id AND NEW.id IN (g.to_id, s.user_id) AND g.ended_at IS NULL;
  UPDATE workflows_seat SET ended_at = clock_timestamp() WHERE user_id = NEW.id AND role <> 'integration' AND ended_at IS NULL;
  UPDATE accounts_absence SET stand_in_id = NULL WHERE stand_in_id = NEW.id OR (user_id = NEW.id AND stand_in_id IS NOT NULL);
  DELETE FROM workflows_owner WHERE user_id = NEW.id;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER who_joins_a_vendor_leaves_the_houses_seats AFTER UPDATE OF vendor_id ON accounts_user
  FOR EACH ROW WHEN (NEW.vendor_id IS NOT NULL AND NEW.vendor_id IS DISTINCT FROM OLD.vendor_id)
  EXECUTE FUNCTION end_what_only_the_house_holds();

-- A vendor's lead withdraws its people at once: of a seat he may write the end, and of his own vendor's people only.
CREATE FUNCTION the_seat_is_of_ones_own_vendor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = NEW.user_id AND u.vendor_id::text = current_setting('hitl.vendor', true)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER a_vendors_session_ends_its_own_peoples_seats_only BEFORE UPDATE ON workflows_seat FOR EACH ROW
  WHEN (current_user = 'hitl_app') EXECUTE FUNCTION the_seat_is_of_ones_own_vendor();
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    GRANT UPDATE (ended_at) ON workflows_seat TO hitl_app;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0009_engagements"), ("accounts", "0005_signed_out")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
