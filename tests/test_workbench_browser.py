"""The hot path in a real browser: a reviewer's and a resolver's work by keyboard alone, and what may go wrong on the way."""

from datetime import timedelta

import pytest
from django.db import transaction

from audit import acting, clock
from cases import queues
from cases.models import Case, Decision
from scorecards import actions as scorecards
from tests import factories
from tests import test_signin_browser as signing_in
from tests.browsers import NARROW, ready, watched
from tests.conftest import HOUSE
from tests.test_signin_browser import committed_password, sign_in

chromium, page, pytestmark = signing_in.chromium, signing_in.page, signing_in.pytestmark
WATCH_THE_HEAD = """case_ => {  // how high the next case stands, frame by frame
    window.heads = [];
    const look = () => {
        const work = document.querySelector(`#work:not([data-case="${case_}"]) .work-head`);
        if (work) window.heads.push(work.getBoundingClientRect().top);
        requestAnimationFrame(look);
    };
    look();
}"""
REFUSED = "Failed to load resource: the server responded with a status of 409 (Conflict)"
LOST = ["htmx:afterRequest, [object HTMLElement]", "htmx:sendError, [object HTMLElement]"]  # as htmx itself tells it
ANSWER = {"decision": "refund", "reply": "We will."}


@pytest.fixture
def output_schema():
    return {
        "type": "object",
        "required": ["decision"],
        "properties": {"decision": {"enum": ["refund", "decline"]}, "reply": {"type": "string", "maxLength": 2000}},
    }


@pytest.fixture
def start(page, committed):
    """So many cases wait; the person of that role signs in, opens the first and hands back the keyboard."""

    def start(role="reviewer", cases=1, **facts):
        person, send = committed(role, "send")
        committed_password(person)
        with transaction.atomic():
            sent = [send(0.5, **{"output": ANSWER, **facts}) for _ in range(cases)]
        acting._current.set(acting.NOBODY)
        sign_in(page, person)
        ready(page.get_by_role("heading", name="My desk"))
        page.keyboard.press("n")
        ready(page.locator("#work"))
        return person, sent

    token = acting._current.set(HOUSE)
    yield start
    acting._current.reset(token)


def rows(model, **which):
    with acting.scope(HOUSE), transaction.atomic():
        return list(model.objects.filter(**which).order_by("pk"))


def at(page, case):
    page.wait_for_url(f"**/case/{case.pk}/work/")
    page.locator(f"#work[data-case='{case.pk}']").wait_for()


def keys(page, *pressed):
    for key in pressed:
        page.keyboard.press(key)


def test_ten_cases_by_keyboard_in_two_keys_each(page, start):
    _, sent = start(cases=10)

    for case in sent[1:]:
        keys(page, "a", "Control+Enter")
        at(page, case)
    keys(page, "a", "Control+Enter")
    page.get_by_text("Nothing waits for you at review.").wait_for()

    assert [each.verb for each in rows(Decision)] == ["accept"] * 10
    assert page.faults == []


def test_a_correction_shows_what_differs_while_one_types(page, start):
    _, [case, _] = start(cases=2)

    keys(page, "c", "ArrowDown")
    page.get_by_label("Reply", exact=True).fill("We cannot.")
    assert page.locator(".field.changed").count() == 2
    assert page.locator(".was:visible").all_inner_texts() == ["refund", "We will."]
    page.get_by_label("Why was the AI wrong?").fill("Misread")
    keys(page, "Control+Enter")
    page.get_by_text("corrected").first.wait_for()

    assert rows(Case, pk=case.pk)[0].standing_output == {"decision": "decline", "reply": "We cannot."}
    assert page.faults == []


def test_a_verb_once_chosen_stays_and_says_what_it_does_not_keep(page, start):
    start()
    told = page.get_by_text("What you changed in the fields is not kept by this.")
    kept = page.get_by_text("What you changed in the fields is kept for you alone")

    keys(page, "s")
    page.get_by_label("Reply", exact=True).fill("No.")

    assert page.locator("[name=verb]:checked").input_value() == "skip"
    assert told.is_visible() and not kept.is_visible()
    keys(page, "Escape", "z")
    assert page.locator("[name=verb]:checked").input_value() == "snooze" and kept.is_visible() and not told.is_visible()
    keys(page, "Escape", "c")
    assert page.locator("[name=verb]:checked").input_value() == "correct" and not told.is_visible() and not kept.is_visible()
    assert page.faults == []


@pytest.fixture
def carded(committed):
    """The policy names a scorecard."""
    refunds, owner = committed("refunds", "owner")
    with transaction.atomic():
        card = scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="For a test.")
        factories.policy(refunds, owner, rules={"scorecard": card.version}, output_schema=refunds.policy.output_schema)


