"""What the owner creates from here on, the application may use but never redefine.

Roles are made by whoever runs the server (the embedded launcher, or the three lines in README.md). Where there is
only one role, as under a bare DATABASE_URL, nothing is granted and a system check says what is lost.
"""

from django.db import migrations

SQL = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$
DECLARE app text;
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  FOREACH app IN ARRAY ARRAY['hitl_app', 'hitl_house'] LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = app) AND app <> current_user THEN
      EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', app);
      EXECUTE format('GRANT SELECT ON django_migrations TO %I', app);
      EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', app);
      EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO %I', app);
    END IF;
  END LOOP;
END $$;

-- Every refusal is one function: the trigger's name is the sentence.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

-- CALL history_is_append_only('table'): rows may be added and read, by anybody; changed or removed by nobody.
CREATE PROCEDURE history_is_append_only(history regclass) LANGUAGE plpgsql AS $$
DECLARE app text;
BEGIN
  EXECUTE format('CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION refuse()', history);
  FOREACH app IN ARRAY ARRAY['hitl_app', 'hitl_house'] LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = app) AND app <> current_user THEN
      EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %I', history, app);
    END IF;
  END LOOP;
END $$;

-- CALL only_the_house_defines('table'): vendors, and work for nobody, may read these rows and no more.
CREATE PROCEDURE only_the_house_defines(definition regclass) LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM hitl_app', definition);
  END IF;
END $$;
"""
UNDO = """
DROP PROCEDURE only_the_house_defines(regclass);
DROP PROCEDURE history_is_append_only(regclass);
DROP FUNCTION refuse();
"""


class Migration(migrations.Migration):
    initial = True
    run_before = [("contenttypes", "0001_initial"), ("auth", "0001_initial"), ("sessions", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
