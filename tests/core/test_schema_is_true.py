"""The whole document of the API against the server that runs: whatever is sent, the answer is one that it names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from core.actors import Actor
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from messaging.models import Channel
from tests.crm import factories
from tests.live import Live, house
from tests.messaging import factories as talking

# Run by command until it is known to be steady in CI: FUZZ_EXAMPLES=5 bin/test tests/core/test_schema_is_true.py
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "")
SEED = os.environ.get("FUZZ_SEED", "20261126")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
# Rows of one house, so that most addresses lead to something.
CONFIG = """
[parameters]
"path.organization" = "palm"
"path.id" = { dictionary = "rows" }

[dictionaries.rows]
values = ["1", "2", "3"]
"""


@pytest.mark.skipif(not EXAMPLES, reason="asked for by FUZZ_EXAMPLES")
@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_answer_is_a_crash_or_one_that_the_document_does_not_know(live: Live, tmp_path: Path) -> None:
    organization, members = house()
    admin = Actor(organization, members[Role.ADMIN])
    with organization_scope(organization.pk):
        for name in ["Vardon", "Pacifica", "Acuna"]:
            unit = factories.unit(factories.project(organization, name))
            contact = factories.contact(organization, f"Owner of {name}")
            factories.point(contact, f"+97150123456{unit.pk}")
            factories.ownership(unit, contact)
            channel = talking.channel(organization) if not Channel.objects.exists() else Channel.objects.get()
            talking.message(talking.conversation(channel, contact))
        for _ in range(4):  # the first ones will be revoked on the way
            _, secret = issue_token(actor=admin, name="fuzz", at=timezone.now())
    live.start_sandbox()
    live.start_web()
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)

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
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
