"""Whoever cannot see, or reads from the right, can do it too: axe, a right-to-left language, and what a screen reader is told."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import expect

from audit import acting
from tests import browsers
from tests import test_workbench_browser as workbench
from tests.browsers import NARROW, WIDE, watched
from tests.conftest import HOUSE, SignedIn

chromium, pytestmark = browsers.chromium, browsers.pytestmark
output_schema = workbench.output_schema
GRAVE = ("serious", "critical")
CONTRAST = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
EVERYTHING = {"resultTypes": ["violations"]}


@pytest.fixture
def browse(chromium, live_server):
    """A page of somebody who is signed in; of a stranger without one."""
    acting_for_house = acting._current.set(HOUSE)

    def browse(person=None, **options):
        context = chromium.new_context(base_url=live_server.url, viewport=WIDE, **options)
        if person is not None:
            client = SignedIn()
            with transaction.atomic():
                client.force_login(person)
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
            context.add_cookies([{**cookie, "url": live_server.url}])
        return watched(context.new_page(), live_server.url)

    yield browse
    acting._current.reset(acting_for_house)


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "amount_bands": [{"amount": 100, "currency": "EUR", "tier": "high"}]}


def findings(page, name, options, within=None):
    """What axe finds grave on the page as it stands."""
    found = Axe().run(page, context=within, options=options).response["violations"]
    return [
        f"{name}: {each['id']} at {node['target'][0]}: {node['html'][:120]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


def looked_at(page, name, path) -> list[str]:
    """One page of ours: light in full, dark for its colours; and it fits a telephone."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    answer = page.goto(path)
    assert answer.status in (200, 403, 404), f"{name}: {answer.status}"
    grave = findings(page, f"{name}, light", EVERYTHING)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate("document.documentElement.classList.add('dark')")  # the admin's frame asks the system at its start only
    grave += findings(page, f"{name}, dark", CONTRAST)
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    pictured(page, name)
    page.set_viewport_size(WIDE)
    return grave + ([f"{name}: {width} wide on a telephone of {NARROW['width']}"] if width > NARROW["width"] else [])


