"""Journey: many cases at once, with a preview and a result for each; then one found by Ctrl-K, by keyboard alone."""

import pytest
from django.db import transaction

from audit import acting
from cases import finding
from cases.models import Case, Decision
from tests import test_signin_browser as signing_in
from tests.conftest import HOUSE
from tests.test_signin_browser import committed_password, sign_in
from tests.test_workbench_browser import rows

chromium, page, pytestmark = signing_in.chromium, signing_in.page, signing_in.pytestmark


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "grace_seconds": 600}


@pytest.fixture
def at_the_list(page, committed):
    """The reviewer looks at all cases; four wait, one of them of high risk."""
    token = acting._current.set(HOUSE)
    person, send = committed("reviewer", "send")
    committed_password(person)
    with transaction.atomic():
        sent = [send(0.5) for _ in range(4)]
        Case.objects.filter(pk=sent[3].pk).update(tier="high")
        finding.note_new()
    acting._current.set(acting.NOBODY)
    sign_in(page, person)
    page.get_by_role("heading", name="My desk").wait_for()
    page.goto(page.url.split("/admin")[0] + "/admin/cases/case/?state=review&all=1")
    yield sent
    acting._current.reset(token)


def test_many_at_once_with_a_preview_and_then_one_by_its_name(page, at_the_list):
    page.get_by_label("All on this page").check()
    page.get_by_label("With the ticked ones").select_option("accept")
    page.get_by_role("button", name="See what would happen").click()

    page.get_by_text("It would be done to 3 cases of 4. Nothing has happened yet.").wait_for()
    assert page.get_by_text("High risk is accepted one by one.").count() == 1
    assert rows(Decision) == []
    page.get_by_role("button", name="Accept: 3 cases").click()
    page.get_by_text("3 of 3 cases are done.").wait_for()
    assert len(rows(Decision)) == 3

    page.get_by_role("button", name="Undo 3 cases").click()
    page.get_by_role("button", name="Undo: 3 cases").click()
    page.get_by_text("3 of 3 cases are done.").wait_for()
    assert {case.state for case in rows(Case)} == {"review"}

    page.keyboard.press("Control+k")
    page.keyboard.type(at_the_list[1].external_id)
    page.get_by_role("option", selected=True).wait_for()
    assert page.get_by_role("combobox").get_attribute("aria-activedescendant") == "find-1-1"
    page.keyboard.press("Enter")
    page.locator(f"#work[data-case='{at_the_list[1].pk}']").wait_for()
    assert page.faults == []
