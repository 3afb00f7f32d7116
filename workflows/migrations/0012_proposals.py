"""Proposals of vendors' leads, and what the database itself asks of each."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
-- What a lead writes is checked here: his vendor's mandate, live, with that role; his vendor's person; nothing answered yet.
CREATE FUNCTION the_proposal_is_within_the_mandate() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.answer <> '' OR NOT EXISTS (
    SELECT FROM workflows_mandate m JOIN workflows_engagement e ON e.id = m.engagement_id
      JOIN accounts_user l ON l.id = NEW.proposed_by_id AND l.vendor_id = e.vendor_id
     WHERE m.id = NEW.mandate_id AND NEW.role = ANY (m.roles)
       AND e.since <= NEW.proposed_at AND NEW.proposed_at < least(e.until, e.ended_at, m.ended_at)
       AND l.office = 'vendor_lead' AND l.kind = 'person' AND l.is_active
       AND coalesce(nullif(current_setting('hitl.vendor', true), ''), e.vendor_id::text) = e.vendor_id::text
       AND (NEW.person_id IS NULL OR EXISTS (SELECT FROM accounts_user p
         WHERE p.id = NEW.person_id AND p.vendor_id = e.vendor_id AND p.kind = 'person' AND p.is_active))) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_lead_proposes_within_his_vendors_engagement AFTER INSERT ON workflows_proposal
  FOR EACH ROW EXECUTE FUNCTION the_proposal_is_within_the_mandate();
CREATE TRIGGER a_proposal_is_answered_once BEFORE UPDATE ON workflows_proposal FOR EACH ROW
  WHEN (OLD.answer <> '' OR (OLD.id, OLD.mandate_id, OLD.role, OLD.name, OLD.username, OLD.email, OLD.proposed_by_id, OLD.proposed_at)
      IS DISTINCT FROM (NEW.id, NEW.mandate_id, NEW.role, NEW.name, NEW.username, NEW.email, NEW.proposed_by_id, NEW.proposed_at)
    OR (OLD.person_id IS NOT NULL AND OLD.person_id IS DISTINCT FROM NEW.person_id)) EXECUTE FUNCTION refuse();

-- Acting for a vendor, a proposal of its own is taken back, and nothing is accepted.
CREATE FUNCTION the_proposal_is_of_ones_own_vendor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.answer <> 'withdrawn' OR NOT EXISTS (
    SELECT FROM workflows_mandate m JOIN workflows_engagement e ON e.id = m.engagement_id
     WHERE m.id = NEW.mandate_id AND e.vendor_id::text = current_setting('hitl.vendor', true)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER a_vendors_session_takes_back_its_own_proposals_only BEFORE UPDATE ON workflows_proposal FOR EACH ROW
  WHEN (current_user = 'hitl_app') EXECUTE FUNCTION the_proposal_is_of_ones_own_vendor();
CALL only_the_house_defines('workflows_proposal');
CALL vendors_see_only('workflows_proposal', 'EXISTS (SELECT FROM workflows_mandate m WHERE m.id = mandate_id)');
CALL promises_see_every_row();
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    GRANT INSERT ON workflows_proposal TO hitl_app;
    GRANT UPDATE (answer, answered_at, answered_by_id, answer_reason) ON workflows_proposal TO hitl_app;
    REVOKE DELETE, TRUNCATE ON workflows_proposal FROM hitl_house;
  END IF;
END $$;
"""
UNDO = """
DROP TRIGGER a_vendors_session_takes_back_its_own_proposals_only ON workflows_proposal;
DROP FUNCTION the_proposal_is_of_ones_own_vendor();
DROP TRIGGER a_proposal_is_answered_once ON workflows_proposal;
DROP TRIGGER a_lead_proposes_within_his_vendors_engagement ON workflows_proposal;
DROP FUNCTION the_proposal_is_within_the_mandate();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0011_tenures"),
        ("audit", "0007_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("reviewer", "Reviewer"), ("resolver", "Resolver"), ("improver", "Improver")], max_length=12
                    ),
                ),
                ("name", models.CharField(max_length=150)),
                ("username", models.CharField(max_length=150)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("proposed_at", models.DateTimeField(default=audit.clock.now, editable=False)),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="",
                        editable=False,
                        max_length=9,
                    ),
                ),
                ("answered_at", models.DateTimeField(editable=False, null=True)),
                ("answer_reason", models.TextField(blank=True, editable=False)),
                (
                    "answered_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposals", to="workflows.mandate"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: a new account is made.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "seat",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workflows.seat",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("answer", "")),
                        fields=("mandate", "role", "username"),
                        name="nobody_is_proposed_twice_at_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None), ("answered_by", None)),
                            models.Q(
                                models.Q(("answer", ""), _negated=True),
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="an_answer_has_a_person_and_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", "accepted"), _negated=True),
                            models.Q(("person__isnull", False), ("seat__isnull", False)),
                            _connector="OR",
                        ),
                        name="who_is_accepted_has_an_account_and_a_seat",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
