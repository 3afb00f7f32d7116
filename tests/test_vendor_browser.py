"""In a real browser: a vendor's lead proposes a person, who signs in with an app's code, works, is withdrawn, and is out on the next click."""

import pytest
from django.db import transaction

from accounts.models import User
from audit import acting
from cases.models import Case, Decision
from tests import browsers, factories
from tests.browsers import pictured
from tests.conftest import HOUSE
from tests.doors import PASSWORD, code, let_in
from workflows import jobs
from workflows.models import Proposal

chromium, pytestmark = browsers.chromium, browsers.pytestmark


@pytest.fixture
def somebody(chromium, live_server):
    """A browser of one's own, for each person who has one."""
    return lambda: chromium.new_context(base_url=live_server.url, viewport=browsers.WIDE).new_page()


def sign_in(page, name, digits):
    page.goto("/admin/")
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("code").fill(digits)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="My desk").first.wait_for()


def set_up_an_app(page) -> str:
    """Nia's own: from her sign-in page."""
    page.goto("/sign-in/factors/app/")
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
    secret = page.get_by_label("No camera? Type this into the app").input_value()
    page.get_by_label("code").fill(code(seed=secret))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recovery codes").wait_for()
    return secret


def out_of_the_world(request):
    """The vendor's mandate, its lead, and a case that waits on its side."""
    vendor, refunds, send = (request.getfixturevalue(name) for name in ("vendor", "refunds", "send"))
    given = factories.MandateFactory(engagement__vendor=vendor, workflow=refunds, accepts="vendor", share=50)
    lead = let_in(factories.lead(vendor), factor=True)
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    return given, lead, case


def test_a_lead_proposes_somebody_who_works_and_is_out_on_the_next_click(somebody, request):
    with acting.scope(HOUSE), transaction.atomic():
        _, lead, case = out_of_the_world(request)

    leads = somebody()
    sign_in(leads, lead.username, code())
    leads.get_by_role("link", name="My people and work").first.click()
    leads.get_by_role("link", name="Propose somebody for Refunds").click()
    leads.get_by_label("Name", exact=True).fill("Nia Costa")
    leads.get_by_label("User name").fill("nia")
    pictured(leads, "propose")
    leads.get_by_role("button", name="Propose").click()
    leads.get_by_text("the seat is given within seconds").wait_for()
    with acting.scope(HOUSE):
        jobs.seat_the_proposed(Proposal.objects.get().pk)
    leads.reload()
    pictured(leads, "lead")
    leads.get_by_role("link", name="Sign-in link").click()
    leads.get_by_role("button", name="Make the link").click()
    link = leads.locator("code.key").inner_text()

    works = somebody()
    works.goto(link)
    pictured(works, "welcome")
    for field in works.locator("input[type=password]").all():
        field.fill(PASSWORD)
    works.get_by_role("button", name="Set the password").click()
    works.get_by_label("Name or e-mail").fill("nia")
    works.get_by_label("Password").fill(PASSWORD)
    works.get_by_role("button", name="Sign in", exact=True).click()
    works.get_by_role("heading", name="My desk").first.wait_for()
    secret = set_up_an_app(works)
    works.context.clear_cookies()
    sign_in(works, "nia", code(1, seed=secret))
    works.get_by_role("button", name="Next case").first.click()
    works.get_by_text("Accept", exact=False).first.click()
    works.get_by_role("button", name="Commit", exact=True).click()
    works.get_by_text("is accepted").first.wait_for()

    leads.goto("/admin/workflows/proposal/")
    leads.get_by_role("link", name="Withdraw Nia Costa from every seat").click()
    leads.get_by_label("Why?").fill("Left the company.")
    pictured(leads, "withdraw")
    leads.get_by_role("button", name="Withdraw").click()
    leads.get_by_text("is withdrawn from every seat").wait_for()
    works.goto("/admin/")

    assert "/sign-in/" in works.url and works.get_by_label("Name or e-mail").is_visible()
    with acting.scope(HOUSE), transaction.atomic():
        nia = User.objects.get(username="nia")
        assert Decision.objects.get(case=case).by == nia and not nia.seats.live().exists()
