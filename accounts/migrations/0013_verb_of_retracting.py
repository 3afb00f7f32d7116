import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_language"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="verbs",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("accept", "accept"),
                        ("answer", "answer"),
                        ("approve", "approve"),
                        ("ask", "ask"),
                        ("attach", "attach"),
                        ("claim", "claim"),
                        ("comment", "comment"),
                        ("correct", "correct"),
                        ("escalate", "escalate"),
                        ("extend", "extend"),
                        ("go_on", "go on"),
                        ("hand_over", "hand over"),
                        ("inquire", "inquire"),
                        ("no_action", "no action"),
                        ("own_answer", "own answer"),
                        ("pause", "pause"),
                        ("read", "read"),
                        ("recall", "recall"),
                        ("receive", "receive"),
                        ("reject", "reject"),
                        ("reopen", "reopen"),
                        ("resolve", "resolve"),
                        ("retract", "retract"),
                        ("reveal", "reveal"),
                        ("review_break_glass", "review break glass"),
                        ("rework", "rework"),
                        ("send_back", "send back"),
                        ("skip", "skip"),
                        ("snooze", "snooze"),
                        ("undo", "undo"),
                        ("withdraw", "withdraw"),
                    ],
                    max_length=20,
                ),
                help_text="What the key may do, at most: never more than its user may.",
                size=None,
            ),
        ),
    ]
