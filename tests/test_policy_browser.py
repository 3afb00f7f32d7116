"""The journey of a policy owner who is no programmer: a draft, its forms, a try, publishing and going back, in a real browser."""

import json

from django.db import transaction

from audit import acting
from tests import test_signin_browser as signing_in
from tests.browsers import pictured, watched
from tests.test_signin_browser import committed_password, set_up, sign_in
from workflows.models import Policy

chromium, page, pytestmark = signing_in.chromium, signing_in.page, signing_in.pytestmark

OUTPUT = {"decision": "refund", "reply": "We guarantee it."}


def save(page, name="Save"):
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def edit(page, section):
    page.get_by_role("link", name=f"Edit: {section}", exact=True).click()


def add_trigger(page, ready_made, **fields):
    page.get_by_role("link", name="Add a trigger").click()
    page.get_by_role("link", name=ready_made, exact=True).click()
    for name, value in fields.items():
        page.locator(f"[name=trigger-{name}]").fill(value)
    save(page)


def test_a_refund_policy_is_written_tried_published_and_rolled_back(page, committed):
    owner, refunds = committed("owner", "refunds")
    committed_password(owner)

    with acting.scope(acting.NOBODY):
        sign_in(page, owner)
        set_up(page)
        page.goto(f"/admin/workflows/workflow/{refunds.pk}/draft/")
        page.get_by_label("What it changes, and what for").fill("Bands, triggers and a chain.")
        save(page, "Begin the draft")
        draft = page.url

        edit(page, "Risk map")
        for row, (amount, tier) in enumerate([("50", "medium"), ("500", "high"), ("1.000", "high")]):
            page.locator(f"[name=bands-{row}-amount]").fill(amount)
            page.locator(f"[name=bands-{row}-currency]").fill("EUR")
            page.locator(f"[name=bands-{row}-tier]").select_option(tier)
        save(page)
        assert "“1.000” can be read in two ways. Write 1000" in page.inner_text("body")
        page.locator("[name=bands-2-amount]").fill("1000")
        save(page)

        edit(page, "How high risk is watched")
        pattern, only = page.get_by_label("Pattern"), ["Confident enough from, in per cent", "Review before approval", "Due in"]
        asked = {}
        for name in ("sampling", "threshold", "approval"):
            pattern.select_option(name)
            asked[name] = [page.get_by_label(label).is_visible() for label in [*only, "Drawn for a look, in per cent"]]
        assert asked == {
            "sampling": [False, False, True, True],
            "threshold": [True, False, True, True],
            "approval": [False, True, True, False],
        }
        pattern.select_option("threshold")
        save(page)
        assert "Write from which confidence on an output goes straight through" in page.inner_text("body")
        pattern.select_option("sampling")
        assert page.get_by_label(only[0]).is_visible()  # what is marked as wrong is never hidden
        page.get_by_role("link", name="Back without saving").click()

        edit(page, "Triggers")
        add_trigger(page, "Promises to customers")
        add_trigger(page, "Possible duplicate")
        add_trigger(page, "Protected accounts", references="C-1042")
        page.get_by_role("link", name="Add a trigger").click()
        page.locator("a[href='?kind=expression']").click()
        page.locator("[name=trigger-name]").fill("Large and unsure")
        page.locator("[name=trigger-expression]").fill("action.amount > 500 and confidence < 0.8")
        page.locator("[name=trigger-raises]").select_option("high")
        save(page)
        assert "Write && for “and”." in page.inner_text("body")
        page.locator("[name=trigger-expression]").fill("action.amount > 500 && confidence < 0.8")
        save(page)
        assert "Trigger “Large and unsure”: saved." in page.inner_text("body")
        page.get_by_role("link", name="Back to the policy").click()

        edit(page, "Approval chains")
        page.get_by_role("link", name="Add a chain").click()
        page.locator("[name=chain-amount]").fill("500")
        page.locator("[name=chain-currency]").fill("EUR")
        page.locator("[name=steps-0-name]").fill("Team lead")
        page.locator("[name=steps-1-name]").fill("Finance")
        page.locator("[name=steps-1-title]").fill("finance")
        save(page)
        page.get_by_role("link", name="Back to the policy").click()
        assert "with the title “finance”, and nobody holds one" in page.inner_text("body")

        page.get_by_role("link", name="Try it").click()
        save(page, "Show it as JSON")
        page.locator("textarea[name=output]").fill(json.dumps(OUTPUT))
        for name, value in {"action_type": "refund", "amount": "600", "currency": "EUR", "payee": "C-7"}.items():
            page.locator(f"[name={name}]").fill(value)
        save(page, "Try it")
        assert "Team lead, then Finance (finance)" in page.inner_text("body")
        assert "“we guarantee” promises a customer something" in page.inner_text("body")

        page.goto(draft)
        page.get_by_role("link", name="Publish", exact=True).click()
        assert "from 1,000.00 EUR on is new" in page.inner_text("body")
        page.get_by_label("I have read these, and publish all the same").check()
        save(page, "Publish version 2")
        page.goto(f"/admin/workflows/workflow/{refunds.pk}/change/")
        page.locator("#content").get_by_role("link", name="1", exact=True).click()
        page.get_by_role("link", name="Roll back to this version").click()
        page.get_by_label("Why?").fill("Too strict.")
        save(page, "Roll back to version 1")
        assert "It is version 1 anew." in page.inner_text("body")

    assert [policy.version for policy in Policy.objects.published().order_by("version")] == [1, 2, 3]
    faults = [fault for fault in page.faults if "422" not in fault]  # Chromium counts a form that is sent back as a fault
    assert faults == []


