"""Sign-in by the house's identity provider: a real flow over loopback, and everything that must not pass for one."""

import time
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.mfa.totp.internal import auth
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts import identity
from accounts.models import User
from audit import acting
from tests.doors import AGAIN, CODE, DESK, SEED, SET_UP, SIGN_IN, code, is_in, let_in, told
from tests.identity_provider import CLIENT, SECRET, IdentityProvider, key
from tests.test_promises import CHANGING, NOT_GRANTED, for_nobody, refused

pytestmark = pytest.mark.django_db

BEGIN = reverse("openid_connect_login", args=["house"])


@pytest.fixture
def provider(settings):
    provider = IdentityProvider()
    settings.OIDC_SERVER = provider.url
    app = {"provider_id": "house", "name": "the house's account", "client_id": CLIENT, "secret": SECRET}
    app["settings"] = {"server_url": provider.url, "oauth_pkce_enabled": True}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    yield provider
    provider.stop()


@pytest.fixture
def rita(reviewer):
    User.objects.filter(pk=reviewer.pk).update(email="Rita@example.com")
    return reviewer


def there_and_back(browser, **more) -> str:
    """The address at which the provider sends the browser back to us."""
    back = httpx.get(browser.post(BEGIN, more).url).headers["location"]
    return back.removeprefix("http://testserver")


def come(browser, **more):
    return browser.get(there_and_back(browser, **more))


def says(browser) -> str:
    return browser.get(SIGN_IN).content.decode()


def test_the_button_is_there_where_a_provider_is_set(browser, provider):
    assert "Sign in with the house&#x27;s account" in says(browser)


def test_no_button_and_no_door_where_none_is_set(browser):
    assert "Sign in with the" not in says(browser)
    assert browser.post(BEGIN).status_code == 404


def test_whose_address_the_provider_has_verified_is_in(browser, provider, rita):
    answer = come(browser)

    assert answer.url == DESK and is_in(browser)
    assert identity.subject_of(rita) == "s-1"
    assert told("link_identity", rita).count() == 1 and told("sign_in", rita).count() == 1
    assert SocialAccount.objects.get().extra_data == {}


def test_it_goes_on_to_where_one_was_going_and_never_elsewhere(browser, provider, rita):
    cases = reverse("admin:cases_case_changelist")

    assert come(browser, next=cases).url == cases
    assert come(Client(), next="https://evil.example/").url == DESK


def test_the_second_time_the_subject_is_enough(provider, rita):
    come(Client())
    provider.person = {"sub": "s-1", "email": "another@example.com"}
    browser = Client()

    come(browser)

    assert is_in(browser) and told("link_identity").count() == 1


def test_an_administrator_sets_the_subject(browser, provider, reviewer, administrator):
    identity.link(reviewer, "s-1", by=administrator, reason="She has no address.")

    come(browser)

    assert is_in(browser) and told("sign_in", reviewer).count() == 1


def test_another_identity_with_the_address_does_not_open_a_linked_account(browser, provider, rita, administrator):
    identity.link(rita, "s-7", by=administrator, reason="x")

    come(browser)

    assert not is_in(browser) and "linked to another identity" in says(browser)
    assert identity.subject_of(rita) == "s-7"


def test_an_address_that_comes_apart_from_the_token_does_as_well(browser, provider, rita):
    provider.lies = {"email": None, "email_verified": None}

    come(browser)

    assert is_in(browser)


# The second factor


def test_an_approver_gives_the_code_after_it(browser, provider, anna):
    User.objects.filter(pk=anna.pk).update(email="rita@example.com")

    assert come(browser).url == CODE and not is_in(browser)
    browser.post(CODE, {"code": code()})

    assert is_in(browser)


def test_an_approver_without_one_sets_it_up_before_anything_else(browser, provider, approver):
    User.objects.filter(pk=approver.pk).update(email="rita@example.com")

    come(browser)

    assert browser.get(DESK).url == SET_UP


def test_the_providers_own_second_factor_is_not_ours(browser, provider, approver):
    User.objects.filter(pk=approver.pk).update(email="rita@example.com")
    provider.lies = {"amr": ["mfa", "otp"], "acr": "high"}
    come(browser)
    auth.TOTP.activate(approver, SEED)

    assert browser.get(DESK).url.startswith(AGAIN)


# What must not pass


def unsigned(provider):
    provider.signs_with = ("none", None)


def signed_by_another(provider):
    provider.signs_with = ("RS256", key("another's"))


def signed_with_the_shared_secret(provider):
    provider.signs_with = ("HS256", SECRET)


