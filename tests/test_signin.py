"""Sign-in: the second factor and for whom it is required, the lockout, sessions that end, secrets that are not kept."""

import os
import re
import subprocess
import sys
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import factors, lockout, signin
from accounts.models import User
from audit import acting
from audit.models import AuditEvent
from hitlsite import checks
from hitlsite.demo import people
from hitlsite.scoped.owner import as_owner
from integrations import signature
from integrations.models import WebhookEndpoint
from tests.conftest import seated
from tests.factories import UserFactory, VendorFactory
from tests.test_promises import CHANGING, NOT_GRANTED, add_by_save, by_update, for_nobody, for_vendor, refused
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

PASSWORD = "four plain words here"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SIGN_IN, CODE, SET_UP, AGAIN = map(reverse, ("account_login", "mfa_authenticate", "mfa_activate_totp", "mfa_reauthenticate"))
DESK = reverse("admin:index")


@pytest.fixture
def browser():
    """Somebody at the door, with nothing given yet."""
    return Client()


def let_in(user, factor=False):
    """With a password, and the second factor where it is said."""
    user.set_password(PASSWORD)
    user.save()
    if factor:
        auth.TOTP.activate(user, SEED)
    return user


@pytest.fixture
def administrator(db):
    return let_in(UserFactory(username="adam", office="administrator"))


@pytest.fixture
def anna(approver):
    return let_in(approver, factor=True)


def give(browser, user, password=PASSWORD, **more):
    return browser.post(SIGN_IN, {"login": getattr(user, "username", user), "password": password}, **more)


def code(steps=0, seed=SEED):
    return auth.format_hotp_value(auth.hotp_value(seed, int(time.time()) // 30 + steps))


def told(verb, user=None):
    events = AuditEvent.objects.filter(subject_type="user", verb=f"user.{verb}")
    return events.filter(subject_id=user.pk) if user else events


def is_in(browser) -> bool:
    return browser.get(DESK).status_code == 200


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
    assert not signin.HouseIdentity().is_open_for_signup(None, None)


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
    verb = browser.post(reverse("admin:cases_case_approve", args=[case.pk]), {"reason": "x"})
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


# Sessions


def switched_off(user, vendor, administrator):
    User.objects.filter(pk=user.pk).update(is_active=False)


def moved_to_a_vendor(user, vendor, administrator):
    User.objects.filter(pk=user.pk).update(vendor=vendor)


def signed_out_everywhere(user, vendor, administrator):
    signin.end_sessions(user, by=administrator, reason="A lost laptop.")


def given_another_password(user, vendor, administrator):
    user.set_password("another four plain words")
    user.save()


REVOKED = [switched_off, moved_to_a_vendor, signed_out_everywhere, given_another_password]


@pytest.mark.parametrize("revoked", REVOKED)
def test_revoked_access_ends_at_the_next_request(reviewer, vendor, administrator, revoked):
    let_in(reviewer)
    sessions = [Client() for _ in range(3)]
    for session in sessions:
        give(session, reviewer)
        assert is_in(session)

    revoked(reviewer, vendor, administrator)

    assert [session.get(DESK).status_code for session in sessions] == [302] * 3
    assert [session.get("/api/v1/cases/").status_code for session in sessions] == [401] * 3


def test_a_session_that_ended_does_not_come_back_with_the_account(browser, reviewer):
    give(browser, let_in(reviewer))
    stale = User.objects.get(pk=reviewer.pk)

    User.objects.filter(pk=reviewer.pk).update(is_active=False)
    User.objects.filter(pk=reviewer.pk).update(is_active=True)
    stale.save()

    assert not is_in(browser)


def test_who_is_switched_off_between_password_and_code_stays_out(browser, anna):
    give(browser, anna)
    User.objects.filter(pk=anna.pk).update(is_active=False)

    browser.post(CODE, {"code": code()})

    assert told("sign_in", anna).count() == 0 and not is_in(browser)


def test_sessions_outlive_a_new_secret_key(browser, reviewer, settings):
    give(browser, let_in(reviewer))

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]

    assert is_in(browser)


# What the database refuses


def test_a_stranger_changes_no_account(committed):
    (person,) = committed("reviewer")

    for values in (
        {"password": "!"},
        {"email": "x@example.com"},
        {"first_name": "X"},
        {"session_number": 9},
        {"is_demo": True},
    ):
        for change in CHANGING:
            with for_nobody(), refused("a_stranger_changes_no_account", NOT_GRANTED):
                change(User.objects.get(pk=person.pk), **values)
    with for_nobody(), transaction.atomic():
        User.objects.filter(pk=person.pk).update(last_login=timezone.now())


def test_a_vendors_session_changes_its_own_people_only(committed):
    colleague, house, theirs = committed("vendor_reviewer", "reviewer", "their_reviewer")

    for person in (house, theirs):
        for change in CHANGING:
            with for_vendor(colleague.vendor), refused("a_vendors_session_changes_its_own_people_only", NOT_GRANTED):
                change(User.objects.get(pk=person.pk), password="!")
    with for_vendor(colleague.vendor), transaction.atomic():
        by_update(colleague, password="!")


@pytest.fixture
def their_reviewer(refunds, owner):
    return seated(refunds, "reviewer", owner, VendorFactory(name="Other Support"))


def test_a_stranger_sets_up_and_changes_no_second_factor(committed):
    (person,) = committed("reviewer")
    with transaction.atomic():
        factor = auth.TOTP.activate(person, SEED).instance

    with for_nobody(), refused("a_stranger_sets_up_no_second_factor"):
        add_by_save(Authenticator(user=person, type="webauthn", data={}))
    with for_nobody(), refused("a_stranger_sets_up_no_second_factor"):
        Authenticator.objects.all().delete()
    for values in ({"data": {"secret": "x"}}, {"type": "webauthn"}):
        for change in CHANGING:
            with for_nobody(), refused("a_stranger_changes_no_second_factor", "a_stranger_sets_up_no_second_factor"):
                change(Authenticator.objects.get(pk=factor.pk), **values)
    with for_nobody(), transaction.atomic():
        by_update(factor, data={**factor.data, "spent": [["a", 1]]})


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_in_runs_as_a_stranger_until_the_end(committed, browser):
    """Each request in a transaction of its own, as in earnest: so the database really refuses what it would."""
    (approver,) = committed("approver")
    with transaction.atomic():
        let_in(approver)

    with acting.scope(acting.NOBODY):
        give(browser, approver)
        secret = re.search(r'id="secret" value="([A-Z2-7]+)"', browser.get(SET_UP).content.decode())[1]
        browser.post(SET_UP, {"code": code(seed=secret)})
        assert is_in(browser)
        browser.post(reverse("admin:logout"))
        give(browser, approver)
        browser.post(CODE, {"code": code(1, seed=secret)})
        assert is_in(browser)
        give(browser, approver, "wrong")


# Secrets at rest


def test_a_seed_is_sealed_and_outlives_a_new_secret_key(anna, settings):
    kept = Authenticator.objects.get(user=anna, type="totp").data["secret"]
    assert SEED not in kept

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]

    assert factors.SealedFactors().decrypt(kept) == SEED