def test_marks_that_say_otherwise_are_told_while_one_works_and_hold_up_nothing(page, carded, start):
    _, [case, other] = start(cases=2)
    unmarked = page.get_by_text("every mark still says that it was right")
    accepted = page.get_by_text("accepting lets the answer stand as it is")

    keys(page, "c", "ArrowDown")
    assert unmarked.is_visible()
    page.locator("[name='mark.formatting'][value=Wrong]").check()
    assert not unmarked.is_visible()
    page.get_by_label("Decision", exact=True).select_option("refund")
    keys(page, "Escape", "a")
    assert accepted.is_visible()
    page.locator("[name='mark.formatting'][value=Right]").check()
    assert not accepted.is_visible()
    page.get_by_label("Decision", exact=True).select_option("decline")
    keys(page, "Control+Enter")
    at(page, other)

    assert [(each.verb, each.evaluation_id) for each in rows(Decision, case=case)] == [("correct", None)]
    assert page.faults == []


def test_escalated_with_its_reason_in_few_keys(page, start):
    _, [case, _] = start(cases=2)

    keys(page, "e", "Tab")
    page.keyboard.type("To whom?")
    keys(page, "Control+Enter")
    page.get_by_text("escalated").first.wait_for()

    assert rows(Case, pk=case.pk)[0].state == "resolution"
    assert rows(Decision)[0].reason == "To whom?"
    assert page.faults == []


def test_whoever_waits_on_the_customer_need_not_type_his_name(page, start):
    start(customer_reference="C-7")

    keys(page, "i")
    kind, whom = page.locator("[name='inquire.on']"), page.locator("[name='inquire.whom']")
    for chosen, named in (("customer", "C-7"), ("team", ""), ("customer", "C-7")):
        kind.select_option(chosen)
        assert whom.input_value() == named
    whom.fill("Finance")
    kind.select_option("team")

    assert whom.input_value() == "Finance" and not page.locator("[name='inquire.ticket']").is_visible()
    page.get_by_text("More: what they see of the case").click()
    assert page.locator("[name='inquire.ticket']").is_visible() and page.faults == []


def test_skipped_with_a_reason_the_next_one_comes(page, start):
    person, [case, other] = start(cases=2)

    keys(page, "s")
    page.keyboard.type("My neighbour's.")
    keys(page, "Control+Enter")
    at(page, other)

    assert person.pk in rows(Case, pk=case.pk)[0].passed_by
    assert page.faults == []


def test_who_lost_the_race_keeps_what_he_typed(page, start):
    _, [case] = start()
    keys(page, "e", "Tab")
    page.keyboard.type("A long thought")
    with acting.scope(HOUSE), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(claimed_until=clock.now() - timedelta(minutes=1))

    page.evaluate("document.querySelector('[name=revision]').value = 99")
    keys(page, "Control+Enter")
    page.get_by_text("The content changed while you looked at it.").wait_for()

    assert page.locator("[name='escalate.reason']").input_value() == "A long thought"
    assert rows(Decision) == []
    assert page.faults == [REFUSED]


def test_a_lost_network_keeps_the_text_and_the_next_press_does_it_once(page, start):
    _, [case] = start()
    keys(page, "e", "Tab")
    page.keyboard.type("To whom?")

    page.context.set_offline(True)
    keys(page, "Control+Enter")
    page.get_by_text("The network is away.").wait_for()
    page.context.set_offline(False)
    keys(page, "Control+Enter")
    page.get_by_text("escalated").first.wait_for()

    assert [each.reason for each in rows(Decision, case=case)] == ["To whom?"]
    assert sorted(page.faults) == ["Failed to load resource: net::ERR_INTERNET_DISCONNECTED", *LOST]


def test_typed_text_is_there_again_after_a_reload(page, start):
    start()
    keys(page, "c")
    page.get_by_label("Reply", exact=True).fill("Half a thought")

    page.reload()

    assert page.get_by_label("Reply", exact=True).input_value() == "Half a thought"
    assert page.faults == []


def test_marks_are_there_again_after_a_reload_and_what_was_taken_back_is_not(page, carded, start):
    start()
    wrong, reply = page.locator("[name='mark.formatting'][value=Wrong]"), page.get_by_label("Reply", exact=True)
    wrong.check()
    reply.fill("Half a thought")
    page.reload()
    assert (wrong.is_checked(), reply.input_value()) == (True, "Half a thought")

    page.locator("[name='mark.formatting'][value=Right]").check()
    reply.fill("We will.")
    page.get_by_role("radio", name="Accept").check(force=True)
    page.reload()

    assert (wrong.is_checked(), reply.input_value()) == (False, "We will.")
    assert page.faults == []


