"""What every release costs, halved: its case is asked for by id, never looked for; and its foreign key is checked set-based.

Asked as a join, the few probes and the few cases that need an approval tempt the planner to read the whole table of cases
for them. Cases are never deleted, by their own promise, so a release keeps its case.
"""

import django.db.models.deletion
from django.db import migrations, models

SQL = """
CREATE OR REPLACE FUNCTION no_probe_among_the_released() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM released r WHERE (SELECT c.is_probe FROM cases_case c WHERE c.id = r.case_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION the_release_is_approved() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM released r WHERE (SELECT c.requires_approval FROM cases_case c WHERE c.id = r.case_id)) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM released r JOIN cases_case c ON c.id = r.case_id WHERE c.requires_approval AND (
      c.approvals_needed > (SELECT count(*) FROM valid_approvals(c.id, r.digest))
      OR EXISTS (SELECT FROM jsonb_array_elements(c.chain) WITH ORDINALITY x(step, number)
        WHERE (x.step->>'people')::integer > (SELECT count(*) FROM valid_approvals(c.id, r.digest) v WHERE v.step = x.number - 1))
      OR EXISTS (SELECT FROM valid_approvals(c.id, r.digest) one JOIN valid_approvals(c.id, r.digest) other ON one.id < other.id
        WHERE one.by_id IN (other.by_id, other.holder_id) OR one.holder_id IN (other.by_id, other.holder_id)))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION the_releases_name_a_case() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM released r WHERE NOT EXISTS (SELECT FROM cases_case c WHERE c.id = r.case_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23503', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_release_is_of_a_case AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION the_releases_name_a_case();

-- A connection keeps its plans: one made while the tables were small must not read the whole of them when they have grown.
DO $$
DECLARE
  check_of_a_batch text;
BEGIN
  FOREACH check_of_a_batch IN ARRAY ARRAY['no_probe_among_the_released', 'the_release_is_approved', 'the_releases_name_a_case',
      'released_means_release_rows', 'the_release_is_of_what_stands', 'somebody_decided_the_release'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off',
      check_of_a_batch);
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_closed_holes")]
    operations = [
        migrations.AlterField(
            "release",
            "case",
            models.ForeignKey(
                "cases.case",
                django.db.models.deletion.PROTECT,
                related_name="releases",
                db_index=False,
                db_constraint=False,
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
