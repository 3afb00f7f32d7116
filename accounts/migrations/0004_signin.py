"""Revoked access ends sessions; and whoever has not said who he is changes no account and no second factor."""

from django.db import migrations, models

SQL = """
CREATE FUNCTION end_every_session() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.session_number := greatest(NEW.session_number, OLD.session_number) + 1;
  RETURN NEW;
END $$;
-- A row that was read before, and is saved whole now, does not bring an ended session back either.
CREATE TRIGGER revoked_access_ends_every_session BEFORE UPDATE ON accounts_user FOR EACH ROW
  WHEN ((OLD.is_active, OLD.vendor_id, OLD.kind, OLD.is_staff) IS DISTINCT FROM (NEW.is_active, NEW.vendor_id, NEW.kind, NEW.is_staff)
    OR NEW.session_number < OLD.session_number) EXECUTE FUNCTION end_every_session();
CREATE TRIGGER a_stranger_changes_no_account BEFORE UPDATE ON accounts_user FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND coalesce(current_setting('hitl.vendor', true), '') = '' AND
    (OLD.password, OLD.email, OLD.first_name, OLD.last_name, OLD.time_zone, OLD.session_number, OLD.is_demo, OLD.date_joined)
    IS DISTINCT FROM
    (NEW.password, NEW.email, NEW.first_name, NEW.last_name, NEW.time_zone, NEW.session_number, NEW.is_demo, NEW.date_joined))
  EXECUTE FUNCTION refuse();
CREATE TRIGGER a_vendors_session_changes_its_own_people_only BEFORE UPDATE ON accounts_user FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND current_setting('hitl.vendor', true) <> ''
    AND OLD.vendor_id::text IS DISTINCT FROM current_setting('hitl.vendor', true)) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_stranger_sets_up_no_second_factor BEFORE INSERT OR DELETE ON mfa_authenticator FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND coalesce(current_setting('hitl.vendor', true), '') = '') EXECUTE FUNCTION refuse();
-- At sign-in he answers for it before we know him: the answer is noted, the secret stays.
CREATE TRIGGER a_stranger_changes_no_second_factor BEFORE UPDATE ON mfa_authenticator FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND coalesce(current_setting('hitl.vendor', true), '') = '' AND
    (OLD.user_id, OLD.type, OLD.data - 'spent' - 'used_mask') IS DISTINCT FROM
    (NEW.user_id, NEW.type, NEW.data - 'spent' - 'used_mask')) EXECUTE FUNCTION refuse();
"""
UNDO = """
DROP TRIGGER a_stranger_changes_no_second_factor ON mfa_authenticator;
DROP TRIGGER a_stranger_sets_up_no_second_factor ON mfa_authenticator;
DROP TRIGGER a_vendors_session_changes_its_own_people_only ON accounts_user;
DROP TRIGGER a_stranger_changes_no_account ON accounts_user;
DROP TRIGGER revoked_access_ends_every_session ON accounts_user;
DROP FUNCTION end_every_session();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_absence"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [
        migrations.AddField("user", "is_demo", models.BooleanField(default=False, editable=False)),
        migrations.AddField("user", "session_number", models.PositiveIntegerField(default=1, editable=False)),
        migrations.RunSQL(SQL, UNDO),
    ]
