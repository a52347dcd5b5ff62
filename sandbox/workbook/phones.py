"""Phone numbers as people type them, with what each cell must become.

The digits are patterned so that, as far as can be known, they ring nobody, and yet libphonenumber finds them valid:
UAE mobiles have a subscriber part that begins with 0 (+971 5x 0nn nnnn); the others sit at the very start of a block
with its zeros written out (+966 50000 nnnn, +974 3300 nnnn, ...); US ones are 555-01nn, which is kept for fiction.
They are test data: do not dial or message them outside the sandbox.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Raw = str | int | float | None
Line = Literal["mobile", "fixed", "invalid", "review", "empty"]
Numbers = tuple[str, ...]

AE_PREFIXES = ("50", "52", "54", "55", "56", "58")
# country code, the fixed beginning of the national number, how many digits follow; in the order of their frequency
FOREIGN = (
    ("966", "50000", 4), ("974", "3300", 4), ("965", "5000", 4), ("968", "9100", 4), ("44", "79110", 5),
    ("20", "100000", 4), ("973", "3600", 4), ("92", "300000", 4), ("91", "90000", 5), ("1", "20255501", 2),
)  # fmt: skip
_WEIGHTS = (30, 16, 12, 10, 8, 7, 7, 5, 4, 1)


@dataclass(frozen=True, slots=True)
class Phone:
    """One number: its country code and the national part."""

    country: str
    national: str

    @property
    def e164(self) -> str:
        """As it must end up: +, country, national number."""
        return f"+{self.country}{self.national}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and what a reader must make of it."""

    raw: Raw
    line: Line = "empty"
    numbers: Numbers = ()
    form: str = "blank"


BLANK = Cell(None)


@dataclass(slots=True)
class PhoneBook:
    """The numbers of one owner, or of the household or office that several owners share."""

    home: Phone | None = None
    abroad: Phone | None = None
    others: list[Phone] = field(default_factory=list)


