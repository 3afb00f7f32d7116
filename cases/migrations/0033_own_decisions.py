"""What a person decided himself stays his to read, also where the case is another's now: that it was, and what came of it."""

from django.db import migrations

SQL = """
-- The person for whom a vendor's session acts; null in the house's, and in nobody's.
CREATE FUNCTION acting_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN acting_vendor() IS NOT NULL THEN nullif(current_setting('hitl.person', true), '')::bigint END;
END;

-- The newest decisions of one person, `most` of them, before that one and since then. A vendor's session asks for those of the very
-- person for whom it acts. Of the case they tell its name and workflow; of others' later work only that there was some.
-- Asked for by person or by id, as a plan made on small tables may choose, each line of a page would go through all that he ever
-- decided: so the few decisions and events of the case are read first, and everything else is asked of them.
CREATE FUNCTION own_decisions(person bigint, earlier_than bigint, since timestamptz, most integer)
RETURNS TABLE (id bigint, case_id bigint, at timestamptz, verb varchar, desk varchar, reason text, reason_code varchar, active_seconds integer,
  external_id varchar, workflow_id bigint, taken_back boolean, sent_back boolean, overturned boolean, reworked boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  house boolean := acts_for(NULL);
BEGIN
  IF NOT house AND person IS DISTINCT FROM acting_person() THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, m.case_id, m.at, m.verb, m.desk, m.reason, m.reason_code, m.active_seconds, c.external_id, c.workflow_id,
    l.taken_back, NOT l.taken_back AND l.sent_back, NOT l.taken_back AND l.overturned,
    NOT l.taken_back AND EXISTS (SELECT FROM cases_rework r WHERE r.case_id = m.case_id AND r.at > m.at)
   FROM (SELECT n.* FROM (
      SELECT d.* FROM cases_decision d WHERE d.by_id = person AND d.id < earlier_than AND (house OR d.vendor_id = acting_vendor())
      ORDER BY d.id DESC LIMIT most) n WHERE since IS NULL OR n.at >= since) m
   JOIN cases_case c ON c.id = m.case_id
   CROSS JOIN LATERAL (
    WITH decided AS MATERIALIZED (
      SELECT d.id, d.by_id, d.at, d.verb, d.before IS NOT NULL AS changed FROM cases_decision d WHERE d.case_id = m.case_id),
    told AS MATERIALIZED (
      SELECT e.verb, e.actor_id, e.at FROM audit_auditevent e WHERE e.subject_type = 'case' AND e.subject_id = m.case_id),
    -- what others decided after him and did not take back
    others AS (
      SELECT o.* FROM decided o WHERE o.id > m.id AND o.by_id <> person
        AND NOT EXISTS (SELECT FROM told e WHERE e.verb = 'case.undo' AND e.actor_id = o.by_id AND e.at >= o.at
          AND NOT EXISTS (SELECT FROM decided x WHERE x.id > o.id AND x.at <= e.at)))
    SELECT
      -- by himself, before he decided anything else there
      EXISTS (SELECT FROM told e WHERE e.verb IN ('case.undo', 'case.recall', 'case.retract') AND e.actor_id = person AND e.at >= m.at
        AND NOT EXISTS (SELECT FROM decided x WHERE x.by_id = person AND x.id > m.id AND x.at <= e.at)) AS taken_back,
      -- with nothing but approvals between
      EXISTS (SELECT FROM others o WHERE o.verb = 'send_back'
        AND NOT EXISTS (SELECT FROM decided x WHERE x.id > m.id AND x.id < o.id AND x.verb <> 'approve')) AS sent_back,
      -- with nothing of his own between; whoever escalated or sent back has not decided the case
      m.verb NOT IN ('escalate', 'send_back') AND EXISTS (SELECT FROM others o
        WHERE (o.changed OR o.verb IN ('reject', 'no_action') AND o.verb <> m.verb
          OR m.verb IN ('reject', 'no_action') AND o.verb IN ('accept', 'correct', 'resolve'))
        AND NOT EXISTS (SELECT FROM decided x WHERE x.by_id = person AND x.id > m.id AND x.id < o.id)) AS overturned) l
   ORDER BY m.id DESC;
END $$;
CALL cases_are_asked_by_index();
"""
BACK = """
DROP FUNCTION own_decisions(bigint, bigint, timestamptz, integer);
DROP FUNCTION acting_person();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0032_as_late_as_it_was")]
    operations = [migrations.RunSQL(SQL, BACK)]
