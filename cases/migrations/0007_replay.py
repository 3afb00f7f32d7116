"""What a replay must know of how a case was sent and born, and the replays themselves."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.clock

SQL = """
-- Cases that came in before: where they went is in their first event; tier and approvals are the best that is known of them.
UPDATE cases_case c SET routed = jsonb_build_object('to', e.body->>'to', 'tier', c.tier, 'released', (e.body->>'released')::boolean,
    'approvals', c.approvals_needed)
  FROM audit_auditevent e WHERE e.subject_type = 'case' AND e.subject_id = c.id AND e.verb = 'case.received';

CREATE TRIGGER how_it_was_sent_and_routed_never_changes BEFORE UPDATE OF sent_action, routed ON cases_case FOR EACH ROW
  WHEN ((OLD.sent_action, OLD.routed) IS DISTINCT FROM (NEW.sent_action, NEW.routed)) EXECUTE FUNCTION refuse();

CREATE TRIGGER a_finished_replay_never_changes BEFORE UPDATE ON cases_replay FOR EACH ROW
  WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER what_a_replay_is_about_never_changes BEFORE UPDATE OF policy_id, since, until, asked_by_id, at ON cases_replay
  FOR EACH ROW WHEN ((OLD.policy_id, OLD.since, OLD.until, OLD.asked_by_id, OLD.at)
    IS DISTINCT FROM (NEW.policy_id, NEW.since, NEW.until, NEW.asked_by_id, NEW.at)) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_replay_is_never_deleted BEFORE DELETE ON cases_replay FOR EACH ROW EXECUTE FUNCTION refuse();
CALL only_the_house_defines('cases_replay');
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') AND current_user <> 'hitl_app' THEN
    REVOKE DELETE, TRUNCATE ON cases_replay FROM hitl_app, hitl_house;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0006_authority_promises"),
        ("workflows", "0005_versions_promises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="routed",
            field=models.JSONField(
                default=dict, help_text="As it was born: to, tier, released, approvals. Tier and approvals may rise."
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="sent_action",
            field=models.JSONField(
                blank=True, help_text="The action as sent apart, before the output was read; empty: none.", null=True
            ),
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("at", models.DateTimeField(default=audit.clock.now)),
                (
                    "job",
                    models.BigIntegerField(help_text="The job that makes it. Jobs may be swept away, replays stay.", null=True),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("counted", models.PositiveIntegerField(default=0)),
                (
                    "document",
                    models.CharField(
                        blank=True, help_text="Digest of the rules and schemas that were replayed.", max_length=64
                    ),
                ),
                ("result", models.JSONField(default=dict)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="replays", to="workflows.policy"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))), name="a_replay_looks_at_some_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("finished_at", None), models.Q(("document", ""), _negated=True), _connector="OR"),
                        name="a_finished_replay_says_what_was_replayed",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL),
    ]
