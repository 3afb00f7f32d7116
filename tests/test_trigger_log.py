"""What each trigger did: fired, cost, changed, caught alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases import actions, trigger_log
from tests import factories
from workflows import actions as workflows

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules():
    """Two that send to a desk, one that raises the risk, one that only tags."""
    words = [("Lawyers", "lawyer", {"desk": "review"}), ("Threats", "press", {"desk": "review"})]
    kinds = [*words, ("Money", "money", {"raises": "high"}), ("Marks", "hello", {"tag": "hello"})]
    return {"triggers": [{"kind": "keywords", "name": name, "words": [word], **does} for name, word, does in kinds]}


def said(refunds, **asked):
    return {row.name: row for row in trigger_log.log(refunds, **asked).rows}


def worded(send, text, confidence=0.9):
    return send(confidence=confidence, input={"text": text})


def test_it_counts_how_often_a_trigger_fired_and_names_the_silent_ones(send, refunds):
    for text in ("my lawyer", "a lawyer, hello", "nothing"):
        worded(send, text)

    log = trigger_log.log(refunds)

    assert log.total == 3
    assert [(row.name, row.fired) for row in log.rows] == [("Lawyers", 2), ("Marks", 1)]
    assert log.silent == ["Money", "Threats"]


def test_it_cost_the_time_of_what_would_have_gone_straight_through_without_it(send, refunds, reviewer):
    alone, low, both = worded(send, "lawyer"), worded(send, "lawyer", 0.3), worded(send, "lawyer and press")
    for case, seconds in ((alone, 60), (low, 500), (both, 700)):
        actions.accept(case.pk, by=reviewer, active_seconds=seconds)

    rows = said(refunds)

    assert (rows["Lawyers"].fired, rows["Lawyers"].held_alone, rows["Lawyers"].seconds) == (3, 1, 60)
    assert (rows["Threats"].fired, rows["Threats"].seconds) == (1, 0)


def test_a_raised_risk_that_asks_for_an_approval_holds_alone(send, refunds, approver):
    case = worded(send, "money, hello")
    actions.approve(case.pk, by=approver, active_seconds=30)

    rows = said(refunds)

    assert (rows["Money"].held_alone, rows["Money"].seconds) == (1, 30)
    assert rows["Marks"].held_alone == 0


def test_what_was_changed_and_what_only_it_caught(send, refunds, reviewer):
    wrong, right, low = worded(send, "lawyer"), worded(send, "lawyer"), worded(send, "lawyer", 0.3)
    for case in (wrong, low):
        actions.correct(case.pk, by=reviewer, output={"decision": "none"})
    actions.accept(right.pk, by=reviewer)
    worded(send, "lawyer")

    row = said(refunds)["Lawyers"]

    assert (row.fired, row.closed, row.changed, row.caught_alone) == (4, 3, 2, 1)
    assert (row.seconds, row.unknown) == (0, 2)
    assert row.caught == [wrong.pk]
    assert row.sentence == (
        "Fired 4 times, cost 0 minutes (and 2 decisions of unknown length), 67 % changed the output, 1 error only it caught."
    )


def test_one_decision_of_unknown_length_is_one():
    assert "(and 1 decision of unknown length)" in trigger_log.Row("T", unknown=1).sentence


def test_a_version_and_the_days_are_asked_for(send, refunds, owner):
    worded(send, "lawyer")
    factories.policy(refunds, owner, rules=refunds.policy.rules)
    worded(send, "press")

    assert set(said(refunds, version=1)) == {"Lawyers"}
    assert set(said(refunds, version=2)) == {"Threats"}


def test_the_page_reads_as_a_table_with_links_in_few_queries(client, send, refunds, owner, reviewer):
    case = worded(send, "lawyer")
    client.force_login(owner)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        shown = client.get(reverse("admin:cases_trigger_log", args=[refunds.pk])).content.decode()

    assert "Fired 1 time, cost 0 minutes, nobody has decided any of them yet, 0 errors only it caught." in shown
    assert reverse("admin:cases_case_change", args=[case.pk]) in shown
    assert len(asked) <= 20


def test_an_empty_page_says_so(client, refunds, owner):
    client.force_login(owner)

    shown = client.get(reverse("admin:cases_trigger_log", args=[refunds.pk]) + "?days=7").content.decode()

    assert "No case came in in these 7 days." in shown


@pytest.mark.parametrize("query", ["?days=x", "?days=-1", "?version=99", "?days=999999999999"])
def test_odd_questions_are_answered(client, refunds, owner, query):
    client.force_login(owner)

    assert client.get(reverse("admin:cases_trigger_log", args=[refunds.pk]) + query).status_code == 200


def test_what_it_held_while_the_workflow_was_stopped_counts_for_it_too(send, refunds, owner):
    workflows.stop(refunds, by=owner, reason="Odd outputs.")
    worded(send, "lawyer")

    assert said(refunds)["Lawyers"].held_alone == 1
