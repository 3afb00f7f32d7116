"""An approval of several that whoever gave it takes back: it stays in history and counts no longer, and he may give it anew."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

SQL = """
CALL history_is_append_only('cases_retraction');
CREATE TRIGGER no_retraction_is_dated_back BEFORE INSERT ON cases_retraction FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();

CREATE FUNCTION he_gave_this_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_decision d WHERE d.id = NEW.decision_id AND d.verb = 'approve' AND d.by_id = NEW.by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_is_retracted_by_whoever_gave_it AFTER INSERT ON cases_retraction FOR EACH ROW
  EXECUTE FUNCTION he_gave_this_approval();

-- Of what stands, at approval, with no later step given. The lock: whoever gives that step now is waited for, or waits.
CREATE FUNCTION the_approval_waits_for_others() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM FROM cases_case c WHERE c.id = (SELECT d.case_id FROM cases_decision d WHERE d.id = NEW.decision_id) FOR UPDATE;
  IF NOT EXISTS (SELECT FROM cases_decision d JOIN cases_case c ON c.id = d.case_id
      WHERE d.id = NEW.decision_id AND c.state = 'approval' AND c.digest = d.digest
        AND NOT EXISTS (SELECT FROM valid_approvals(c.id, c.digest) v WHERE v.step > coalesce(d.step, 0))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_is_retracted_while_it_waits_for_others AFTER INSERT ON cases_retraction FOR EACH ROW
  EXECUTE FUNCTION the_approval_waits_for_others();

-- As often as it was taken back, and no more often.
CREATE FUNCTION he_retracted_those_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NEW.anew <> (SELECT count(*) FROM cases_decision d JOIN cases_retraction t ON t.decision_id = d.id
      WHERE d.case_id = NEW.case_id AND d.by_id = NEW.by_id AND d.digest = NEW.digest) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_approval_is_given_anew_once_it_was_retracted AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.verb = 'approve' AND NEW.anew > 0) EXECUTE FUNCTION he_retracted_those_before();

-- The approvals that count for a content: in-house, by nobody who made something of it, nor for anybody who did, and not taken back.
CREATE OR REPLACE FUNCTION valid_approvals(of_case bigint, of_digest bytea) RETURNS TABLE (id bigint, step smallint, by_id bigint, holder_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT d.id, coalesce(d.step, 0::smallint), d.by_id, s.user_id
    FROM cases_decision d JOIN accounts_user u ON u.id = d.by_id
    LEFT JOIN workflows_delegation g ON g.id = d.delegation_id LEFT JOIN workflows_seat s ON s.id = g.seat_id
    LEFT JOIN accounts_user h ON h.id = s.user_id
   WHERE d.case_id = of_case AND d.verb = 'approve' AND d.digest = of_digest AND d.vendor_id IS NULL
     AND u.vendor_id IS NULL AND h.vendor_id IS NULL
     AND NOT EXISTS (SELECT FROM cases_retraction t WHERE t.decision_id = d.id)
     AND NOT EXISTS (SELECT FROM cases_decision made WHERE made.case_id = of_case AND made.by_id IN (d.by_id, s.user_id)
       AND made.id <> d.id
       AND (made.output IS NOT NULL OR made.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit')));
END $$;

-- A vendor's people read of it where they read the decision.
CALL vendors_see_only('cases_retraction', 'EXISTS (SELECT FROM cases_decision d WHERE d.id = decision_id)', 'false');
"""
BACK = """
DROP TRIGGER an_approval_is_given_anew_once_it_was_retracted ON cases_decision;
DROP FUNCTION he_retracted_those_before();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0034_words_of_what_is_stuck"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.RemoveConstraint("decision", "each_approval_is_another_persons"),
        migrations.AddField(
            "decision",
            "anew",
            models.PositiveSmallIntegerField(
                default=0,
                db_default=0,
                help_text="How often its giver had taken back his approval of the same content; of an approval only.",
            ),
        ),
        migrations.AddConstraint(
            "decision",
            models.UniqueConstraint(
                fields=["case", "digest", "by", "anew"], condition=Q(verb="approve"), name="each_approval_is_another_persons"
            ),
        ),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(condition=Q(anew=0) | Q(verb="approve"), name="only_an_approval_is_given_anew"),
        ),
        migrations.CreateModel(
            "Retraction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        to=settings.AUTH_USER_MODEL,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        db_index=False,
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        to="cases.decision", on_delete=django.db.models.deletion.PROTECT, related_name="retraction"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(SQL, BACK),
        migrations.RunSQL("CALL cases_are_asked_by_index()", migrations.RunSQL.noop),
    ]
