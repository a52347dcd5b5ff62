"""A running sandbox as a process, and the real gspread client with a service account's key: only hosts replaced."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gspread
from gspread.http_client import HTTPClient

from config.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
LEADS = [["Name", "Phone", "Stage"], ["Ali", "+971 50 000 0001", "new"], ["Sara", "", "won"], ["Omar", "x", "lost"]]


class Refused(Exception):
    """An admin endpoint said no: the status, and why."""


def answer_to(request: urllib.request.Request) -> tuple[int, Any]:
    """Status and JSON of any answer, errors too. The connection is closed."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


class Google:
    """What a test holds: the sandbox's address, one account, and its client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: list[gspread.Client] = []
        self.key = self.admin("accounts", {"email": "sync@majlis.iam.gserviceaccount.com"})
        self.email = self.key["client_email"]
        self.client = self.log_in(self.key)

    def admin(self, path: str, body: Any = None, method: str = "") -> Any:
        """Speak to /_sandbox/sheets: GET without a body, POST with one. Raises Refused."""
        return self.sandbox(f"sheets/{path}", body, method)

    def sandbox(self, path: str, body: Any = None, method: str = "") -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}",
            method=method or ("GET" if body is None else "POST"),
            data=None if body is None else json.dumps(body).encode(),
        )
        status, answer = answer_to(request)
        if status != 200:
            raise Refused(status, answer)
        return answer

    def log_in(self, key: dict[str, Any], scopes: list[str] | None = None) -> gspread.Client:
        """A gspread client as a program has it; it fetches its token when it first needs it."""
        url = self.url

        class Local(HTTPClient):
            def request(self, method: str, endpoint: str, *args: Any, **more: Any) -> Any:
                for host in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
                    endpoint = endpoint.replace(host, url)
                return super().request(method, endpoint, *args, **more)

        more = {} if scopes is None else {"scopes": scopes}
        client = gspread.service_account_from_dict(key, http_client=Local, **more)
        client.set_timeout((3, 30))
        # google-auth asks iamcredentials.googleapis.com for allowed regions in a thread: nobody is there in a test.
        client.http_client.auth._is_regional_access_boundary_lookup_required = lambda: False
        self.clients.append(client)
        return client

    def close(self) -> None:
        """Close every connection."""
        for client in self.clients:
            client.http_client.session.close()

    def sheet(self, *tabs: dict[str, Any], **more: Any) -> gspread.Spreadsheet:
        """A spreadsheet that is shared with the account, opened by its client."""
        wanted = {"tabs": list(tabs) or [{"title": "Leads", "rows": LEADS}], "shared_with": {self.email: "writer"}}
        made = self.admin("spreadsheets", {"title": "Leads book", **wanted, **more})
        return self.client.open_by_key(made["id"])

    def people(self, book: gspread.Spreadsheet, *ops: dict[str, Any], by: str = "reem@office.example") -> None:
        """Somebody edits by hand."""
        self.admin(f"spreadsheets/{book.id}/people", {"ops": list(ops), "by": by})

    def state(self, book: gspread.Spreadsheet) -> Any:
        return self.admin(f"spreadsheets/{book.id}")

    def fault(self, **switch: Any) -> Any:
        return self.admin("faults", switch)


@contextmanager
def running() -> Iterator[Google]:
    """A sandbox in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url)
            google = Google(url)
            yield google
            google.close()
        finally:
            process.terminate()


def _wait(url: str) -> None:
    for _ in range(400):
        try:
            urllib.request.urlopen(f"{url}/_sandbox/healthz").close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not start")
