"""Who sees which rows: row-level security, the second wall behind `visible_to`.

Given by role, not by an OR of settings: hitl_house sees every row, hitl_app those of the vendor that this transaction named,
and without one nothing. The owner sees every row as well, whether or not he may pass over row security. Where there is only
one role, as under a bare DATABASE_URL, there is nobody to keep anything from: no policy is made, and a system check says so.
"""

from django.db import migrations

SQL = """
-- The vendor for whom this transaction acts; null in the house's, and in nobody's.
CREATE FUNCTION acting_vendor() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT nullif(current_setting('hitl.vendor', true), '')::bigint;
END;

-- CALL vendors_see_only('table', 'whose rows', 'which may be written'): the last only where it is not the same.
CREATE PROCEDURE vendors_see_only(seen regclass, rows text, written text DEFAULT NULL) LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') OR current_user = 'hitl_app' THEN
    RETURN;
  END IF;
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen);
  EXECUTE format('DROP POLICY IF EXISTS the_owner_sees_every_row ON %s', seen);
  EXECUTE format('DROP POLICY IF EXISTS the_house_sees_every_row ON %s', seen);
  EXECUTE format('DROP POLICY IF EXISTS vendors_see_only_their_rows ON %s', seen);
  EXECUTE format('CREATE POLICY the_owner_sees_every_row ON %s TO %I USING (true)', seen, current_user);
  EXECUTE format('CREATE POLICY the_house_sees_every_row ON %s TO hitl_house USING (true)', seen);
  EXECUTE format('CREATE POLICY vendors_see_only_their_rows ON %s TO hitl_app USING (%s) WITH CHECK (%s)', seen, rows, coalesce(written, rows));
END $$;

-- CALL only_the_house_sees('table'): nothing of it is any vendor's.
CREATE PROCEDURE only_the_house_sees(kept regclass) LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  CALL public.vendors_see_only(kept, 'false');
END $$;

-- CALL promises_see_every_row(): a promise that sees too few rows would pass without a word. So whatever stands behind a
-- trigger looks with its owner's eyes. Whoever is acting is asked in the trigger's WHEN, where he still is himself.
CREATE PROCEDURE promises_see_every_row() LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE promise regprocedure;
BEGIN
  FOR promise IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype
      AND NOT prosecdef AND pg_get_userbyid(proowner) = current_user LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', promise);
  END LOOP;
END $$;
CALL promises_see_every_row();
"""
UNDO = """
DROP PROCEDURE promises_see_every_row();
DROP PROCEDURE only_the_house_sees(regclass);
DROP PROCEDURE vendors_see_only(regclass, text, text);
DROP FUNCTION acting_vendor();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_plans")]
    operations = [migrations.RunSQL(SQL, UNDO)]
