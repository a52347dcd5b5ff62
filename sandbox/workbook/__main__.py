"""`python -m sandbox.workbook --rows 10654 --seed 7 --out FILE.xlsx`: write a dirty book and what is true of it."""

import argparse
import json
import sys
from pathlib import Path

from . import layout, writing
from .inventory import build
from .truth import truth


def main() -> None:
    """Parse the command line, write the files, print the truth unless it went to a file."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.workbook", description=__doc__)
    parser.add_argument("--rows", type=int, default=layout.MEASURED_ROWS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--layout", choices=list(layout.LAYOUTS), default="master")
    parser.add_argument("--out", type=Path, required=True, help="FILE.xlsx or FILE.csv")
    parser.add_argument("--truth", type=Path, help="FILE.json with the figures an import must find")
    parser.add_argument("--phones", type=Path, help="FILE.csv with what every phone cell must become")
    options = parser.parse_args()
    rows = build(options.rows, options.seed)
    if options.out.suffix == ".csv":
        with options.out.open("w", encoding="utf-8", newline="") as target:
            writing.write_csv(rows, target, options.layout)
    else:
        options.out.write_bytes(writing.xlsx(rows, options.layout))
    if options.phones:
        with options.phones.open("w", encoding="utf-8", newline="") as target:
            writing.write_phone_cells(rows, target)
    figures = json.dumps(truth(rows, seed=options.seed, columns=options.layout), indent=2, ensure_ascii=False)
    if options.truth:
        options.truth.write_text(figures + "\n", encoding="utf-8")
    else:
        sys.stdout.write(figures + "\n")


if __name__ == "__main__":
    main()
