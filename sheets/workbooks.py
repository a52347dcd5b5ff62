"""Reads a large workbook in a process of its own.

calamine unpacks a whole tab: two hundred thousand rows of our layout take 340 MB and three seconds. That memory is given
back before the first row is imported, and a file that is made to exhaust it takes no worker along. The rows wait on disk.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from core.errors import DomainError

ROOT = Path(__file__).resolve().parents[1]
BATCH = 1000


def read_elsewhere(path: Path, kind: str, tab: str) -> tuple[Any, Iterator[list[Any]]] | None:
    """What files.read_workbook returns, without its rows, and the rows. Raises what it raises; None when it died."""
    spool = TemporaryFile()  # noqa: SIM115 - closed with the last row
    command = [sys.executable, "-m", "sheets.workbooks", str(path.resolve()), kind, tab]
    if subprocess.run(command, cwd=ROOT, stdout=spool, check=False).returncode:
        spool.close()
        return None
    spool.seek(0)
    source = pickle.load(spool)  # noqa: S301 - of our own process
    if isinstance(source, DomainError):
        spool.close()
        raise source
    return source, _rows(spool)


def _rows(spool: IO[bytes]) -> Iterator[list[Any]]:
    with spool:
        while batch := pickle.load(spool):  # noqa: S301 - of our own process
            yield from batch


def main() -> None:
    """`python -m sheets.workbooks FILE KIND TAB`: the source or the refusal, then its rows in batches, as pickles."""
    from sheets.files import read_workbook

    path, kind, tab = sys.argv[1:]
    try:
        source = read_workbook(Path(path), kind, tab)
    except DomainError as refusal:
        pickle.dump(refusal, sys.stdout.buffer)
        return
    rows, source.rows = iter(source.rows), []
    pickle.dump(source, sys.stdout.buffer)
    while batch := list(islice(rows, BATCH)):
        pickle.dump(batch, sys.stdout.buffer)
    pickle.dump([], sys.stdout.buffer)


if __name__ == "__main__":
    main()
