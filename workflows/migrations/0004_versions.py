"""Versions: effective from, signed by a second person, from which improvement, rolled back to; and who gave what to an approver."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

DIGEST = """
CREATE FUNCTION policy_digest(rules jsonb, input_schema jsonb, output_schema jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN sha256(convert_to(jsonb_build_array(rules, input_schema, output_schema)::text, 'UTF8'));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0003_authority"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(DIGEST, "DROP FUNCTION policy_digest(jsonb, jsonb, jsonb)"),
        migrations.AddField(
            model_name="approvallimit",
            name="set_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="rolls_back_to",
            field=models.ForeignKey(
                editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workflows.policy"
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="signed_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="seat",
            name="given_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="effective_from",
            field=models.DateTimeField(editable=False, help_text="Empty: from the moment of publishing on.", null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="improvement",
            field=models.CharField(blank=True, help_text="From which improvement, where it comes from one.", max_length=200),
        ),
        migrations.AddField(
            model_name="policy",
            name="signed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="signed_digest",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="workflow",
            name="two_people_publish",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="A version needs the signature of a second owner before it is published.",
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_from", None),
                    ("published_at", None),
                    ("effective_from__gte", models.F("published_at")),
                    _connector="OR",
                ),
                name="no_version_takes_effect_before_it_was_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("signed_at", None), ("signed_by", None), ("signed_digest", None)),
                    models.Q(("signed_at__isnull", False), ("signed_by__isnull", False), ("signed_digest__isnull", False)),
                    _connector="OR",
                ),
                name="a_signature_has_a_person_a_time_and_a_content",
            ),
        ),
        migrations.AddConstraint(
            model_name="seat",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role", "approver"), _negated=True),
                    ("given_by", None),
                    models.Q(("given_by", models.F("user")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_gives_himself_an_approvers_seat",
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="digest",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func("rules", "input_schema", "output_schema", function="policy_digest"),
                output_field=models.BinaryField(),
            ),
        ),
    ]
