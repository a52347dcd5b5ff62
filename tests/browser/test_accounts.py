"""Accounts in a real browser: an authenticator app, a passkey (Chromium's own virtual one), and how the pages look."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_look import whole
from tests.conftest import PASSWORD
from tests.core.accounts.phone import code_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def named(office) -> str:
    """The server by a name: passkeys belong to a domain, and an address is none."""
    return str(office.base_url).replace("127.0.0.1", "localhost")


def enter(page: Page, root: str, role: Role) -> None:
    page.goto(f"{root}/sign-in/")
    page.fill("#id_login", f"{role}@palm.example")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")


def confirm(page: Page) -> None:
    page.wait_for_url("**/me/confirm/**")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")


def with_fingerprint(page: Page) -> None:
    """Give the browser an authenticator that recognises its owner, as phones and laptops have one."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    line.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_signs_in_without_a_password_and_is_the_second_step(office, visitor):
    agent = visitor()
    page, root = agent.page, named(office)
    with_fingerprint(page)
    enter(page, root, Role.AGENT)
    page.wait_for_url("**/o/palm/**")

    page.goto(f"{root}/me/security/passkeys/add/")
    confirm(page)
    page.fill("#id_name", "My phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/me/security/codes/")
    page.goto(f"{root}/me/security/passkeys/")
    expect(page.get_by_text("My phone")).to_be_visible()
    page.goto(f"{root}/me/sessions/")
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/sign-in/")

    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/o/palm/**")
    page.goto(f"{root}/sign-out/")
    page.get_by_role("button", name="Sign out").click()

    enter(page, root, Role.AGENT)
    page.wait_for_url("**/sign-in/code/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/o/palm/**")
    assert agent.complaints == []


def test_an_app_is_added_by_its_key_and_asked_for_from_then_on(office, visitor):
    manager = visitor(viewport=DESK)
    page, root = manager.page, office.base_url
    enter(page, root, Role.MANAGER)
    page.wait_for_url("**/o/palm/**")

    page.goto(f"{root}/o/palm/profile/")
    page.get_by_role("link", name="Signing in and devices").click()
    page.locator("li", has_text="Authenticator app").get_by_role("link", name="Add").click()
    confirm(page)
    page.get_by_text("No camera?").click()
    secret = page.locator("[data-secret]").inner_text().strip()
    page.fill("#id_code", code_of(secret))
    page.press("#id_code", "Enter")
    page.wait_for_url("**/me/security/codes/")
    first = page.locator(".recovery-codes li").first.inner_text()

    page.context.clear_cookies()
    enter(page, root, Role.MANAGER)
    page.wait_for_url("**/sign-in/code/")
    page.fill("#id_code", first)
    page.press("#id_code", "Enter")
    page.wait_for_url("**/o/palm/**")
    assert manager.complaints == []


@pytest.mark.parametrize(
    ("viewport", "color_scheme", "language"),
    [
        pytest.param(PHONE, "light", "ar", id="phone-light-ar"),
        pytest.param(DESK, "dark", "en", id="desk-dark-en"),
        pytest.param(DESK, "light", "fr", id="desk-light-fr"),
    ],
)
def test_the_pages_of_an_account_are_whole(office, visitor, viewport, color_scheme, language):
    agent = visitor(viewport=viewport, color_scheme=color_scheme, locale=language)
    page, root = agent.page, office.base_url
    found = {}
    for path in ["/sign-in/", "/password/reset/", "/password/reset/sent/", "/password/reset/1-x/"]:
        page.goto(root + path)
        found[path] = whole(page, language)
    enter(page, root, Role.AGENT)
    page.wait_for_url("**/o/palm/**")
    agent.context.add_cookies([{"name": "django_language", "value": language, "url": root}])
    page.goto(f"{root}/me/security/app/")
    found["confirm"] = whole(page, language)
    confirm(page)
    page.locator("summary").click()
    secret = page.locator("[data-secret]").inner_text().strip()
    found["app"] = whole(page, language)
    page.fill("#id_code", code_of(secret))
    page.press("#id_code", "Enter")
    page.wait_for_url("**/me/security/codes/")
    for path in [
        "codes/", "codes/new/", "", "app/remove/", "passkeys/", "passkeys/add/", "../password/", "../sessions/",
        "../../sign-out/",
    ]:  # fmt: skip
        page.goto(f"{root}/me/security/{path}")
        found[path] = whole(page, language)
    agent.context.clear_cookies(name=re.compile("sessionid"))
    enter(page, root, Role.AGENT)
    page.wait_for_url("**/sign-in/code/")
    found["code"] = whole(page, language)

    assert {path: faults for path, faults in found.items() if faults} == {}
    assert agent.complaints == []
