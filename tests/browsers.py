"""A real browser for the tests that need one, and pages that know of every fault: in the console, and of a request that leaves the host."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SIZES = {"wide": WIDE, "narrow": NARROW}

in_a_browser = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium here"),
]
pytestmark = [*in_a_browser, pytest.mark.long]


@pytest.fixture
def chromium(live_server, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's loop runs in this thread
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        connections.close_all()  # inside playwright's loop Django keeps connections of its own
        chromium.close()


def watched(page, host):
    """The page, with its faults in `faults`; `host` is an address of the only one that it may ask."""
    page.faults = []
    page.on("console", lambda said: said.type == "error" and page.faults.append(said.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    ours = (urlsplit(host).netloc, "")  # what is written into the page itself has no host
    page.on("request", lambda asked: urlsplit(asked.url).netloc in ours or page.faults.append(asked.url))
    return page


def ready(there):
    """It is on the page, and the page listens: a key that comes before its scripts is nobody's."""
    there.wait_for()
    there.page.wait_for_load_state()


def pictured(page, name):
    """For whoever wants to look: a page at both sizes, light and dark."""
    folder = os.environ.get("HITLDESK_PICTURES")
    for size, viewport in SIZES.items() if folder else ():
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size(viewport)
            shot(page, Path(folder) / f"{name}-{size}-{theme}.png", full_page=True)
    page.set_viewport_size(WIDE)


def shot(page, path, **more):
    """A picture of a page as it is: to hide the caret a style would be put into it, which its policy refuses and the console tells."""
    page.screenshot(path=path, caret="initial", **more)
