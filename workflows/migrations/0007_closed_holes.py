"""What an attack on seats, limits, delegations and drafts got through, closed. Each trigger's name is the sentence it says."""

from django.db import migrations, models

SQL = """
-- Whoever holds a seat, at which title, since when and from whom, stays so: only its end is written, once.
CREATE TRIGGER a_seat_is_only_ended BEFORE UPDATE ON workflows_seat FOR EACH ROW
  WHEN ((OLD.id, OLD.user_id, OLD.workflow_id, OLD.role, OLD.title, OLD.since, OLD.given_by_id)
      IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.workflow_id, NEW.role, NEW.title, NEW.since, NEW.given_by_id)
    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)) EXECUTE FUNCTION refuse();

-- Whether this person gives approvers of the workflow their seats and limits: it stands in accounts/roles.py, too.
CREATE FUNCTION appoints_approvers(workflow bigint, person bigint) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT owns(workflow, 'risk', person) OR EXISTS (SELECT FROM accounts_user u WHERE u.id = person AND u.office = 'administrator'
    AND u.is_active AND u.vendor_id IS NULL AND u.kind = 'person')
$$;
CREATE FUNCTION the_giver_appoints_approvers() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT coalesce(appoints_approvers(NEW.workflow_id, NEW.given_by_id), false) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_who_owns_the_risk_or_administers_seats_an_approver AFTER INSERT ON workflows_seat FOR EACH ROW
  WHEN (NEW.role = 'approver') EXECUTE FUNCTION the_giver_appoints_approvers();
CREATE FUNCTION the_user_is_a_person() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (SELECT kind FROM accounts_user WHERE id = NEW.user_id) <> 'person' THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_a_person_approves AFTER INSERT ON workflows_seat FOR EACH ROW
  WHEN (NEW.role = 'approver') EXECUTE FUNCTION the_user_is_a_person();
CREATE FUNCTION the_setter_appoints_approvers() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM workflows_seat s WHERE s.id = NEW.seat_id AND appoints_approvers(s.workflow_id, NEW.set_by_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_who_owns_the_risk_or_administers_sets_a_limit AFTER INSERT OR UPDATE ON workflows_approvallimit FOR EACH ROW
  EXECUTE FUNCTION the_setter_appoints_approvers();

CREATE FUNCTION the_giver_may_lend_it() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM workflows_seat s WHERE s.id = NEW.seat_id
      AND (s.user_id = NEW.given_by_id OR appoints_approvers(s.workflow_id, NEW.given_by_id))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_seat_is_lent_by_its_holder_or_who_appoints AFTER INSERT ON workflows_delegation FOR EACH ROW
  EXECUTE FUNCTION the_giver_may_lend_it();

-- A moved clock is believed of the tables' owner only, who makes the demo's history.
CREATE FUNCTION refuse_but_for_a_moved_clock() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF current_setting('hitl.clock', true) <> '' AND session_user = (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
-- Which version was in force then is not told anew. The minute is for clocks that differ.
CREATE TRIGGER no_version_is_published_in_the_past BEFORE UPDATE ON workflows_policy FOR EACH ROW
  WHEN (OLD.published_at IS NULL AND NEW.published_at < clock_timestamp() - interval '1 minute')
  EXECUTE FUNCTION refuse_but_for_a_moved_clock();

-- A draft that moves to another workflow takes no signature along.
CREATE OR REPLACE TRIGGER an_edit_voids_the_signature BEFORE UPDATE ON workflows_policy FOR EACH ROW
  WHEN ((OLD.rules, OLD.input_schema, OLD.output_schema, OLD.workflow_id)
    IS DISTINCT FROM (NEW.rules, NEW.input_schema, NEW.output_schema, NEW.workflow_id))
  EXECUTE FUNCTION forget_the_signature();
"""
UNDO = """
CREATE OR REPLACE TRIGGER an_edit_voids_the_signature BEFORE UPDATE ON workflows_policy FOR EACH ROW
  WHEN ((OLD.rules, OLD.input_schema, OLD.output_schema) IS DISTINCT FROM (NEW.rules, NEW.input_schema, NEW.output_schema))
  EXECUTE FUNCTION forget_the_signature();
DROP TRIGGER no_version_is_published_in_the_past ON workflows_policy;
DROP FUNCTION refuse_but_for_a_moved_clock();
DROP TRIGGER a_seat_is_lent_by_its_holder_or_who_appoints ON workflows_delegation;
DROP FUNCTION the_giver_may_lend_it();
DROP TRIGGER only_who_owns_the_risk_or_administers_sets_a_limit ON workflows_approvallimit;
DROP FUNCTION the_setter_appoints_approvers();
DROP TRIGGER only_a_person_approves ON workflows_seat;
DROP FUNCTION the_user_is_a_person();
DROP TRIGGER only_who_owns_the_risk_or_administers_seats_an_approver ON workflows_seat;
DROP FUNCTION the_giver_appoints_approvers();
DROP FUNCTION appoints_approvers(bigint, bigint);
DROP TRIGGER a_seat_is_only_ended ON workflows_seat;
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0006_calendars"), ("accounts", "0003_absence")]
    operations = [
        migrations.RunSQL(SQL, UNDO),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("to", models.F("given_by")), _negated=True), name="nobody_lends_himself_anothers_seat"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvallimit",
            constraint=models.CheckConstraint(condition=models.Q(("amount__lt", 10**12)), name="a_limit_is_a_number"),
        ),
    ]
