"""The list of cases: by what one is found, the views that people keep, what was done to many at once; and what the list asks by."""

import uuid

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
-- The words of what came in, in whatever language; of a very long one those of its beginning.
CREATE FUNCTION words_of(said jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN strip(CASE WHEN pg_column_size(said) < 20000 THEN jsonb_to_tsvector('pg_catalog.simple'::regconfig, said, '["string", "numeric"]')
    ELSE to_tsvector('pg_catalog.simple'::regconfig, left(said::text, 100000)) END);
CALL vendors_see_only('cases_findable', 'EXISTS (SELECT FROM cases_case c WHERE c.id = cases_findable.id)');
CALL vendors_see_only('cases_savedview', 'EXISTS (SELECT FROM accounts_user u WHERE u.id = owner_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('cases_bulk', 'EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('cases_bulkrow', 'EXISTS (SELECT FROM cases_bulk b WHERE b.id = bulk_id)');

-- As it was, but that the longest wait of a side is asked of an index, and only where somebody's peak asks for it.
CREATE OR REPLACE FUNCTION sides_of(workflows bigint[], moment timestamptz)
RETURNS TABLE (workflow_id bigint, desk text, hours text, vendor_id bigint, name text, share float8, seats bigint, here bigint,
  back timestamptz, capacity integer, open bigint, languages varchar[], skills varchar[], peak_minutes integer, waiting float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY
  WITH live AS (
    SELECT m.workflow_id, m.roles, x.share::float8, x.capacity, x.languages, x.skills, x.peak_minutes, m.vendor_id, v.name::text,
        hours_told(m.coverage_id) AS hours
      FROM mandates_at(moment) m JOIN workflows_mandate x ON x.id = m.id JOIN accounts_vendor v ON v.id = m.vendor_id
     WHERE m.workflow_id = ANY (workflows)),
  desks AS (
    SELECT * FROM (VALUES ('review', 'reviewer'), ('resolution', 'resolver')) d (desk, role)),
  sides AS (
    SELECT l.workflow_id, d.desk, d.role, l.hours, l.vendor_id, l.name, l.share, l.capacity, l.languages, l.skills, l.peak_minutes
      FROM live l JOIN desks d ON d.role = ANY (l.roles)
    UNION ALL
    SELECT w.id, d.desk, d.role, hours_told(w.staffed_id), NULL, NULL,
        greatest(0, 100 - coalesce((SELECT sum(l.share) FROM live l WHERE l.workflow_id = w.id AND d.role = ANY (l.roles)), 0)),
        NULL, NULL, NULL, NULL
      FROM workflows_workflow w CROSS JOIN desks d WHERE w.id = ANY (workflows))
  SELECT s.workflow_id, s.desk, s.hours, s.vendor_id, s.name, s.share, p.seats, p.here, p.back, s.capacity,
      CASE WHEN s.capacity IS NULL THEN 0 ELSE (SELECT count(*) FROM (SELECT FROM cases_case c WHERE c.vendor_id = s.vendor_id
        AND c.workflow_id = s.workflow_id AND c.state <> 'closed' LIMIT s.capacity) x) END,
      s.languages, s.skills, s.peak_minutes,
      CASE WHEN EXISTS (SELECT FROM live l WHERE l.workflow_id = s.workflow_id AND l.peak_minutes IS NOT NULL) THEN (
        SELECT (extract(epoch FROM moment - c.desk_since) / 60)::float8 FROM cases_case c
         WHERE c.workflow_id = s.workflow_id AND c.state = s.desk AND c.state <> 'closed' AND c.vendor_id IS NOT DISTINCT FROM s.vendor_id
           AND (c.claimed_until IS NULL OR c.claimed_until <= moment) AND c.paused_since IS NULL
         ORDER BY c.desk_since LIMIT 1) END
    FROM sides s CROSS JOIN LATERAL (
      SELECT count(*) AS seats, count(*) FILTER (WHERE a.until IS NULL) AS here, min(a.until) AS back
        FROM workflows_seat t JOIN accounts_user u ON u.id = t.user_id LEFT JOIN LATERAL (
          SELECT max(least(b.until, b.ended_at)) AS until FROM accounts_absence b
           WHERE b.user_id = u.id AND b.since <= moment AND moment < least(b.until, b.ended_at)) a ON true
       WHERE t.workflow_id = s.workflow_id AND t.role = s.role AND t.ended_at IS NULL AND u.is_active
         AND u.vendor_id IS NOT DISTINCT FROM s.vendor_id) p
   ORDER BY s.workflow_id, s.desk, s.vendor_id NULLS FIRST;
END $$;
CALL cases_are_asked_by_index();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_verb_of_revealing"),
        ("cases", "0023_talk"),
        ("workflows", "0012_proposals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bulk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("verb", models.CharField(max_length=20)),
                ("typed", models.JSONField(default=dict, help_text="What the form said, as it was sent.")),
                ("at", models.DateTimeField(default=audit.clock.now)),
                (
                    "job",
                    models.BigIntegerField(
                        help_text="The job that does it, where it is long. Jobs may be swept away.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="BulkRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField(help_text="What stood when its preview was read.")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("refused", "Not done")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "says",
                    models.TextField(blank=True, help_text="What happened, or why it did not, as its person may read it."),
                ),
                ("at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Findable",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        db_column="id",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="findable",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                ("external_id", models.CharField(max_length=200)),
                ("customer_reference", models.CharField(blank=True, max_length=200)),
                (
                    "words",
                    django.contrib.postgres.search.SearchVectorField(help_text="Of the input and the output as received."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "desk",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("intake", "Intake"),
                            ("review", "Review"),
                            ("resolution", "Resolution"),
                            ("approval", "Approval"),
                            ("closed", "Closed"),
                        ],
                        help_text="Empty: all cases.",
                        max_length=10,
                    ),
                ),
                (
                    "query",
                    models.CharField(blank=True, help_text="The filters, as they stand in the address.", max_length=1000),
                ),
                ("is_default", models.BooleanField(default=False, help_text="What its owner sees when he opens all cases.")),
                ("made_at", models.DateTimeField(default=audit.clock.now)),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("state", "closed"), _negated=True),
                fields=["workflow", "state", "desk_since"],
                name="waiting_since",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(models.F("ai_release"), models.F("id") * -1, name="cases_of_a_release"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                models.F("category"),
                models.F("id") * -1,
                condition=models.Q(("category__isnull", False)),
                name="cases_of_a_category",
            ),
        ),
        migrations.AddField(
            model_name="bulk",
            name="by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="bulk",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="cases.bulk"),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="case",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case"
            ),
        ),
        migrations.AddIndex(
            model_name="findable",
            index=models.Index(
                django.db.models.functions.comparison.Collate(django.db.models.functions.text.Lower("external_id"), "C"),
                name="cases_by_reference",
            ),
        ),
        migrations.AddIndex(
            model_name="findable",
            index=models.Index(
                django.db.models.functions.comparison.Collate(django.db.models.functions.text.Lower("customer_reference"), "C"),
                condition=models.Q(("customer_reference", ""), _negated=True),
                name="cases_by_customer",
            ),
        ),
        migrations.AddIndex(
            model_name="findable",
            index=django.contrib.postgres.indexes.GinIndex(fields=["words"], name="cases_by_words"),
        ),
        migrations.AddField(
            model_name="savedview",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="saved_views", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="workflow",
            field=models.ForeignKey(
                blank=True,
                help_text="With whose people it is shared; empty: nobody.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workflows.workflow",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrow",
            constraint=models.UniqueConstraint(fields=("bulk", "case"), name="a_case_is_once_in_a_bulk"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("owner", "name"), name="a_persons_views_have_names_of_their_own"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("owner",), name="a_person_has_one_default_view"
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
