"""What an approver may sign, and who signs in his place, is no vendor's to read: the second wall hides it too."""

from django.db import migrations

SQL = """
CALL only_the_house_sees('workflows_approvallimit');
CALL only_the_house_sees('workflows_delegation');
"""
UNDO = """
ALTER TABLE workflows_approvallimit DISABLE ROW LEVEL SECURITY;
ALTER TABLE workflows_delegation DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0013_drafts_of_the_playbook"),
        ("audit", "0007_rows"),
    ]

    operations = [migrations.RunSQL(SQL, UNDO)]
