"""Patterns, rulings, blind first and who still looks, in a real browser: one journey each, and axe on every page on the way."""

import pytest
from django.db import transaction
from django.urls import reverse

from audit import acting
from cases import actions, queues
from cases.models import OwnAnswer, Ruling
from improvements.models import Finding
from tests import factories
from tests import test_access_browser as access
from tests import test_workbench_browser as workbench
from tests.browsers import pictured, ready
from tests.conftest import HOUSE
from tests.test_access_browser import as_it_stands, case, looked_at
from tests.test_workbench_browser import keys, rows
from workflows.models import PlaybookSection

chromium, browse, pytestmark = access.chromium, access.browse, access.pytestmark
output_schema = workbench.output_schema
ANSWER = {"decision": "refund", "reply": "We will."}


@pytest.fixture
def rules():
    return {}


def at_work(page, which):
    page.goto(case(which, "work"))
    ready(page.locator("#work"))


@pytest.fixture
def waiting(committed):
    """(the reviewer, the owner of everything, two cases that the reviewer holds)"""
    reviewer, owner, send = committed("reviewer", "owner", "send")
    with transaction.atomic():
        sent = [queues.claim(send(0.5, output=ANSWER).pk, by=reviewer) for _ in range(2)]
    return reviewer, owner, sent


def test_what_is_met_again_is_flagged_to_the_open_finding(browse, waiting):
    reviewer, owner, [first, second] = waiting
    page, house = browse(reviewer), browse(owner)
    grave = looked_at(house, "findings-empty", reverse("admin:improvements_findings"))

    at_work(page, first)
    keys(page, "f")
    page.get_by_label("Or a new one, in a few words").fill("Promises a date")
    page.get_by_label("What is it about this case?").fill("Nobody knows the date.")
    grave += as_it_stands(page, "flag")
    page.get_by_role("button", name="Flag it").click()
    page.get_by_text("Flagged as a pattern.").wait_for()
    at_work(page, second)
    keys(page, "f")
    page.get_by_label("Which pattern?").select_option(label="Promises a date")
    page.get_by_role("button", name="Flag it").click()
    page.get_by_text("Flagged as a pattern.").wait_for()

    [finding] = rows(Finding)
    with acting.scope(HOUSE), transaction.atomic():
        assert set(finding.flags.values_list("case", flat=True)) == {first.pk, second.pk}
    grave += looked_at(house, "findings", reverse("admin:improvements_findings"))
    house.get_by_text("Nobody knows the date.").wait_for()
    assert grave == [] and page.faults == house.faults == []


def test_what_nobody_knows_is_asked_ruled_and_written_down(browse, waiting):
    reviewer, owner, [asked, _] = waiting
    page, house = browse(reviewer), browse(owner)

    at_work(page, asked)
    keys(page, "q")
    page.locator("[name='ask.reason']").fill("May a voucher be refunded?")
    keys(page, "Control+Enter")
    page.get_by_text("The owner of policy has not answered yet.").wait_for()
    grave = as_it_stands(page, "work-asked")

    house.goto(reverse("admin:cases_notices"))
    house.get_by_role("link", name="asks for your ruling").click()
    house.get_by_label("Your ruling").fill("Never. Offer another voucher.")
    grave += as_it_stands(house, "rulings-to-answer")
    house.get_by_role("button", name="Answer").click()
    house.get_by_role("button", name="Make it a section of the playbook").click()
    house.get_by_role("button", name="Publish it").wait_for()
    grave += as_it_stands(house, "rulings-written-down")

    page.goto(reverse("admin:cases_notices"))
    page.get_by_role("link", name="rules on a question").click()
    page.get_by_text("Never. Offer another voucher.").wait_for()
    assert [each.words for each in rows(Ruling)] == ["Never. Offer another voucher."]
    assert [(each.title, each.is_draft) for each in rows(PlaybookSection)] == [("May a voucher be refunded?", True)]
    assert grave == [] and page.faults == house.faults == []


@pytest.fixture
def blind(committed):
    """(the reviewer, a case whose policy asks for his own answer first)"""
    reviewer, owner, refunds = committed("reviewer", "owner", "refunds")
    with transaction.atomic():
        factories.policy(refunds, owner, rules={"blind_first": True}, output_schema=refunds.policy.output_schema)
    [send] = committed("send")
    with transaction.atomic():
        return reviewer, owner, queues.claim(send(0.5, output=ANSWER).pk, by=reviewer)


def test_his_own_answer_comes_before_the_ais(browse, blind):
    reviewer, owner, asked = blind
    page, house = browse(reviewer), browse(owner)

    at_work(page, asked)
    assert "We will." not in page.content()
    page.get_by_label("Decision").select_option("decline")
    grave = as_it_stands(page, "work-blind")
    keys(page, "Control+Enter")
    page.get_by_text("They differ in one value.").wait_for()
    grave += as_it_stands(page, "work-own-answer")
    assert page.get_by_label("Reply", exact=True).input_value() == "We will."
    grave += looked_at(browse(reviewer), "case-own-answer", case(asked, "change"))  # it stands in the admin's frame

    [kept] = rows(OwnAnswer)
    assert (kept.answer, kept.differs) == ({"decision": "decline"}, ["decision"])
    grave += looked_at(house, "attention-agreement", reverse("admin:quality_attention"))
    house.get_by_text("0% (0%–79%)").first.wait_for()
    assert grave == [] and page.faults == house.faults == []


def test_the_owner_of_quality_reads_who_still_looks(browse, committed):
    reviewer, owner, send = committed("reviewer", "owner", "send")
    for _ in range(30):
        with transaction.atomic(), acting.scope(HOUSE):
            sent = queues.claim(send(0.5, input={"text": "The parcel arrived open. " * 200}, output=ANSWER).pk, by=reviewer)
            actions.accept(sent.pk, by=reviewer, active_seconds=1)
    page = browse(owner)

    grave = looked_at(page, "attention", reverse("admin:quality_attention"))
    page.get_by_role("link", name=str(reviewer)).first.click()
    page.wait_for_url("**/quality/attention/refunds/**")
    grave += as_it_stands(page, "attention-person")

    assert grave == [] and page.faults == []


def test_a_picture_leaves_no_fault_on_a_page(browse, waiting, monkeypatch, tmp_path):
    monkeypatch.setenv("HITLDESK_PICTURES", str(tmp_path))
    reviewer, _, [first, _] = waiting
    page = browse(reviewer)
    at_work(page, first)

    pictured(page, "work")

    assert len(list(tmp_path.iterdir())) == 4 and page.faults == []
