"""Five failures lock one account for one address; administrators help."""

import pytest
from allauth.mfa.totp.internal import auth
from axes.models import AccessAttempt
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts import lockout
from tests.doors import CODE, DESK, SEED, SET_UP, code, give, is_in, let_in, told

pytestmark = pytest.mark.django_db


# The lockout


def test_five_failures_lock_and_the_right_password_no_longer_opens(browser, reviewer):
    let_in(reviewer)

    pages = [give(browser, reviewer, "wrong") for _ in range(5)]

    assert [page.status_code for page in pages] == [200] * 4 + [429]
    assert "locked for 15 minutes" in pages[-1].content.decode()
    assert give(browser, reviewer).status_code == 429 and not is_in(browser)
    assert told("sign_in_failed", reviewer).count() == 5
    assert told("lock", reviewer).count() == 1


def test_a_strangers_failures_do_not_lock_the_approver_elsewhere(browser, anna):
    for _ in range(7):
        give(Client(), anna, "wrong", REMOTE_ADDR="203.0.113.9")

    give(browser, anna)
    browser.post(CODE, {"code": code()})

    assert is_in(browser)


def test_the_lock_ends_by_itself(browser, reviewer):
    let_in(reviewer)
    for _ in range(5):
        give(browser, reviewer, "wrong")
    earlier = AccessAttempt.objects.get().attempt_time - lockout.settings.AXES_COOLOFF_TIME
    AccessAttempt.objects.update(attempt_time=earlier)

    give(browser, reviewer)

    assert is_in(browser)


def test_name_and_address_are_one_count(browser, reviewer):
    reviewer.email = "rita@example.com"
    let_in(reviewer)

    names = [reviewer.username, "rita@example.com", reviewer.username.upper(), "RITA@example.com", reviewer.username]
    pages = [give(browser, name, "wrong") for name in names]

    assert pages[-1].status_code == 429


def test_five_wrong_codes_lock_too(browser, anna):
    give(browser, anna)

    pages = [browser.post(CODE, {"code": "000000"}) for _ in range(5)]

    assert pages[-1].status_code == 429
    assert browser.post(CODE, {"code": code()}).status_code == 429 and not is_in(browser)
    assert told("sign_in_failed", anna).count() == 5 and told("lock", anna).count() == 1


def test_no_password_is_kept_by_the_count(browser, reviewer):
    give(browser, let_in(reviewer), "my other secret")

    assert "my other secret" not in str(AccessAttempt.objects.values())


def test_an_administrator_unlocks(browser, reviewer, administrator):
    let_in(reviewer)
    for _ in range(5):
        give(browser, reviewer, "wrong")

    lockout.unlock(reviewer, by=administrator, reason="He called.")
    give(browser, reviewer)

    assert is_in(browser) and told("unlock", reviewer).count() == 1
    with pytest.raises(ValidationError, match="nothing to unlock"):
        lockout.unlock(reviewer, by=administrator)


@pytest.fixture
def office(administrator):
    """An administrator's browser, with the factor given."""
    browser = Client()
    auth.TOTP.activate(administrator, SEED)
    give(browser, administrator)
    browser.post(CODE, {"code": code()})
    return browser


def test_an_administrator_unlocks_signs_out_and_removes_factors_with_a_reason(office, anna, browser):
    give(browser, anna)
    browser.post(CODE, {"code": code()})
    for _ in range(5):
        give(Client(), anna, "wrong")
    events = {"unlock": "unlock", "sign_out": "end_sessions", "remove_factors": "remove_factor"}

    for way, event in events.items():
        page = reverse(f"admin:accounts_user_{way}", args=[anna.pk])
        assert office.post(page, {"reason": ""}).status_code == 422
        assert office.post(page, {"reason": "He lost his telephone."}, follow=True).status_code == 200
        assert told(event, anna).get().words == "He lost his telephone."

    assert not is_in(browser) and AccessAttempt.objects.count() == 0
    give(browser, anna)
    assert browser.get(DESK).url == SET_UP


@pytest.mark.parametrize(("proxies", "header", "address"), [
    (0, "198.51.100.7", "127.0.0.1"), (1, "203.0.113.66, 198.51.100.7", "198.51.100.7"), (1, "", "127.0.0.1"),
])  # fmt: skip
def test_an_address_is_what_our_own_proxy_saw(rf, settings, proxies, header, address):
    settings.HITLDESK_PROXIES = proxies

    assert lockout.address_of(rf.get("/", HTTP_X_FORWARDED_FOR=header)) == address
