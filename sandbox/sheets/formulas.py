"""A small calculator: references, arithmetic, comparison and the functions an office uses. Also moves references."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from . import a1, formats
from .book import Content
from .grid import ROWS, Formula, Shift, Tab

Outcome = str | int | float | bool | None

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"]|"")*") |
    (?P<ref>(?:(?:'(?:[^']|'')+'|[^\W\d]\w*)!)?(?:\$?[A-Za-z]{1,3}\$?\d+(?::\$?[A-Za-z]{1,3}\$?\d*)?|\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3})(?![\w(])) |
    (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+) |
    (?P<error>\#(?:REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|ERROR!|NULL!)) |
    (?P<name>[^\W\d][\w.]*) |
    (?P<sign><=|>=|<>|[-+*/^&=<>(),;%{}])
    )""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"(\$?)([A-Za-z]{1,3})?(\$?)(\d+)?\Z")


class Failed(Exception):
    """A formula that ends in an error: #REF!, #DIV/0!, ..."""


def outcome(content: Content, tab: Tab, row: int, column: int, formula: Formula) -> Outcome:
    """What a formula shows: what it was said to, or what it comes to. Worked out once for each state of the book."""
    if formula.shown is not None:
        return formula.shown
    key = (tab.sheet_id, row, column)
    if key in content.worked_out:
        known: Outcome = content.worked_out[key]
        return "#REF!" if known is _WORKING else known  # it refers to itself
    content.worked_out[key] = _WORKING
    try:
        result: Outcome = _single(_Reader(content, tab, formula.text[1:]).read())
        if isinstance(result, float):
            result = formats.number(result)
    except Failed as failure:
        result = str(failure)
    except RecursionError:
        result = "#REF!"
    content.worked_out[key] = result
    return result


_WORKING = object()


def _single(value: Any) -> Any:
    while isinstance(value, list):
        value = value[0] if value else None
    return 0 if value is None else value


