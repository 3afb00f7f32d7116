from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_verbs_of_answering_and_asking")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("en", "English"), ("de", "Deutsch")],
                default="",
                help_text="In which the pages are shown. Empty: the browser's.",
                max_length=8,
            ),
        )
    ]
