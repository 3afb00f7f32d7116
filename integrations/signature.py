"""Standard Webhooks signatures. An endpoint's secrets are derived from WEBHOOK_KEY and its number; none is ever stored."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings

OVERLAP = timedelta(hours=24)  # after a rotation, both the new and the previous secret sign


def secret(endpoint, number=None) -> str:
    """What the receiver verifies with: the current secret, or the one of that number."""
    name = f"{endpoint.pk}:{number or endpoint.secret_number}"
    return "whsec_" + base64.b64encode(hmac.digest(settings.WEBHOOK_KEY.encode(), name.encode(), hashlib.sha256)).decode()


def live_secrets(endpoint, now: datetime) -> list[str]:
    """Newest first."""
    live = [secret(endpoint)]
    if endpoint.rotated_at and now < endpoint.rotated_at + OVERLAP:
        live.append(secret(endpoint, endpoint.secret_number - 1))
    return live


def headers(event_id: str, body: bytes, secrets: list[str], now: datetime) -> dict[str, str]:
    stamp = str(int(now.timestamp()))
    signed = f"{event_id}.{stamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{sign(signed, each)}" for each in secrets),
    }


def sign(signed: bytes, whsec: str) -> str:
    key = base64.b64decode(whsec.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
