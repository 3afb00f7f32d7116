"""One identity of the house's provider for one account; and whoever has not said who he is links one once and changes none."""

from django.db import migrations

SQL = """
CREATE UNIQUE INDEX one_identity_per_person ON socialaccount_socialaccount (user_id, provider);
CREATE TRIGGER a_stranger_changes_no_identity BEFORE UPDATE ON socialaccount_socialaccount FOR EACH ROW
  WHEN (current_user = 'hitl_app' AND (OLD.user_id, OLD.provider, OLD.uid) IS DISTINCT FROM (NEW.user_id, NEW.provider, NEW.uid))
  EXECUTE FUNCTION refuse();
CREATE TRIGGER only_the_house_unlinks_an_identity BEFORE DELETE ON socialaccount_socialaccount FOR EACH ROW
  WHEN (current_user = 'hitl_app') EXECUTE FUNCTION refuse();
"""
UNDO = """
DROP TRIGGER only_the_house_unlinks_an_identity ON socialaccount_socialaccount;
DROP TRIGGER a_stranger_changes_no_identity ON socialaccount_socialaccount;
DROP INDEX one_identity_per_person;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_rows"), ("socialaccount", "0006_alter_socialaccount_extra_data")]
    operations = [migrations.RunSQL(SQL, UNDO)]