def test_where_nothing_is_marked_the_arrows_are_the_browsers(page, start):
    start()

    keys(page, "a", "ArrowDown")

    assert page.locator("[name=verb]:checked").get_attribute("value") == "correct"
    assert page.faults == []


def test_a_lease_that_is_over_is_said_while_the_text_stays(page, start):
    person, [case] = start()
    page.get_by_label("Reply", exact=True).fill("Half a thought")
    with acting.scope(HOUSE), transaction.atomic():
        queues.give_back(case.pk, by=person)

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # back from another tab
    page.get_by_text("Your lease on this case is over.").wait_for(timeout=15_000)

    assert page.get_by_label("Reply", exact=True).input_value() == "Half a thought"
    assert page.faults == [REFUSED]


def test_a_sign_that_nobody_sees_is_told_by_its_number(page, start):
    start(input={"text": "pay \x1b[31m 10 \u202e001\u202c EUR"})

    signs = page.locator(".bench .unseen")

    assert signs.all_inner_texts() == ["U+001B", "U+202E", "U+202C"]
    assert all(sign.bounding_box()["height"] > 8 and sign.bounding_box()["width"] > 20 for sign in signs.all())
    assert page.faults == []


def without_a_script(page, case):
    """The case, open in a browser of the same person's that runs no script."""
    context = page.context.browser.new_context(java_script_enabled=False, base_url=page.url.split("/admin")[0])
    context.add_cookies(page.context.cookies())
    plain = watched(context.new_page(), page.url)
    plain.goto(f"/admin/cases/case/{case.pk}/work/")
    return plain


def test_without_a_script_a_decision_is_still_possible(page, start):
    _, [case] = start()
    plain = without_a_script(page, case)

    plain.get_by_text("Accept", exact=False).first.click()
    plain.get_by_role("button", name="Commit", exact=True).click()

    assert "is accepted" in plain.inner_text("body")
    assert rows(Case, pk=case.pk)[0].state == "closed"
    assert page.faults == plain.faults == []
    plain.context.close()


def test_without_a_script_a_correction_says_why_the_ai_was_wrong(page, start):
    _, [case] = start()
    plain = without_a_script(page, case)

    plain.get_by_label("Reply", exact=True).fill("We cannot.")
    plain.get_by_label("Why was the AI wrong?").fill("Misread", timeout=5_000)
    plain.get_by_text("Correct", exact=False).first.click()
    plain.get_by_role("button", name="Commit", exact=True).click()

    assert "is corrected" in plain.inner_text("body")
    with acting.scope(HOUSE), transaction.atomic():
        [changed] = Decision.objects.get(case=case).corrections.all()
        assert (changed.after, changed.root_cause) == ("We cannot.", "Misread")
    assert page.faults == plain.faults == []
    plain.context.close()


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_one_press_undoes_while_it_can_be_undone(page, start, rules):
    _, [case, _] = start(cases=2)
    page.evaluate(WATCH_THE_HEAD, case.pk)
    page.locator("#id_text").evaluate("text => { text.style.color = 'green' }")  # as a tool of the browser may

    keys(page, "a", "Control+Enter")
    page.locator("[data-undo][data-time]").wait_for()  # the time runs beside it
    assert len(set(page.evaluate("window.heads"))) == 1, "what is said of the last case moves the next one"
    page.get_by_role("link", name="Undo").click()
    at(page, case)
    page.get_by_text("undone").first.wait_for()

    undone = rows(Case, pk=case.pk)[0]
    assert (undone.state, undone.closed_as, undone.settles_at) == ("review", "", None)
    keys(page, "a", "Control+Enter")
    page.locator("[data-undo][data-time]").evaluate("link => { link.dataset.left = 1 }")
    page.get_by_text("It has taken effect.").wait_for()
    assert page.get_by_role("link", name="Undo").count() == 0 and "takes effect at" not in page.inner_text("#said")
    assert page.faults == []


def test_what_is_chosen_takes_the_room_and_a_fault_the_focus(page, start):
    start()
    choices, decide = page.locator(".choices .choice"), page.locator(".decide")
    told = page.locator(".lease").inner_text()

    def shown():
        return [label.inner_text().split()[0] for label in choices.all() if label.bounding_box()["width"] > 1]

    assert {"Accept", "Correct", "Escalate"} < set(shown()) and not page.locator("[data-commit]").is_visible()
    keys(page, "e")
    assert shown() == ["Escalate"]
    assert page.locator("[data-commit]").bounding_box()["y"] > page.locator("[name='escalate.reason']").bounding_box()["y"]
    keys(page, "Escape", "Control+Enter")
    page.get_by_text("Say why.").wait_for()
    page.locator("[name='escalate.reason']:focus").wait_for()
    assert shown() == ["Escalate"] and decide.bounding_box()["height"] < 0.3 * page.viewport_size["height"]
    keys(page, "Escape", "Escape")
    assert len(shown()) > 3
    assert page.get_by_role("button", name="All choices").is_hidden()
    page.wait_for_timeout(1100)
    assert page.locator(".lease").inner_text() == told, "the script counts in other words than the page"
    assert page.faults == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]


