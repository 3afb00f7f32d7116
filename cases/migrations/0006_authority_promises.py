"""What the database refuses of approvals: chains, limits, delegation, absence, expiry, broken glass."""

from django.db import migrations

SQL = """
-- How many approvals a chain asks for.
CREATE FUNCTION approvals_in(chain jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT coalesce(sum((step->>'people')::integer), 0) FROM jsonb_array_elements(chain) step;
END;
UPDATE cases_case SET chain = jsonb_build_array(jsonb_build_object('name', 'Approval', 'people', approvals_needed, 'title', ''))
 WHERE requires_approval AND chain = '[]';
UPDATE cases_case SET born_released = true WHERE released_at IS NOT NULL AND sentence NOT LIKE 'Held%';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE cases_case ADD CONSTRAINT as_many_approvals_as_the_chain_says
  CHECK (NOT requires_approval OR approvals_in(chain) = approvals_needed);

CREATE TRIGGER a_changed_chain_is_a_new_revision BEFORE UPDATE OF chain ON cases_case FOR EACH ROW
  WHEN (OLD.chain IS DISTINCT FROM NEW.chain AND OLD.chain <> '[]' AND OLD.revision = NEW.revision) EXECUTE FUNCTION refuse();
CREATE TRIGGER how_it_was_born_never_changes BEFORE UPDATE OF born_released ON cases_case FOR EACH ROW
  WHEN (OLD.born_released IS DISTINCT FROM NEW.born_released) EXECUTE FUNCTION refuse();

-- The approvals that count for a content: in-house, by nobody who made something of it, nor for anybody who did.
-- Those from before there were chains have no step: theirs was the first, and the only one.
CREATE FUNCTION valid_approvals(of_case bigint, of_digest bytea) RETURNS TABLE (id bigint, step smallint, by_id bigint, holder_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT d.id, coalesce(d.step, 0::smallint), d.by_id, s.user_id
    FROM cases_decision d JOIN accounts_user u ON u.id = d.by_id
    LEFT JOIN workflows_delegation g ON g.id = d.delegation_id LEFT JOIN workflows_seat s ON s.id = g.seat_id
    LEFT JOIN accounts_user h ON h.id = s.user_id
   WHERE d.case_id = of_case AND d.verb = 'approve' AND d.digest = of_digest AND d.vendor_id IS NULL
     AND u.vendor_id IS NULL AND h.vendor_id IS NULL
     AND NOT EXISTS (SELECT FROM cases_decision made WHERE made.case_id = of_case AND made.by_id IN (d.by_id, s.user_id)
       AND made.id <> d.id
       AND (made.output IS NOT NULL OR made.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit')));
END $$;
CREATE OR REPLACE FUNCTION the_release_is_approved() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
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

-- What was held takes effect by a decision only.
CREATE FUNCTION somebody_decided_the_release() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM released r JOIN cases_case c ON c.id = r.case_id
      WHERE NOT (c.born_released AND r.number = 1 AND c.revision = 1)
        AND NOT EXISTS (SELECT FROM cases_decision d WHERE d.case_id = c.id AND d.digest = r.digest
          AND d.verb IN ('accept', 'correct', 'resolve', 'approve'))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER what_was_held_is_released_by_a_decision AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION somebody_decided_the_release();

-- An approval takes the next step of the chain, by somebody whose seat has its title, in time
CREATE FUNCTION the_approval_takes_its_step() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c
      CROSS JOIN LATERAL (SELECT c.chain->NEW.step AS step, (SELECT coalesce(array_agg(v.step), '{}') FROM valid_approvals(c.id, NEW.digest) v) AS given) x
     WHERE c.id = NEW.case_id AND NEW.step >= 0 AND x.step IS NOT NULL
       AND cardinality(array_positions(x.given, NEW.step)) <= (x.step->>'people')::integer
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(c.chain) WITH ORDINALITY before(step, number)
         WHERE before.number <= NEW.step
           AND cardinality(array_positions(x.given, (before.number - 1)::smallint)) < (before.step->>'people')::integer)
       AND (NEW.break_glass OR x.step->>'title' = '' OR EXISTS (SELECT FROM approvers_at(NEW.at) p
         WHERE p.workflow_id = c.workflow_id AND p.user_id = NEW.by_id AND p.title = x.step->>'title'
           AND p.delegation_id IS NOT DISTINCT FROM NEW.delegation_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_takes_its_step_of_the_chain AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb = 'approve') EXECUTE FUNCTION the_approval_takes_its_step();
CREATE FUNCTION the_approvers_are_different_people() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM valid_approvals(NEW.case_id, NEW.digest) mine JOIN valid_approvals(NEW.case_id, NEW.digest) other ON other.id <> mine.id
      WHERE mine.id = NEW.id AND (mine.by_id IN (other.by_id, other.holder_id) OR mine.holder_id IN (other.by_id, other.holder_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approver_and_his_delegate_are_one AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb = 'approve' AND (NEW.step > 0 OR NEW.delegation_id IS NOT NULL)) EXECUTE FUNCTION the_approvers_are_different_people();
CREATE FUNCTION the_time_to_approve_is_not_over() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_case WHERE id = NEW.case_id AND expires_at <= NEW.at) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_expired_approval_is_not_given AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb IN ('approve', 'edit') AND NOT NEW.break_glass) EXECUTE FUNCTION the_time_to_approve_is_not_over();
CREATE FUNCTION the_decider_is_here() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF is_absent(NEW.by_id, NEW.at) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_absent_person_approves_nothing AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb IN ('approve', 'reject', 'edit')) EXECUTE FUNCTION the_decider_is_here();

-- Who decides at approval: an approver or his delegate; after the expiry, and by breaking glass, the owner of risk.
CREATE OR REPLACE FUNCTION the_decider_is_an_in_house_approver() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NEW.vendor_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM cases_case c JOIN approvers_at(NEW.at) p ON p.workflow_id = c.workflow_id
       WHERE c.id = NEW.case_id AND p.user_id = NEW.by_id AND p.delegation_id IS NOT DISTINCT FROM NEW.delegation_id)
    AND NOT EXISTS (
      SELECT FROM cases_case c JOIN owners_acting(NEW.at) o ON o.workflow_id = c.workflow_id JOIN accounts_user u ON u.id = o.user_id
       WHERE c.id = NEW.case_id AND o."of" = 'risk' AND o.user_id = NEW.by_id AND u.is_active AND u.vendor_id IS NULL
         AND NEW.delegation_id IS NULL
         AND (NEW.break_glass OR (NEW.verb IN ('reject', 'send_back') AND c.expires_at <= NEW.at))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION the_checker_made_nothing_of_it() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_decision d
      WHERE d.case_id = NEW.case_id AND d.id <> NEW.id
        AND d.by_id IN (NEW.by_id, (SELECT s.user_id FROM workflows_delegation g JOIN workflows_seat s ON s.id = g.seat_id WHERE g.id = NEW.delegation_id))
        AND (d.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit') OR d.output IS NOT NULL))
    OR EXISTS (SELECT FROM cases_case c JOIN accounts_user u ON u.id = c.sender_id
      LEFT JOIN workflows_delegation g ON g.id = NEW.delegation_id LEFT JOIN workflows_seat s ON s.id = g.seat_id
      WHERE c.id = NEW.case_id AND (NEW.by_id IN (u.id, u.answers_for_id) OR s.user_id IN (u.id, u.answers_for_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION the_amount_is_within_the_limit() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT NEW.break_glass AND EXISTS (SELECT FROM cases_case c
      CROSS JOIN LATERAL authority_to_approve(c.workflow_id, c.action_type, c.amount, c.currency, NEW.by_id, NEW.at) a
      WHERE c.id = NEW.case_id AND a.delegation_id IS NOT DISTINCT FROM NEW.delegation_id AND NOT a.within) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;

-- Breaking glass: the owner of risk alone, and another in-house person reviews it within a working day.
CREATE FUNCTION he_owns_the_risk() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c JOIN owners_acting(NEW.at) o ON o.workflow_id = c.workflow_id
      WHERE c.id = NEW.case_id AND o."of" = 'risk' AND o.user_id = NEW.by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_the_owner_of_risk_breaks_glass AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.break_glass) EXECUTE FUNCTION he_owns_the_risk();
CREATE FUNCTION ask_for_a_review() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO cases_breakglassreview (decision_id, due_at, verdict, note) VALUES (NEW.id,
    NEW.at + make_interval(days => CASE extract(isodow FROM NEW.at AT TIME ZONE 'UTC') WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END), '', '');
  RETURN NULL;
END $$;
CREATE TRIGGER a_broken_glass_asks_for_a_review AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.break_glass) EXECUTE FUNCTION ask_for_a_review();
CREATE TRIGGER a_broken_glass_is_reviewed_once BEFORE UPDATE ON cases_breakglassreview FOR EACH ROW
  WHEN (OLD.reviewed_at IS NOT NULL OR (OLD.id, OLD.decision_id, OLD.due_at) IS DISTINCT FROM (NEW.id, NEW.decision_id, NEW.due_at))
  EXECUTE FUNCTION refuse();
CREATE FUNCTION the_reviewer_is_another() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounts_user u JOIN cases_decision d ON d.id = NEW.decision_id
      WHERE u.id = NEW.reviewed_by_id AND u.id <> d.by_id AND u.vendor_id IS NULL AND u.kind = 'person') THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER nobody_reviews_the_glass_he_broke AFTER INSERT OR UPDATE ON cases_breakglassreview FOR EACH ROW
  WHEN (NEW.reviewed_by_id IS NOT NULL) EXECUTE FUNCTION the_reviewer_is_another();
CREATE TRIGGER an_alert_is_only_settled BEFORE UPDATE ON cases_alert FOR EACH ROW
  WHEN (OLD.settled_at IS NOT NULL OR (OLD.id, OLD.case_id, OLD."to", OLD.code, OLD.raised_at)
    IS DISTINCT FROM (NEW.id, NEW.case_id, NEW."to", NEW.code, NEW.raised_at)) EXECUTE FUNCTION refuse();
CALL only_the_house_defines('cases_alert');
CALL only_the_house_defines('cases_breakglassreview');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON cases_alert, cases_breakglassreview FROM hitl_app, hitl_house;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_authority")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
