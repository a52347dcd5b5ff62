"""Every page that exists, found from the routes themselves, in a real browser: whole, readable by everybody, no complaint.

Each page is opened once, on one of eight screens by turns: phone or desk, light or dark, English or Arabic.
`EVERY_SCREEN=1 bin/test tests/browser/test_every_page.py` opens each on all of them.
"""

from __future__ import annotations

import os
from functools import partial
from itertools import product
from types import SimpleNamespace

import pytest

from core.actors import Actor
from core.roles import Role
from core.tenancy import organization_scope
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.browser.test_look import whole
from tests.conftest import member
from tests.live import house
from tests.permissions.asking import ENDLESS, doors
from tests.permissions.world import OWN, build
from tests.routes import filled

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

SCREENS = list(product((("phone", PHONE), ("desk", DESK)), ("light", "dark"), ("en", "ar")))
# What is not a page: files, answers to scripts, and Django's own crossroads that lead elsewhere.
NOT_PAGES = {"admin/jsi18n/", "admin/autocomplete/", "admin/search/"}


@pytest.fixture
def addresses(browser, live, settings, tmp_path):
    """A committed house with a row of everything; every address of it that a browser may be sent to."""
    settings.REDIS_URL, settings.MEDIA_ROOT = live.redis_url, tmp_path / "media"
    organization, _ = house()
    live.start_web()
    with organization_scope(organization.pk):
        manager, second = (Actor(organization, member(organization, Role.MANAGER, name)) for name in ("Mona", "Marwan"))
        world = build(organization, manager, second)
        found = []
        for door in doors():
            if door.verb != "get" or door.route.startswith(("api/", "webhooks/")) or ENDLESS.search(door.route):
                continue
            found.append(door.address(world, OWN) or filled(door.route, lambda name: "1"))
        yield [each for each in found if not any(each.endswith(other) for other in NOT_PAGES)]


def test_every_page_is_whole_for_everybody(browser, live, addresses):
    """An admin opens them all; what is not a page (a file, a way elsewhere) is passed by."""
    turns = {number % len(SCREENS) for number in range(len(addresses))}
    every = bool(os.environ.get("EVERY_SCREEN"))
    wrong: dict[str, object] = {}
    seen = 0
    for turn in sorted(turns):
        (name, viewport), scheme, language = SCREENS[turn]
        chosen = addresses if every else addresses[turn :: len(SCREENS)]
        context = browser.new_context(viewport=viewport, color_scheme=scheme, locale=language, accept_downloads=False)
        visitor = Visitor(context, SimpleNamespace(base_url=live.base_url, organization=SimpleNamespace(slug="palm")))
        page = visitor.sign_in(Role.ADMIN)
        page.on("response", partial(_note, visitor.complaints))
        context.add_cookies([{"name": "django_language", "value": language, "url": live.base_url}])
        for address in chosen:
            answer = context.request.get(live.base_url + address, max_redirects=0)
            if answer.status != 200 or not answer.headers.get("content-type", "").startswith("text/html"):
                assert answer.status < 500, address
                continue
            if "<html" not in answer.text():
                continue  # a part of a page, which a script asks for
            page.goto(live.base_url + address)
            seen += 1
            # A word with its colour, shown as the pair that it is in the code.
            odd = ["shows a tuple"] if "('" in page.inner_text("body") else []
            if found := [*whole(page, language), *visitor.complaints, *odd]:
                wrong[f"{address} ({name} {scheme} {language})"] = found
            visitor.complaints.clear()
        context.close()
    assert not wrong, "\n".join(f"{place}: {found}" for place, found in wrong.items())
    assert seen > 300


def _note(complaints, answer):
    if answer.status >= 400:
        complaints.append(f"{answer.status} {answer.url}")
