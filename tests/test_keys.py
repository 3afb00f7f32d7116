"""API keys: shown once, kept as a digest, two at a time, and dead from the next request on."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import keys
from accounts.models import ApiKey
from audit import clock
from cases.models import Case

pytestmark = pytest.mark.django_db


def knock(client, text):
    answer = client.get("/api/v1/cases/", HTTP_AUTHORIZATION=f"Bearer {text}")
    return answer.status_code, answer.json().get("code")


@pytest.fixture
def make(integration, administrator):
    return lambda **more: keys.make(integration, by=administrator, name="k", verbs=["read", "receive"], **more)


def test_the_database_holds_no_usable_key(make):
    _, text = make()

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM accounts_apikey k")
        assert text not in cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(e.body::text || e.words, ' ') FROM audit_auditevent e")
        assert text not in cursor.fetchone()[0]


def test_two_keys_are_live_while_one_is_rotated_and_no_third(make, client, administrator):
    (old, old_text), (_, new_text) = make(), make()
    assert knock(client, old_text) == knock(client, new_text) == (200, None)
    with pytest.raises(ValidationError, match="Two keys are live"):
        make()

    keys.revoke(old, by=administrator, reason="Rotated.")

    assert knock(client, old_text) == (401, "key_revoked")
    assert knock(client, new_text) == (200, None)
    make()


def test_an_expired_key_and_a_switched_off_account_open_nothing(make, client, integration):
    _, text = make(expires_at=clock.now() - timedelta(seconds=1))
    assert knock(client, text) == (401, "key_expired")
    ApiKey.objects.update(expires_at=None)
    assert knock(client, text) == (200, None)

    integration.is_active = False
    integration.save()

    assert knock(client, text) == (401, "account_inactive")


@pytest.mark.parametrize("text", ["", "hd_live_", "hd_live_\x00abc", "ключ", "hd_live_" + "x" * 5000])
def test_nonsense_is_no_key(client, text):
    assert knock(client, text)[0] == 401


def test_what_a_test_key_sends_never_counts(make, client, refunds):
    _, text = make(mode="test")
    body = {"workflow": "refunds", "external_id": "T", "input": {}, "output": {"decision": "no"}}

    client.post("/api/v1/cases/", body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {text}")

    assert Case.objects.get().is_test and not Case.objects.counted().exists()
