"""The chain is asked by its index, whatever the size of the ledger when a connection first asked.

A connection keeps its plans. One made while the ledger was small read all of it at every event, until the next ANALYZE: a
thousand cases took seconds on a new installation.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_a_chain_in_fewer_steps")]
    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION chain_the_event() SET enable_seqscan = off", "ALTER FUNCTION chain_the_event() RESET enable_seqscan"
        )
    ]
