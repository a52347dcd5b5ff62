"""How the story goes in: the API with a token, and the pages with a browser's cookies. Real HTTP, no shortcuts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

TIMEOUT = 60


class Unexpected(Exception):
    """A door answered otherwise than the story says."""


class Api:
    """The API of one organisation, as one member."""

    def __init__(self, base_url: str, slug: str, email: str, password: str) -> None:
        self.root = f"{base_url}/api/v1/{slug}/"
        self.session = requests.Session()
        secret = self.post("sign-in/", {"email": email, "password": password, "name": "demo"})["secret"]
        self.session.headers["Authorization"] = f"Bearer {secret}"

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._call("GET", path, status, params=query)

    def post(self, path: str, body: Any = None, status: int | tuple[int, ...] = (200, 201, 202)) -> Any:
        return self._call("POST", path, status, json=body or {})

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self._call("PATCH", path, status, json=body)

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        return self._call("PUT", path, status, json=body)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._call("DELETE", path, status)

    def upload(self, path: str, file: Path, status: int | tuple[int, ...] = 201, **fields: str) -> Any:
        with file.open("rb") as stream:
            return self._call("POST", path, status, files={"file": (file.name, stream)}, data=fields)

    def all(self, path: str, **query: Any) -> list[Any]:
        """Every row of a list, page by page."""
        page = self.get(path, page_size=500, **query)
        rows = list(page["results"])
        while page["next"]:
            page = self._call("GET", page["next"], 200)
            rows += page["results"]
        return rows

    def _call(self, method: str, path: str, status: int | tuple[int, ...], **options: Any) -> Any:
        url = path if path.startswith("http") else self.root + path
        answer = self.session.request(method, url, timeout=TIMEOUT, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        if answer.status_code not in wanted:
            raise Unexpected(f"{method} {path} answered {answer.status_code}: {answer.text[:400]}")
        return answer.json() if answer.content else None


class Browser:
    """A member's browser: cookies, and the CSRF token of the last page."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()

    def sign_in(self, email: str, password: str) -> None:
        self.open("/sign-in/")
        landed = self.submit("/sign-in/", {"login": email, "password": password})
        if "/sign-in/" in landed.url:
            raise Unexpected(f"{email} could not sign in")

    def open(self, path: str, status: int = 200) -> str:
        answer = self.session.get(self.base_url + path, timeout=TIMEOUT)
        if answer.status_code != status:
            raise Unexpected(f"{path} answered {answer.status_code}")
        return answer.text

    def submit(self, path: str, fields: dict[str, Any]) -> requests.Response:
        token = self.session.cookies.get("csrftoken", "")
        answer = self.session.post(
            self.base_url + path,
            data={**fields, "csrfmiddlewaretoken": token},
            headers={"Referer": self.base_url + path},
            timeout=TIMEOUT,
        )
        if answer.status_code >= 400:
            sentence = re.sub(r"<[^>]+>|\s+", " ", answer.text)[:300]
            raise Unexpected(f"POST {path} answered {answer.status_code}: {sentence}")
        return answer


class Sandbox:
    """Other people's systems: what they received, and what their people write."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: Any) -> Any:
        answer = requests.get(f"{self.url}/_sandbox/{path}", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body or {}, timeout=TIMEOUT)
        if not answer.ok:
            raise Unexpected(f"sandbox {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def download(self, path: str, to: Path, **query: Any) -> Path:
        answer = requests.get(f"{self.url}/_sandbox/{path}", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        to.write_bytes(answer.content)
        return to


def until(condition: Callable[[], Any], what: str, *, seconds: float = 60) -> Any:
    """The first true answer; raises Unexpected when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Unexpected(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.2)
    return found
