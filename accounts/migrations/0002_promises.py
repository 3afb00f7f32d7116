"""Who somebody is, and what a key opens, is the house's to say."""

from django.db import migrations

SQL = """
CREATE TRIGGER only_the_house_says_who_somebody_is BEFORE UPDATE ON accounts_user FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND (OLD.vendor_id, OLD.office, OLD.kind, OLD.username, OLD.answers_for_id, OLD.is_active,
    OLD.is_staff, OLD.is_superuser) IS DISTINCT FROM (NEW.vendor_id, NEW.office, NEW.kind, NEW.username, NEW.answers_for_id,
    NEW.is_active, NEW.is_staff, NEW.is_superuser)) EXECUTE FUNCTION refuse();
CALL only_the_house_defines('accounts_vendor');
CALL only_the_house_defines('accounts_apikey');
CALL only_the_house_defines('accounts_user_groups');
CALL only_the_house_defines('accounts_user_user_permissions');
CALL only_the_house_defines('auth_group');
CALL only_the_house_defines('auth_group_permissions');
CALL only_the_house_defines('auth_permission');
CALL only_the_house_defines('django_content_type');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE INSERT, DELETE, TRUNCATE ON accounts_user FROM hitl_app;
    GRANT UPDATE (last_used_at) ON accounts_apikey TO hitl_app;  -- noted before anybody is known to act
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("audit", "0003_chain")]
    operations = [migrations.RunSQL(SQL, "DROP TRIGGER only_the_house_says_who_somebody_is ON accounts_user")]
