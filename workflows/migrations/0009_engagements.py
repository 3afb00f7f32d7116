"""Engagements: what a vendor covers, and what the database itself says of shares, periods and ends."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import workflows.models.engagements

SQL = """
CALL only_the_house_defines('workflows_engagement');
CALL only_the_house_defines('workflows_mandate');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON workflows_engagement, workflows_mandate FROM hitl_app, hitl_house;  -- ended, never deleted
  END IF;
END $$;

CREATE TRIGGER an_ended_engagement_never_changes BEFORE UPDATE ON workflows_engagement FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION refuse();
CREATE TRIGGER an_ended_mandate_never_changes BEFORE UPDATE ON workflows_mandate FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION refuse();
CREATE TRIGGER an_engagement_stays_with_its_vendor BEFORE UPDATE ON workflows_engagement FOR EACH ROW
  WHEN (OLD.vendor_id <> NEW.vendor_id) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_mandate_stays_in_its_engagement_and_workflow BEFORE UPDATE ON workflows_mandate FOR EACH ROW
  WHEN ((OLD.engagement_id, OLD.workflow_id) <> (NEW.engagement_id, NEW.workflow_id)) EXECUTE FUNCTION refuse();

-- Every mandate with its vendor and the time it holds, from its engagement and its own end.
CREATE FUNCTION mandates_in_time() RETURNS TABLE (id bigint, engagement_id bigint, workflow_id bigint, vendor_id bigint,
  share smallint, begins timestamptz, ends timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT m.id, m.engagement_id, m.workflow_id, e.vendor_id, m.share, e.since, least(e.until, e.ended_at, m.ended_at)
    FROM workflows_mandate m JOIN workflows_engagement e ON e.id = m.engagement_id;
END;

-- Whether the shares of a workflow make more than the whole at some moment: the sum only rises where a mandate begins.
CREATE FUNCTION shares_exceed_the_whole(workflow bigint) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT EXISTS (
    SELECT FROM mandates_in_time() starts JOIN mandates_in_time() m ON m.workflow_id = starts.workflow_id
       AND m.begins <= starts.begins AND starts.begins < m.ends
     WHERE starts.workflow_id = workflow AND starts.begins < starts.ends GROUP BY starts.id HAVING sum(m.share) > 100);
END;
CREATE FUNCTION a_vendor_is_mandated_twice(workflow bigint) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT EXISTS (
    SELECT FROM mandates_in_time() one JOIN mandates_in_time() other ON other.workflow_id = one.workflow_id
       AND other.vendor_id = one.vendor_id AND other.id <> one.id
     WHERE one.workflow_id = workflow AND one.begins < one.ends AND other.begins < other.ends
       AND one.begins < other.ends AND other.begins < one.ends);
END;

-- Who changes the mandates of a workflow waits for whoever is doing so: each sees what the other left.
CREATE FUNCTION the_mandates_fit_together() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE touched bigint;
BEGIN
  FOR touched IN SELECT m.workflow_id FROM workflows_mandate m
    WHERE CASE TG_TABLE_NAME WHEN 'workflows_mandate' THEN m.id = NEW.id ELSE m.engagement_id = NEW.id END ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock(hashtext('workflows_mandate'), touched::int);
    IF (CASE TG_ARGV[0] WHEN 'shares' THEN shares_exceed_the_whole(touched) ELSE a_vendor_is_mandated_twice(touched) END) THEN
      RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER shares_of_a_workflow_are_never_more_than_the_whole AFTER INSERT OR UPDATE ON workflows_mandate
  FOR EACH ROW EXECUTE FUNCTION the_mandates_fit_together('shares');
CREATE TRIGGER shares_of_a_workflow_are_never_more_than_the_whole AFTER UPDATE ON workflows_engagement
  FOR EACH ROW EXECUTE FUNCTION the_mandates_fit_together('shares');
CREATE TRIGGER a_vendor_has_one_live_mandate_per_workflow AFTER INSERT OR UPDATE ON workflows_mandate
  FOR EACH ROW EXECUTE FUNCTION the_mandates_fit_together('vendors');
CREATE TRIGGER a_vendor_has_one_live_mandate_per_workflow AFTER UPDATE ON workflows_engagement
  FOR EACH ROW EXECUTE FUNCTION the_mandates_fit_together('vendors');
"""
UNDO = """
DROP TRIGGER a_vendor_has_one_live_mandate_per_workflow ON workflows_engagement;
DROP TRIGGER a_vendor_has_one_live_mandate_per_workflow ON workflows_mandate;
DROP TRIGGER shares_of_a_workflow_are_never_more_than_the_whole ON workflows_engagement;
DROP TRIGGER shares_of_a_workflow_are_never_more_than_the_whole ON workflows_mandate;
DROP FUNCTION the_mandates_fit_together();
DROP FUNCTION a_vendor_is_mandated_twice(bigint);
DROP FUNCTION shares_exceed_the_whole(bigint);
DROP FUNCTION mandates_in_time();
DROP TRIGGER a_mandate_stays_in_its_engagement_and_workflow ON workflows_mandate;
DROP TRIGGER an_engagement_stays_with_its_vendor ON workflows_engagement;
DROP TRIGGER an_ended_mandate_never_changes ON workflows_mandate;
DROP TRIGGER an_ended_engagement_never_changes ON workflows_engagement;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_signin"),
        ("workflows", "0008_clocks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="workflow",
            name="staffed",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The hours in which the house's own people work here. None: around the clock.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="staffs",
                to="workflows.calendar",
            ),
        ),
        migrations.CreateModel(
            name="Engagement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("since", models.DateTimeField(help_text="The contract period begins.", verbose_name="from")),
                (
                    "until",
                    models.DateTimeField(help_text="It ends then: seats end, and open cases come back.", verbose_name="until"),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                ("end_reason", models.TextField(blank=True, editable=False)),
                (
                    "coverage",
                    models.ForeignKey(
                        blank=True,
                        help_text="When the vendor's people are there, in their own zone, with their holidays. None: around the clock.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="engagements",
                        to="workflows.calendar",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="engagements", to="accounts.vendor"
                    ),
                ),
            ],
            options={
                "ordering": ["vendor", "-since", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Mandate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("reviewer", "Reviewer"), ("resolver", "Resolver"), ("improver", "Improver")],
                            max_length=12,
                        ),
                        size=None,
                    ),
                ),
                (
                    "accepts",
                    models.CharField(
                        choices=[
                            ("house", "A person of the house accepts whom the vendor proposes"),
                            ("vendor", "Whom the vendor's lead proposes is seated at once"),
                        ],
                        default="house",
                        max_length=6,
                        verbose_name="who accepts people",
                    ),
                ),
                ("share", models.PositiveSmallIntegerField(help_text="Percent of the workflow's volume that is the vendor's.")),
                (
                    "least_share",
                    models.PositiveSmallIntegerField(default=0, help_text="Percent it is given at least, by the contract."),
                ),
                ("most_share", models.PositiveSmallIntegerField(default=100, help_text="Percent it is given at most.")),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        blank=True, help_text="Open cases at once at its desks. Empty: no limit.", null=True
                    ),
                ),
                (
                    "peak_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="When the oldest case waiting at the desk is older than this, the vendor takes what comes beyond its share. Empty: never.",
                        null=True,
                    ),
                ),
                (
                    "languages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16),
                        blank=True,
                        default=list,
                        help_text="Such as de or pt-BR. None: any.",
                        size=None,
                    ),
                ),
                (
                    "skills",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, help_text="None: any.", size=None
                    ),
                ),
                ("price", models.DecimalField(decimal_places=3, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                (
                    "price_per",
                    models.CharField(
                        choices=[("decision", "per decision"), ("hour", "per hour")], default="decision", max_length=8
                    ),
                ),
                (
                    "answer_minutes",
                    models.PositiveIntegerField(
                        default=480, help_text="Business minutes of its hours, from arrival to decision."
                    ),
                ),
                (
                    "answer_percent",
                    models.PositiveSmallIntegerField(default=90, help_text="Percent of its cases answered in that time."),
                ),
                (
                    "masked_fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Paths such as input.customer.email or context.order.",
                        size=None,
                    ),
                ),
                (
                    "masked_patterns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("card", "Card numbers"),
                                ("iban", "Bank accounts (IBAN)"),
                                ("email", "E-mail addresses"),
                                ("phone", "Phone numbers"),
                            ],
                            max_length=8,
                        ),
                        blank=True,
                        default=workflows.models.engagements.every_pattern,
                        size=None,
                    ),
                ),
                (
                    "reveals_a_day",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="How often one person may uncover a field a day, each time with a reason. 0: never.",
                    ),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "engagement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mandates", to="workflows.engagement"
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mandates", to="workflows.workflow"
                    ),
                ),
            ],
            options={
                "ordering": ["engagement", "workflow"],
            },
        ),
        migrations.AddConstraint(
            model_name="engagement",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("since"))), name="an_engagement_ends_after_it_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="engagement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end_reason", ""), ("ended_at", None), ("ended_by", None)),
                    models.Q(
                        ("ended_at__isnull", False), ("ended_by__isnull", False), models.Q(("end_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="an_ended_engagement_says_when_why_and_by_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="engagement",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at", None), ("ended_at__lte", models.F("until")), _connector="OR"),
                name="an_engagement_ends_with_its_period_at_the_latest",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("roles__contained_by", ["reviewer", "resolver", "improver"]), ("roles__len__gte", 1)),
                name="a_mandate_never_approves_nor_owns",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("least_share__lte", models.F("share")), ("most_share__lte", 100), ("share__lte", models.F("most_share"))
                ),
                name="a_share_lies_within_its_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("price__gte", 0), ("price__lt", 1000000000)), name="a_price_is_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="a_price_has_a_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer_minutes__gte", 1), ("answer_percent__gte", 1), ("answer_percent__lte", 100)),
                name="a_service_level_can_be_met",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("masked_patterns__contained_by", ["card", "iban", "email", "phone"])),
                name="only_known_patterns_are_masked",
            ),
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
