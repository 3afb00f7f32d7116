"""Where an integration's webhooks go is the house's to say."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("audit", "0003_chain")]
    operations = [migrations.RunSQL("CALL only_the_house_defines('integrations_webhookendpoint')", migrations.RunSQL.noop)]