class Exchange:
    """Hands out numbers: each one once, in an order that depends on the seed only."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._homes = 0
        self._lines = 0
        self._abroad = dict.fromkeys((country for country, _, _ in FOREIGN), 0)

    def home(self) -> Phone:
        """A UAE mobile. The step spreads the last digits; below 130000 no number ends like an error code."""
        self._homes += 1
        prefix = AE_PREFIXES[self._homes % len(AE_PREFIXES)]
        return Phone("971", f"{prefix}0{self._homes * 37 % 129_971:06d}")

    def abroad(self, country: str = "") -> Phone:
        """A mobile of another country."""
        chosen = next((each for each in FOREIGN if each[0] == country), None)
        code, start, digits = chosen or self._random.choices(FOREIGN, _WEIGHTS)[0]
        self._abroad[code] += 1
        return Phone(code, f"{start}{self._abroad[code] * 7 % 10**digits:0{digits}d}")

    def landline(self) -> str:
        """The seven digits of a Dubai landline, without the 04 in front."""
        self._lines += 1
        return f"20{self._lines * 13 % 100_000:05d}"


@dataclass(frozen=True, slots=True)
class Form:
    """One way of typing, how often it stands in each phone column, and whose numbers it is used for."""

    name: str
    kind: Literal["home", "abroad", "saudi", "pakistani", "two", "junk"]
    line: Line
    write: Callable[[Random, Phone, Phone], Raw]
    phone: int = 0
    mobile: int = 0
    secondary: int = 0


def _spaced(random: Random, phone: Phone, _: Phone) -> str:
    plus = random.choice(("", "+"))
    return f"{plus}971 {phone.national[:2]} {phone.national[2:]}"


def _pipe(random: Random, phone: Phone, _: Phone) -> str:
    national = phone.national
    return f"{phone.country}|" + random.choice((f"{national[:2]}-{national[2:]}", national, f"0{national}"))


def _words(random: Random, phone: Phone, _: Phone) -> str:
    national = phone.national
    return f"0{national[:2]} {national[2:5]} {national[5:]} ({random.choice(('wife', 'son', 'office', 'not using'))})"


def _short(random: Random, phone: Phone, _: Phone) -> Raw:
    return random.choice((f"971{phone.national[:-1]}", int(f"971{phone.national[:-1]}")))


FORMS = (
    Form("full number", "home", "mobile", lambda r, p, o: float(f"971{p.national}"), 592, 3_628, 60),
    Form("local with zero", "home", "mobile", lambda r, p, o: f"0{p.national}", 260, 856, 60),
    Form("local without zero", "home", "mobile", lambda r, p, o: float(p.national), 60, 80, 25),
    Form("00 prefix", "home", "mobile", lambda r, p, o: f"00971{p.national}", 170, 557, 40),
    Form(
        "00 prefix, hyphens", "home", "mobile", lambda r, p, o: f"00971-{p.national[:2]}-{p.national[2:]}", 20, 60, 10
    ),
    Form("spaced", "home", "mobile", _spaced, 40, 197, 20),
    Form("plus", "home", "mobile", lambda r, p, o: f"+971{p.national}", 8, 20, 5),
    Form("hyphens", "home", "mobile", lambda r, p, o: f"971-{p.national[:2]}-{p.national[2:]}", 20, 90, 15),
    Form("trunk zero kept", "home", "mobile", lambda r, p, o: f"9710{p.national}", 10, 30, 12),
    Form("stray sign", "home", "mobile", lambda r, p, o: f"-{p.national}", 2, 6, 2),
    Form("slash inside", "home", "mobile", lambda r, p, o: f"0{p.national[:2]}/{p.national[2:]}", 2, 5, 2),
    Form("pipe", "home", "mobile", _pipe, 20, 400, 1_109),
    Form("trailing words", "home", "mobile", _words, 4, 15, 4),
    Form("Saudi, 00", "saudi", "mobile", lambda r, p, o: f"00966{p.national}", 60, 497, 40),
    Form("abroad, digits", "abroad", "mobile", lambda r, p, o: float(f"{p.country}{p.national}"), 450, 1_600, 80),
    Form("abroad, 00", "abroad", "mobile", lambda r, p, o: f"00{p.country}{p.national}", 150, 500, 60),
    Form("abroad, plus", "abroad", "mobile", lambda r, p, o: f"+{p.country}{p.national}", 20, 60, 10),
    Form("abroad, pipe", "abroad", "mobile", lambda r, p, o: f"{p.country}|{p.national}", 30, 250, 822),
    Form("abroad behind 971", "abroad", "mobile", lambda r, p, o: f"971|{p.country}{p.national}", 5, 60, 200),
    Form("two with slash", "two", "mobile", lambda r, p, o: f"0{p.national} / 0{o.national}", 2, 8, 2),
    Form("two with ampersand", "two", "mobile", lambda r, p, o: f"0{p.national} & 0{o.national}", 1, 6, 1),
    Form("landline", "junk", "fixed", lambda r, p, o: f"04 {p.national}", 30, 4, 20),
    Form("landline, full", "junk", "fixed", lambda r, p, o: float(f"9714{p.national}"), 50, 3, 44),
    Form("landline, code last", "junk", "fixed", lambda r, p, o: f"{p.national}-04", 40, 0, 40),
    Form("one digit short", "junk", "invalid", _short, 61, 97, 260),
    Form("one digit long", "junk", "invalid", lambda r, p, o: f"971{p.national}5", 15, 25, 145),
    Form("pipe, no area digit", "junk", "invalid", lambda r, p, o: f"971|{p.national[-7:]}", 5, 5, 40),
    Form("destroyed by the spreadsheet", "junk", "review", lambda r, p, o: "9.71501E+11", 5, 12, 4),
    Form("another country's local form", "pakistani", "review", lambda r, p, o: f"0{p.national}", 6, 18, 4),
    Form("only 971", "junk", "empty", lambda r, p, o: r.choice((971.0, "971")), 559, 0, 0),
    Form("zero", "junk", "empty", lambda r, p, o: r.choice((0, 0, "0")), 264, 204, 40),
    Form("dash", "junk", "empty", lambda r, p, o: r.choice(("-", " ", "0.0")), 14, 10, 12),
    Form("pipe placeholder", "junk", "empty", lambda r, p, o: r.choice(("971|0", "971|.", "971|-")), 0, 0, 560),
)


def write(form: Form, book: PhoneBook, exchange: Exchange, random: Random) -> Cell:
    """Type one cell in this form, with a number of this owner's; the same owner keeps the same numbers."""
    first, second = _choose(form, book, exchange)
    raw = form.write(random, first, second)
    numbers: Numbers = ()
    if form.line == "mobile":
        numbers = (first.e164, second.e164) if form.kind == "two" else (first.e164,)
    elif form.line == "fixed":
        numbers = (f"+9714{first.national}",)
    return Cell(raw, form.line, numbers, form.name)


def _choose(form: Form, book: PhoneBook, exchange: Exchange) -> tuple[Phone, Phone]:
    if form.line == "fixed" or form.name == "pipe, no area digit":
        line = Phone("971", exchange.landline())
        return line, line
    if form.kind == "junk":
        junk = exchange.home() if form.line == "invalid" else Phone("971", "500000000")
        return junk, junk
    if form.kind == "pakistani":
        other = exchange.abroad("92")
        return other, other
    if form.kind in ("abroad", "saudi"):
        if book.abroad is None or (form.kind == "saudi" and book.abroad.country != "966"):
            book.abroad = exchange.abroad("966" if form.kind == "saudi" else "")
        return book.abroad, book.abroad
    if book.home is None:
        book.home = exchange.home()
    if form.kind == "two":
        if not book.others:
            book.others.append(exchange.home())
        return book.home, book.others[0]
    return book.home, book.home
