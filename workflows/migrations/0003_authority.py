"""Titles of seats, delegation, and the one answer to who may approve what."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
-- Who acts as which owner: the owner, and while he is away his stand-in.
CREATE FUNCTION owners_acting(moment timestamptz) RETURNS TABLE (id bigint, workflow_id bigint, "of" varchar, user_id bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT o.id, o.workflow_id, o."of", o.user_id FROM workflows_owner o
  UNION ALL
  SELECT o.id, o.workflow_id, o."of", a.stand_in_id
    FROM workflows_owner o JOIN accounts_absence a ON a.user_id = o.user_id JOIN accounts_user u ON u.id = a.stand_in_id
   WHERE a.since <= owners_acting.moment AND owners_acting.moment < least(a.until, a.ended_at) AND u.is_active AND u.vendor_id IS NULL;
END;

-- The limit of a seat: that for the very type of action, else that for all types; null: none in this currency.
CREATE FUNCTION limit_of(seat bigint, action_type text, currency text) RETURNS numeric LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT l.amount FROM workflows_approvallimit l
   WHERE l.seat_id = limit_of.seat AND l.currency = limit_of.currency AND l.action_type IN ('', limit_of.action_type)
   ORDER BY l.action_type DESC LIMIT 1;
END;

-- Who may sign at all, by which seat: the holder himself, or his delegate while the delegation lasts; nobody who is away.
CREATE FUNCTION approvers_at(moment timestamptz)
RETURNS TABLE (workflow_id bigint, user_id bigint, seat_id bigint, holder_id bigint, delegation_id bigint, title varchar)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT s.workflow_id, s.user_id, s.id, s.user_id, NULL::bigint, s.title
    FROM workflows_seat s JOIN accounts_user u ON u.id = s.user_id
   WHERE s.role = 'approver' AND s.ended_at IS NULL AND u.is_active AND u.vendor_id IS NULL
     AND NOT EXISTS (SELECT FROM accounts_absence a WHERE a.user_id = s.user_id AND a.since <= approvers_at.moment
       AND approvers_at.moment < least(a.until, a.ended_at))
  UNION ALL
  SELECT s.workflow_id, g.to_id, s.id, s.user_id, g.id, s.title
    FROM workflows_delegation g JOIN workflows_seat s ON s.id = g.seat_id JOIN accounts_user u ON u.id = g.to_id
    JOIN accounts_user h ON h.id = s.user_id
   WHERE s.role = 'approver' AND s.ended_at IS NULL AND u.is_active AND u.vendor_id IS NULL AND h.is_active AND h.vendor_id IS NULL
     AND g.since <= approvers_at.moment AND approvers_at.moment < least(g.until, g.ended_at)
     AND NOT EXISTS (SELECT FROM accounts_absence a WHERE a.user_id = g.to_id AND a.since <= approvers_at.moment
       AND approvers_at.moment < least(a.until, a.ended_at));
END;

-- The one question of authority, of gate, queue and triggers alike: by which seats this person may approve such an action.
-- Its plan is kept for the session: written into the statements that ask it, it was planned anew at each of them.
CREATE FUNCTION authority_to_approve(of_workflow bigint, of_type text, of_amount numeric, in_currency text, person bigint, moment timestamptz)
RETURNS TABLE (seat_id bigint, holder_id bigint, delegation_id bigint, title varchar, most numeric, within boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT p.seat_id, p.holder_id, p.delegation_id, p.title, l.most, of_amount IS NULL OR coalesce(l.most >= of_amount, false)
    FROM approvers_at(moment) p CROSS JOIN LATERAL (SELECT limit_of(p.seat_id, of_type, in_currency) AS most) l
   WHERE p.workflow_id = of_workflow AND p.user_id = person;
END $$;

CREATE FUNCTION the_delegate_is_another() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM workflows_seat WHERE id = NEW.seat_id AND user_id = NEW.to_id) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER nobody_delegates_to_himself AFTER INSERT ON workflows_delegation
  FOR EACH ROW EXECUTE FUNCTION the_delegate_is_another();

CREATE FUNCTION both_are_in_house() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM workflows_seat s WHERE s.id = NEW.seat_id AND s.role = 'approver' AND s.ended_at IS NULL)
    OR EXISTS (SELECT FROM (SELECT u.vendor_id, u.kind FROM accounts_user u
        WHERE u.id = NEW.to_id OR u.id = (SELECT s.user_id FROM workflows_seat s WHERE s.id = NEW.seat_id) FOR SHARE) x
      WHERE x.vendor_id IS NOT NULL OR x.kind <> 'person') THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_in_house_delegates AFTER INSERT ON workflows_delegation
  FOR EACH ROW EXECUTE FUNCTION both_are_in_house();

-- Within a workflow and at one time, authority that was lent never comes back to whom it came from.
CREATE FUNCTION the_delegations_make_no_circle() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('workflows_delegation'), s.workflow_id::int) FROM workflows_seat s WHERE s.id = NEW.seat_id;
  IF EXISTS (
    WITH RECURSIVE of_here AS (
      SELECT w.id FROM workflows_seat mine JOIN workflows_seat w ON w.workflow_id = mine.workflow_id WHERE mine.id = NEW.seat_id),
    passed (person) AS (
      SELECT NEW.to_id
      UNION
      SELECT g.to_id FROM passed p JOIN workflows_seat s ON s.user_id = p.person AND s.id IN (SELECT id FROM of_here)
        JOIN workflows_delegation g ON g.seat_id = s.id
       WHERE g.since < NEW.until AND least(g.until, g.ended_at) > NEW.since)
    SELECT FROM passed p JOIN workflows_seat s ON s.id = NEW.seat_id AND s.user_id = p.person) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER delegations_never_go_round AFTER INSERT ON workflows_delegation
  FOR EACH ROW EXECUTE FUNCTION the_delegations_make_no_circle();
CREATE TRIGGER a_delegation_is_only_ended BEFORE UPDATE ON workflows_delegation FOR EACH ROW
  WHEN ((OLD.id, OLD.seat_id, OLD.to_id, OLD.since, OLD.until, OLD.reason, OLD.given_by_id)
      IS DISTINCT FROM (NEW.id, NEW.seat_id, NEW.to_id, NEW.since, NEW.until, NEW.reason, NEW.given_by_id)
    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)) EXECUTE FUNCTION refuse();

CREATE OR REPLACE FUNCTION end_what_only_the_house_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE workflows_delegation g SET ended_at = clock_timestamp() FROM workflows_seat s
   WHERE s.id = g.seat_id AND NEW.id IN (g.to_id, s.user_id) AND g.ended_at IS NULL;
  UPDATE workflows_seat SET ended_at = clock_timestamp() WHERE user_id = NEW.id AND role = 'approver' AND ended_at IS NULL;
  UPDATE accounts_absence SET stand_in_id = NULL WHERE stand_in_id = NEW.id OR (user_id = NEW.id AND stand_in_id IS NOT NULL);
  DELETE FROM workflows_owner WHERE user_id = NEW.id;
  RETURN NULL;
END $$;

CALL only_the_house_defines('workflows_delegation');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON workflows_delegation FROM hitl_app, hitl_house;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_absence"),
        ("workflows", "0002_promises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="seat",
            name="title",
            field=models.CharField(
                blank=True,
                help_text="For an approver: the steps of a chain that name this title are his, beside those that name none.",
                max_length=60,
            ),
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(default=audit.clock.now)),
                ("until", models.DateTimeField()),
                ("reason", models.TextField()),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "given_by",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="delegations", to="workflows.seat"
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="delegations", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))), name="a_delegation_ends_after_it_begins"
                    )
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
