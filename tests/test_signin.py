"""Sign-in: the password, the second factor and for whom it is required, the page itself."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import factors, identity, signin
from tests.desk import decide
from tests.doors import AGAIN, CODE, DESK, PASSWORD, SEED, SET_UP, SIGN_IN, code, give, is_in, let_in, told
from workflows import actions as workflows

pytestmark = pytest.mark.django_db


# The password, and who gets in with it


def test_a_reviewer_signs_in_with_name_and_password(browser, reviewer):
    answer = give(browser, let_in(reviewer))

    assert answer.url == DESK and is_in(browser)
    assert told("sign_in", reviewer).count() == 1


def test_the_address_does_in_place_of_the_name(browser, reviewer):
    reviewer.email = "rita@example.com"
    let_in(reviewer)

    give(browser, "Rita@Example.com")

    assert is_in(browser)


@pytest.mark.parametrize(("name", "password"), [("{}", "wrong"), ("nobody", PASSWORD), ("a\0b", PASSWORD), ("x" * 500, "y")])
def test_a_wrong_word_is_one_event_and_a_sentence(browser, reviewer, name, password):
    let_in(reviewer)

    page = give(browser, name.format(reviewer.username), password)

    assert page.status_code == 200 and not is_in(browser)
    assert 'role="alert"' in page.content.decode()
    assert told("sign_in_failed").count() == (0 if "\0" in name else 1)


def test_what_was_typed_for_a_name_stays_and_a_password_does_not(browser, reviewer):
    page = give(browser, let_in(reviewer), "wrong word").content.decode()

    assert f'value="{reviewer.username}"' in page
    assert "wrong word" not in page


@pytest.mark.parametrize("fact", [{"is_active": False}, {"kind": "integration"}, {"is_staff": False}, {"is_demo": True}])
def test_who_may_not_sign_in_is_not_let_in_with_the_right_password(browser, reviewer, settings, fact):
    settings.PRODUCTION = True
    vars(reviewer).update(fact)

    give(browser, let_in(reviewer), secure=True)

    assert not is_in(browser)
    assert told("sign_in", reviewer).count() == 0 and told("sign_in_failed", reviewer).count() == 1


def test_nobody_registers(browser):
    assert browser.get("/sign-in/up/").status_code == browser.get("/sign-in/signup/").status_code == 404
    assert not signin.SignIn().is_open_for_signup(None)
    assert not identity.HouseIdentity().is_open_for_signup(None, None)


def test_the_admins_own_sign_in_is_this_one(browser):
    assert browser.get(reverse("admin:login"), {"next": "/admin/cases/case/"}).url == f"{SIGN_IN}?next=/admin/cases/case/"
    assert browser.get(DESK, follow=True).redirect_chain[-1][0].startswith(SIGN_IN)


def test_it_does_not_send_anybody_elsewhere(browser, reviewer):
    let_in(reviewer)

    answer = browser.post(f"{SIGN_IN}?next=https://evil.example/", {"login": reviewer.username, "password": PASSWORD})

    assert answer.url == DESK


def test_sign_out_is_one_event(browser, reviewer):
    give(browser, let_in(reviewer))

    browser.post(reverse("admin:logout"))

    assert not is_in(browser)
    assert told("sign_out", reviewer).count() == 1


# The second factor


def test_an_approver_gives_a_code_after_the_password(browser, anna):
    assert give(browser, anna).url == CODE
    assert not is_in(browser) and told("sign_in", anna).count() == 0

    browser.post(CODE, {"code": code()})

    assert is_in(browser)
    [event] = told("sign_in", anna)
    assert event.body["second_factor"] is True


def test_a_code_counts_once(anna):
    first, second = Client(), Client()
    now = code()
    for browser in (first, second):
        give(browser, anna)

    first.post(CODE, {"code": now})
    second.post(CODE, {"code": now})

    assert is_in(first) and not is_in(second)
    assert told("sign_in_failed", anna).count() == 1


def test_a_code_counts_once_in_every_process(anna):
    """Whatever a process's own memory holds: it is the row that knows."""
    now = code()
    first, second = Client(), Client()
    for browser in (first, second):
        give(browser, anna)
    first.post(CODE, {"code": now})
    cache.clear()

    second.post(CODE, {"code": now})

    assert not is_in(second)


def test_a_recovery_code_opens_once(anna):
    codes = RecoveryCodes.activate(anna)
    first, second = Client(), Client()
    [one, *_] = codes.get_unused_codes()

    for browser in (first, second):
        give(browser, anna)
        browser.post(CODE, {"code": one})

    assert is_in(first) and not is_in(second)


KINDS = ["approver", "owner", "administrator"]