class _Reader:
    """Reads a formula from left to right and works it out as it goes."""

    def __init__(self, content: Content, tab: Tab, text: str) -> None:
        self.content = content
        self.tab = tab
        self.tokens: list[tuple[str, str]] = []
        self.place = 0
        position = 0
        text = text.rstrip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise Failed("#ERROR!")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()

    def read(self) -> Any:
        value = self._compared()
        if self.place != len(self.tokens):
            raise Failed("#ERROR!")
        return value

    def _next(self, *signs: str) -> str:
        if self.place < len(self.tokens) and self.tokens[self.place] in [("sign", each) for each in signs]:
            self.place += 1
            return self.tokens[self.place - 1][1]
        return ""

    def _compared(self) -> Any:
        left = self._joined()
        while sign := self._next("=", "<>", "<=", ">=", "<", ">"):
            left = _compare(sign, _single(left), _single(self._joined()))
        return left

    def _joined(self) -> Any:
        left = self._added()
        while self._next("&"):
            left = _text(_single(left)) + _text(_single(self._added()))
        return left

    def _added(self) -> Any:
        left = self._multiplied()
        while sign := self._next("+", "-"):
            right = _number(_single(self._multiplied()))
            left = _number(_single(left)) + (right if sign == "+" else -right)
        return left

    def _multiplied(self) -> Any:
        left = self._powered()
        while sign := self._next("*", "/"):
            left, right = _number(_single(left)), _number(_single(self._powered()))
            if sign == "/" and right == 0:
                raise Failed("#DIV/0!")
            left = left * right if sign == "*" else left / right
        return left

    def _powered(self) -> Any:
        left = self._signed()
        while self._next("^"):
            left = _number(_single(left)) ** _number(_single(self._signed()))
        return left

    def _signed(self) -> Any:
        if sign := self._next("-", "+"):
            value = self._signed()
            return -_number(_single(value)) if sign == "-" else value
        value = self._atom()
        while self._next("%"):
            value = _number(_single(value)) / 100
        return value

    def _atom(self) -> Any:
        if self._next("("):
            value = self._compared()
            if not self._next(")"):
                raise Failed("#ERROR!")
            return value
        if self.place >= len(self.tokens):
            raise Failed("#ERROR!")
        kind, token = self.tokens[self.place]
        self.place += 1
        if kind == "number":
            return formats.number(float(token))
        if kind == "text":
            return token[1:-1].replace('""', '"')
        if kind == "error":
            raise Failed(token)
        if kind == "ref":
            return self._referred(token)
        if kind == "name":
            return self._called(token.upper())
        raise Failed("#ERROR!")

    def _referred(self, token: str) -> Any:
        try:
            title, cells = a1.split(token)
            area = a1.cells(cells)
        except a1.NotARange:
            raise Failed("#ERROR!") from None
        tab = self.tab if title is None else self.content.titled(title)
        if tab is None or area.top >= tab.row_count or area.left >= tab.column_count:
            raise Failed("#REF!")
        box = tab.box(area)
        if area.anchor:
            return self._value(tab, box.top, box.left)
        rows = range(box.top, min(box.bottom, len(tab.rows)))
        return [[self._value(tab, row, column) for column in range(box.left, box.right)] for row in rows]

    def _value(self, tab: Tab, row: int, column: int) -> Any:
        value = tab.cell(row, column)
        if isinstance(value, Formula):
            value = outcome(self.content, tab, row, column, value)
        if isinstance(value, str) and value.startswith("#") and value in ERRORS:
            raise Failed(value)
        return value

    def _called(self, name: str) -> Any:
        if not self._next("("):
            if name in ("TRUE", "FALSE"):
                return name == "TRUE"
            raise Failed("#NAME?")
        arguments: list[Any] = []
        failures: list[Failed | None] = []
        while not self._next(")"):
            start = self.place
            try:
                arguments.append(self._compared())
                failures.append(None)
            except Failed as failure:
                if str(failure) == "#ERROR!":
                    raise
                arguments.append(None)
                failures.append(failure)
                self._skip(start)
            if not self._next(",", ";") and (self.place >= len(self.tokens) or self.tokens[self.place][1] != ")"):
                raise Failed("#ERROR!")
        if name == "IFERROR":
            return arguments[0] if failures[0] is None else (arguments[1] if len(arguments) > 1 else "")
        if name == "ISERROR":
            return failures[0] is not None
        if name == "IF":
            chosen = 1 if arguments and failures[0] is None and _truth(_single(arguments[0])) else 2
            if failures[0] is None and chosen < len(arguments) and failures[chosen] is None:
                return arguments[chosen]
            if failures[0] is None and chosen >= len(arguments):
                return False
        for failed in failures:
            if failed is not None:
                raise failed
        if name not in FUNCTIONS:
            raise Failed("#NAME?")
        try:
            return FUNCTIONS[name](*arguments)
        except (TypeError, IndexError):
            raise Failed("#N/A") from None
        except (ValueError, OverflowError):
            raise Failed("#NUM!") from None

    def _skip(self, start: int) -> None:
        """Go on behind an argument that failed."""
        depth, self.place = 0, start
        while self.place < len(self.tokens):
            sign = self.tokens[self.place][1] if self.tokens[self.place][0] == "sign" else ""
            if not depth and sign in (",", ";", ")"):
                return
            depth += (sign == "(") - (sign == ")")
            self.place += 1


ERRORS = ("#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#ERROR!", "#NULL!")


def _flat(values: tuple[Any, ...]) -> list[Any]:
    found: list[Any] = []
    for each in values:
        found.extend(_flat(tuple(each))) if isinstance(each, list) else found.append(each)
    return found


def _numbers(values: tuple[Any, ...]) -> list[int | float]:
    return [each for each in _flat(values) if isinstance(each, int | float) and not isinstance(each, bool)]


