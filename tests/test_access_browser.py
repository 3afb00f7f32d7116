"""Whoever cannot see, or reads from the right, can do it too: axe, a right-to-left language, and what a screen reader is told."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import expect

from accounts import actions as people
from audit import acting, clock
from cases import actions, finding, queues
from cases.models import Case, Inquiry, SavedView
from cases.talk import digests, links
from tests import browsers, factories
from tests import test_workbench_browser as workbench
from tests.browsers import NARROW, WIDE, watched
from tests.conftest import HOUSE, SignedIn
from workflows import actions as workflows
from workflows.models import Mandate

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
    return as_it_stands(page, name)


def as_it_stands(page, name) -> list[str]:
    """The same of the page one has come to."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    grave = findings(page, f"{name}, light", EVERYTHING)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate("document.documentElement.classList.add('dark')")  # the admin's frame asks the system at its start only
    grave += findings(page, f"{name}, dark", CONTRAST)
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    browsers.pictured(page, name)
    page.set_viewport_size(WIDE)
    return grave + ([f"{name}: {width} wide on a telephone of {NARROW['width']}"] if width > NARROW["width"] else [])


def with_each_verb(page, name, form) -> list[str]:
    """What axe finds in a form of decision, one verb after the other chosen."""
    grave = []
    for choice in form.locator("[name=verb]").all():
        for unfolds in form.get_by_role("button", name="All choices").all():  # one verb is chosen already
            unfolds.click()
        choice.check(force=True)
        grave += findings(page, f"{name}-{choice.get_attribute('value')}", EVERYTHING, within=".decide")
    return grave


def with_what_is_folded(page, name) -> list[str]:
    """What axe finds with the seldom verbs unfolded; and they fit a telephone."""
    page.set_viewport_size(NARROW)
    for folded in page.locator(".doing summary").all():
        folded.click()
    width = page.evaluate("document.documentElement.scrollWidth")
    grave = findings(page, f"{name}, unfolded", EVERYTHING, within=".doing")
    page.set_viewport_size(WIDE)
    return grave + ([f"{name}, unfolded: {width} wide"] if width > NARROW["width"] else [])


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
        queues.claim(high.pk, by=reviewer)
        actions.escalate(high.pk, by=reviewer, reason="To whom?")
    grave = []
    for person, which in ((reviewer, low), (resolver, high), (approver, asked)):
        page = browse(person)
        grave += looked_at(page, f"desk-{person}", reverse("admin:index"))
        grave += looked_at(page, f"work-{person}", case(which, "work"))
        grave += with_each_verb(page, f"work-{person}", page.locator("#work"))
        grave += looked_at(page, f"story-{person}", case(which, "change"))
        grave += with_what_is_folded(page, f"story-{person}")

    assert grave == []


def test_axe_finds_nothing_grave_where_people_approve(browse, committed):
    approver, resolver, send = committed("approver", "resolver", "send")
    with transaction.atomic():
        refund = {"type": "refund", "amount": "240.00", "currency": "EUR", "payee": "C-1042"}
        asked, _ = (send(0.9, action=refund, output={"decision": "refund"}, customer_reference="C-1042") for _ in range(2))
        actions.comment(asked.pk, by=resolver, text="The bank shows it twice.")
    page = browse(approver)

    grave = looked_at(page, "approvals", reverse("admin:cases_approvals"))
    grave += with_each_verb(page, "approvals", page.locator(f"#approval-{asked.pk}"))
    grave += looked_at(page, "approval", case(asked, "approval"))

    assert grave == [] and page.faults == []


def test_axe_finds_nothing_grave_where_people_list_decide_on_many_and_find(browse, committed):
    reviewer, send = committed("reviewer", "send")
    with transaction.atomic():
        sent = [send(0.5, external_id=f"ref-{number}", output={"decision": "refund"}) for number in range(3)]
        Case.objects.filter(pk=sent[0].pk).update(tier="high")
        SavedView.objects.create(owner=reviewer, name="Urgent", query="tier=high")
        finding.note_new()
    page, listed, find = browse(reviewer), reverse("admin:cases_case_changelist"), reverse("admin:cases_case_find")

    grave = looked_at(page, "list-empty", f"{listed}?q=nowhere")
    grave += looked_at(page, "list", f"{listed}?all=1")
    page.set_viewport_size(NARROW)
    page.get_by_role("button", name="All filters").click()
    page.get_by_text("Keep this list as a view").click()
    grave += findings(page, "list with its filters open", EVERYTHING)
    page.set_viewport_size(WIDE)
    page.goto(f"{listed}?all=1")
    page.get_by_label("All on this page").check()
    page.get_by_label("With the ticked ones").select_option("escalate")
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_label("Why?").fill("To whom?")
    grave += as_it_stands(page, "bulk-preview")
    page.get_by_role("button", name="Escalate: 3 cases").click()
    page.get_by_text("3 of 3 cases are done.").wait_for()
    grave += as_it_stands(page, "bulk-results")
    grave += looked_at(page, "find", f"{find}?q=ref-") + looked_at(page, "find-nothing", f"{find}?q=nowhere")
    page.keyboard.press("Control+k")
    page.keyboard.type("ref-")
    page.get_by_role("option", selected=True).wait_for()
    grave += as_it_stands(page, "find-dialog")

    assert grave == [] and page.faults == []


