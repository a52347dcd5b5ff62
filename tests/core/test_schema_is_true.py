"""The whole document of the API against the server that runs: whatever is sent, the answer is one that it names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from campaigns.models import Segment
from core.actors import Actor
from core.models import Membership, Organization
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from crm.models import Agent, Contact, Deal, Project, Property
from messaging.models import Channel, Conversation, MessageTemplate
from sheets.models import GoogleAccount
from tests.conftest import member
from tests.live import Live
from tests.permissions.asking import doors
from tests.permissions.world import World, build
from tests.routes import WORDS, places

# As everybody's run asks, the same every time. More, and others: FUZZ_EXAMPLES=20 FUZZ_SEED=7 (docs/api.md).
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "2")
SEED = os.environ.get("FUZZ_SEED", "20261126")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
# Keys that bodies name: with made-up ones nothing but the look-up would be tried.
BODIES: dict[str, type[Model]] = {
    "account": GoogleAccount, "agent": Agent, "assigned_to": Membership, "buyer": Contact, "channel": Channel,
    "contact": Contact, "conversation": Conversation, "deal": Deal, "membership": Membership, "owner": Contact,
    "project": Project, "property": Property, "segment": Segment, "seller": Contact, "successor": Agent,
    "template": MessageTemplate,
}  # fmt: skip


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_answer_is_a_crash_or_one_that_the_document_does_not_know(live: Live, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"  # as the server has it: files that were brought in are read by both
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    with organization_scope(house.pk):
        managers = [Actor(house, member(house, Role.MANAGER, name)) for name in ["Mona", "Marwan"]]
        world = build(house, *managers)
        _, secret = issue_token(actor=world.actors["admin"], name="fuzz", at=timezone.now())
    live.start_sandbox()
    live.start_web()
    config = tmp_path / "schemathesis.toml"
    config.write_text(rows_for(world))

    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), f"--config-file={config}", "run",
            f"{live.base_url}/api/schema/?format=json", f"--header=Authorization: Bearer {secret}",
            f"--checks={CHECKS}", f"--max-examples={EXAMPLES}", f"--seed={SEED}", "--phases=fuzzing", "--workers=1",
            "--continue-on-failure", "--generation-database=none", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    Path(os.environ.get("FUZZ_REPORT", tmp_path / "report.txt")).write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr + crashes(tmp_path / "logs" / "web.log")


def crashes(log: Path) -> str:
    """What the server wrote of each, so that one need not look for it."""
    return "".join(text[:8_000] for text in re.findall(r"Traceback.*?(?=\n\d{4}-)", log.read_text(), re.DOTALL)[:10])


def rows_for(world: World) -> str:
    """schemathesis.toml: which keys stand in the addresses and bodies, so that they lead to rows of this house."""
    addresses = _addresses()
    lines = ["[parameters]", '"path.organization" = "palm"']
    lines += [f'"body.{name}" = {{ dictionary = "{table.__name__}" }}' for name, table in BODIES.items()]
    for path, tables in addresses.items():
        lines += ["[[operations]]", f'include-path = "{path}"']
        lines += [
            f'parameters."path.{name}" = {{ dictionary = "{table.__name__}s" }}' for name, table in tables.items()
        ]
    for table in {*BODIES.values(), *(each for tables in addresses.values() for each in tables.values())}:
        keys = [key for found in world.rows.get(table, {}).values() for key in found] or [1]
        lines += [f"[dictionaries.{table.__name__}]", f"values = {json.dumps(keys)}"]
        lines += [f"[dictionaries.{table.__name__}s]", f"values = {json.dumps([str(key) for key in keys])}"]
    return "\n".join(lines)


def _addresses() -> dict[str, dict[str, type[Model]]]:
    """Of every path of the document, whose keys stand in its places."""
    found = {}
    for door in doors():
        if door.route.startswith("api/"):
            path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)|<(?:\w+:)?(\w+)>", r"{\1\2}", door.route)
            path = "/" + path.replace("^", "").replace("$", "").replace("{pk}", "{id}")
            keys = {name: door.table(name) for name in places(door.route) if name not in WORDS}
            found[path] = {name.replace("pk", "id"): table for name, table in keys.items() if table is not None}
    return {path: tables for path, tables in found.items() if tables}
