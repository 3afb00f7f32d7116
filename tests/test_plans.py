"""A connection keeps the plans of the promises' questions for as long as it lives: none may rest on the tables' size when it was made."""

import msgspec
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases import customers, queues
from cases.intake import Intake, receive
from hitlsite.scoped.owner import as_owner

GROWING = ["cases_case", "cases_release", "cases_decision", "audit_auditevent", "integrations_outboxrow"]


def outputs(first, last):
    for number in range(first, last):
        item = {"workflow": "refunds", "external_id": f"P-{number}", "input": {"text": f"{number}"}, "confidence": 0.9}
        item["customer_reference"] = f"P-{number}"
        yield msgspec.convert({**item, "output": {"decision": "answer"}}, Intake)


def rows_read_whole():
    """Of the growing tables, by this transaction, in scans of all of a table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)", [GROWING])
        return int(cursor.fetchone()[0])


def test_a_connection_that_began_on_empty_tables_reads_none_of_them_whole(committed):
    [integration] = committed("integration")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(GROWING)}")
    with transaction.atomic():
        receive([*outputs(0, 2)], by=integration)
    with transaction.atomic():
        receive([*outputs(2, 100)], by=integration)

    with transaction.atomic():
        receive([*outputs(100, 200)], by=integration)
        read = rows_read_whole()

    assert read == 0


def test_what_asks_for_cases_or_their_history_plans_it_by_index(db):
    """Whoever adds such a function ends the migration with CALL cases_are_asked_by_index()."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'public'::regnamespace"
            " AND p.prokind = 'f' AND l.lanname = 'plpgsql' AND p.prosrc ~ '(FROM|JOIN) (cases|audit)_'"
            " AND NOT coalesce(p.proconfig::text LIKE '%enable_seqscan=off%', false)"
        )
        assert cursor.fetchall() == []


def test_ones_own_escalations_are_looked_for_only_where_nothing_else_waits(send, reviewer):
    send(confidence=0.1)

    with CaptureQueriesContext(connection) as asked:
        found = queues.next_case(reviewer)
    with CaptureQueriesContext(connection) as asked_again:
        nothing = queues.next_case(reviewer)

    assert found and nothing is None
    choosing = [sum("SKIP LOCKED" in each["sql"] for each in done.captured_queries) for done in (asked, asked_again)]
    assert choosing == [1, 2]


def test_a_customers_earlier_cases_are_found_by_index_whoever_the_customer_is(committed):
    """The plan that is made for every customer: it knows of none that he has a reference, without which the index has no case."""
    integration, reviewer, send = committed("integration", "reviewer", "send")
    with transaction.atomic():
        receive([*outputs(0, 300)], by=integration)
        first, case = send(customer_reference="C-1"), send(customer_reference="C-1")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("SET LOCAL enable_seqscan = off")
        before = rows_of_cases()

        [line] = customers.earlier(case, reviewer)

        assert line.case == first and rows_of_cases() - before < 20


def rows_of_cases():
    """How many rows of cases this transaction has read, however it came by them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'cases_case'")
        return int(cursor.fetchone()[0])
