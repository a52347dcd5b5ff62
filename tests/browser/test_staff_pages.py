"""Every page of staff on a phone and at a desk, in English and in Arabic: whole, and nothing the browser minds."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.roles import Role
from tests.browser.conftest import DESK, PHONE
from tests.browser.stocked import stock
from tests.browser.test_look import whole

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

SCREENS = [
    pytest.param(screen, language, scheme, id=f"{name}-{language}-{scheme}")
    for name, screen in (("phone", PHONE), ("desk", DESK))
    for language, scheme in (("en", "light"), ("ar", "dark"))
]


@pytest.mark.parametrize(("viewport", "language", "color_scheme"), SCREENS)
def test_every_page_of_staff_is_whole(office, visitor, settings, tmp_path, viewport, language, color_scheme):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    pages = stock(office.actor(Role.MANAGER), office.furniture.unit)
    manager = visitor(viewport=viewport, locale=language, color_scheme=color_scheme)
    page = manager.sign_in(Role.MANAGER)
    manager.context.add_cookies([{"name": "django_language", "value": language, "url": office.base_url}])
    wrong = {}
    for path in [*pages, "units/", f"units/{office.furniture.unit.pk}/", "today/"]:
        answer = page.goto(office.address(path))
        expect(page.locator("h1").first).to_be_attached()
        found = whole(page, language)
        if answer.status != 200:
            found.append(f"answers {answer.status}")
        if sideways := page.evaluate(SIDEWAYS):
            found.append(f"scrolls sideways: {sideways}")
        if found:
            wrong[path] = found

    assert wrong == {}
    assert manager.complaints == []


# Chips are a row to be swept along; everything else must fit the screen.
SIDEWAYS = """() => [...document.querySelectorAll("main *")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && !e.closest(".chips"))
    .map(e => e.className)"""
