"""What a reviewer answers before he sees the AI's answer is his own, is kept, and comes first."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
CALL history_is_append_only('cases_ownanswer');
CREATE TRIGGER no_own_answer_is_dated_back BEFORE INSERT ON cases_ownanswer FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();

-- Before anybody decided on it there, so that it is his own.
CREATE FUNCTION it_waits_at_review() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.case_id AND c.state = 'review') THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_own_answer_comes_before_the_decision AFTER INSERT ON cases_ownanswer FOR EACH ROW
  EXECUTE FUNCTION it_waits_at_review();

CREATE FUNCTION he_gave_his_own_answer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM cases_case c JOIN workflows_policy p ON p.id = c.policy_id
        WHERE c.id = NEW.case_id AND p.rules -> 'blind_first' = 'true' AND coalesce(p.output_schema -> 'properties', '{}') <> '{}')
      AND NOT EXISTS (SELECT FROM cases_ownanswer o WHERE o.case_id = NEW.case_id AND o.by_id = NEW.by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER who_reviews_blind_answers_first AFTER INSERT ON cases_decision FOR EACH ROW
  WHEN (NEW.desk = 'review' AND NEW.verb IN ('accept', 'correct')) EXECUTE FUNCTION he_gave_his_own_answer();

-- The house reads them, and each vendor its own.
CALL vendors_see_only('cases_ownanswer', 'vendor_id = acting_vendor()');
CALL promises_see_every_row();
CALL cases_are_asked_by_index();
"""
UNDO = """
DROP TRIGGER who_reviews_blind_answers_first ON cases_decision;
DROP TRIGGER an_own_answer_comes_before_the_decision ON cases_ownanswer;
DROP FUNCTION he_gave_his_own_answer();
DROP FUNCTION it_waits_at_review();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0025_decisions_of_a_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor_id", models.BigIntegerField(help_text="The vendor for whom he worked then.", null=True)),
                ("at", models.DateTimeField()),
                ("answer", models.JSONField(help_text="As he gave it: a value hidden from him stands as its placeholder.")),
                (
                    "differs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        help_text="The paths of what the AI says otherwise. Empty: they agree.",
                        size=None,
                    ),
                ),
                ("active_seconds", models.PositiveIntegerField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="own_answers", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="own_answers", to="cases.case"),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("case", "by"), name="one_own_answer_of_a_person")],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
