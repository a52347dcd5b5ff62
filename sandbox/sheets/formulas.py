"""A small calculator: references, arithmetic, comparison and the functions an office uses."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from . import a1, formats
from .book import Content
from .grid import Formula, Tab

Outcome = str | int | float | bool | None

TOKEN = re.compile(
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


class Failed(Exception):
    """A formula that ends in an error: #REF!, #DIV/0!, ..."""


def outcome(content: Content, tab: Tab, row: int, column: int, formula: Formula) -> Outcome:
    """What a formula shows: what it was said to, or what it comes to. Worked out once for each state of the book."""
    try:
        return _worked_out(content, tab, row, column, formula)
    except RecursionError:
        return _from_the_ends(content, tab, row, column)


def _worked_out(content: Content, tab: Tab, row: int, column: int, formula: Formula) -> Outcome:
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
        del content.worked_out[key]
        raise
    content.worked_out[key] = result
    return result


def _from_the_ends(content: Content, tab: Tab, row: int, column: int) -> Outcome:
    """A running total reaches too far to be followed; begun at its own end, each needs only the one before it."""
    cells = [
        (index, place, cell)
        for index in range(tab.row_count)
        for place, cell in enumerate(tab.row(index).cells)
        if isinstance(cell, Formula)
    ]
    for ordered in (cells, cells[::-1]):
        for index, place, cell in ordered:
            with suppress(RecursionError):
                found = _worked_out(content, tab, index, place, cell)
                if (index, place) == (row, column):
                    return found
    return "#REF!"


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
            found = TOKEN.match(text, position)
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
            left = _power(_number(_single(left)), _number(_single(self._signed())))
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
            value = _worked_out(self.content, tab, row, column, value)
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
        if not arguments and name in ("IFERROR", "ISERROR", "IF"):
            raise Failed("#N/A")
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


def _power(base: float, exponent: float) -> float:
    try:
        result: float | complex = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        raise Failed("#NUM!") from None
    if isinstance(result, complex):
        raise Failed("#NUM!")
    return result


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