LIES = {
    "another audience": {"aud": "another"},
    "one more audience": {"aud": [CLIENT, "another"]},
    "for another party": {"azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 600},
    "no end": {"exp": None},
    "no subject": {"sub": None},
    "an endless subject": {"sub": "s" * 300},
    "a number for a subject": {"sub": 7},
}
TWISTS = {
    **{name: lambda provider, lie=lie: provider.lies.update(lie) for name, lie in LIES.items()},
    "unsigned": unsigned,
    "signed by another": signed_by_another,
    "signed with the shared secret": signed_with_the_shared_secret,
}


@pytest.mark.parametrize("twist", TWISTS)
def test_a_token_that_is_not_right_opens_nothing(browser, provider, rita, twist):
    TWISTS[twist](provider)

    answer = come(browser)

    assert answer.url == SIGN_IN and not is_in(browser)
    assert "did not confirm this sign-in" in says(browser)
    assert not SocialAccount.objects.exists() and told("sign_in_failed").count() == 1


def test_what_is_told_beside_the_token_is_about_the_same_person(browser, provider, rita):
    provider.lies, provider.userinfo = {"email": None}, {"sub": "s-2"}

    come(browser)

    assert not is_in(browser)


def test_an_answer_to_another_question_opens_nothing(browser, provider, rita):
    back = there_and_back(browser)

    browser.get(back.replace("state=", "state=x"))
    assert not is_in(browser)
    Client().get(back)  # in a browser that never asked
    assert told("sign_in").count() == 0
    browser.get(back)
    assert is_in(browser)


def test_an_answer_counts_once(browser, provider, rita):
    back = there_and_back(browser)
    browser.get(back)
    browser.post(reverse("account_logout"))

    browser.get(back)

    assert not is_in(browser)


def test_a_stolen_code_is_useless_without_the_question(browser, provider, rita):
    """The provider gives a token only to whoever knows the word that was hashed into the question (PKCE)."""
    back = there_and_back(browser)
    provider.asked = {**provider.asked, "code_challenge": "another"}

    browser.get(back)

    assert not is_in(browser)


WHO = {
    "unknown": {"email": "other@example.com"},
    "not verified": {"email_verified": False},
    "said to be not verified, in a word": {"email_verified": "false"},
    "no address": {"email": ""},
}


@pytest.mark.parametrize("who", WHO)
def test_an_unknown_person_gets_no_account_and_a_sentence(browser, provider, rita, who):
    provider.person |= WHO[who]
    before = User.objects.count()

    answer = come(browser)

    assert answer.url == SIGN_IN and not is_in(browser)
    assert "Nobody here has the address" in says(browser)
    assert User.objects.count() == before and not SocialAccount.objects.exists()


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("fact", [{"is_active": False}, {"kind": "integration"}, {"is_staff": False}])
def test_who_may_not_sign_in_is_not_let_in_by_the_provider_either(browser, provider, rita, administrator, fact, linked):
    if linked:
        identity.link(rita, "s-1", by=administrator, reason="x")
    User.objects.filter(pk=rita.pk).update(**fact)

    come(browser)

    assert not is_in(browser) and told("sign_in", rita).count() == 0
    assert ("may not sign in" if linked else "Nobody here has") in says(browser)


def test_two_accounts_with_one_address_open_neither(browser, provider, rita, resolver):
    User.objects.filter(pk=resolver.pk).update(email="rita@example.com")

    come(browser)

    assert not is_in(browser) and not SocialAccount.objects.exists()


def test_who_turned_back_there_is_told_so(browser, provider, rita):
    provider.denies = True

    come(browser)

    assert "without signing in" in says(browser)


def test_a_provider_that_is_away_is_a_sentence_and_not_a_crash(browser, provider, rita):
    back = there_and_back(browser)
    provider.stop()

    for answer in (browser.post(BEGIN), browser.get(back)):
        assert answer.url == SIGN_IN
    assert "Try again later" in says(browser)


def test_a_provider_of_another_name_is_not_ours(browser, provider, settings):
    settings.OIDC_SERVER = "https://id.example"

    assert browser.post(BEGIN).url == SIGN_IN


def test_the_way_there_cannot_be_bent_from_outside(browser, provider):
    assert browser.get(BEGIN).status_code == 405

    there = urlsplit(browser.post(f"{BEGIN}?auth_params=nonce%3Dx%26redirect_uri%3Dhttps://evil.example&process=connect").url)

    assert "evil.example" not in there.query and "nonce=x&" not in there.query


# The link


def test_an_identity_opens_one_account(reviewer, resolver, administrator):
    identity.link(reviewer, "s-1", by=administrator)
    identity.link(reviewer, "s-2", by=administrator)
    assert identity.subject_of(reviewer) == "s-2"

    with pytest.raises(ValidationError, match="opens another account"):
        identity.link(resolver, "s-2", by=administrator)
    identity.link(reviewer, "", by=administrator)
    with pytest.raises(ValidationError, match="linked to no identity"):
        identity.link(reviewer, "", by=administrator)


def test_an_administrator_links_on_the_persons_page(client, provider, reviewer, administrator):
    client.force_login(administrator)
    page = reverse("admin:accounts_user_identity", args=[reviewer.pk])
    assert page in client.get(reverse("admin:accounts_user_change", args=[reviewer.pk])).content.decode()

    client.post(page, {"subject": "s-9", "reason": "She has no address."})

    assert identity.subject_of(reviewer) == "s-9"
    assert told("link_identity", reviewer).get().words == "She has no address."
    assert 'value="s-9"' in client.get(page).content.decode()


def test_a_stranger_changes_no_identity(committed):
    reviewer, resolver, administrator = committed("reviewer", "resolver", "administrator")
    with transaction.atomic():
        identity.link(reviewer, "s-1", by=administrator)

    for values in ({"uid": "s-2"}, {"user_id": resolver.pk}, {"provider": "another"}):
        for change in CHANGING:
            with for_nobody(), refused("a_stranger_changes_no_identity", NOT_GRANTED):
                change(SocialAccount.objects.get(), **values)
    with for_nobody(), refused("only_the_house_unlinks_an_identity"):
        SocialAccount.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_runs_as_a_stranger_until_the_end(committed, browser, provider):
    (reviewer,) = committed("reviewer")
    with transaction.atomic():
        let_in(reviewer)
        User.objects.filter(pk=reviewer.pk).update(email="rita@example.com")

    with acting.scope(acting.NOBODY):
        come(browser)
        assert is_in(browser)
        come(browser)
        assert is_in(browser)
