"""A house at work, a web server of its own, and a real Chromium before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from core.actors import Actor
from core.models import Membership, Organization
from core.roles import Role
from core.tenancy import organization_scope
from tests.browser.furnishing import Furniture, furnish
from tests.conftest import PASSWORD
from tests.live import Live, house

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@dataclass
class Office:
    """One organisation, its people, what is in it, and where its pages are."""

    organization: Organization
    members: dict[Role, Membership]
    furniture: Furniture
    base_url: str

    def actor(self, role: Role) -> Actor:
        return Actor(self.organization, self.members[role])

    def address(self, path: str) -> str:
        return f"{self.base_url}/o/{self.organization.slug}/{path}"


@pytest.fixture(scope="module")  # closed after each file: other tests may want an event loop of their own
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, in which Django else refuses to speak to the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def office(browser: Browser, live: Live, settings: Any) -> Iterator[Office]:
    settings.REDIS_URL = live.redis_url  # what a test announces, the web server must hear
    organization, members = house()
    live.start_web()
    with organization_scope(organization.pk):
        yield Office(organization, members, furnish(organization, members), live.base_url)


class Visitor:
    """Somebody at a screen; whatever the browser complains of is kept."""

    def __init__(self, context: BrowserContext, office: Office) -> None:
        self.context = context
        self.office = office
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)

    def sign_in(self, role: Role) -> Page:
        self.page.goto(f"{self.office.base_url}/sign-in/")
        self.page.fill("#id_login", f"{role}@{self.office.organization.slug}.example")
        self.page.fill("#id_password", PASSWORD)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_url("**/o/**")
        return self.page

    def open(self, path: str) -> Page:
        self.page.goto(self.office.address(path))
        return self.page


@pytest.fixture
def visitor(browser: Browser, office: Office) -> Iterator[Any]:
    """Makes visitors: visitor(), visitor(viewport=DESK, color_scheme="dark", java_script_enabled=False)."""
    contexts: list[BrowserContext] = []

    def come(**options: Any) -> Visitor:
        options.setdefault("viewport", PHONE)
        contexts.append(browser.new_context(**options))
        return Visitor(contexts[-1], office)

    yield come
    for context in contexts:
        context.close()
