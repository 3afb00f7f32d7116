"""When somebody was last signed out everywhere: what he had claimed before goes back to its desk."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_signin")]
    operations = [migrations.AddField("user", "signed_out_at", models.DateTimeField(editable=False, null=True))]
