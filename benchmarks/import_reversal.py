"""How long it takes to see what taking an import back would do, and to do it, against the import itself.

    python -m benchmarks.import_reversal [--rows 50000]

Imports a generated sheet, looks at its reversal, takes it back, and imports the file again. Prints JSON: seconds, ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.ground import own_servers, set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        print(json.dumps(measure(home, options.rows), indent=1))


def measure(home: Path, rows: int) -> dict[str, Any]:
    set_up()
    from django.core.files import File
    from django.utils import timezone

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from sheets import services as sheets

    sheet = home / "units.csv"
    lines = (f"{n},Vardon,Owner {n},05{n:08},Sea,Vacant,1.2M\n" for n in range(rows))
    sheet.write_text("P-NUMBER,PROJECT,NAME,MOBILE,View,Status,Asking Price\n" + "".join(lines))
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    took: dict[str, float] = {}

    def timed(name: str, act: Any) -> Any:
        started = time.monotonic()
        answer = act()
        took[name] = round(time.monotonic() - started, 2)
        return answer

    def bring() -> Any:
        with sheet.open("rb") as opened:
            run = sheets.create_import(actor=system(house), file=File(opened), name=sheet.name, at=timezone.now())
        sheets.request_commit(actor=system(house), run=run, at=timezone.now())
        return sheets.commit(organization=house, run_id=run.pk, at=timezone.now())

    with organization_scope(house.pk):
        run = timed("import", bring)
        plan, _ = timed("preview", lambda: sheets.preview_reversal(actor=system(house), run=run))
        sheets.request_reversal(actor=system(house), run=run, at=timezone.now())
        done = timed("reversal", lambda: sheets.revert(organization=house, run_id=run.pk, at=timezone.now()))
        again = timed("import_again", bring)
    assert done.counts["removed"] == plan.removed
    assert again.counts == run.counts
    return {
        "rows": rows,
        "seconds": took,
        "preview_to_import": round(took["preview"] / took["import"], 2),
        "reversal_to_import": round(took["reversal"] / took["import"], 2),
    }


if __name__ == "__main__":
    main()
