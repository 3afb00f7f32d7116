"""Which rows of cases, and of what hangs from a case, a vendor's session sees: its own. And what it must be told of the others.

A row that hangs from a case is seen with the case: the case's own policy answers inside EXISTS. Own decisions, own evaluations,
own claims and own events stay, also when the case is gone.
"""

from django.db import migrations, models

SQL = """
CALL vendors_see_only('cases_case', 'vendor_id = acting_vendor()');
CALL vendors_see_only('cases_decision', 'vendor_id = acting_vendor() OR EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)',
  'vendor_id = acting_vendor() AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
-- A correction is written by the statement that writes its decision, which the policy cannot see yet: a trigger looks afterwards.
CALL vendors_see_only('cases_correction', 'EXISTS (SELECT FROM cases_decision d WHERE d.id = decision_id)', 'acting_vendor() IS NOT NULL');
CALL vendors_see_only('cases_claim',
  'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
   OR EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id AND u.vendor_id = acting_vendor())',
  'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
   AND EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('cases_release', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
CALL vendors_see_only('cases_rework', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
-- What a vendor was engaged for, and at what price, is its own and the house's to know.
CALL vendors_see_only('workflows_engagement', 'vendor_id = acting_vendor()');
CALL vendors_see_only('workflows_mandate', 'EXISTS (SELECT FROM workflows_engagement e WHERE e.id = engagement_id)');
CALL vendors_see_only('cases_alert', '"to" = '''' AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');  -- for whoever works it
CALL vendors_see_only('cases_pause', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
CALL vendors_see_only('cases_stuck', 'vendor_id = acting_vendor()');
CALL vendors_see_only('cases_forecast', 'vendor_id = acting_vendor()');
CALL only_the_house_sees('cases_breakglassreview');
CALL only_the_house_sees('cases_replay');
CALL vendors_see_only('scorecards_evaluation',
  'EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())
   OR EXISTS (SELECT FROM cases_decision d WHERE d.evaluation_id = scorecards_evaluation.id)',
  'EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('integrations_outboxrow', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
CALL only_the_house_sees('integrations_delivery');
CALL only_the_house_sees('integrations_webhookendpoint');
CALL vendors_see_only('integrations_idempotencykey',
  'EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id AND u.vendor_id = acting_vendor())');
-- Sign-in is told of before anybody acts; all else is told by whoever did it.
CALL vendors_see_only('audit_auditevent',
  'vendor_id = acting_vendor() OR (subject_type = ''case'' AND EXISTS (SELECT FROM cases_case c WHERE c.id = subject_id))',
  'CASE WHEN acting_vendor() IS NULL THEN subject_type = ''user'' ELSE vendor_id = acting_vendor() END');

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE INSERT ON cases_case FROM hitl_app;  -- cases come in for the house
  END IF;
END $$;

CREATE FUNCTION the_correction_is_of_its_own_decision() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_decision d WHERE d.id = NEW.decision_id AND d.vendor_id = acting_vendor()) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_sessions_correct_under_their_own_decisions AFTER INSERT ON cases_correction FOR EACH ROW
  WHEN (current_user = 'hitl_app') EXECUTE FUNCTION the_correction_is_of_its_own_decision();

-- What a session does or learns beyond the rows it sees. Each asks by itself who is acting: the house, or the vendor concerned.
CREATE FUNCTION acts_for(vendor bigint) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT CASE WHEN acting_vendor() IS NULL THEN current_setting('role') = 'hitl_house' OR session_user <> 'hitl_app'
    ELSE coalesce(vendor = acting_vendor(), false) END;
END;

-- A vendor's case goes to another side. The row leaves the sight of whoever sends it, which no UPDATE under a policy may do.
CREATE FUNCTION pass_on(of_case bigint, to_vendor bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE cases_case c SET vendor_id = to_vendor WHERE c.id = of_case AND acts_for(c.vendor_id);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Only whose case it is passes it on.' USING ERRCODE = '42501';
  END IF;
END $$;

-- Whether there is such a case at all: an attempt at somebody else's is noted.
CREATE FUNCTION there_is_a_case(of_case bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM cases_case WHERE id = of_case);
END $$;

-- For whoever held it or decided on it: where it is now, and the last thing that happened, without what was typed.
CREATE FUNCTION what_became_of(of_case bigint, person bigint)
RETURNS TABLE (external_id varchar, state varchar, verb varchar, actor_name varchar, vendor_id bigint, at timestamptz, body jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF EXISTS (SELECT FROM accounts_user u WHERE u.id = person AND acts_for(u.vendor_id))
    AND (EXISTS (SELECT FROM cases_claim k WHERE k.case_id = of_case AND k.user_id = person)
      OR EXISTS (SELECT FROM cases_decision d WHERE d.case_id = of_case AND d.by_id = person)) THEN
    RETURN QUERY SELECT c.external_id, c.state, e.verb, e.actor_name, e.vendor_id, e.at, e.body
      FROM cases_case c LEFT JOIN LATERAL (
        SELECT * FROM audit_auditevent a WHERE a.subject_type = 'case' AND a.subject_id = c.id
          AND a.verb NOT LIKE '%\\_refused' AND a.verb NOT IN ('case.settle', 'case.release') ORDER BY a.number DESC LIMIT 1) e ON true
     WHERE c.id = of_case;
  END IF;
END $$;

-- An earlier case in one line, also where it is another side's: when it came, and how it ended. Of a workflow that one works in.
CREATE FUNCTION in_one_line(of_workflow bigint, named text[])
RETURNS TABLE (id bigint, external_id varchar, received_at timestamptz, state varchar, closed_as varchar, category_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF EXISTS (SELECT FROM workflows_seat s JOIN accounts_user u ON u.id = s.user_id
      WHERE s.workflow_id = of_workflow AND s.ended_at IS NULL AND acts_for(u.vendor_id)) THEN
    RETURN QUERY SELECT c.id, c.external_id, c.received_at, c.state, c.closed_as, c.category_id FROM cases_case c
      WHERE c.workflow_id = of_workflow AND c.external_id = ANY (named);
  END IF;
END $$;

-- What came before each of these: a duplicate is one whoever worked on the first. cases/lookback.py asks.
CREATE FUNCTION earlier_cases(asked jsonb, most integer)
RETURNS TABLE (n integer, id bigint, external_id varchar, received_at timestamptz, same_customer boolean, same_input boolean,
  type text, amount numeric, currency text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF NOT acts_for(acting_vendor()) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT x.n, c.id, c.external_id, c.received_at, c.customer_reference = x.customer AND x.customer <> '', c.fingerprint = x.fingerprint,
    coalesce(c.received_action->>'type', ''), (c.received_action->>'amount')::numeric, coalesce(c.received_action->>'currency', '')
   FROM jsonb_to_recordset(asked) AS x(n int, workflow_id bigint, external_id text, customer text, fingerprint bigint,
     is_test boolean, before bigint, since timestamptz, until timestamptz)
   CROSS JOIN LATERAL (
     (SELECT * FROM cases_case a WHERE a.workflow_id = x.workflow_id AND a.fingerprint = x.fingerprint
       AND a.received_at BETWEEN x.since AND x.until AND a.external_id <> x.external_id AND a.closed_as <> 'withdrawn'
       AND a.is_test = x.is_test AND NOT a.is_probe AND (x.before IS NULL OR a.id < x.before)
      ORDER BY a.received_at DESC, a.id DESC LIMIT most)
     UNION ALL
     (SELECT * FROM cases_case b WHERE b.workflow_id = x.workflow_id AND b.customer_reference = x.customer AND b.customer_reference <> ''
       AND b.fingerprint <> x.fingerprint
       AND b.received_at BETWEEN x.since AND x.until AND b.external_id <> x.external_id AND b.closed_as <> 'withdrawn'
       AND b.is_test = x.is_test AND NOT b.is_probe AND (x.before IS NULL OR b.id < x.before)
      ORDER BY b.received_at DESC, b.id DESC LIMIT most)) c
   ORDER BY x.n, c.received_at DESC, c.id DESC;
END $$;
CALL promises_see_every_row();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0015_earlier_of_the_customer"),
        ("accounts", "0007_rows"),
        ("audit", "0007_rows"),
        ("integrations", "0003_events"),
        ("scorecards", "0002_promises"),
        ("workflows", "0010_seats_within_engagements"),
    ]
    operations = [
        migrations.AddIndex(
            "case",
            models.Index(condition=models.Q(("vendor__isnull", False)), fields=["vendor", "-id"], name="cases_of_a_vendor"),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