def _number(value: Any) -> int | float:
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    understood, _ = formats.typed(str(value), "en_US")
    if isinstance(understood, str):
        raise Failed("#VALUE!")
    return understood


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return formats.general(value) if isinstance(value, int | float) else str(value if value is not None else "")


def _truth(value: Any) -> bool:
    return bool(_number(value)) if not isinstance(value, bool) else value


def _compare(sign: str, left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    elif isinstance(left, str) != isinstance(right, str):
        return sign == "<>" if sign in ("=", "<>") else (isinstance(left, str)) == (sign in (">", ">="))
    answers: dict[str, bool] = {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }
    return answers[sign]


def _average(*values: Any) -> float:
    numbers = _numbers(values)
    if not numbers:
        raise Failed("#DIV/0!")
    return sum(numbers) / len(numbers)


def _looked_up(key: Any, table: list[list[Any]], column: Any, _sorted: Any = True) -> Any:
    for line in table:
        if _compare("=", _single(line[0]), _single(key)):
            return line[int(column) - 1]
    raise Failed("#N/A")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "SUM": lambda *values: sum(_numbers(values)),
    "AVERAGE": _average,
    "MIN": lambda *values: min(_numbers(values), default=0),
    "MAX": lambda *values: max(_numbers(values), default=0),
    "COUNT": lambda *values: len(_numbers(values)),
    "COUNTA": lambda *values: sum(each is not None for each in _flat(values)),
    "COUNTIF": lambda area, wanted: sum(each is not None and _compare("=", each, wanted) for each in _flat((area,))),
    "AND": lambda *values: all(_truth(each) for each in _flat(values)),
    "OR": lambda *values: any(_truth(each) for each in _flat(values)),
    "NOT": lambda value: not _truth(_single(value)),
    "ABS": lambda value: abs(_number(_single(value))),
    "ROUND": lambda value, places=0: formats.number(
        float(f"{_number(_single(value)) + 1e-12:.{max(0, int(places))}f}")
    ),
    "INT": lambda value: int(_number(_single(value)) // 1),
    "CONCATENATE": lambda *values: "".join(_text(each) for each in _flat(values)),
    "CONCAT": lambda one, two: _text(_single(one)) + _text(_single(two)),
    "LEN": lambda value: len(_text(_single(value)) if value is not None else ""),
    "TRIM": lambda value: " ".join(_text(_single(value)).split()),
    "UPPER": lambda value: _text(_single(value)).upper(),
    "LOWER": lambda value: _text(_single(value)).lower(),
    "PROPER": lambda value: _text(_single(value)).title(),
    "LEFT": lambda value, count=1: _text(_single(value))[: int(count)],
    "RIGHT": lambda value, count=1: _text(_single(value))[-int(count) :] if count else "",
    "MID": lambda value, start, count: _text(_single(value))[int(start) - 1 : int(start) - 1 + int(count)],
    "VALUE": lambda value: _number(_single(value)),
    "TEXT": lambda value, pattern: formats.shown(_number(_single(value)), formats.Format("NUMBER", pattern)),
    "ISBLANK": lambda value: value is None,
    "HYPERLINK": lambda link, label=None: link if label is None else label,
    "VLOOKUP": _looked_up,
    "DATE": lambda year, month, day: formats.serial(
        datetime(int(year), int(month), int(day))  # noqa: DTZ001 - a spreadsheet's dates have no zone
    ),
}


def followed(content: Content, tab: Tab, shift: Shift) -> None:
    """Let the references of all formulas go with the rows or columns that moved in a tab."""
    if not content.has_formulas:
        return
    for each in content.tabs:
        for index, row in enumerate(each.rows):
            if any(type(value) is Formula for value in row.cells):
                cells = [
                    _moved(value, each, tab, shift) if isinstance(value, Formula) else value for value in row.cells
                ]
                if cells != row.cells:
                    each.rows[index] = type(row)(cells, row.formats, row.marks)


def _moved(formula: Formula, home: Tab, tab: Tab, shift: Shift) -> Formula:
    def replaced(title: str, reference: str) -> str | None:
        owner = home.title if not title else a1.split(title + "A1")[0]
        if owner is None or owner.casefold() != tab.title.casefold():
            return None
        return title + _shifted(reference, shift)

    return formula._replace(text=_rewritten(formula.text, replaced))


def renamed(content: Content, before: str, after: str) -> None:
    """Let formulas that name a tab name it by its new title."""

    def replaced(title: str, reference: str) -> str | None:
        owner = a1.split(title + "A1")[0] if title else None
        return f"{a1.quoted(after)}!{reference}" if owner and owner.casefold() == before.casefold() else None

    if not content.has_formulas:
        return
    for each in content.tabs:
        for index, row in enumerate(each.rows):
            if any(type(value) is Formula and "!" in value.text for value in row.cells):
                cells = [
                    value._replace(text=_rewritten(value.text, replaced)) if isinstance(value, Formula) else value
                    for value in row.cells
                ]
                each.rows[index] = type(row)(cells, row.formats, row.marks)


def offset(formula: Formula, rows: int, columns: int) -> Formula:
    """The formula as it reads when it is filled into a cell so many rows and columns further."""

    def replaced(title: str, reference: str) -> str | None:
        return title + ":".join(_offset(part, rows, columns) for part in reference.split(":"))

    return formula._replace(text=_rewritten(formula.text, replaced))


def _rewritten(text: str, replaced: Callable[[str, str], str | None]) -> str:
    parts, position = [text[:1]], 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            return text  # it cannot be parsed: Sheets leaves such a text alone too
        token = found[found.lastgroup]
        parts.append(text[position : found.end() - len(token)])
        if found.lastgroup == "ref":
            mark = token.rfind("!") + 1
            new = replaced(token[:mark], token[mark:])
            parts.append(token if new is None else new)
        else:
            parts.append(token)
        position = found.end()
    return "".join(parts)


def _shifted(reference: str, shift: Shift) -> str:
    ends = [_REFERENCE.match(each) for each in reference.split(":")]
    if any(each is None for each in ends):
        return reference
    group = 4 if shift.dimension == ROWS else 2
    indexes = [_index(each[group], group) for each in ends if each is not None]
    moved = [None if each is None else shift.at(each) for each in indexes]
    first, last = indexes[0], indexes[-1]
    if len(moved) == 2 and shift.kind == "delete" and first is not None and last is not None:
        if shift.start <= first and last < shift.end:
            return "#REF!"
        moved = [
            shift.start if moved[0] is None else moved[0],
            shift.start - 1 if moved[1] is None else moved[1],
        ]
    elif any(old is not None and new is None for old, new in zip(indexes, moved, strict=True)):
        return "#REF!"
    return ":".join(_put(each, group, new) for each, new in zip(ends, moved, strict=True) if each is not None)


def _index(text: str | None, group: int) -> int | None:
    if text is None:
        return None
    return int(text) - 1 if group == 4 else a1.column_index(text)


def _put(found: "re.Match[str]", group: int, index: int | None) -> str:
    if index is None:
        return found[0]
    row = str(index + 1) if group == 4 else found[4] or ""
    column = a1.column_letters(index) if group == 2 else found[2] or ""
    return f"{found[1]}{column}{found[3]}{row}"


def _offset(text: str, rows: int, columns: int) -> str:
    found = _REFERENCE.match(text)
    if found is None:
        return text
    column, row = found[2] or "", found[4] or ""
    if column and not found[1]:
        index = a1.column_index(column) + columns
        if index < 0:
            return "#REF!"
        column = a1.column_letters(index)
    if row and not found[3]:
        if int(row) + rows < 1:
            return "#REF!"
        row = str(int(row) + rows)
    return f"{found[1]}{column}{found[3]}{row}"
