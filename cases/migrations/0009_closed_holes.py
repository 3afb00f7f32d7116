"""What an attack on approvals got through, closed. Each trigger's name is the sentence it says."""

from django.db import migrations

SQL = """
-- A past moment is no way to use a delegation that is over, or to come before an expiry or an absence. The minute is for
-- clocks that differ.
CREATE TRIGGER no_decision_is_dated_back BEFORE INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();
CREATE TRIGGER no_release_is_dated_back BEFORE INSERT ON cases_release FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();

-- A vendor's session decides in nobody's name but its own people's.
CREATE FUNCTION the_decider_is_of_the_vendor_that_acts() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NEW.vendor_id IS NULL OR NEW.vendor_id::text IS DISTINCT FROM current_setting('hitl.vendor', true)
    OR NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = NEW.by_id AND u.vendor_id = NEW.vendor_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_sessions_decide_for_their_own_people AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (current_user = 'hitl_app') EXECUTE FUNCTION the_decider_is_of_the_vendor_that_acts();

-- The time to approve: while a case waits, only the owner of risk's own word, in the history, gives another.
CREATE FUNCTION the_owner_of_risk_said_so() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit_auditevent e WHERE e.subject_type = 'case' AND e.subject_id = NEW.id AND e.verb = 'case.extend'
      AND (e.body->>'until')::timestamptz = NEW.expires_at AND owns(NEW.workflow_id, 'risk', e.actor_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_the_owner_of_risk_extends_an_approval AFTER UPDATE OF expires_at ON cases_case FOR EACH ROW
  WHEN (OLD.state = 'approval' AND NEW.state = 'approval' AND OLD.expires_at IS DISTINCT FROM NEW.expires_at)
  EXECUTE FUNCTION the_owner_of_risk_said_so();

-- The tier that the columns alone make under a policy; triggers may have raised a case higher. Routing says the same.
CREATE FUNCTION tier_asked(rules jsonb, stands text, segment text, action_type text, amount numeric, currency text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN (SELECT tier FROM (
    SELECT stands AS tier
    UNION ALL SELECT coalesce(rules->>'default_tier', 'medium')
    UNION ALL SELECT rules->'segment_tiers'->>segment
    UNION ALL SELECT rules->'action_tiers'->>action_type WHERE action_type <> ''
    UNION ALL SELECT band->>'tier' FROM jsonb_array_elements(rules->'amount_bands') band
     WHERE band->>'currency' = tier_asked.currency AND tier_asked.amount >= (band->>'amount')::numeric) x
   WHERE tier IS NOT NULL ORDER BY array_position(ARRAY['low', 'medium', 'high'], tier) DESC LIMIT 1);
END $$;
-- The chain for an action, as a case keeps it: of those that hold the one with the most people; of equals the later.
CREATE FUNCTION chain_asked(rules jsonb, tier text, action_type text, amount numeric, currency text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN coalesce((
    SELECT s.steps FROM jsonb_array_elements(rules->'chains') WITH ORDINALITY x(chain, number)
     CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('name', step->>'name', 'people', coalesce((step->>'people')::integer, 1),
       'title', coalesce(step->>'title', '')) ORDER BY place) AS steps FROM jsonb_array_elements(chain->'steps') WITH ORDINALITY y(step, place)) s
     WHERE coalesce(chain->>'action_type', '') IN ('', chain_asked.action_type)
       AND coalesce(chain->>'currency', '') IN ('', chain_asked.currency)
       AND (chain->>'amount' IS NULL OR chain_asked.amount >= (chain->>'amount')::numeric)
       AND (chain->>'tier' IS NULL OR array_position(ARRAY['low', 'medium', 'high'], chain_asked.tier)
         >= array_position(ARRAY['low', 'medium', 'high'], chain->>'tier'))
     ORDER BY approvals_in(s.steps) DESC, number DESC LIMIT 1),
    '[{"name": "Approval", "people": 1, "title": ""}]');
END $$;
-- Straight-through cases come a thousand at a time: of those alike in all but the amount, the highest speaks for all.
CREATE FUNCTION the_release_has_what_the_policy_asks() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (
      SELECT FROM (
        SELECT c.policy_id, c.tier, c.segment, c.action_type, c.currency, c.requires_approval, c.chain, c.approvals_needed, max(c.amount) AS amount
          FROM released r JOIN cases_case c ON c.id = r.case_id GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) c
       JOIN workflows_policy p ON p.id = c.policy_id
       CROSS JOIN LATERAL (SELECT tier_asked(p.rules, c.tier, c.segment, c.action_type, c.amount, c.currency) AS tier) asked
      WHERE CASE WHEN NOT c.requires_approval THEN p.rules->'tiers'->asked.tier->>'pattern' = 'approval'
        ELSE (SELECT c.chain <> chain AND c.approvals_needed <= approvals_in(chain)
          FROM chain_asked(p.rules, asked.tier, c.action_type, c.amount, c.currency) chain) END) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER no_release_has_fewer_approvals_than_its_policy_asks AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION the_release_has_what_the_policy_asks();
"""
UNDO = """
DROP TRIGGER no_release_has_fewer_approvals_than_its_policy_asks ON cases_release;
DROP FUNCTION the_release_has_what_the_policy_asks();
DROP FUNCTION chain_asked(jsonb, text, text, numeric, text);
DROP FUNCTION tier_asked(jsonb, text, text, text, numeric, text);
DROP TRIGGER only_the_owner_of_risk_extends_an_approval ON cases_case;
DROP FUNCTION the_owner_of_risk_said_so();
DROP TRIGGER vendors_sessions_decide_for_their_own_people ON cases_decision;
DROP FUNCTION the_decider_is_of_the_vendor_that_acts();
DROP TRIGGER no_release_is_dated_back ON cases_release;
DROP TRIGGER no_decision_is_dated_back ON cases_decision;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0008_facts"), ("workflows", "0007_closed_holes")]
    operations = [migrations.RunSQL(SQL, UNDO)]
