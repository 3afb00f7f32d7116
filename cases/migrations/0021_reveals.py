"""What is revealed to a vendor's people is written once, for a reason, within the budget, and on a claim that they hold."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
CALL history_is_append_only('cases_reveal');
CREATE TRIGGER no_reveal_is_dated_back BEFORE INSERT ON cases_reveal FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();

-- To whoever holds the case, under a mandate of his own vendor in its workflow that is in force.
CREATE FUNCTION whoever_holds_it_under_a_mandate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM cases_claim l JOIN accounts_user u ON u.id = l.user_id JOIN cases_case c ON c.id = l.case_id
        JOIN workflows_mandate m ON m.workflow_id = c.workflow_id JOIN workflows_engagement e ON e.id = m.engagement_id
       WHERE l.id = NEW.claim_id AND l.case_id = NEW.case_id AND l.user_id = NEW.by_id AND l.ended_at IS NULL AND l.until > NEW.at
         AND u.vendor_id = NEW.vendor_id AND c.vendor_id = NEW.vendor_id
         AND m.id = NEW.mandate_id AND e.vendor_id = NEW.vendor_id AND (m.ended_at IS NULL OR m.ended_at > NEW.at)
         AND e.since <= NEW.at AND e.until > NEW.at AND (e.ended_at IS NULL OR e.ended_at > NEW.at)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_who_holds_a_case_has_it_revealed AFTER INSERT ON cases_reveal FOR EACH ROW
  EXECUTE FUNCTION whoever_holds_it_under_a_mandate();

-- The lock lets two at once count each other.
CREATE FUNCTION no_more_than_the_mandate_allows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('reveal', NEW.by_id));
  IF (SELECT count(*) FROM cases_reveal r WHERE r.by_id = NEW.by_id AND r.mandate_id = NEW.mandate_id AND r.at > NEW.at - interval '24 hours')
      > (SELECT reveals_a_day FROM workflows_mandate WHERE id = NEW.mandate_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER reveals_stay_within_the_budget AFTER INSERT ON cases_reveal FOR EACH ROW
  EXECUTE FUNCTION no_more_than_the_mandate_allows();

-- The house reads them, and each vendor its own.
CALL vendors_see_only('cases_reveal', 'vendor_id = acting_vendor()');
"""
UNDO = """
DROP TRIGGER reveals_stay_within_the_budget ON cases_reveal;
DROP TRIGGER only_who_holds_a_case_has_it_revealed ON cases_reveal;
DROP FUNCTION no_more_than_the_mandate_allows();
DROP FUNCTION whoever_holds_it_under_a_mandate();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0020_plans_of_rows"),
        ("workflows", "0009_engagements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reveal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor_id", models.BigIntegerField(help_text="The vendor for whom he worked then.")),
                ("what", models.CharField(blank=True, help_text="A field's path; empty: the whole case.", max_length=300)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reveals", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="reveals", to="cases.case"),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.claim"
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workflows.mandate"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["by", "mandate", "-at"], name="reveals_of_a_person")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("reason__regex", "\\S")), name="a_reveal_has_a_reason")
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
        migrations.RunSQL("CALL cases_are_asked_by_index()", migrations.RunSQL.noop),
    ]
