"""Two more kinds of notices: a question that waits for a ruling, and the ruling."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0027_rulings"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mention", "Somebody mentions me"),
                    ("handed", "A case is handed to me"),
                    ("asked", "I am asked for information"),
                    ("answer", "My request for information is answered"),
                    ("to_rule", "A question waits for my ruling"),
                    ("ruled", "A question about a case of mine is ruled on"),
                    ("sent_back", "What I decided is sent back"),
                    ("approval", "My approval is needed soon"),
                    ("alone", "A case is escalated to a desk where I am the only one"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="wishes",
            name="muted",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("mention", "Somebody mentions me"),
                        ("handed", "A case is handed to me"),
                        ("asked", "I am asked for information"),
                        ("answer", "My request for information is answered"),
                        ("to_rule", "A question waits for my ruling"),
                        ("ruled", "A question about a case of mine is ruled on"),
                        ("sent_back", "What I decided is sent back"),
                        ("approval", "My approval is needed soon"),
                        ("alone", "A case is escalated to a desk where I am the only one"),
                    ],
                    max_length=9,
                ),
                default=list,
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="wishes",
            name="unmailed",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("mention", "Somebody mentions me"),
                        ("handed", "A case is handed to me"),
                        ("asked", "I am asked for information"),
                        ("answer", "My request for information is answered"),
                        ("to_rule", "A question waits for my ruling"),
                        ("ruled", "A question about a case of mine is ruled on"),
                        ("sent_back", "What I decided is sent back"),
                        ("approval", "My approval is needed soon"),
                        ("alone", "A case is escalated to a desk where I am the only one"),
                    ],
                    max_length=9,
                ),
                default=list,
                size=None,
            ),
        ),
    ]