def test_axe_finds_nothing_grave_where_people_talk(browse, committed):
    reviewer, resolver, send = committed("reviewer", "resolver", "send")
    with transaction.atomic():
        low = send(0.5, input={"text": "Twice.", "order": "O-77"}, output={"decision": "refund"}, customer_reference="C-7")
        queues.claim(low.pk, by=reviewer)
        actions.comment(low.pk, by=resolver, text=f"@{reviewer.username} Finance knows.", kind="note")
        said = actions.comment(low.pk, by=reviewer, text="I ask them.")
        actions.mend(said.pk, by=reviewer, text="I ask them now.")
        actions.attach(low.pk, by=reviewer, name="statement.txt", content=b"Charged twice.")
        for whom in ("Finance", f"@{resolver.username}", "The customer"):
            actions.inquire(low.pk, by=reviewer, question="Was it paid twice?", whom=whom, shows=["input.order"], link_days=7)
        finance, resolvers, _ = Inquiry.objects.order_by("pk")
        actions.answer(Inquiry.objects.latest("pk").pk, by=reviewer, text="Once.")
        actions.correct(send().pk, by=reviewer, output={"decision": "decline"}, reason="Too late.", active_seconds=30)
        people.be_absent(resolver, by=resolver, since=clock.now() + timedelta(days=1), until=clock.now() + timedelta(days=2))
    file = low.attachments.get()
    page, asked, outside = browse(reviewer), browse(resolver), browse()

    grave = looked_at(page, "talk", case(low, "talk"))
    grave += looked_at(page, "attach", case(low, "attach"))
    grave += looked_at(page, "take-off", reverse("admin:cases_attachment_off", args=[low.pk, file.pk]))
    grave += looked_at(page, "notices", reverse("admin:cases_notices"))
    grave += looked_at(page, "wishes", reverse("admin:cases_wishes"))
    grave += looked_at(page, "own-decisions", reverse("admin:cases_own_decisions"))
    page.goto(case(low, "work"))
    for folded in page.locator(".talk summary").all():
        folded.click()
    grave += as_it_stands(page, "work-talked-about")
    grave += looked_at(asked, "asked", reverse("admin:cases_asked"))
    asked.goto(reverse("admin:index"))
    asked.locator("details.away summary").click()
    grave += as_it_stands(asked, "going-away")
    grave += looked_at(asked, "inquiry", reverse("admin:cases_inquiry", args=[resolvers.pk]))
    grave += looked_at(outside, "link", links.of(finance))
    grave += looked_at(outside, "link-nowhere", links.of(finance) + "x")
    grave += looked_at(outside, "stop-mail", urlsplit(digests.stop_address(reviewer)).path)

    assert grave == [] and page.faults == asked.faults == []


def test_axe_finds_nothing_grave_where_a_lead_looks_after_his_people(browse, committed):
    vendor, send, vendor_reviewer = committed("vendor", "send", "vendor_reviewer")
    with transaction.atomic():
        given = Mandate.objects.get(engagement__vendor=vendor)
        lead, newcomer = factories.lead(vendor), factories.UserFactory(vendor=vendor, password="!")
        workflows.propose(given, "reviewer", by=lead, person=newcomer)
        Case.objects.filter(pk=send().pk).update(vendor=vendor)
    page = browse(lead)

    grave = looked_at(page, "lead", reverse("admin:workflows_proposal_changelist"))
    for name, about in (("propose", given), ("withdraw", vendor_reviewer), ("link", newcomer)):
        grave += looked_at(page, f"lead-{name}", reverse(f"admin:workflows_proposal_{name}", args=[about.pk]))
    page.get_by_role("button", name="Make the link").click()
    grave += as_it_stands(page, "lead-link-made")

    assert grave == [] and page.faults == []


OURS = {  # of the pages that stand in the frame of the admin, and those of the clocks: who sees them
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

    for path in (reverse("admin:index"), case(low, "work"), case(low, "change"), reverse("my_settings")):
        page.goto(path)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            browsers.pictured(page, f"rtl-{size['width']}-{path.strip('/').replace('/', '-')}")
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
