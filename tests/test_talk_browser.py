"""In real browsers: a reviewer asks somebody outside, who answers by the link without an account, and the case goes on."""

import pytest
from django.core.cache import cache
from django.db import transaction

from audit import acting
from cases import actions
from cases.models import Case, Comment, Inquiry
from tests import browsers
from tests.browsers import pictured, ready, watched
from tests.conftest import HOUSE
from tests.test_signin_browser import committed_password, sign_in

chromium, pytestmark = browsers.chromium, browsers.pytestmark


@pytest.fixture
def somebody(chromium, live_server):
    """A browser of one's own, for each person who has one; it knows of every fault in its console."""
    return lambda: watched(chromium.new_context(base_url=live_server.url, viewport=browsers.WIDE).new_page(), live_server.url)


def kept(model, **which):
    with acting.scope(HOUSE), transaction.atomic():
        return list(model.objects.filter(**which).order_by("pk"))


def test_somebody_outside_answers_by_the_link_and_the_case_goes_on(somebody, committed):
    cache.clear()
    send, reviewer, resolver = committed("send", "reviewer", "resolver")
    committed_password(reviewer)
    with acting.scope(HOUSE), transaction.atomic():
        case = send(0.5, input={"text": "The parcel arrived open.", "order": "O-77"}, customer_reference="C-7")
        actions.comment(case.pk, by=resolver, text=f"@{reviewer.username} Finance knows whether it was paid twice.")
    token = acting._current.set(acting.NOBODY)
    try:
        asks, answers = somebody(), somebody()
        sign_in(asks, reviewer)
        asks.get_by_role("link", name="Notices, 1 unread").click()
        pictured(asks, "notices")
        asks.get_by_role("link", name="How I want to hear of things").first.click()
        pictured(asks, "wishes")
        asks.goto("/admin/")
        pictured(asks, "my-desk")
        asks.keyboard.press("n")
        ready(asks.locator("#work"))

        # what is typed beside stays where something is said, and what is said stands there at once
        asks.locator(".talk textarea[name=text]").last.fill("I ask them. @nobody")
        asks.keyboard.press("Control+Enter")
        asks.get_by_text("I ask them.").first.wait_for()
        asks.get_by_text("Nobody here is called @nobody.").wait_for()
        assert len(kept(Comment)) == 2 and asks.locator("#work").count() == 1

        asks.locator("h1").click()
        asks.keyboard.press("i")
        asks.get_by_label("Whom do you ask?").fill("Finance")
        asks.get_by_label("What do you need to know?").fill("Was order O-77 paid twice?")
        asks.get_by_text("More: what they see of the case").click()
        asks.get_by_label("Input: Order").check()
        asks.get_by_label("A link that opens it without an account").select_option("7")
        pictured(asks, "ask")
        asks.get_by_role("button", name="Commit", exact=True).click()
        asks.get_by_text("waiting for an answer").first.wait_for()
        asks.get_by_text("Waiting on another team: Finance").first.wait_for()
        pictured(asks, "waits")
        link = asks.get_by_label("Whoever has this link answers it").input_value()

        answers.goto(link)
        answers.get_by_text("O-77", exact=True).wait_for()
        assert "The parcel arrived open." not in answers.content()
        pictured(answers, "link")
        answers.get_by_label("Your name").fill("Bo of Finance")
        answers.get_by_label("The answer").fill("It was paid once.")
        answers.get_by_role("button", name="Send the answer").click()
        answers.get_by_text("Your answer has arrived").wait_for()
        pictured(answers, "thanks")
        answers.goto(link)
        answers.get_by_text("This question has been answered").wait_for()

        asks.reload()
        asks.get_by_text("It was paid once.").wait_for()
        assert asks.get_by_text("Waiting on another team").count() == 0
        pictured(asks, "answered")
        asks.goto("/admin/")
        asks.get_by_role("link", name="Notices, 2 unread").wait_for()
        asks.keyboard.press("n")
        asks.locator(f"#work[data-case='{case.pk}']").wait_for()
        assert asks.locator("[name='inquire.question']").input_value() == "", "what was asked is asked; it does not come back"
        pictured(asks, "work")
    finally:
        acting._current.reset(token)

    assert (kept(Inquiry)[0].answer, kept(Case)[0].paused_since) == ("It was paid once.", None)
    assert asks.faults == [] and [fault for fault in answers.faults if "410" not in fault] == []
