"""Pages in a headless Chromium: what they ask for, what they complain of, and what they show.

A test that uses it is skipped where there is no Chromium, or Playwright is not installed.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Seen:
    """What a page did while it was open, and the page itself."""

    page: object
    complaints: list = field(default_factory=list)  # of the console, and errors of scripts
    requests: list = field(default_factory=list)
    dialogs: list = field(default_factory=list)

    def marks(self, chart):
        """The number of marks of a chart that a screen reader can name."""
        return self.page.locator(f"#chart-{chart} [role='graphics-symbol'][aria-label]").count()


@contextmanager
def chromium():
    """A browser, or the reason why the tests are skipped."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no Chromium ({', '.join(NAMES)}) on the PATH")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser, file, **options):
    """A file opened in a browser, when its charts are drawn; ``options`` are those of the browser's context."""
    context = browser.new_context(**options)
    try:
        seen = Seen(context.new_page())
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        seen.page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            seen.page.wait_for_function("document.documentElement.dataset.drawn")
        yield seen
    finally:
        context.close()
