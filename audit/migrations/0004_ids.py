"""An event's id is the database's own too: seals cover ranges of ids, and nobody may slip an event into a sealed range."""

from django.db import migrations

SQL = """
CREATE FUNCTION draw_the_events_id() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.id := nextval('public.audit_auditevent_id_seq'::regclass);
  RETURN NEW;
END $$;
CREATE TRIGGER history_is_numbered BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION draw_the_events_id();
CALL only_the_house_defines('audit_auditseal');
"""
UNDO = """
DROP TRIGGER history_is_numbered ON audit_auditevent;
DROP FUNCTION draw_the_events_id();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_chain")]
    operations = [migrations.RunSQL(SQL, UNDO)]
