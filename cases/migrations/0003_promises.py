"""What can never happen to a case, whatever the door. Each trigger's name is the sentence it says.

Row checks stand in WHEN clauses and cost the legal path no function call. Checks of other tables run after the row,
set-based where intake writes a thousand at once.
"""

from django.db import migrations

SQL = """
-- Whose turn it is
CREATE TRIGGER cases_are_born_routed BEFORE INSERT ON cases_case FOR EACH ROW
  WHEN (NEW.state NOT IN ('review', 'resolution', 'approval', 'closed')) EXECUTE FUNCTION refuse();
CREATE TRIGGER state_moves_only_along_the_table BEFORE UPDATE ON cases_case FOR EACH ROW
  WHEN (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
    ('intake', 'review'), ('intake', 'resolution'), ('intake', 'approval'), ('intake', 'closed'),
    ('review', 'approval'), ('review', 'resolution'), ('review', 'closed'),
    ('resolution', 'review'), ('resolution', 'approval'), ('resolution', 'closed'),
    ('approval', 'review'), ('approval', 'resolution'), ('approval', 'closed'),
    ('closed', 'review'), ('closed', 'resolution'), ('closed', 'approval'))) EXECUTE FUNCTION refuse();
CREATE TRIGGER what_was_released_is_reopened_only_as_rework BEFORE UPDATE ON cases_case FOR EACH ROW
  WHEN (OLD.state = 'closed' AND NEW.state IN ('review', 'approval') AND OLD.released_at IS NOT NULL) EXECUTE FUNCTION refuse();

-- What never changes, and what only rises
CREATE TRIGGER what_was_received_never_changes
  BEFORE UPDATE OF workflow_id, external_id, sender_id, received_at, intake_digest, input, context, output, received_action,
    confidence, confidences, alternatives, ai_release_id, segment, channel, customer_reference, is_test, is_probe, policy_id,
    sentence, reasons, probability, draw, sampled
  ON cases_case FOR EACH ROW
  WHEN ((OLD.workflow_id, OLD.external_id, OLD.sender_id, OLD.received_at, OLD.intake_digest, OLD.input, OLD.context, OLD.output,
      OLD.received_action, OLD.confidence, OLD.confidences, OLD.alternatives, OLD.ai_release_id, OLD.segment, OLD.channel,
      OLD.customer_reference, OLD.is_test, OLD.is_probe, OLD.policy_id, OLD.sentence, OLD.reasons, OLD.probability, OLD.draw, OLD.sampled)
    IS DISTINCT FROM (NEW.workflow_id, NEW.external_id, NEW.sender_id, NEW.received_at, NEW.intake_digest, NEW.input, NEW.context,
      NEW.output, NEW.received_action, NEW.confidence, NEW.confidences, NEW.alternatives, NEW.ai_release_id, NEW.segment, NEW.channel,
      NEW.customer_reference, NEW.is_test, NEW.is_probe, NEW.policy_id, NEW.sentence, NEW.reasons, NEW.probability, NEW.draw, NEW.sampled)) EXECUTE FUNCTION refuse();
CREATE TRIGGER tier_and_required_approval_never_fall BEFORE UPDATE ON cases_case FOR EACH ROW
  WHEN ((OLD.requires_approval AND NOT NEW.requires_approval) OR NEW.approvals_needed < OLD.approvals_needed
    OR NEW.revision < OLD.revision
    OR array_position(ARRAY['low', 'medium', 'high'], NEW.tier::text) < array_position(ARRAY['low', 'medium', 'high'], OLD.tier::text))
  EXECUTE FUNCTION refuse();
CREATE TRIGGER an_edit_is_a_new_revision BEFORE UPDATE OF standing_output, action_type, amount, currency, payee, proposes_no_action
  ON cases_case FOR EACH ROW
  WHEN (OLD.revision = NEW.revision AND (OLD.standing_output, OLD.action_type, OLD.amount, OLD.currency, OLD.payee, OLD.proposes_no_action)
    IS DISTINCT FROM (NEW.standing_output, NEW.action_type, NEW.amount, NEW.currency, NEW.payee, NEW.proposes_no_action))
  EXECUTE FUNCTION refuse();
CREATE TRIGGER released_at_is_set_once BEFORE UPDATE ON cases_case FOR EACH ROW
  WHEN (OLD.released_at IS NOT NULL AND NEW.released_at IS DISTINCT FROM OLD.released_at) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_case_is_never_deleted BEFORE DELETE ON cases_case FOR EACH ROW EXECUTE FUNCTION refuse();

-- A release: of what stands, never of a probe or of no action, never without the approvals it needs
CREATE FUNCTION released_means_a_release_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_release WHERE case_id = NEW.id AND at = NEW.released_at) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION released_means_release_rows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM arrived a WHERE a.released_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM cases_release r WHERE r.case_id = a.id AND r.at = a.released_at)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER released_means_a_release_row AFTER UPDATE ON cases_case FOR EACH ROW
  WHEN (OLD.released_at IS NULL AND NEW.released_at IS NOT NULL) EXECUTE FUNCTION released_means_a_release_row();
CREATE TRIGGER released_at_birth_means_a_release_row AFTER INSERT ON cases_case REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION released_means_release_rows();

CREATE FUNCTION the_release_is_approved() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM released r JOIN cases_case c ON c.id = r.case_id WHERE c.requires_approval
      AND c.approvals_needed > (SELECT count(DISTINCT d.by_id) FROM cases_decision d JOIN accounts_user u ON u.id = d.by_id
                                 WHERE d.case_id = c.id AND d.verb = 'approve' AND d.digest = r.digest
                                   AND d.vendor_id IS NULL AND u.vendor_id IS NULL
                                   AND NOT EXISTS (SELECT FROM cases_decision made WHERE made.case_id = c.id
                                     AND made.by_id = d.by_id AND made.id <> d.id AND (made.output IS NOT NULL
                                       OR made.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit'))))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER high_risk_is_never_released_unapproved AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION the_release_is_approved();
CREATE FUNCTION the_release_is_of_what_stands() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM released r JOIN cases_case c ON c.id = r.case_id WHERE c.digest <> r.digest OR c.proposes_no_action) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_release_is_of_what_stands AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION the_release_is_of_what_stands();
CREATE FUNCTION no_probe_among_the_released() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM released r JOIN cases_case c ON c.id = r.case_id WHERE c.is_probe) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_probe_is_never_released AFTER INSERT ON cases_release REFERENCING NEW TABLE AS released
  FOR EACH STATEMENT EXECUTE FUNCTION no_probe_among_the_released();

-- An approval: in-house, with a seat, within its limit, by somebody who made nothing of it, of exactly what stands
CREATE FUNCTION the_decider_is_an_in_house_approver() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.vendor_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM accounts_user u JOIN workflows_seat s ON s.user_id = u.id JOIN cases_case c ON c.workflow_id = s.workflow_id
       WHERE u.id = NEW.by_id AND u.vendor_id IS NULL AND u.is_active AND s.role = 'approver' AND s.ended_at IS NULL
         AND c.id = NEW.case_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_in_house_approves AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb IN ('approve', 'reject', 'edit') OR (NEW.verb = 'send_back' AND NEW.desk = 'approval'))
  EXECUTE FUNCTION the_decider_is_an_in_house_approver();

-- A session that acts for a vendor, or for nobody, signs in no approver's name.
CREATE TRIGGER only_in_house_approves_for_the_house BEFORE INSERT ON cases_decision FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND (NEW.verb IN ('approve', 'reject', 'edit') OR (NEW.verb = 'send_back' AND NEW.desk = 'approval')))
  EXECUTE FUNCTION refuse();

CREATE FUNCTION the_checker_made_nothing_of_it() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_decision d WHERE d.case_id = NEW.case_id AND d.by_id = NEW.by_id AND d.id <> NEW.id
        AND (d.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit') OR d.output IS NOT NULL))
    OR EXISTS (SELECT FROM cases_case c JOIN accounts_user u ON u.id = c.sender_id
        WHERE c.id = NEW.case_id AND NEW.by_id IN (u.id, u.answers_for_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER maker_is_not_checker AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb IN ('approve', 'reject')) EXECUTE FUNCTION the_checker_made_nothing_of_it();

CREATE FUNCTION the_amount_is_within_the_limit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.case_id AND c.amount IS NOT NULL AND NOT EXISTS (
      SELECT FROM workflows_seat s JOIN workflows_approvallimit l ON l.seat_id = s.id
       WHERE s.user_id = NEW.by_id AND s.workflow_id = c.workflow_id AND s.role = 'approver' AND s.ended_at IS NULL
         AND l.currency = c.currency AND l.action_type IN ('', c.action_type) AND l.amount >= c.amount)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_is_within_the_seats_limit AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb = 'approve') EXECUTE FUNCTION the_amount_is_within_the_limit();

CREATE FUNCTION the_approval_is_of_what_stands() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.case_id AND c.state = 'approval' AND c.digest = NEW.digest) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_binds_to_what_stands AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb = 'approve') EXECUTE FUNCTION the_approval_is_of_what_stands();

CALL history_is_append_only('cases_decision');
CALL history_is_append_only('cases_correction');
CALL history_is_append_only('cases_release');
CALL history_is_append_only('cases_rework');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON cases_case, cases_claim FROM hitl_app, hitl_house;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0002_initial"),
        ("workflows", "0002_promises"),
        ("accounts", "0002_promises"),
        ("integrations", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL)]