@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_database_holds_no_usable_secret(committed, browser, key):  # A6
    (approver, robot) = committed("approver", "integration")
    with transaction.atomic():
        let_in(approver, factor=True)
        codes = RecoveryCodes.activate(approver)
        api_key = key(robot)["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        endpoint = WebhookEndpoint.objects.create(user=robot, url="https://example.com/hook")
    give(browser, approver)
    browser.post(CODE, {"code": code()})
    [row] = Authenticator.objects.filter(user=approver, type="recovery_codes")
    secrets = [
        PASSWORD,
        SEED,
        api_key,
        signature.secret(endpoint),
        signature.secret(endpoint).removeprefix("whsec_"),
        factors.SealedFactors().decrypt(row.data["seed"]),
        *codes.get_unused_codes(),
    ]

    with as_owner(), transaction.atomic(), connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(" UNION ALL ".join(f"SELECT row_to_json(t)::text FROM {table} t" for table in tables))
        dump = "\n".join(row for (row,) in cursor)
    dump += "".join(str(session.get_decoded()) for session in Session.objects.all())

    assert approver.username in dump and "mfa" in dump
    assert [secret for secret in secrets if any(form in dump for form in (secret, secret.encode().hex()))] == []


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


# A dangerous start


@pytest.mark.parametrize(("danger", "found"), [
    ({"Q_CLUSTER": {"retry": 240, "timeout": 240}}, "hitlsite.E001"),
    ({"INSTALLED_APPS": ["import_export"]}, "hitlsite.E002"),
    ({"PRODUCTION": True, "DEBUG": True}, "hitlsite.E003"),
    ({"PRODUCTION": True}, "hitlsite.E004"),
    ({"SEPARATE_ROLES": False}, "hitlsite.W001"),
])  # fmt: skip
def test_a_dangerous_start_is_refused(settings, reviewer, danger, found):
    User.objects.filter(pk=reviewer.pk).update(is_demo=True)
    ours = [
        checks.the_database_can_refuse, checks.a_job_is_not_given_out_twice, checks.spreadsheets_ask_who,
        checks.production_shows_no_insides, checks.the_demo_is_not_in_production,
    ]  # fmt: skip
    assert [check(None, databases=["default"]) for check in ours] == [[]] * 5

    for name, value in danger.items():
        setattr(settings, name, value)

    assert found in {said.id for check in ours for said in check(None, databases=["default"])}


def test_the_shipped_production_settings_are_clean():
    production = {"HITLDESK_HTTPS": "1", "HITLDESK_HOSTS": "desk.example", "SECRET_KEY": "".join(map(chr, range(40, 100)))}

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR, env={**os.environ, **production}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_a_demo_persons_code_is_the_present_one(db, administrator):
    User.objects.filter(pk=administrator.pk).update(is_demo=True)
    auth.TOTP.activate(administrator, people.seed("adam"))

    assert people.code("adam") == code(seed=people.seed("adam"))
    assert people.code("nobody") == ""


def test_the_icon_is_there(browser):
    assert browser.get("/favicon.ico").url == "/static/hitlsite/icon.svg"
    assert 'rel="icon"' in browser.get(SIGN_IN).content.decode()
