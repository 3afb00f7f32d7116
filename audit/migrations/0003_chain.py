"""The chain is the database's own: whoever inserts, by whatever door, gets the next number, the true time and the true hash."""

from django.db import migrations

SQL = """
-- The real time; a moved one only for the tables' owner, who makes the demo's history.
CREATE FUNCTION chain_the_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  last record;
  moved text := current_setting('hitl.clock', true);
BEGIN
  SELECT number, hash INTO last FROM audit_auditevent
   WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id ORDER BY number DESC LIMIT 1;
  IF FOUND OR NEW.subject_type <> 'case' THEN  -- a case's first event is written with the case: nobody else can see it yet
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.subject_type, NEW.subject_id));
    SELECT number, hash INTO last FROM audit_auditevent
     WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id ORDER BY number DESC LIMIT 1;
  END IF;
  NEW.number := coalesce(last.number, 0) + 1;
  NEW.previous := coalesce(last.hash, ''::bytea);
  NEW.at := clock_timestamp();
  IF moved <> '' AND session_user = (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
    NEW.at := moved::timestamptz;
  END IF;
  IF NEW.words <> '' THEN
    NEW.words_salt := uuid_send(gen_random_uuid());
    NEW.words_digest := sha256(NEW.words_salt || convert_to(NEW.words, 'UTF8'));
  ELSE
    NEW.words_salt := NULL;
    NEW.words_digest := NULL;
  END IF;
  NEW.hash := sha256(NEW.previous || convert_to(concat_ws(' ', NEW.subject_type, NEW.subject_id, NEW.number,
    (extract(epoch FROM NEW.at) * 1000000)::bigint, NEW.actor_id, to_json(NEW.actor_name), coalesce(NEW.vendor_id, 0),
    to_json(NEW.request_id), NEW.verb, coalesce(encode(NEW.words_digest, 'hex'), '-'), NEW.body::text), 'UTF8'));
  RETURN NEW;
END $$;
CREATE TRIGGER history_is_chained BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION chain_the_event();
CALL history_is_append_only('audit_auditevent');
CALL history_is_append_only('audit_auditseal');

-- The highest event id below which nothing can still appear: waits for writers under way, for a moment keeps out new ones.
CREATE FUNCTION settled_audit_events() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  LOCK TABLE public.audit_auditevent IN SHARE MODE;
  RETURN (SELECT coalesce(max(id), 0) FROM public.audit_auditevent);
END $$;
"""
UNDO = """
DROP FUNCTION settled_audit_events();
DROP TRIGGER history_is_append_only ON audit_auditseal;
DROP TRIGGER history_is_append_only ON audit_auditevent;
DROP TRIGGER history_is_chained ON audit_auditevent;
DROP FUNCTION chain_the_event();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
