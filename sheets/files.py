"""Opening what was uploaded: Excel workbooks by calamine, text by detected encoding and delimiter. Nothing is trusted."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from sheets.errors import EncodingWrong, FileEmpty, FileTooLarge, NotASpreadsheet, TabUnknown, WorkbookSuspicious
from sheets.workbooks import read_elsewhere

LARGEST = 50 * 1024 * 1024
AROUND_A_FILE = 64 * 1024  # the form that a file comes in
LARGE_WORKBOOK = 4 * 1024 * 1024  # read in a process of its own
LARGEST_UNPACKED = 600 * 1024 * 1024
# Sheets of the dirtiest kind pack thirty-fold; a thousand-fold is made on purpose.
HIGHEST_RATIO = 250
MOST_COLUMNS = 500
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1256", "cp1252", "iso8859_6")
DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 256 * 1024
_ARABIC = range(0x0600, 0x0700)

Cells = list[Any]


@dataclass(slots=True)
class Source:
    """An opened file, one tab of it chosen. `rows` may be read once."""

    kind: str
    tabs: list[str]
    tab: str
    encoding: str = ""
    delimiter: str = ""
    height: int = 0
    rows: Iterable[Cells] = field(default_factory=list)


def check_size(size: int) -> None:
    """Raises FileTooLarge and FileEmpty."""
    if size > LARGEST:
        raise FileTooLarge(
            f"The file has {size / 1_048_576:.0f} MB; up to {LARGEST // 1_048_576} MB can be imported at once. "
            "Split it, or remove pictures and unused tabs.",
            size=size,
            largest=LARGEST,
        )
    if size == 0:
        raise FileEmpty("The file is empty: there is nothing in it to import.")


class Refusing(FileUploadHandler):
    """First of the upload handlers of a door: what is announced as too large is read past, and not one byte is kept."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.announced = 0

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *_: Any, **__: Any) -> None:  # noqa: N803 - as Django calls it
        self.announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.announced > LARGEST + AROUND_A_FILE:
            raise StopUpload

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def check(self) -> None:
        """Raises FileTooLarge when it refused."""
        if self.announced > LARGEST + AROUND_A_FILE:
            check_size(self.announced)


