"""A person's newest decisions are read in their order, and the case of each by its id, whatever the tables looked like when it was planned.

Of a table that the planner takes for empty one row and all rows cost the same, and a plan that was made then is kept.
"""

from django.db import migrations

FUNCTION = "own_decisions(bigint, bigint, timestamptz, integer)"
JOINED = "JOIN cases_case c ON c.id = m.case_id"
ASKED = "CROSS JOIN LATERAL (SELECT o.external_id, o.workflow_id FROM cases_case o WHERE o.id = m.case_id LIMIT 1) c"
OFF = ("enable_sort", "enable_bitmapscan")


def instead(was, now):
    return f"DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('{FUNCTION}'::regprocedure), $${was}$$, $${now}$$); END $do$"


class Migration(migrations.Migration):
    dependencies = [("cases", "0036_titles_know_no_capitals")]
    operations = [
        migrations.RunSQL(
            [instead(JOINED, ASKED), *(f"ALTER FUNCTION {FUNCTION} SET {name} = off" for name in OFF)],
            [instead(ASKED, JOINED), *(f"ALTER FUNCTION {FUNCTION} RESET {name}" for name in OFF)],
        )
    ]
