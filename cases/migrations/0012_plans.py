"""Every promise that asks a table of cases or of their history asks it by index, whatever its size when a connection first asked.

A connection keeps its plans. One made while the tables were small read the whole of them at every case, until the next ANALYZE.
And what a release's policy asks was looked up by reading all cases for each batch.
"""

from django.db import migrations

SQL = """
DO $$
DECLARE
  promise regprocedure;
BEGIN
  FOR promise IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
      AND prosrc ~ '(FROM|JOIN) (cases|audit)_' LOOP
    EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', promise);
  END LOOP;
END $$;
ALTER FUNCTION the_release_has_what_the_policy_asks() SET enable_hashjoin = off SET enable_mergejoin = off;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0011_returning"), ("audit", "0006_plans")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
