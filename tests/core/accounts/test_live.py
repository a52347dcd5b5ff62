"""Accounts with everything running: a letter by a worker, and what is open when sessions end."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
import requests

from core.models import AuditEntry, Letter
from core.roles import Role
from core.tenancy import organization_scope
from tests.conftest import PASSWORD
from tests.live import Live, house, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]
NEW = "a harbour full of dhows"


class Person:
    """Somebody with a browser."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.browser = requests.Session()

    def send(self, path: str, **fields: str) -> requests.Response:
        self.browser.get(f"{self.root}/sign-in/")
        given = {**fields, "csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        return self.browser.post(self.root + path, given, headers={"Referer": self.root + path}, timeout=30)

    def is_in(self) -> bool:
        return self.browser.get(f"{self.root}/o/palm/inbox/", allow_redirects=False, timeout=30).status_code == 200


def test_a_forgotten_password_is_set_anew_by_a_letter_that_a_worker_sent(live: Live, tmp_path: Path) -> None:
    organization, _ = house()
    folder = tmp_path / "mail"
    live.programs.env["EMAIL_URL"] = f"filemail:///{folder}"
    live.start_web()
    live.start_worker()
    agent = Person(live.base_url)

    assert agent.send("/password/reset/", email="agent@palm.example").url.endswith("/password/reset/sent/")
    assert agent.send("/password/reset/", email="nobody@palm.example").url.endswith("/password/reset/sent/")
    letter = wait_for(lambda: next((each.read_text() for each in folder.glob("*.log")), None), what="the letter")
    wait_for(lambda: Letter.objects.filter(sent_at__isnull=False, body__isnull=True).count() == 1, what="its row")
    key = re.search(r"http://\S+(/password/reset/\S+)", letter)[1]  # type: ignore[index]
    form = agent.browser.get(live.base_url + key)
    assert agent.send(form.url.removeprefix(live.base_url), password1=NEW, password2=NEW).url.endswith("/reset/done/")

    agent.send("/sign-in/", login="agent@palm.example", password="guess")
    agent.send("/sign-in/", login="agent@palm.example", password=NEW)
    assert agent.is_in()
    expected = {"core.password_reset_sent", "core.password_reset", "core.sign_in_refused", "core.signed_in"}
    with organization_scope(organization.pk):
        wait_for(lambda: expected <= set(AuditEntry.objects.values_list("action", flat=True)), what="the trail")


def test_an_inbox_that_is_open_ends_with_the_session(live: Live, tmp_path: Path) -> None:
    house()
    live.programs.env["EMAIL_URL"] = f"filemail:///{tmp_path}/mail"
    live.start_web()
    phone, desk = Person(live.base_url), Person(live.base_url)
    for each in (phone, desk):
        each.send("/sign-in/", login=f"{Role.AGENT}@palm.example", password=PASSWORD)
    stream = desk.browser.get(f"{live.base_url}/o/palm/inbox/stream/", stream=True, timeout=30)
    assert stream.status_code == 200
    ended = threading.Event()

    def listen() -> None:
        for _ in stream.iter_content(1):
            pass
        ended.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    phone.send("/me/sessions/end/")

    assert ended.wait(10), "the stream goes on"
    assert not desk.is_in()
    assert not phone.is_in()
