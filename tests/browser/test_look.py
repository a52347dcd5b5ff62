"""Every page of ours: nothing the browser complains of, nothing that runs out of the screen, axe content."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.roles import Role
from tests.browser.conftest import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SCREENS = [
    pytest.param(PHONE, "light", "en", id="phone-light-en"),
    pytest.param(DESK, "dark", "ar", id="desk-dark-ar"),
    pytest.param(PHONE, "dark", "ar", id="phone-dark-ar"),
    pytest.param(DESK, "light", "fr", id="desk-light-fr"),
]


@pytest.mark.parametrize(("viewport", "color_scheme", "language"), SCREENS)
def test_every_page_is_whole(office, visitor, viewport, color_scheme, language):
    agent = visitor(viewport=viewport, color_scheme=color_scheme, locale=language)
    page = agent.page
    page.goto(f"{office.base_url}/sign-in/")
    assert whole(page, language) == []
    agent.sign_in(Role.AGENT)
    agent.context.add_cookies([{"name": "django_language", "value": language, "url": office.base_url}])
    furniture = office.furniture
    wrong = {}
    for path in (
        "today/",
        "inbox/",
        "inbox/?q=nothing-has-this",
        f"inbox/{furniture.fatima.pk}/",
        f"inbox/{furniture.silent.pk}/",
        "units/",
        f"units/{furniture.unit.pk}/",
        "commissions/",
        "profile/",
    ):
        agent.open(path)
        expect(page.locator("h1").first).to_be_attached()
        found = whole(page, language)
        if found:
            wrong[path] = found

    assert wrong == {}
    assert agent.complaints == []


def test_an_agents_page_loads_less_than_100_kilobytes_of_script(office, visitor):
    """Each page by itself: the door asks for a passkey, the inbox for what is said there."""
    agent = visitor()
    weights: dict[str, dict[str, int]] = {}
    agent.page.on("response", lambda answer: weigh(answer, weights))

    agent.sign_in(Role.AGENT)
    agent.page.wait_for_selector("[data-live=stream]")

    found = {urlsplit(page).path: sum(scripts.values()) for page, scripts in weights.items()}
    assert set(found) == {"/sign-in/", "/o/palm/inbox/"}
    assert all(0 < weight < 100_000 for weight in found.values()), weights


def weigh(answer, weights):
    """The bytes of a script, before compression, by the page that asked for it."""
    if answer.url.endswith(".js"):
        weights.setdefault(answer.request.headers["referer"], {})[answer.url] = len(answer.body())


def whole(page, language):
    """What is wrong with the page on the screen."""
    found = []
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("runs out of the screen")
    direction = page.evaluate("document.documentElement.dir")
    if direction != ("rtl" if language == "ar" else "ltr"):
        found.append(f"written {direction}")
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = [node["html"][:120] for node in violation["nodes"][:3]]
            found.append(f"{violation['id']}: {nodes}")
    return found