def open_source(path: Path, *, tab: str = "", encoding: str = "", delimiter: str = "") -> Source:
    """Open a file by its content, whatever its name says. Empty settings are detected.

    Raises FileTooLarge, FileEmpty, NotASpreadsheet, WorkbookSuspicious, EncodingWrong, TabUnknown.
    """
    check_size(path.stat().st_size)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        _check_archive(path)
        return _workbook(path, "xlsx", tab)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return _workbook(path, "xls", tab)
    return _text(path, encoding, delimiter)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _not_a_spreadsheet("It is damaged or incomplete.") from error
    if not any(entry.filename in {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} for entry in entries):
        raise _not_a_spreadsheet("It is an archive with no workbook in it.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    if unpacked > LARGEST_UNPACKED or (unpacked > 20 * 1024 * 1024 and unpacked / packed > HIGHEST_RATIO):
        raise WorkbookSuspicious(
            f"The workbook unpacks to {unpacked / 1_048_576:.0f} MB, {unpacked // packed} times its size. "
            "Copy the rows into a new workbook and import that.",
            unpacked=unpacked,
        )


def _workbook(path: Path, kind: str, tab: str) -> Source:
    if path.stat().st_size < LARGE_WORKBOOK:
        return read_workbook(path, kind, tab)
    read = read_elsewhere(path, kind, tab)
    if read is None:
        raise _not_a_spreadsheet("It is too large to be unpacked at once.")
    source: Source = read[0]
    source.rows = read[1]
    return source


def read_workbook(path: Path, kind: str, tab: str) -> Source:
    """Raises FileEmpty, TabUnknown, NotASpreadsheet."""
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = list(workbook.sheet_names)
        if not names:
            raise FileEmpty("The workbook has no tabs: there is nothing in it to import.")
        if tab and tab not in names:
            raise TabUnknown(f"There is no tab {tab!r}; the workbook has: {', '.join(names)}.", tabs=names)
        for name in [tab] if tab else names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.height:
                break
        else:
            raise FileEmpty("Every tab of the workbook is empty: there is nothing in it to import.")
        if not sheet.height:
            raise FileEmpty(f"The tab {name!r} is empty: choose another.", tabs=names)
    except PasswordError as error:
        raise _not_a_spreadsheet("It is locked with a password: save it without one.") from error
    except CalamineError as error:
        raise _not_a_spreadsheet("It is damaged, or not what its first bytes say.") from error
    return Source(kind, names, name, height=sheet.total_height, rows=sheet.iter_rows())


def _text(path: Path, encoding: str, delimiter: str) -> Source:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    encoding = encoding or _encoding_of(sample)
    if encoding not in ENCODINGS:
        raise EncodingWrong(f"{encoding!r} is not offered; use one of: {', '.join(ENCODINGS)}.", encoding=encoding)
    start, height = _read_through(path, encoding)
    if not start.strip():
        raise FileEmpty("The file is empty: there is nothing in it to import.")
    if start.lstrip()[:1] in {"<", "{"} or start.startswith("%PDF"):
        raise _not_a_spreadsheet("It is a page or a document, not a table.")
    delimiter = delimiter or _delimiter_of(start)
    return Source("csv", [], "", encoding, delimiter, height=height, rows=_csv(path, encoding, delimiter))


def _read_through(path: Path, encoding: str) -> tuple[str, int]:
    """The first piece that says something, and the number of lines: all of it is read once, and is good text."""
    start, height = "", 1
    try:
        with path.open(encoding=encoding, newline="") as file:
            while piece := file.read(_SAMPLE):
                if "\0" in piece:
                    raise _not_a_spreadsheet("It is not text.")
                start = start if start.strip() else piece
                height += piece.count("\n")
    except UnicodeDecodeError as error:
        raise EncodingWrong(
            f"The file is not {encoding}: choose another encoding, or save it as CSV UTF-8.", encoding=encoding
        ) from error
    return start, height


def _csv(path: Path, encoding: str, delimiter: str) -> Iterator[Cells]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            for row in csv.reader(file, delimiter=delimiter):
                if len(row) > MOST_COLUMNS:
                    raise _not_a_spreadsheet(f"It has more than {MOST_COLUMNS} columns.")
                yield row
    except csv.Error as error:
        raise _not_a_spreadsheet("It cannot be read as lines and columns.") from error


def _encoding_of(sample: bytes) -> str:
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in sample or _looks_binary(sample):
        raise _not_a_spreadsheet("It is not text, and no workbook either.")
    try:
        # The sample may end in the middle of a letter.
        sample[: len(sample) - 4 if len(sample) == _SAMPLE else len(sample)].decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(sample)
    return "utf-8"


def _looks_binary(sample: bytes) -> bool:
    control = sum(byte < 9 or 13 < byte < 27 for byte in sample[:4096])
    return control > len(sample[:4096]) * 0.02


def _legacy(sample: bytes) -> str:
    """Arabic Windows, or western Windows: what spreadsheets here write when they do not write Unicode."""
    letters = [character for character in sample.decode("cp1256", "ignore") if not character.isascii()]
    if letters and sum(ord(character) in _ARABIC for character in letters) > len(letters) * 0.6:
        return "cp1256"
    best = from_bytes(sample, cp_isolation=["cp1256", "cp1252", "iso8859_6"]).best()
    return best.encoding if best and best.encoding in ENCODINGS else "cp1252"


def _delimiter_of(text: str) -> str:
    """The one that parts the first lines into the same number of cells most often, and into the most."""
    lines = text.splitlines()[:30]
    best, best_score = ",", (0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        width, times = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        if width > 1 and (times, width) > best_score:
            best, best_score = delimiter, (times, width)
    return best


def _not_a_spreadsheet(why: str) -> NotASpreadsheet:
    return NotASpreadsheet(f"This file cannot be read as a spreadsheet. {why} Save it as .xlsx or .csv and try again.")