@pytest.mark.parametrize("who", KINDS)
def test_without_a_second_factor_they_are_led_to_set_it_up_and_to_nothing_else(browser, request, refunds, who, send):
    user = let_in(request.getfixturevalue(who))
    give(browser, user)

    for page in (DESK, reverse("admin:cases_case_changelist"), reverse("admin:password_change"), reverse("mfa_index")):
        assert browser.get(page).url == SET_UP
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR", "payee": "C-1"})
    verb = decide(browser, case, "approve", reason="x")
    assert verb.url == SET_UP
    refusal = browser.post(f"/api/v1/cases/{case.pk}/approve/", {}, content_type="application/json")
    assert refusal.status_code == 403 and refusal.json()["code"] == "second_factor_needed"
    assert browser.get(SET_UP).status_code == 200


@pytest.mark.parametrize("who", ["reviewer", "resolver", "vendor_reviewer", "stranger"])
def test_the_others_need_none(browser, request, who):
    give(browser, let_in(request.getfixturevalue(who)))

    assert is_in(browser)


def test_set_up_is_proved_by_a_code_and_opens_the_desk(browser, approver):
    give(browser, let_in(approver))
    secret = re.search(r'id="secret" value="([A-Z2-7]+)"', browser.get(SET_UP).content.decode())[1]
    assert browser.post(SET_UP, {"code": "000000"}).status_code == 200

    answer = browser.post(SET_UP, {"code": code(seed=secret)})

    assert answer.url == reverse("mfa_view_recovery_codes")
    assert len(re.findall(r"<li>\d{8}</li>", browser.get(answer.url).content.decode())) == 10
    assert is_in(browser)
    assert told("add_factor", approver).count() == 1
    assert not re.search(r"<li>\d{8}</li>", browser.get(answer.url).content.decode())


def test_from_the_moment_of_the_seat_the_factor_is_asked(browser, refunds, owner, stranger):
    give(browser, let_in(stranger))
    assert is_in(browser)

    seat = workflows.seat(stranger, refunds, "approver", by=owner, limits=[("", "EUR", 10)])
    assert browser.get(DESK).url == SET_UP

    workflows.end_seat(seat, by=owner)
    assert is_in(browser)


def test_a_session_without_the_factor_gives_it_before_anything_else(browser, approver):
    let_in(approver)
    give(browser, approver)
    auth.TOTP.activate(approver, SEED)

    assert browser.get(DESK).url == f"{AGAIN}?next={DESK}"
    assert browser.get(SET_UP).url.startswith(AGAIN)
    assert browser.post(f"{AGAIN}?next={DESK}", {"code": code(), "next": DESK}).url == DESK
    assert is_in(browser)


def test_the_last_factor_of_who_needs_one_stays(browser, anna):
    give(browser, anna)
    browser.post(CODE, {"code": code()})

    page = browser.post(reverse("mfa_deactivate_totp"))

    assert "Add another one first" in page.content.decode()
    assert Authenticator.objects.filter(user=anna, type="totp").exists()


def test_who_needs_none_removes_it_and_that_is_told(browser, reviewer):
    give(browser, let_in(reviewer, factor=True))
    browser.post(CODE, {"code": code()})

    browser.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.filter(user=reviewer).exists()
    assert told("remove_factor", reviewer).count() == 1


def test_an_api_key_needs_no_second_factor(browser, approver, key):
    assert browser.get("/api/v1/cases/", **key(approver)).status_code == 200


def test_a_key_in_the_header_opens_no_admin_page(browser, approver, stranger, key):
    give(browser, let_in(approver))

    assert browser.get(DESK, **key(stranger)).url == SET_UP


@pytest.mark.parametrize(("ago", "minutes", "is_recent"), [(0, 5, True), (299, 5, True), (301, 5, False), (None, 5, False)])
def test_verified_recently_is_about_the_second_factor(rf, reviewer, ago, minutes, is_recent):
    request = rf.get("/")
    records = [{"method": "password", "at": time.time()}]
    if ago is not None:
        records.append({"method": "mfa", "type": "totp", "at": time.time() - ago})
    request.user = reviewer
    request.session = {"account_authentication_methods": records, "account_authentication_methods_user": str(reviewer.pk)}

    assert factors.recently_verified(request, minutes) is is_recent


# The page itself


@pytest.mark.parametrize("page", [SIGN_IN, SET_UP])
def test_the_pages_carry_a_strict_policy_and_no_inline_code(browser, approver, page):
    if page == SET_UP:
        give(browser, let_in(approver))

    answer = browser.get(page)

    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", answer.content.decode(), re.S):
        assert "src=" in attributes or "application/json" in attributes, inside
    assert not re.search(r"<[^>]+ (on\w+|style)=", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
