import msgspec
from django.db import connection

from cases.intake import Intake
from workflows.patterns import Rules


def test_the_suite_runs_as_the_application_acting_for_the_house(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")

        assert cursor.fetchone() == ("hitl_app", "hitl_house")


def test_the_web_server_has_built_every_shape_before_it_takes_requests(db):
    from hitlsite.wsgi import BUILT  # checks the set-up, so it needs the database

    ours = {shape for shape in below(msgspec.Struct) if not shape.__module__.startswith("tests.")}
    assert {Rules, Intake} <= ours <= BUILT


def below(kind):
    for shape in kind.__subclasses__():
        yield shape
        yield from below(shape)
