"""The sides of a desk are asked of whatever workflows, by one plan that is kept: making one for each cost four times what asking does."""

from django.db import migrations

SQL = "ALTER FUNCTION sides_of(bigint[], timestamptz) SET plan_cache_mode = force_generic_plan"
BACK = "ALTER FUNCTION sides_of(bigint[], timestamptz) RESET plan_cache_mode"


class Migration(migrations.Migration):
    dependencies = [("cases", "0030_ticks")]

    operations = [migrations.RunSQL(SQL, BACK)]
