"""One post to a receiver: aimed, signed, bounded in time and size. It never raises: whatever happens is the answer."""

import asyncio
import contextlib
import functools
import json
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

import httpx

from audit import clock
from integrations import signature
from integrations.targets import Refused, aimed

DEADLINE = 15  # seconds for one post as a whole, however slowly it drips
READ_AT_MOST = 64 * 1024
LONGEST = timedelta(hours=24)  # that a Retry-After is honoured


@dataclass(frozen=True)
class Answer:
    """What came back from one try; no status when nothing did."""

    status: int | None
    words: str
    retry_after: timedelta | None = None

    @property
    def accepted(self):
        return self.status is not None and 200 <= self.status < 300


def encoded(event, at, about) -> bytes:
    return json.dumps({"type": event, "timestamp": at.isoformat(), "data": about}, separators=(",", ":")).encode()


def client() -> httpx.AsyncClient:
    """No redirects, no proxies from the environment, no limit of connections but the batch's size."""
    return httpx.AsyncClient(verify=trusted(), trust_env=False, follow_redirects=False, limits=httpx.Limits())


@functools.cache
def trusted():
    return httpx.create_ssl_context(trust_env=False)


async def post(http, endpoint, event_id, body, now) -> Answer:
    """One try, which never raises: whatever happens is the answer."""
    said = {"Content-Type": "application/json", "User-Agent": "HITL-Desk", "Accept-Encoding": "identity"}
    said |= signature.headers(event_id, body, signature.live_secrets(endpoint, now), now)
    try:
        async with asyncio.timeout(DEADLINE):
            response = await http.send(await aimed("POST", endpoint.url, said, body), stream=True)
            return Answer(response.status_code, await read(response), retry_after(response.headers, now))
    except TimeoutError:
        return Answer(None, f"No complete answer within {DEADLINE} s.")
    except (Refused, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Answer(None, f"{type(error).__name__}: {error}")


async def read(response) -> str:
    """The beginning of the answer, for whoever looks for the reason."""
    got = b""
    try:
        async for piece in response.aiter_raw():
            got += piece
            if len(got) >= READ_AT_MOST:
                break
    finally:
        await response.aclose()
    return got[:200].decode("utf-8", "replace").replace("\x00", "")


def retry_after(headers, now) -> timedelta | None:
    """Seconds or a date, as HTTP has it."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return min(timedelta(seconds=min(int(text), 10**6)), LONGEST)
    with contextlib.suppress(ValueError):
        at = parsedate_to_datetime(text)
        return min(max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta()), LONGEST)
    return None


def try_out(endpoint) -> Answer:
    """Post a test event, which is in no outbox, now."""
    now = clock.now()
    body = encoded("webhook.test", now, {"words": "If you can read and verify this, webhooks work."})

    async def once():
        async with client() as http:
            return await post(http, endpoint, f"evt_test_{endpoint.pk}_{now.timestamp():.0f}", body, now)

    return asyncio.run(once())
