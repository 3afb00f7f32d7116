"""Which side has a case, and why: the facts are kept with it, and the work goes back with the mandate that brought it."""

from django.db import migrations, models

SQL = """
CREATE FUNCTION hours_told(calendar bigint) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT json_build_array(c.time_zone,
      coalesce((SELECT json_agg(json_build_array(s.weekday, s.opens, s.closes) ORDER BY s.weekday, s.opens)
        FROM workflows_shift s WHERE s.calendar_id = c.id), '[]'),
      coalesce((SELECT json_agg(json_build_array(h.date, h.opens, h.closes) ORDER BY h.date)
        FROM workflows_holiday h WHERE h.calendar_id = c.id), '[]'))::text
    FROM workflows_calendar c WHERE c.id = calendar;
END;

-- Every mandate that holds at that moment.
CREATE FUNCTION mandates_at(moment timestamptz) RETURNS TABLE (id bigint, workflow_id bigint, vendor_id bigint, roles varchar[],
  coverage_id bigint) LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT m.id, m.workflow_id, e.vendor_id, m.roles, e.coverage_id
    FROM workflows_mandate m JOIN workflows_engagement e ON e.id = m.engagement_id
   WHERE e.since <= moment AND moment < least(e.until, e.ended_at, m.ended_at);
END;

-- Whether anybody but the house may work there. It sees every mandate: a vendor's session asks, too.
CREATE FUNCTION is_outsourced(workflow bigint, moment timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM mandates_at(moment) m WHERE m.workflow_id = workflow);
END $$;

-- The sides of the desks of some workflows: the house and whoever has a mandate for the desk's role. How long the oldest
-- case waits is only looked for where somebody takes more above an age; open cases are counted up to the capacity.
CREATE FUNCTION sides_of(workflows bigint[], moment timestamptz)
RETURNS TABLE (workflow_id bigint, desk text, hours text, vendor_id bigint, name text, share float8, seats bigint, here bigint,
  back timestamptz, capacity integer, open bigint, languages varchar[], skills varchar[], peak_minutes integer, waiting float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY
  WITH live AS (
    SELECT m.workflow_id, m.roles, x.share::float8, x.capacity, x.languages, x.skills, x.peak_minutes, m.vendor_id, v.name::text,
        hours_told(m.coverage_id) AS hours
      FROM mandates_at(moment) m JOIN workflows_mandate x ON x.id = m.id JOIN accounts_vendor v ON v.id = m.vendor_id
     WHERE m.workflow_id = ANY (workflows)),
  desks AS (
    SELECT * FROM (VALUES ('review', 'reviewer'), ('resolution', 'resolver')) d (desk, role)),
  sides AS (
    SELECT l.workflow_id, d.desk, d.role, l.hours, l.vendor_id, l.name, l.share, l.capacity, l.languages, l.skills, l.peak_minutes
      FROM live l JOIN desks d ON d.role = ANY (l.roles)
    UNION ALL
    SELECT w.id, d.desk, d.role, hours_told(w.staffed_id), NULL, NULL,
        greatest(0, 100 - coalesce((SELECT sum(l.share) FROM live l WHERE l.workflow_id = w.id AND d.role = ANY (l.roles)), 0)),
        NULL, NULL, NULL, NULL
      FROM workflows_workflow w CROSS JOIN desks d WHERE w.id = ANY (workflows)),
  waits AS (
    SELECT c.workflow_id, c.state, c.vendor_id, extract(epoch FROM moment - min(c.desk_since)) / 60 AS minutes
      FROM cases_case c
     WHERE c.state IN ('review', 'resolution') AND (c.claimed_until IS NULL OR c.claimed_until <= moment) AND c.paused_since IS NULL
       AND c.workflow_id IN (SELECT l.workflow_id FROM live l WHERE l.peak_minutes IS NOT NULL) GROUP BY 1, 2, 3)
  SELECT s.workflow_id, s.desk, s.hours, s.vendor_id, s.name, s.share, p.seats, p.here, p.back, s.capacity,
      CASE WHEN s.capacity IS NULL THEN 0 ELSE (SELECT count(*) FROM (SELECT FROM cases_case c WHERE c.vendor_id = s.vendor_id
        AND c.workflow_id = s.workflow_id AND c.state <> 'closed' LIMIT s.capacity) x) END,
      s.languages, s.skills, s.peak_minutes,
      (SELECT w.minutes::float8 FROM waits w WHERE w.workflow_id = s.workflow_id AND w.state = s.desk
        AND w.vendor_id IS NOT DISTINCT FROM s.vendor_id)
    FROM sides s CROSS JOIN LATERAL (
      SELECT count(*) AS seats, count(*) FILTER (WHERE a.until IS NULL) AS here, min(a.until) AS back
        FROM workflows_seat t JOIN accounts_user u ON u.id = t.user_id LEFT JOIN LATERAL (
          SELECT max(least(b.until, b.ended_at)) AS until FROM accounts_absence b
           WHERE b.user_id = u.id AND b.since <= moment AND moment < least(b.until, b.ended_at)) a ON true
       WHERE t.workflow_id = s.workflow_id AND t.role = s.role AND t.ended_at IS NULL AND u.is_active
         AND u.vendor_id IS NOT DISTINCT FROM s.vendor_id) p
   ORDER BY s.workflow_id, s.desk, s.vendor_id NULLS FIRST;
END $$;
"""
UNDO = """
DROP FUNCTION sides_of(bigint[], timestamptz);
DROP FUNCTION is_outsourced(bigint, timestamptz);
DROP FUNCTION mandates_at(timestamptz);
DROP FUNCTION hours_told(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0017_decisions_in_time"), ("workflows", "0009_engagements")]
    operations = [
        migrations.AddField(
            "case",
            "allocation",
            models.JSONField(
                null=True,
                editable=False,
                help_text="Why this side: the facts seen, the rule, the sentence. Empty: nobody else could be.",
            ),
        ),
        migrations.AddIndex(
            "case",
            models.Index(
                condition=models.Q(("vendor__isnull", False), models.Q(("state", "closed"), _negated=True)),
                fields=["vendor", "workflow", "state"],
                name="open_work_of_a_vendor",
            ),
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
