"""What the database itself refuses about scorecards. Each trigger's name is the sentence it says."""

from django.db import migrations

SQL = """
CREATE TRIGGER published_policy_and_scorecard_never_change BEFORE UPDATE OR DELETE ON scorecards_scorecard
  FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_scorecard_is_born_a_draft BEFORE INSERT ON scorecards_scorecard
  FOR EACH ROW WHEN (NEW.published_at IS NOT NULL) EXECUTE FUNCTION refuse();

-- Nothing is added to, changed on or taken from a published card: neither the card a row leaves nor the one it joins.
-- FOR SHARE makes publishing and editing wait for each other, so that no edit slips in between check and publication.
CREATE FUNCTION the_card_is_a_draft() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  line jsonb;
  published timestamptz;
BEGIN
  FOREACH line IN ARRAY ARRAY[to_jsonb(OLD), to_jsonb(NEW)] LOOP
    IF TG_TABLE_NAME = 'scorecards_section' THEN
      SELECT card.published_at INTO published FROM scorecards_scorecard card
       WHERE card.id = (line->>'scorecard_id')::bigint FOR SHARE;
    ELSIF TG_TABLE_NAME = 'scorecards_criterion' THEN
      SELECT card.published_at INTO published
        FROM scorecards_section section JOIN scorecards_scorecard card ON card.id = section.scorecard_id
       WHERE section.id = (line->>'section_id')::bigint FOR SHARE;
    ELSE
      SELECT card.published_at INTO published FROM scorecards_criterion criterion
        JOIN scorecards_section section ON section.id = criterion.section_id
        JOIN scorecards_scorecard card ON card.id = section.scorecard_id
       WHERE criterion.id = (line->>'criterion_id')::bigint FOR SHARE;
    END IF;
    IF published IS NOT NULL THEN
      RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER published_policy_and_scorecard_never_change AFTER INSERT OR UPDATE OR DELETE ON scorecards_section
  FOR EACH ROW EXECUTE FUNCTION the_card_is_a_draft();
CREATE TRIGGER published_policy_and_scorecard_never_change AFTER INSERT OR UPDATE OR DELETE ON scorecards_criterion
  FOR EACH ROW EXECUTE FUNCTION the_card_is_a_draft();
CREATE TRIGGER published_policy_and_scorecard_never_change AFTER INSERT OR UPDATE OR DELETE ON scorecards_option
  FOR EACH ROW EXECUTE FUNCTION the_card_is_a_draft();
CREATE TRIGGER published_policy_and_scorecard_never_change AFTER INSERT OR UPDATE OR DELETE ON scorecards_rootcause
  FOR EACH ROW EXECUTE FUNCTION the_card_is_a_draft();

CALL history_is_append_only('scorecards_evaluation');
CALL only_the_house_defines('scorecards_scorecard');
CALL only_the_house_defines('scorecards_section');
CALL only_the_house_defines('scorecards_criterion');
CALL only_the_house_defines('scorecards_option');
CALL only_the_house_defines('scorecards_rootcause');
"""
UNDO = """
DROP TRIGGER history_is_append_only ON scorecards_evaluation;
DROP TRIGGER published_policy_and_scorecard_never_change ON scorecards_rootcause;
DROP TRIGGER published_policy_and_scorecard_never_change ON scorecards_option;
DROP TRIGGER published_policy_and_scorecard_never_change ON scorecards_criterion;
DROP TRIGGER published_policy_and_scorecard_never_change ON scorecards_section;
DROP FUNCTION the_card_is_a_draft();
DROP TRIGGER a_scorecard_is_born_a_draft ON scorecards_scorecard;
DROP TRIGGER published_policy_and_scorecard_never_change ON scorecards_scorecard;
"""


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0001_initial"), ("audit", "0003_chain")]
    operations = [migrations.RunSQL(SQL, UNDO)]
