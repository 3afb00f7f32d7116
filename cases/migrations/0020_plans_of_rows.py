"""What asks for cases or their history asks by index: the functions that came since, too. Call the procedure after adding one."""

from django.db import migrations

SQL = """
CREATE PROCEDURE cases_are_asked_by_index() LANGUAGE plpgsql AS $$
DECLARE
  asking regprocedure;
BEGIN
  FOR asking IN SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND l.lanname = 'plpgsql'
        AND p.prosrc ~ '(FROM|JOIN) (cases|audit)_' LOOP
    EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', asking);
  END LOOP;
END $$;
CALL cases_are_asked_by_index();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0019_allocation_promises"), ("audit", "0007_rows")]
    operations = [migrations.RunSQL(SQL, "DROP PROCEDURE cases_are_asked_by_index")]
