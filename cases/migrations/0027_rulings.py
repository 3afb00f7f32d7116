"""What is asked and ruled is written once, and only the owner of policy rules."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
CALL history_is_append_only('cases_question');
CALL history_is_append_only('cases_ruling');
CREATE TRIGGER no_question_is_dated_back BEFORE INSERT ON cases_question FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();
CREATE TRIGGER no_ruling_is_dated_back BEFORE INSERT ON cases_ruling FOR EACH ROW
  WHEN (NEW.at < clock_timestamp() - interval '1 minute') EXECUTE FUNCTION refuse_but_for_a_moved_clock();

-- Or whoever stands in for him while he is away.
CREATE FUNCTION he_owns_the_policy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_question q JOIN cases_case c ON c.id = q.case_id JOIN owners_acting(NEW.at) o ON o.workflow_id = c.workflow_id
      WHERE q.id = NEW.question_id AND o."of" = 'policy' AND o.user_id = NEW.by_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_the_owner_of_policy_rules AFTER INSERT ON cases_ruling FOR EACH ROW EXECUTE FUNCTION he_owns_the_policy();

CALL vendors_see_only('cases_question', 'vendor_id = acting_vendor() OR EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)',
  'vendor_id = acting_vendor() AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');
CALL vendors_see_only('cases_ruling', 'EXISTS (SELECT FROM cases_question q WHERE q.id = question_id)');
CALL vendors_see_only('cases_example', 'EXISTS (SELECT FROM cases_ruling r WHERE r.id = ruling_id)');
CALL promises_see_every_row();
CALL cases_are_asked_by_index();
"""
UNDO = """
DROP TRIGGER only_the_owner_of_policy_rules ON cases_ruling;
DROP FUNCTION he_owns_the_policy();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0026_own_answers"),
        ("scorecards", "0002_promises"),
        ("workflows", "0013_drafts_of_the_playbook"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="section",
            field=models.ForeignKey(
                db_index=False,
                help_text="Of the playbook, on which the judgment rests.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workflows.playbooksection",
            ),
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor_id", models.BigIntegerField(help_text="The vendor for whom he worked then.", null=True)),
                ("at", models.DateTimeField()),
                ("words", models.TextField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="questions", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="questions", to="cases.case"),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Ruling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("words", models.TextField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rulings", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="ruling", to="cases.question"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Example",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "section",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="example", to="workflows.playbooksection"
                    ),
                ),
                (
                    "ruling",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="example", to="cases.ruling"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="decision",
            name="ruling",
            field=models.ForeignKey(
                db_index=False,
                help_text="On which the judgment rests.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cases.ruling",
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("section__isnull", False)), fields=["section"], name="decisions_resting_on_a_section"
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(condition=models.Q(("words__regex", "\\S")), name="a_question_has_words"),
        ),
        migrations.AddConstraint(
            model_name="ruling",
            constraint=models.CheckConstraint(condition=models.Q(("words__regex", "\\S")), name="a_ruling_has_words"),
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
