"""The sandbox as it is really run: a process of its own, with its page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.processes import free_port
from tests.sandbox.stand import HELLO

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A process with one number, configured from a file."""
    port = free_port()
    file = tmp_path_factory.mktemp("sandbox") / "configuration.json"
    number = {"id": "2001", "verified_name": "Akoya Homes", "display_phone_number": "+971 4 200 0001"}
    file.write_text(json.dumps({"accounts": [{"id": "1001", "token": "t", "numbers": [number], "templates": [HELLO]}]}))
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--configure", str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address)
            yield address
        finally:
            process.terminate()


def _wait(address: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{address}/_sandbox/healthz") as answer:
                assert json.load(answer) == {"ok": True, "accounts": 1, "numbers": 1}
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not start")


def _write(url: str, who: str, message: dict[str, str]) -> None:
    body = json.dumps(message).encode()
    urllib.request.urlopen(f"{url}/_sandbox/customers/{who}/messages", data=body).close()


def test_the_page_needs_nothing_from_elsewhere(url: str) -> None:
    for path in (
        "/",
        "/_sandbox/page/style.css",
        "/_sandbox/page/page.js",
        "/_sandbox/page/bubble.js",
        "/_sandbox/page/panel.js",
        "/sheets/anything",
        "/_sandbox/sheets/page/style.css",
        "/_sandbox/sheets/page/page.js",
    ):
        with urllib.request.urlopen(url + path) as answer:
            text = answer.read().decode()
            assert answer.status == 200
            assert "https://" not in text, path


@pytest.mark.browser
def test_somebody_plays_a_customer_on_the_page(url: str) -> None:
    if not os.environ.get("CHROMIUM"):
        pytest.skip("no browser")
    sync_api = pytest.importorskip("playwright.sync_api")
    _write(url, "971500000100", {"name": "Reem", "text": "مرحبا"})
    _write(url, "971500000200", {"name": "<b>Oswin</b>", "text": "Hello"})
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)
        page.get_by_text("<b>Oswin</b>").click()
        page.get_by_label("Message", exact=True).fill("Is it free?")
        page.get_by_label("Send").click()
        page.locator(".bubble.mine", has_text="Is it free?").wait_for()
        message = {
            "messaging_product": "whatsapp",
            "to": "971500000200",
            "type": "text",
            "text": {"body": "Yes, it is"},
        }
        request = urllib.request.Request(f"{url}/v25.0/2001/messages", data=json.dumps(message).encode())
        request.add_header("Authorization", "Bearer t")
        urllib.request.urlopen(request).close()
        page.locator(".bubble:not(.mine) .ticks.read").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert problems == []