def test_a_past_case_is_tried_with_one_value_changed_without_json_or_a_script(page, committed):
    owner, refunds, send = committed("owner", "refunds", "send")
    committed_password(owner)
    with transaction.atomic():
        send(0.9, external_id="R-77", output={"decision": "refund", "note": "Soon."}, context={"vip": True})

    with acting.scope(acting.NOBODY):
        sign_in(page, owner)
        set_up(page)
        signed_in = page.context.storage_state()
        context = page.context.browser.new_context(
            java_script_enabled=False, storage_state=signed_in, base_url=page.url.split("/admin")[0]
        )
        plain = watched(context.new_page(), page.url)
        plain.goto(f"/admin/cases/replay/try/{refunds.policy.pk}/")
        plain.get_by_label("Decision").fill("mine")
        plain.get_by_label("Start from a case").fill("R-78")
        plain.keyboard.press("Enter")
        plain.get_by_text("Refunds has no such case, or not for you.").wait_for()
        assert plain.get_by_label("Decision").input_value() == "mine"

        plain.get_by_label("Start from a case").fill("R-77")
        plain.keyboard.press("Enter")
        plain.get_by_text("The fields show case R-77 as it came in").wait_for()
        assert plain.get_by_label("Note").input_value() == "Soon." and plain.get_by_label("Vip").is_checked()
        plain.get_by_label("Note").press("Enter")
        plain.locator(".action", has_text="Straight through: ").wait_for()

        plain.get_by_label("Confidence", exact=True).fill("0,3")
        save(plain, "Try it")
        plain.locator(".action", has_text="Held for review: confidence 0.3 is below 0.8").wait_for()
        pictured(plain, "try")
        save(plain, "Show it as JSON")
        plain.locator("textarea[name=output]").wait_for()
        assert json.loads(plain.get_by_label("Output").input_value()) == {"decision": "refund", "note": "Soon."}
        plain.get_by_label("Output").fill('{"decision": "decline"}')
        save(plain, "Show it as fields")
        plain.locator("input[name=output][type=hidden]").wait_for(state="attached")
        assert plain.get_by_label("Decision").input_value() == "decline"
        assert plain.get_by_label("Confidence", exact=True).input_value() == "0.3"

    assert [fault for fault in page.faults + plain.faults if "422" not in fault] == []
    context.close()
