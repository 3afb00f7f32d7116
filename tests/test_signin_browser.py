"""Sign-in in a real browser: with the password, an app's code and a security key, under the strict policy."""

import os
import re

import pytest
from django.db import transaction
from django.urls import reverse

from audit import acting
from tests import browsers
from tests.doors import PASSWORD, code, let_in, told

chromium, pytestmark = browsers.chromium, browsers.pytestmark


@pytest.fixture
def page(chromium, live_server):
    """A page that knows of every fault in its console, every refusal of the policy, and every request that leaves the host."""
    host = live_server.url.replace("127.0.0.1", "localhost")
    return browsers.watched(chromium.new_page(base_url=host), host)


def sign_in(page, user):
    page.goto("/admin/")
    page.get_by_label("Name or e-mail").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def give(page, digits):
    page.get_by_label("code").fill(digits)
    page.keyboard.press("Enter")


def set_up(page) -> str:
    """Sets up the app on the page that shows, and gives its secret."""
    secret = page.get_by_label("No camera? Type this into the app").input_value()
    give(page, code(seed=secret))
    page.get_by_role("heading", name="Recovery codes").wait_for()
    return secret


def test_an_approver_sets_up_an_app_and_signs_in_with_it(page, committed):
    (approver,) = committed("approver")
    committed_password(approver)

    with acting.scope(acting.NOBODY):
        sign_in(page, approver)
        secret = set_up(page)
        page.get_by_role("link", name="To my desk").click()
        page.get_by_role("heading", name="My desk").first.wait_for()
        page.context.clear_cookies()
        sign_in(page, approver)
        give(page, "000000")
        assert "not the present code" in page.get_by_role("alert").inner_text()
        give(page, code(1, seed=secret))
        page.get_by_role("heading", name="My desk").first.wait_for()

    assert told("sign_in", approver).count() == 2
    assert page.faults == []


def committed_password(user):
    with transaction.atomic():
        let_in(user)


def test_a_security_key_is_a_second_factor(page, committed):
    (approver,) = committed("approver")
    committed_password(approver)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": key})

    with acting.scope(acting.NOBODY):
        sign_in(page, approver)
        page.get_by_role("link", name="Use a security key or passkey instead").click()
        page.get_by_role("button", name="Add it").click()
        page.get_by_role("heading", name="Recovery codes").wait_for()
        page.context.clear_cookies()
        sign_in(page, approver)
        page.get_by_role("button", name="Use a security key").click()
        page.get_by_role("heading", name="My desk").first.wait_for()

    assert told("sign_in", approver).count() == 2
    assert page.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone_and_every_field_has_a_name(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(reverse("account_login"))

    page.get_by_role("button", name="Sign in", exact=True).click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("input:visible").count() == page.locator("input:visible:not([aria-invalid='']):is([id])").count()
    assert page.locator("[role=alert]:visible").count() == 2
    assert re.match(r"rgb\((17, 24, 39|255, 255, 255)\)", page.evaluate("getComputedStyle(document.body).backgroundColor"))
    if folder := os.environ.get("HITLDESK_PICTURES"):
        browsers.shot(page, f"{folder}/signin-{scheme}.png")
