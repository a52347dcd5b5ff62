"""Who may do what at every route that exists, as data: a route without a line, or one that answers otherwise, fails.

`matrix.csv` says for each route, verb and role: `-` refused; `yes`; whose rows are reached: `own`, `team`,
`all`; `?` when no row is planted there, so that nothing is proven.
After a change that is meant, write it anew and read the difference: MATRIX=write bin/test tests/permissions
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from core.actors import Actor
from core.models import Organization
from core.roles import Role
from tests.permissions.asking import REFUSED, UNPROVEN, rows
from tests.permissions.world import build

MATRIX = Path(__file__).parent / "matrix.csv"
COLUMNS = ["route", "verb", *sorted(Role)]


def written() -> list[dict[str, str]]:
    with MATRIX.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_route_answers_every_role_as_the_matrix_says(
    organization: Organization, manager: Actor, second_manager: Actor, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"

    found = list(rows(build(organization, manager, second_manager)))

    if os.environ.get("MATRIX") == "write":
        with MATRIX.open("w", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            out.writeheader()
            out.writerows(found)
    known = {(row["route"], row["verb"]): row for row in written()}
    seen = {(row["route"], row["verb"]): row for row in found}
    assert seen.keys() - known.keys() == set(), "routes without a line"
    assert known.keys() - seen.keys() == set(), "lines without a route"
    assert [(row, known[key]) for key, row in seen.items() if row != known[key]] == []


def test_what_no_line_may_say() -> None:
    for row in written():
        if UNPROVEN in row.values():
            continue
        if row["route"].startswith("admin/"):
            assert row["agent"] == row["supervisor"] == REFUSED, row
        if row["verb"] in {"put", "patch", "delete"}:
            assert row["viewer"] == REFUSED, row
        if row["manager"] != REFUSED:
            assert row["admin"] != REFUSED, row
