"""One post to a receiver: aimed, signed, bounded in time and size. It never raises: whatever happens is the answer."""

import asyncio
import contextlib
import functools
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from integrations import signature
from integrations.targets import Refused, Unresolved, aimed

DEADLINE = 15  # seconds for one post as a whole, however slowly it drips
READ_AT_MOST = 64 * 1024
LONGEST = timedelta(hours=24)  # that a Retry-After is honoured
LOOKUPS = 64  # names looked up at a time: each takes a thread, for as long as the resolver pleases


@dataclass(frozen=True)
class Answer:
    """What came back from one try; no status when nothing did."""

    status: int | None
    words: str
    retry_after: timedelta | None = None
    took: float = 0.0  # seconds
    refused: bool = False  # by us: nothing was sent
    for_good: bool = False  # and never would be

    @property
    def accepted(self):
        return self.status is not None and 200 <= self.status < 300

    @property
    def asks_for_a_rest(self):
        return self.status in (429, 503) and bool(self.retry_after)

    @property
    def in_words(self):
        return f"{self.status or ('We refused:' if self.refused else 'No answer:')} {self.words}".strip()[:300]

    def as_tried(self, now) -> dict:
        """For the log of a delivery."""
        return {"at": now.isoformat(), "seconds": round(self.took, 2), "status": self.status, "answer": self.in_words}


def encoded(event, at, about) -> bytes:
    return json.dumps({"type": event, "timestamp": at.isoformat(), "data": about}, separators=(",", ":")).encode()


def client() -> httpx.AsyncClient:
    """No redirects, no proxies from the environment, no limit of connections but the batch's size."""
    return httpx.AsyncClient(verify=trusted(), trust_env=False, follow_redirects=False, limits=httpx.Limits())


@functools.cache
def trusted():
    return httpx.create_ssl_context(trust_env=False)


class Wire:
    """Posts under way beside whatever the caller does: a loop of its own in a thread, for as long as the block lasts."""

    def __enter__(self):
        self.loop, self.lookups = asyncio.new_event_loop(), ThreadPoolExecutor(LOOKUPS, "lookup")
        self.loop.set_default_executor(self.lookups)
        self.http = client()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def post(self, endpoint, event_id, body, now) -> "Future[Answer]":
        return asyncio.run_coroutine_threadsafe(post(self.http, endpoint, event_id, body, now), self.loop)

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.http.aclose(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.lookups.shutdown(wait=False, cancel_futures=True)
        self.loop.close()


async def post(http, endpoint, event_id, body, now) -> Answer:
    """One try, which never raises: whatever happens is the answer."""
    began = monotonic()
    answer = await answer_to(http, endpoint, event_id, body, now)
    return replace(answer, took=monotonic() - began)


async def answer_to(http, endpoint, event_id, body, now) -> Answer:
    said = {"Content-Type": "application/json", "User-Agent": "HITL-Desk", "Accept-Encoding": "identity"}
    said |= signature.headers(event_id, body, signature.live_secrets(endpoint, now), now)
    try:
        async with asyncio.timeout(DEADLINE):
            response = await http.send(await aimed("POST", endpoint.url, said, body), stream=True)
            return Answer(response.status_code, await read(response), retry_after(response.headers, now))
    except TimeoutError:
        return Answer(None, f"No complete answer within {DEADLINE} s.")
    except Refused as refusal:
        return Answer(None, str(refusal), refused=True, for_good=refusal.for_good)
    except Unresolved as nowhere:
        return Answer(None, str(nowhere))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Answer(None, f"{type(error).__name__}: {error}")


async def read(response) -> str:
    """The beginning of the answer, for whoever looks for the reason."""
    got, whole = b"", True
    try:
        async for piece in response.aiter_raw():
            got += piece
            if len(got) >= READ_AT_MOST:
                whole = False
                break
    finally:
        await response.aclose()
    text = got[:150].decode("utf-8", "replace").replace("\x00", "")
    if response.has_redirect_location:
        return f"It leads on to {response.headers['Location'][:150]}; redirects are not followed. {text}"
    return text if whole else f"{text}… The rest, beyond {READ_AT_MOST // 1024} KiB, was not read."


def retry_after(headers, now) -> timedelta | None:
    """Seconds or a date, as HTTP has it."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return min(timedelta(seconds=min(int(text), 10**6)), LONGEST)
    with contextlib.suppress(ValueError):
        at = parsedate_to_datetime(text)
        return min(max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta()), LONGEST)
    return None
