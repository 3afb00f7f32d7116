"""The approvals in a real browser, by keyboard: approve with the second factor asked again, edit, reject, two windows at once."""

import time

import pytest
from django.db import transaction

from accounts.sessions import SessionStore
from audit import acting
from cases.models import Case, Decision
from tests import test_signin_browser as signing_in
from tests.browsers import ready, watched
from tests.conftest import HOUSE
from tests.doors import code, let_in
from tests.test_signin_browser import give, sign_in
from tests.test_workbench_browser import keys, rows

chromium, page, pytestmark = signing_in.chromium, signing_in.page, signing_in.pytestmark
IN_SIGHT = "told => told.getBoundingClientRect().top >= 0 && told.getBoundingClientRect().bottom <= innerHeight"
REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}


@pytest.fixture
def rules():
    reasons = [{"code": "not-owed", "label": "Not owed", "verbs": ["reject"]}]
    return {"action_tiers": {"refund": "high"}, "reason_codes": reasons}


@pytest.fixture
def start(page, committed):
    """So many refunds wait; the approver signs in and opens the approvals from his desk."""

    def start(cases=1):
        approver, send = committed("approver", "send")
        with transaction.atomic():
            let_in(approver, factor=True)
            sent = [send(action=REFUND, output={"decision": "refund", "reply": "We will."}) for _ in range(cases)]
        acting._current.set(acting.NOBODY)
        sign_in(page, approver)
        give(page, code())
        ready(page.get_by_role("heading", name="My desk"))
        keys(page, "n")
        ready(page.get_by_role("heading", name="Approvals"))
        return approver, sent

    token = acting._current.set(HOUSE)
    yield start
    acting._current.reset(token)


def card(page, case):
    return page.locator(f"#approval-{case.pk}")


WATCH_WHICH_IS_AT_HAND = """() => {  // which card has the keys whenever one has changed
    window.atHand = [];
    const look = () => window.atHand.push(document.querySelector(".approval.at")?.id);
    new MutationObserver(look).observe(document.querySelector(".approval").parentElement, { childList: true });
}"""


def an_hour_later(page):
    """The session's second factor was given an hour ago."""
    [cookie] = [each for each in page.context.cookies() if each["name"] == "sessionid"]
    with acting.scope(HOUSE), transaction.atomic():
        session = SessionStore(cookie["value"])
        for record in session["account_authentication_methods"]:
            record["at"] = time.time() - 3600
        session.save()


def status(number, name):
    """The browser's own line about an answer that is a refusal."""
    return f"Failed to load resource: the server responded with a status of {number} ({name})"


def test_approve_gives_the_second_factor_again_and_loses_no_word(page, start):
    _, [case] = start()
    an_hour_later(page)
    keys(page, "a", "Tab")
    page.locator("[name='approve.reason']").fill("Charged twice, as the statement shows.")
    keys(page, "Control+Enter")
    page.get_by_role("link", name="on its page").click()
    give(page, code(1))
    card(page, case).wait_for()
    assert page.locator("[name='approve.reason']").input_value() == "Charged twice, as the statement shows."
    keys(page, "Control+Enter")
    card(page, case).get_by_text("is approved.").wait_for()

    assert rows(Case, pk=case.pk)[0].closed_as == "released"
    assert rows(Decision)[0].reason == "Charged twice, as the statement shows."
    assert page.faults == [status(403, "Forbidden")]


def test_one_edited_and_approved_and_the_next_rejected_by_keyboard_alone(page, start):
    _, [first, second] = start(cases=2)

    keys(page, "c")
    keys(page, "Tab", "End")
    page.keyboard.type(" Sorry.")
    assert card(page, first).locator(".was:visible").all_inner_texts() == ["We will."]
    page.evaluate(WATCH_WHICH_IS_AT_HAND)
    keys(page, "Control+Enter")
    card(page, first).get_by_text("edited and approved").wait_for()
    assert page.evaluate("window.atHand") == [f"approval-{second.pk}"]  # at once: a key pressed in between would be another's
    keys(page, "x", "ArrowDown", "Tab")
    page.keyboard.type("Paid already.")
    keys(page, "Control+Enter")
    card(page, second).get_by_text("is rejected.").wait_for()

    edited, rejected = rows(Case)
    assert (edited.closed_as, edited.standing_output["reply"]) == ("corrected", "We will. Sorry.")
    assert (rejected.closed_as, rows(Decision)[1].reason_code, rows(Decision)[1].reason) == (
        "rejected",
        "not-owed",
        "Paid already.",
    )
    assert page.locator("#desks .badge").inner_text() == "0"
    assert page.faults == []


def test_of_two_windows_at_once_the_second_is_told_who_and_when_and_keeps_its_words(page, start):
    approver, [case, other] = start(cases=2)
    window = page.context.browser.new_context(storage_state=page.context.storage_state())
    second = watched(window.new_page(), page.url)
    second.goto(page.url)
    keys(second, "b")
    second.keyboard.type("By whom?")
    keys(page, "a", "Control+Enter")
    card(page, case).get_by_text("is approved.").wait_for()

    keys(second, "Control+Enter")
    told = card(second, case).get_by_role("alert").inner_text()

    assert f"it was approved by {approver} at " in told
    assert card(second, case).get_by_role("alert").evaluate(IN_SIGHT)
    assert "By whom?" in card(second, case).inner_text()
    assert [each.verb for each in rows(Decision)] == ["approve"]
    keys(second, "ArrowDown", "a", "Control+Enter")
    card(second, other).get_by_text("is approved.").wait_for()
    assert second.faults == [status(409, "Conflict")] and page.faults == []
    window.close()


def test_what_is_typed_in_one_card_is_there_after_a_reload_and_another_card_is_untouched(page, start):
    _, [first, second] = start(cases=2)
    keys(page, "ArrowDown", "b")
    page.keyboard.type("Half a thought")

    page.reload()

    assert card(page, second).locator("[name='send_back.reason']").input_value() == "Half a thought"
    assert card(page, first).locator("[name='send_back.reason']").input_value() == ""
    assert page.faults == []


def test_what_is_chosen_in_a_card_takes_the_room_and_its_fault_the_focus(page, start):
    _, [case] = start()
    there = card(page, case)

    def shown():
        return [label.inner_text().split()[0] for label in there.locator(".choice").all() if label.bounding_box()["width"] > 1]

    assert shown() == ["Approve", "Edit", "Reject", "Send"] and there.get_by_role("button", name="Commit").is_hidden()
    keys(page, "x", "Control+Enter")
    there.get_by_text("Say why.").wait_for()

    there.locator("[name='reject.reason_code']:focus").wait_for()
    commit = there.get_by_role("button", name="Commit")
    assert shown() == ["Reject"]
    assert commit.bounding_box()["y"] > there.locator("[name='reject.reason']").bounding_box()["y"]
    there.get_by_role("button", name="All choices").click()
    assert len(shown()) == 4
    assert page.faults == [status(422, "Unprocessable Entity")]
