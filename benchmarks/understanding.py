"""How often the offline reader is right, on sentences that were labelled by hand; and how fast it is.

    .venv/bin/python -m benchmarks.understanding            (--wrong lists what it got wrong)

Sentences `written` with the lexicon share its words, whoever means to be fair. Those written after it, as people type on
the street, were not looked at while it was changed: that is the honest figure.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

SENTENCES = Path(__file__).parent.parent / "tests/messaging/sentences.csv"
PARTS = ("language", "sentiment", "intent")


def measure(rows: list[dict[str, str]], reader: Any) -> tuple[dict[str, float], list[str]]:
    """The share that is right for each part, and what is wrong in words."""
    right: Counter[str] = Counter()
    wrong = []
    for row in rows:
        meaning = reader.read(row["text"])
        for part in PARTS:
            found = str(getattr(meaning, part))
            right[part] += found == row[part]
            if found != row[part]:
                wrong.append(f"{part:9} {row[part]:>14} not {found:14} {row['text']}")
    return {part: right[part] / len(rows) for part in PARTS}, wrong


def sentences() -> list[dict[str, str]]:
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _written(rows: list[dict[str, str]], when: str) -> list[dict[str, str]]:
    return [row for row in rows if row["written"] == when]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from messaging.understanding import OfflineUnderstanding

    rows, reader = sentences(), OfflineUnderstanding()
    for name, some in (("all", rows), ("with it", _written(rows, "with")), ("after it", _written(rows, "after"))):
        shares, wrong = measure(some, reader)
        print(f"{name:10} {len(some):4} sentences  " + "  ".join(f"{part} {shares[part]:.1%}" for part in PARTS))
        if options.wrong and name == "with it":
            print("\n".join(f"    {line}" for line in wrong))
    for language in ("en", "ar", "fr"):
        some = [row for row in rows if row["language"] == language]
        shares, _ = measure(some, reader)
        print(f"{language:10} {len(some):4} sentences  " + "  ".join(f"{part} {shares[part]:.1%}" for part in PARTS))
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < 2:
        for row in rows:
            reader.read(row["text"])
        count += len(rows)
    print(f"{count / (time.perf_counter() - begun):,.0f} messages a second")


if __name__ == "__main__":
    main()
