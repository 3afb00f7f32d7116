"""Sessions end when access is revoked; strangers change nothing; secrets are not kept; a dangerous start is refused."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import factors, signin
from accounts.models import User
from audit import acting
from hitlsite import checks, postgres
from hitlsite.demo import people
from hitlsite.scoped.owner import as_owner
from integrations import signature
from integrations.models import WebhookEndpoint
from tests.conftest import owners_address, seated
from tests.doors import CODE, DESK, PASSWORD, SEED, SET_UP, SIGN_IN, code, give, is_in, let_in, told
from tests.factories import VendorFactory
from tests.test_jobs_cluster import same_database
from tests.test_promises import CHANGING, NOT_GRANTED, add_by_save, by_update, for_nobody, for_vendor, refused

pytestmark = pytest.mark.django_db


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
        before = person.password
        for change in CHANGING:
            with for_vendor(colleague.vendor), suppress(DatabaseError, psycopg.Error), transaction.atomic():
                change(person, password="!")  # most find no row: it cannot even see them
            assert User.objects.get(pk=person.pk).password == before
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


def dumped() -> str:
    """All of the database, as pg_dump of the server's own version writes it down."""
    done = subprocess.run([postgres.program("pg_dump"), owners_address()], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_key_of_a_session_is_in_its_owners_cookie_only(browser, reviewer):
    give(browser, let_in(reviewer))
    key = browser.cookies["sessionid"].value
    [row] = Session.objects.all()

    assert row.session_key != key and is_in(browser)
    thief = Client()
    thief.cookies["sessionid"] = row.session_key
    assert not is_in(thief)
    browser.post(reverse("admin:logout"))
    thief.cookies["sessionid"] = key
    assert not is_in(thief) and not Session.objects.filter(pk=row.pk).exists()


@pytest.mark.skipif(not settings.EMBEDDED, reason="the tools beside us are of our own server's version")
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
        browser.cookies["sessionid"].value,
    ]

    dump = dumped() + "".join(str(session.get_decoded()) for session in Session.objects.all())

    assert approver.username in dump and "mfa" in dump and "accounts_apikey" in dump
    assert [secret for secret in secrets if any(form in dump for form in (secret, secret.encode().hex()))] == []


# A dangerous start


GOOD = "".join(map(chr, range(40, 100)))
PRODUCTION = {"PRODUCTION": True, "SECRET_KEY": GOOD, "WEBHOOK_KEY": GOOD[::-1], "SEAL_KEY": GOOD[1:]}
PROVIDER = {"openid_connect": {"APPS": [{"client_id": "c", "secret": "s"}]}}
DANGERS = [
    ({"Q_CLUSTER": {"retry": 240, "timeout": 240}}, "hitlsite.E001"),
    ({"INSTALLED_APPS": ["import_export"]}, "hitlsite.E002"),
    ({**PRODUCTION, "DEBUG": True}, "hitlsite.E003"),
    (PRODUCTION, "hitlsite.E004"),
    ({**PRODUCTION, "SECRET_KEY": "short"}, "hitlsite.E006"),
    ({**PRODUCTION, "WEBHOOK_KEY": "x" * 60}, "hitlsite.E006"),
    ({**PRODUCTION, "SEAL_KEY": GOOD}, "hitlsite.E006"),
    ({**PRODUCTION, "SECRET_KEY": f"django-insecure-{GOOD}"}, "hitlsite.E006"),
    ({**PRODUCTION, "HITLDESK_WEBHOOKS_MAY_BE_LOCAL": True}, "hitlsite.E007"),
    ({"OIDC_SERVER": "https://id.example", "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [{"client_id": "c", "secret": ""}]}}}, "hitlsite.E008"),
    ({**PRODUCTION, "OIDC_SERVER": "http://id.example", "SOCIALACCOUNT_PROVIDERS": PROVIDER}, "hitlsite.E008"),
    ({**PRODUCTION, "ALLOWED_HOSTS": ["*"]}, "hitlsite.E009"),
    ({"SEPARATE_ROLES": False}, "hitlsite.W001"),
]  # fmt: skip
OURS = [
    checks.the_database_can_refuse, checks.a_job_is_not_given_out_twice, checks.spreadsheets_ask_who, checks.production_shows_no_insides,
    checks.the_demo_is_not_in_production, checks.the_application_is_bound_by_the_database, checks.production_has_secrets_of_its_own,
    checks.production_sends_to_public_addresses, checks.the_identity_provider_is_whole, checks.production_answers_to_its_own_name,
]  # fmt: skip


def said(ours=OURS):
    return [each for check in ours for each in check(None, databases=["default"])]


@pytest.mark.parametrize(("danger", "found"), DANGERS)
def test_a_dangerous_start_is_refused(settings, reviewer, danger, found):
    User.objects.filter(pk=reviewer.pk).update(is_demo=True)
    assert said() == []

    for name, value in danger.items():
        setattr(settings, name, value)

    messages = [each for each in said() if each.id == found]
    assert messages and all(each.hint and each.msg.endswith(".") for each in messages)


def test_production_as_it_should_be_is_let_through(settings, reviewer):
    for name, value in {**PRODUCTION, "ALLOWED_HOSTS": ["desk.example"]}.items():
        setattr(settings, name, value)

    assert said() == []


def test_every_check_is_tried():
    ours = [check for name, check in vars(checks).items() if getattr(check, "tags", None) is not None and name != "register"]

    assert set(OURS) == {check for check in ours if check.__module__ == "hitlsite.checks"}
    ids = set(re.findall(r"hitlsite\.[EW]\d+", Path(checks.__file__).read_text()))
    assert ids == {found for _, found in DANGERS} | {"hitlsite.E005"}


@pytest.mark.django_db(transaction=True)
def test_an_application_that_owns_its_tables_is_refused(settings):
    settings.DATABASE_URL = settings.DATABASE_OWNER_URL

    with as_owner():
        messages = said([checks.the_application_is_bound_by_the_database])

    assert {each.id for each in messages} == {"hitlsite.E005"} and all(each.hint for each in messages)
    assert ["BYPASSRLS" in messages[0].msg, "owns tables" in messages[1].msg] == [True, True]


@pytest.mark.skipif(not settings.EMBEDDED, reason="the superuser of another database is not ours to use")
def test_a_superuser_is_seen_to_be_one(db):
    with psycopg.connect(postgres.url("hitl_super")) as superuser:
        assert superuser.execute(checks.OWNING).fetchone()[0] is True


def test_the_shipped_production_settings_are_clean():
    secrets = {"SECRET_KEY": GOOD, "HITLDESK_WEBHOOK_KEY": GOOD[::-1], "HITLDESK_SEAL_KEY": GOOD[1:]}
    production = {**same_database(), "HITLDESK_HTTPS": "1", "HITLDESK_HOSTS": "desk.example", **secrets}

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--database", "default", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR, env={**os.environ, **production}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_demo_persons_code_is_the_present_one(db, administrator):
    User.objects.filter(pk=administrator.pk).update(is_demo=True)
    auth.TOTP.activate(administrator, people.seed("adam"))

    assert people.code("adam") == code(seed=people.seed("adam"))
    assert people.code("nobody") == ""


def test_the_icon_is_there(browser):
    assert browser.get("/favicon.ico").url == "/static/hitlsite/icon.svg"
    assert 'rel="icon"' in browser.get(SIGN_IN).content.decode()
