"""What else a day at the desk has, in a real browser: the first sign-in, and the rarer decisions, by keyboard."""

import pytest
from django.db import transaction

from accounts import welcome
from audit import acting
from cases.models import Case
from tests import browsers, factories
from tests import test_workbench_browser as workbench
from tests.browsers import ready
from tests.conftest import HOUSE
from tests.doors import PASSWORD
from tests.test_signin_browser import set_up
from tests.test_workbench_browser import at, committed_password, keys, rows, sign_in

page, start, output_schema = workbench.page, workbench.start, workbench.output_schema
chromium, pytestmark = workbench.chromium, browsers.in_a_browser


def test_the_first_sign_in_from_the_link_to_my_desk(page, committed, live_server):
    (approver,) = committed("approver")
    with transaction.atomic():
        approver.set_unusable_password()
        approver.save()
        link = welcome.link(approver, by=factories.administrator(), base=live_server.url.replace("127.0.0.1", "localhost"))

    with acting.scope(acting.NOBODY):
        page.goto(link)
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password confirmation").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        page.get_by_text("Your password is set. Sign in with it.").wait_for()
        sign_in(page, approver)
        set_up(page)
        page.get_by_role("link", name="To my desk").click()
        page.get_by_role("heading", name="My desk").first.wait_for()

    assert page.faults == []


@pytest.fixture
def resolve(page, committed):
    """Two exceptions wait; the resolver signs in and opens the first."""

    def resolve():
        resolver, send = committed("resolver", "send")
        committed_password(resolver)
        with transaction.atomic():
            sent = [send(0.9, output={"reply": "We will."}) for _ in range(2)]  # nothing is decided: it breaks the schema
        acting._current.set(acting.NOBODY)
        sign_in(page, resolver)
        ready(page.get_by_role("heading", name="My desk"))
        page.keyboard.press("n")
        ready(page.locator("#work"))
        return sent

    token = acting._current.set(HOUSE)
    yield resolve
    acting._current.reset(token)


def test_an_exception_is_resolved(page, resolve):
    case, other = resolve()

    page.get_by_label("Decision").select_option("decline")
    keys(page, "r")
    page.locator("[name='resolve.reason']").fill("Too late.")
    keys(page, "Control+Enter")
    at(page, other)

    [closed] = rows(Case, pk=case.pk)
    assert (closed.state, closed.standing_output["decision"]) == ("closed", "decline")
    assert page.faults == []


def test_nothing_is_done_for_a_reason(page, resolve):
    case, other = resolve()

    keys(page, "d")
    page.locator("[name='no_action.category']").select_option(index=1)
    page.locator("[name='no_action.reason']").fill("Sent twice.")
    keys(page, "Control+Enter")
    at(page, other)

    assert rows(Case, pk=case.pk)[0].closed_as == "no_action"
    assert page.faults == []


def test_put_off_with_a_reason_the_next_one_comes(page, start):
    _, [case, other] = start(cases=2)

    keys(page, "z")
    page.locator("[name='snooze.until']").select_option("hour")
    page.locator("[name='snooze.reason']").fill("The shop opens at nine.")
    keys(page, "Control+Enter")
    at(page, other)

    assert rows(Case, pk=case.pk)[0].paused_since is not None
    assert page.faults == []


def test_what_one_waits_for_stands_apart_from_the_cards_above_it(page, start):
    start(cases=2)
    keys(page, "z")
    page.locator("[name='snooze.reason']").fill("The shop opens at nine.")
    page.get_by_role("button", name="Commit", exact=True).click()
    page.get_by_text("It goes on at review on").wait_for()
    page.goto("/admin/")
    waits, cards = page.locator("section:has(#awaited)"), page.locator(".cards")
    waits.wait_for()

    assert waits.bounding_box()["y"] - cards.bounding_box()["y"] - cards.bounding_box()["height"] > 8
    assert page.faults == []


def test_handed_over_it_does_not_come_back(page, start):
    person, [case, other] = start(cases=2)

    keys(page, "h")
    page.locator("[name='hand_over.reason']").fill("She knows the customer.")
    keys(page, "Control+Enter")
    at(page, other)

    assert person.pk in rows(Case, pk=case.pk)[0].passed_by
    assert page.faults == []
