"""`bin/screenshots`: every page that links lead an admin and an agent to, on each of twelve screens, and one page of them all.

Starts a demo of its own (or visits one that is up: --at, --password), follows every link once (addresses that differ in
numbers only are one page), and says what answers wrongly, runs out of the screen, or is complained of by the browser.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WALKERS = ["aisha", "omar"]  # an admin of the demo and an agent
LANGUAGES = ["en", "ar", "fr"]
SCREENS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}
SCHEMES = ["light", "dark"]
NO_PAGE = re.compile(r"/(sign-out|logout|file|export|jsi18n)/|\.(png|svg|csv|xlsx|pdf|xml|txt|zip)$|/(static|api)/")
TALLEST = 2400  # pixels of a page that are shown; below stand rows like those above


def main() -> int:
    """Walk, photograph, say what is wrong; return the exit status: 1 when something is."""
    options = _options()
    folder: Path = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _majlis(options) as (base_url, password), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium") or None, args=["--no-sandbox"]
        )
        wrong: list[str] = []
        shown: dict[str, list[str]] = {}
        for walker in WALKERS:
            entered = _signed_in(chromium, base_url, walker, password)
            cookies = entered.storage_state()
            addresses = [each for each in _walk(entered, base_url) if options.only in each]
            _say(f"{walker}: {len(addresses)} pages")
            for (screen, size), scheme, language in product(SCREENS.items(), SCHEMES, LANGUAGES):
                context = chromium.new_context(
                    viewport=size, color_scheme=scheme, locale=language, storage_state=cookies
                )
                context.add_cookies([{"name": "django_language", "value": language, "url": base_url}])
                page = context.new_page()
                for number, address in enumerate(addresses):
                    name = f"{walker}-{number:03}-{screen}-{scheme}-{language}.jpg"
                    found = _photograph(page, base_url + address, folder / name)
                    wrong += [f"{address} ({walker} {screen} {scheme} {language}): {each}" for each in found]
                    shown.setdefault(f"{walker} {address}", []).append(name)
                context.close()
                _say(f"  {screen} {scheme} {language}")
        (folder / "index.html").write_text(_index(shown))
    _say(*wrong, f"{sum(map(len, shown.values()))} screenshots: {folder / 'index.html'}")
    return 1 if wrong else 0


@contextmanager
def _majlis(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The address of a demo and the password of everybody in it."""
    if options.at:
        yield options.at.rstrip("/"), options.password
        return
    log = options.folder / "demo.log"
    with log.open("w") as out:
        demo = subprocess.Popen([sys.executable, "-m", "config.demo"], cwd=ROOT, stdout=out, stderr=out)
    try:
        while "Majlis stays up" not in log.read_text():
            if demo.poll() is not None:
                sys.exit(f"The demo did not start; {log} says why.")
            time.sleep(1)
        told = log.read_text()
        address = re.search(r"^Majlis +(\S+?)/$", told, re.MULTILINE)
        password = re.search(r"^Password of everybody: (\S+)", told, re.MULTILINE)
        assert address, "the demo says no address"
        assert password, "the demo says no password"
        yield address[1], password[1]
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=60)


def _signed_in(chromium: Browser, base_url: str, walker: str, password: str) -> BrowserContext:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{base_url}/sign-in/")
    page.fill("#id_login", f"{walker}@palm.example")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_url("**/o/**")
    page.close()
    return context


def _walk(context: BrowserContext, base_url: str) -> list[str]:
    """One address of every page that links lead to, nearest first."""
    waiting = deque(["/o/palm/today/", "/o/palm/admin/", "/o/palm/profile/", "/sign-in/"])
    known = set(map(_shape, waiting))
    found = []
    while waiting:
        address = waiting.popleft()
        answer = context.request.get(base_url + address, max_redirects=3)
        if not answer.ok or not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        text = answer.text()
        if "<html" not in text:
            continue
        found.append(address)
        for link in re.findall(r'<a\b[^>]*?href="([^"#]+)', text):
            parts = urlsplit(urljoin(base_url + address, html.unescape(link)))
            ours = f"{parts.scheme}://{parts.netloc}" == base_url and parts.path.startswith(("/o/palm/", "/me/"))
            if ours and not NO_PAGE.search(parts.path) and _shape(parts.path) not in known:
                known.add(_shape(parts.path))
                waiting.append(parts.path)
    return found


def _shape(path: str) -> str:
    """Pages of two rows are one page."""
    return re.sub(r"\d+", "0", path)


def _photograph(page: Page, address: str, file: Path) -> list[str]:
    """What is wrong with the page at the address; its picture is in the file."""
    found: list[str] = []
    heard = {
        "pageerror": lambda error: found.append(str(error)),
        "console": lambda line: found.append(line.text) if line.type == "error" else None,
    }
    for event, listener in heard.items():
        page.on(event, listener)  # type: ignore[call-overload]
    answer = page.goto(address, wait_until="load")
    if answer is not None and answer.status >= 400:
        found.append(f"answers {answer.status}")
    page.wait_for_timeout(150)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("runs out of the screen")
    size = page.viewport_size or SCREENS["desk"]
    tall = min(TALLEST, max(size["height"], page.evaluate("document.documentElement.scrollHeight")))
    page.screenshot(
        path=file,
        type="jpeg",
        quality=70,
        full_page=True,
        clip={"x": 0, "y": 0, "width": size["width"], "height": tall},
    )
    for event, listener in heard.items():
        page.remove_listener(event, listener)
    return found


def _index(shown: dict[str, list[str]]) -> str:
    rows = "".join(
        f"<h2>{html.escape(page)}</h2><p>{''.join(f'<a href={name}><img src={name} loading=lazy></a>' for name in names)}</p>"
        for page, names in shown.items()
    )
    return f"<!doctype html><meta charset=utf-8><title>Majlis</title><style>img{{height:22rem;margin:.25rem}}</style>{rows}"


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/screenshots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".run" / "screenshots", help="where they go")
    parser.add_argument("--only", default="", help="pages whose address has this in it")
    parser.add_argument("--at", help="a demo that is up, such as http://127.0.0.1:8000")
    parser.add_argument("--password", help="the password of everybody there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
