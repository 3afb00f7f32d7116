"""What the database itself refuses about definitions. Each trigger's name is the sentence it says."""

from django.db import migrations

SQL = """
CREATE TRIGGER published_policy_and_scorecard_never_change BEFORE UPDATE OR DELETE ON workflows_policy
  FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_policy_is_born_a_draft BEFORE INSERT ON workflows_policy
  FOR EACH ROW WHEN (NEW.published_at IS NOT NULL) EXECUTE FUNCTION refuse();

-- No approver's seat and no ownership for a vendor's user; a user who becomes a vendor's loses them.
-- FOR SHARE makes giving a seat and joining a vendor wait for each other: whichever comes second sees the first.
CREATE FUNCTION the_user_is_in_house() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (SELECT vendor_id FROM accounts_user WHERE id = NEW.user_id FOR SHARE) IS NOT NULL THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_in_house_approves AFTER INSERT OR UPDATE ON workflows_seat
  FOR EACH ROW WHEN (NEW.role = 'approver' AND NEW.ended_at IS NULL) EXECUTE FUNCTION the_user_is_in_house();
CREATE TRIGGER only_in_house_owns AFTER INSERT OR UPDATE ON workflows_owner
  FOR EACH ROW EXECUTE FUNCTION the_user_is_in_house();
CREATE FUNCTION end_what_only_the_house_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE workflows_seat SET ended_at = clock_timestamp() WHERE user_id = NEW.id AND role = 'approver' AND ended_at IS NULL;
  DELETE FROM workflows_owner WHERE user_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER who_joins_a_vendor_leaves_the_houses_seats AFTER UPDATE OF vendor_id ON accounts_user
  FOR EACH ROW WHEN (NEW.vendor_id IS NOT NULL AND OLD.vendor_id IS NULL) EXECUTE FUNCTION end_what_only_the_house_holds();

CALL only_the_house_defines('workflows_workflow');
CALL only_the_house_defines('workflows_policy');
CALL only_the_house_defines('workflows_dial');
CALL only_the_house_defines('workflows_stratumrate');
CALL only_the_house_defines('workflows_seat');
CALL only_the_house_defines('workflows_approvallimit');
CALL only_the_house_defines('workflows_owner');
CALL only_the_house_defines('workflows_exceptioncategory');
CALL only_the_house_defines('workflows_playbooksection');
CALL only_the_house_defines('workflows_airelease');
CALL history_is_append_only('workflows_airelease');  -- who produced a case's output is a fact of the case
"""
SEATS_ARE_ENDED = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON workflows_seat FROM hitl_app, hitl_house;  -- what somebody might do in March can be told in May
  END IF;
END $$;
"""
UNDO = """
DROP TRIGGER history_is_append_only ON workflows_airelease;
DROP TRIGGER who_joins_a_vendor_leaves_the_houses_seats ON accounts_user;
DROP FUNCTION end_what_only_the_house_holds();
DROP TRIGGER only_in_house_owns ON workflows_owner;
DROP TRIGGER only_in_house_approves ON workflows_seat;
DROP FUNCTION the_user_is_in_house();
DROP TRIGGER a_policy_is_born_a_draft ON workflows_policy;
DROP TRIGGER published_policy_and_scorecard_never_change ON workflows_policy;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0001_initial"),
        ("audit", "0003_chain"),
        ("accounts", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL, UNDO), migrations.RunSQL(SEATS_ARE_ENDED, migrations.RunSQL.noop)]
