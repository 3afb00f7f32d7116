from django.db import connection


def test_the_suite_runs_as_the_application_acting_for_the_house(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")

        assert cursor.fetchone() == ("hitl_app", "hitl_house")
