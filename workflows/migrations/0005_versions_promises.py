"""Who may publish, and what a signature is worth; nobody raises his own limit. Each trigger's name is the sentence it says."""

from django.db import migrations

SQL = """
-- Whether this person answers for `kind` of the workflow (“any”: for anything of it), as every promise below asks it.
CREATE FUNCTION owns(workflow bigint, answers_for text, person bigint) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM owners_acting(clock_timestamp()) o JOIN accounts_user u ON u.id = o.user_id
    WHERE o.workflow_id = workflow AND o.user_id = person AND owns.answers_for IN (o."of", 'any') AND u.is_active AND u.vendor_id IS NULL)
$$;

CREATE FUNCTION the_publisher_owns_the_policy() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT owns(NEW.workflow_id, 'policy', NEW.published_by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_the_owner_of_policy_publishes AFTER UPDATE ON workflows_policy FOR EACH ROW
  WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL) EXECUTE FUNCTION the_publisher_owns_the_policy();

CREATE FUNCTION a_second_owner_has_signed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (SELECT two_people_publish FROM workflows_workflow WHERE id = NEW.workflow_id)
    AND (NEW.signed_by_id IS NULL OR NEW.signed_by_id = NEW.published_by_id OR NOT owns(NEW.workflow_id, 'any', NEW.signed_by_id)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER two_people_publish_where_the_workflow_asks AFTER UPDATE ON workflows_policy FOR EACH ROW
  WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL) EXECUTE FUNCTION a_second_owner_has_signed();
-- After the row: only then is its generated digest known.
CREATE TRIGGER the_signature_is_over_what_is_published AFTER UPDATE ON workflows_policy FOR EACH ROW
  WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL AND NEW.signed_by_id IS NOT NULL
    AND NEW.signed_digest IS DISTINCT FROM NEW.digest) EXECUTE FUNCTION refuse();

-- An edit leaves no signature standing, nor the claim to be the old version anew.
CREATE FUNCTION forget_the_signature() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.signed_at := NULL;
  NEW.signed_by_id := NULL;
  NEW.signed_digest := NULL;
  NEW.rolls_back_to_id := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER an_edit_voids_the_signature BEFORE UPDATE ON workflows_policy FOR EACH ROW
  WHEN ((OLD.rules, OLD.input_schema, OLD.output_schema) IS DISTINCT FROM (NEW.rules, NEW.input_schema, NEW.output_schema))
  EXECUTE FUNCTION forget_the_signature();

CREATE FUNCTION somebody_else_set_the_limit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM workflows_seat s WHERE s.id = NEW.seat_id AND s.user_id = NEW.set_by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER nobody_sets_his_own_limit AFTER INSERT OR UPDATE ON workflows_approvallimit FOR EACH ROW
  WHEN (NEW.set_by_id IS NOT NULL) EXECUTE FUNCTION somebody_else_set_the_limit();
"""
UNDO = """
DROP TRIGGER nobody_sets_his_own_limit ON workflows_approvallimit;
DROP FUNCTION somebody_else_set_the_limit();
DROP TRIGGER an_edit_voids_the_signature ON workflows_policy;
DROP FUNCTION forget_the_signature();
DROP TRIGGER the_signature_is_over_what_is_published ON workflows_policy;
DROP TRIGGER two_people_publish_where_the_workflow_asks ON workflows_policy;
DROP FUNCTION a_second_owner_has_signed();
DROP TRIGGER only_the_owner_of_policy_publishes ON workflows_policy;
DROP FUNCTION the_publisher_owns_the_policy();
DROP FUNCTION owns(bigint, text, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0004_versions"), ("accounts", "0002_promises")]
    operations = [migrations.RunSQL(SQL, UNDO)]