def pictured(page, name):
    if folder := os.environ.get("HITLDESK_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def case(case, way):
    return reverse(f"admin:cases_case_{way}", args=[case.pk])


# axe


def test_axe_finds_nothing_grave_where_people_sign_in(browse, committed):
    (reviewer,) = committed("reviewer")
    stranger, page = browse(), browse(reviewer)

    grave = looked_at(stranger, "sign-in", reverse("account_login"))
    for name in ("my_settings", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn"):
        grave += looked_at(page, name, reverse(name))
    grave += looked_at(page, "not-there", "/admin/cases/case/999999/work/")
    grave += looked_at(page, "not-allowed", reverse("admin:accounts_apikey_add"))

    assert grave == []


def test_axe_finds_nothing_grave_where_people_work(browse, committed):
    people = committed("reviewer", "resolver", "approver", "vendor_reviewer", "send")
    reviewer, resolver, approver, _, send = people
    with transaction.atomic():
        low, high = send(0.5, output={"decision": "refund", "reply": "We will."}), send(None)
        action = {"type": "refund", "amount": "50.00", "currency": "EUR", "payee": "C-1"}
        asked = send(0.9, action=action, output={"decision": "refund"})
        from cases import actions, queues

        queues.claim(high.pk, by=reviewer)
        actions.escalate(high.pk, by=reviewer, reason="To whom?")
    grave = []
    for person, which in ((reviewer, low), (resolver, high), (approver, asked)):
        page = browse(person)
        grave += looked_at(page, f"desk-{person}", reverse("admin:index"))
        grave += looked_at(page, f"work-{person}", case(which, "work"))
        for choice in page.locator("#work [name=verb]").all():
            choice.check(force=True)
            grave += findings(page, f"work-{person}-{choice.get_attribute('value')}", EVERYTHING, within=".decide")

    assert grave == []


OURS = {  # of the pages that stand in the frame of the admin: who sees them
    "reviewer": ["cases_stuck", "cases_forecast", "accounts_user_away"],
    "owner": [
        *("workflows_workflow_change", "workflows_policy_change", "workflows_policy_difference", "workflows_policy_edit_risk"),
        *("workflows_policy_edit_high", "workflows_policy_edit_triggers", "workflows_policy_add_triggers"),
        *("workflows_policy_edit_chains", "workflows_policy_edit_document", "cases_try_policy", "cases_trigger_log"),
        *("workflows_workflow_may", "workflows_workflow_seat", "workflows_engagement_cover"),
    ],
    "administrator": ["jobs_operations", "accounts_apikey_add", "cases_reveal_changelist"],
}


def test_axe_finds_nothing_grave_on_our_pages_in_the_admins_frame(browse, committed):
    reviewer, owner, administrator, refunds = committed("reviewer", "owner", "administrator", "refunds")
    people = {"reviewer": reviewer, "owner": owner, "administrator": administrator}
    with transaction.atomic():
        from workflows import actions as workflows

        draft = workflows.draft(refunds, rules=refunds.policy.rules, by=owner, reason="To look at.")
    about = {"policy": draft.pk, "workflow": refunds.pk}
    grave = []
    for who, names in OURS.items():
        page = browse(people[who])
        for name in names:
            needs = [about["policy"]] if "policy" in name else [about["workflow"]] if _of_a_workflow(name) else []
            grave += looked_at(page, name, reverse(f"admin:{name}", args=needs))

    assert grave == []


def _of_a_workflow(name):
    return name.startswith("workflows_workflow_") or name == "cases_trigger_log"


# from the right


def test_a_language_that_is_read_from_the_right_fits(browse, committed, settings):
    reviewer, send = committed("reviewer", "send")
    with transaction.atomic():
        low = send(0.5, output={"decision": "refund", "reply": "We will."})
    settings.LANGUAGES = [*settings.LANGUAGES, ("he", "Hebrew")]
    page = browse(reviewer, locale="he-IL")

    for path in (reverse("admin:index"), case(low, "work"), reverse("my_settings")):
        page.goto(path)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            pictured(page, f"rtl-{size['width']}-{path.strip('/').replace('/', '-')}")
    assert page.faults == []


# by ear


@pytest.fixture
def waiting(committed):
    """Three cases at each desk, and who works them."""
    reviewer, resolver, approver, send = committed("reviewer", "resolver", "approver", "send")
    refund = {"type": "refund", "amount": "50.00", "currency": "EUR", "payee": "C-1"}
    with transaction.atomic():
        low = [send(0.5, output={"decision": "refund", "reply": "We will."}) for _ in range(3)]
        broken = [send(0.9, output={"reply": "We will."}) for _ in range(2)]
        asked = [send(0.9, output={"decision": "refund"}, action=refund) for _ in range(3)]
    return {reviewer: low, resolver: broken, approver: asked}


DECISIONS = [  # at each desk: the button, what it asks for, what is said afterwards
    [
        ("Accept", {}, "is accepted."),
        ("Correct", {"Reply": "We cannot.", "Why was the AI wrong?": "Misread"}, "is corrected."),
        ("Escalate", {"Why?": "To whom?"}, "is escalated."),
    ],
    [
        ("Resolve", {"Decision": "refund", "Why?": "It is one."}, "is resolved."),
        ("No action", {"Kind of exception": "Duplicate", "Why?": "Sent twice."}, "is closed without action."),
    ],
    [
        ("Approve", {}, "is approved."),
        ("Reject", {"Why?": "Not owed."}, "is rejected."),
        ("Send back", {"Why?": "The amount."}, "is sent back."),
    ],
]


def test_every_decision_is_named_asked_for_and_announced(browse, waiting):
    for (person, cases), decisions in zip(waiting.items(), DECISIONS, strict=True):
        page = browse(person)
        for which, (label, asked, said) in zip(cases, decisions, strict=True):
            page.goto(case(which, "work"))
            page.get_by_role("radiogroup", name="What to do").get_by_role("radio", name=label, exact=True).check(force=True)
            tree = page.locator("#work").aria_snapshot()

            assert f'- radio "{label}" [checked]' in tree
            assert '- button "Commit and next"' in tree
            for name, value in asked.items():
                field = page.locator("#work").get_by_label(name, exact=True).locator("visible=true")
                field.wait_for()
                assert f'"{name}"' in page.locator("#work").aria_snapshot(), f"{label} asks for {name} by no name"
                field.select_option(label=value) if field.evaluate("it => it.tagName") == "SELECT" else field.fill(value)
            page.get_by_role("button", name="Commit and next", exact=True).click()
            page.get_by_text(said).first.wait_for()

            if page.locator("#said").count():  # on a page of the desk's own
                expect(page.locator("#said[aria-live=polite]", has_text=said)).to_have_count(1)
                assert page.locator("main h1").count() == 1
        assert page.faults == []