def test_menus_close_keys_are_told_and_dark_is_dark_on_every_page(page, start):
    start()
    pages, me = page.locator(".top .menu > summary").all()
    open_ones = page.locator(".menu[open]")
    themed = page.locator("html.dark, html[data-theme=dark]")

    keys(page, "?")
    assert page.locator("#keys h2").bounding_box()["y"] > 0 and page.locator("#keys").evaluate("keys => keys.scrollTop") == 0
    keys(page, "Escape")
    page.goto("/admin/")
    keys(page, "?")
    page.get_by_role("dialog").get_by_text("Take the next case").wait_for()
    keys(page, "Escape")
    pages.click()
    me.click()
    assert open_ones.count() == 1
    keys(page, "Escape")
    assert open_ones.count() == 0 and me.evaluate("menu => menu === document.activeElement")
    pages.click()
    page.mouse.click(900, 700)
    assert open_ones.count() == 0
    page.get_by_role("button", name="Light or dark").click()
    assert themed.count() == 1
    page.goto("/admin/workflows/playbooksection/")
    themed.wait_for(timeout=5000)
    assert page.faults == []


def test_on_a_phone_the_page_scrolls_under_what_a_decision_asks_and_verbs_and_commit_stay_in_sight(page, start):
    start()
    page.set_viewport_size(NARROW)
    choices, commit, ask = page.locator(".choices"), page.locator("[data-commit]"), page.locator("[data-ask=inquire]")

    def is_in_sight(there):
        box = there.bounding_box()
        return box["y"] >= 0 and box["y"] + box["height"] <= NARROW["height"]

    page.locator(".choice", has_text="Ask for information").click()
    ask.locator("summary").click()
    assert ask.evaluate("each => each.scrollHeight <= each.clientHeight + 1 && getComputedStyle(each).overflowY === 'visible'")
    first, last = ask.locator("input").first, ask.locator("[name='inquire.until_other']")
    assert is_in_sight(first) and first.bounding_box()["y"] > choices.bounding_box()["y"] + choices.bounding_box()["height"]
    for there in ("0", "document.body.scrollHeight / 2"):
        page.evaluate(f"window.scrollTo(0, {there})")
        assert is_in_sight(choices) and is_in_sight(commit)
    last.focus()
    assert is_in_sight(last) and last.bounding_box()["y"] + last.bounding_box()["height"] <= commit.bounding_box()["y"]
    assert choices.bounding_box()["y"] + choices.bounding_box()["height"] <= last.bounding_box()["y"]
    assert is_in_sight(choices) and is_in_sight(commit) and page.faults == []


LISTED = {
    "type": "object",
    "required": ["decision"],
    "properties": {
        "decision": {"enum": ["refund", "decline"]},
        "due": {"type": "string", "format": "date-time"},
        "positions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"type": "string"}, "amount": {"type": "number"}},
            },
        },
    },
}
INVOICE = {"decision": "refund", "due": "2026-06-03T08:00:00+00:00", "positions": [{"sku": "L-1", "amount": 4.5}]}


@pytest.mark.usefixtures("output_schema")
@pytest.mark.parametrize("output_schema", [LISTED])
def test_two_items_more_and_another_moment_by_keyboard(page, start):
    _, [case] = start(output=INVOICE)
    assert page.locator(".field.changed").count() == 0 and page.get_by_text("By the clock of UTC.").is_visible()

    for number, sku in ((2, "L-2"), (3, "L-3")):
        page.get_by_role("group", name=f"Positions {number}, new").get_by_label("Sku").fill(sku)
        page.locator("summary:visible", has_text="One more").last.press("Enter")
    page.get_by_label("Due", exact=True).fill("2026-06-04T09:30")
    assert page.locator(".field.changed").count() == 3 and page.locator(".was:visible").all_inner_texts() == [
        "2026-06-03 08:00"
    ]
    keys(page, "Control+Enter")
    page.get_by_text("corrected").first.wait_for()

    stands = rows(Case, pk=case.pk)[0].standing_output
    assert stands["due"] == "2026-06-04T09:30:00+00:00"
    assert stands["positions"] == [*INVOICE["positions"], {"sku": "L-2"}, {"sku": "L-3"}]
    assert page.faults == []
