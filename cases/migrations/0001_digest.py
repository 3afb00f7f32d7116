"""The digest of exactly what an approval binds to is the database's arithmetic: no code can approve one thing and store another."""

from django.db import migrations

SQL = """
CREATE FUNCTION content_digest(revision integer, output jsonb, action_type text, amount numeric, currency text, payee text,
  no_action boolean, policy bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN sha256(convert_to(jsonb_build_array(revision, output, action_type, amount, currency, payee, no_action, policy)::text, 'UTF8'));
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("audit", "0003_chain")]
    operations = [
        migrations.RunSQL(SQL, "DROP FUNCTION content_digest(integer, jsonb, text, numeric, text, text, boolean, bigint)")
    ]
