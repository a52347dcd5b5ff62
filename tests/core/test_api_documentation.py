"""What the documentation of the API shows is done as it stands there: in a shell, in Python, against everything running."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.demo.story.talk import TEMPLATE
from core import hooks
from core.actors import Actor
from core.models import HookDelivery, HookEndpoint, Organization
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from messaging.models import Message
from tests.conftest import PASSWORD
from tests.crm import factories as people
from tests.live import Live, house
from tests.messaging import factories

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUICKSTART, REFERENCE = DOCS / "api-quickstart.md", DOCS / "api.md"
NEXT = "--- next block"
NUMBER = {"id": factories.NUMBER_ID, "display_phone_number": factories.OUR_NUMBER}


@dataclass(frozen=True)
class Block:
    """A fenced block, and what it prints when the document says so."""

    language: str
    text: str
    prints: str | None


def blocks(path: Path) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", path.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(language, text, prints or None) for language, text, prints in found]


def run(told: list[Block], language: str, env: dict[str, str], tmp_path: Path) -> None:
    """Do all blocks of a language one after the other, in one process, and compare what each prints."""
    mine = [block for block in told if block.language == language]
    if language == "sh":
        exports = [f"export {name}={json.dumps(value)}" for name, value in env.items()]
        texts = [re.sub(r"^export URL=.*$", "\n".join(exports), block.text) for block in mine]
        script, command = f"echo '{NEXT}'\n".join(texts), ["bash", "-euo", "pipefail"]
    else:
        script, command = f"print({NEXT!r})\n".join(block.text for block in mine), [sys.executable]
    file = tmp_path / f"story.{language}"
    file.write_text(script)
    done = subprocess.run(
        [*command, str(file)], env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = re.split(rf"{NEXT}\n", done.stdout)
    assert len(printed) == len(mine)
    for block, said in zip(mine, printed, strict=True):
        assert block.prints in {None, said}, block.text


def brokerage(live: Live) -> dict[str, str]:
    """A house like that of bin/demo: one number, one approved template; what the document asks the reader to fill in."""
    organization, _ = house()
    live.start_sandbox()
    live.start_web()
    live.start_worker()
    account = {
        "id": factories.WABA_ID, "app_secret": factories.APP_SECRET, "verify_token": factories.VERIFY_TOKEN,
        "token": factories.ACCESS_TOKEN, "callback_url": f"{live.base_url}/webhooks/whatsapp/palm/",
        "numbers": [NUMBER], "templates": [TEMPLATE],
    }  # fmt: skip
    pace = {"sent": 0.05, "delivered": 0.1, "read": 0.2}
    live.sandbox("POST", "/_sandbox/configure", {"reset": True, "pace": pace, "accounts": [account]})
    with organization_scope(organization.pk):
        factories.template(factories.channel(organization), **TEMPLATE)
        people.unit(people.project(organization))
    email = f"{Role.ADMIN}@palm.example"
    return {"URL": live.base_url, "HOUSE": "palm", "EMAIL": email, "PASSWORD": PASSWORD}


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stranger_comes_from_nothing_to_a_delivered_message(live: Live, tmp_path: Path) -> None:
    env = brokerage(live)

    run([*blocks(QUICKSTART), *blocks(REFERENCE)], "sh", env, tmp_path)
    run(blocks(QUICKSTART), "python", env, tmp_path)

    with organization_scope(Organization.objects.get(slug="palm").pk):
        assert Message.objects.filter(direction="outbound").count() == 2
    assert live.sandbox("GET", "/_sandbox/summary")["messages"]["accepted"] == 2


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_typed_client_is_written_checked_and_used(live: Live, tmp_path: Path) -> None:
    organization, members = house()
    admin = Actor(organization, members[Role.ADMIN])
    with organization_scope(organization.pk):
        people.contact(organization, "Huda Example")
        _, secret = issue_token(actor=admin, name="client", at=timezone.now())
    live.start_web()
    [told] = [block for block in blocks(REFERENCE) if block.language == "py"]

    written = subprocess.run([ROOT / "bin" / "client", tmp_path / "made"], capture_output=True, text=True, check=False)
    assert written.returncode == 0, written.stderr + written.stdout
    (tmp_path / "made" / "program.py").write_text(told.text)
    env = {**os.environ, "URL": live.base_url, "HOUSE": "palm", "TOKEN": secret}

    for command in [["-m", "mypy", "--strict", "--config-file=", "program.py"], ["program.py"]]:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path / "made", env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == told.prints


def test_the_page_that_is_served_is_the_one_that_is_tested(client: Client, db: None) -> None:
    page, schema = client.get("/api/docs/"), client.get("/api/schema/?format=json")

    assert page.status_code == 200
    assert schema.json()["info"]["description"] == QUICKSTART.read_text()


def test_the_check_of_a_signature_knows_our_calls_from_others() -> None:
    [check] = [block.text for block in blocks(REFERENCE) if block.language == "python"]
    known: dict[str, Any] = {}
    exec(check, known)
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    told = HookDelivery(endpoint=HookEndpoint(secret=secret), event_id="msg_1", body='{"type": "test"}')
    headers = hooks.headers_of(told, datetime(2026, 6, 1, tzinfo=UTC))

    assert known["is_ours"](secret, headers, told.body.encode())
    assert not known["is_ours"](secret, headers, b'{"type": "other"}')


OPERATION = re.compile(r"^((?:GET|POST|PUT|PATCH|DELETE)(?: \| (?:GET|POST|PUT|PATCH|DELETE))*) +(\S+)(.*)$")


def test_every_address_of_the_reference_exists_and_takes_what_is_shown(client: Client, db: None) -> None:
    schema = client.get("/api/schema/?format=json").json()
    shown = [line for block in blocks(REFERENCE) if not block.language for line in block.text.splitlines()]
    told = [found.groups() for line in shown if (found := OPERATION.match(line))]

    assert len(told) > 15
    for verbs, address, rest in told:
        place, _, query = address.partition("?")
        path = "/api/v1/{organization}/" + re.sub(r"(?<=/)\d+(?=/)", "{id}", place)
        found = schema["paths"].get(path) or schema["paths"][path.replace("imports/{id}", "imports/{run}")]
        for verb in verbs.lower().split(" | "):
            operation = found[verb]
            given = set(re.findall(r"[?&](\w+)=", f"?{query}"))
            assert given <= {each["name"] for each in operation["parameters"] if each["in"] == "query"}, address
            assert not (unknown := _named(rest) - _taken(schema, operation)) or verb != "post", (address, unknown)


def _named(rest: str) -> set[str]:
    """The names of the outermost object that a line shows as its body."""
    found = re.search(r"\{.*\}", rest)
    return set(re.findall(r'"(\w+)":', re.sub(r"(?<=: )\{[^{}]*\}", "0", found[0]))) if found else set()


def _taken(schema: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref", "")
    return set(schema["components"]["schemas"][reference.split("/")[-1]]["properties"]) if reference else set()
