"""Of people, a vendor's session sees its own and the house's, never another vendor's.

Before anybody is known to act, sign-in looks accounts and keys up by name, so nobody's session reads both.
"""

from django.db import migrations

SQL = """
CALL vendors_see_only('accounts_user', 'acting_vendor() IS NULL OR vendor_id IS NULL OR vendor_id = acting_vendor()');
CALL vendors_see_only('accounts_vendor', 'id = acting_vendor()');
CALL vendors_see_only('accounts_apikey',
  'acting_vendor() IS NULL OR EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('accounts_absence',
  'acting_vendor() IS NOT NULL AND EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id)');
CALL promises_see_every_row();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_verbs_of_clocks"), ("audit", "0007_rows")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
