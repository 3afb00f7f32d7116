"""Earlier cases of a customer, as one line each, for whoever works on one: also those that are not his to open."""

from django.db import migrations

SQL = """
CREATE FUNCTION earlier_of_the_customer(this bigint)
RETURNS TABLE (received_at timestamptz, workflow varchar, closed_as varchar, category varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT c.received_at, w.name, c.closed_as, coalesce(k.label, '')
    FROM cases_case me CROSS JOIN workflows_workflow w
   CROSS JOIN LATERAL (SELECT e.received_at, e.closed_as, e.category_id FROM cases_case e
     WHERE e.workflow_id = w.id AND e.customer_reference <> '' AND e.customer_reference = me.customer_reference
       AND e.received_at <= me.received_at AND e.id <> me.id AND NOT e.is_probe
     ORDER BY e.received_at DESC LIMIT 10) c
    LEFT JOIN workflows_exceptioncategory k ON k.id = c.category_id
   WHERE me.id = this ORDER BY c.received_at DESC LIMIT 10
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0014_clocks_promises")]
    operations = [migrations.RunSQL(SQL, "DROP FUNCTION earlier_of_the_customer(bigint)")]
