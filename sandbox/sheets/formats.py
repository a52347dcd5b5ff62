"""How Sheets shows a number, and what it makes of a text that somebody types."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no zone
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DATE_KINDS = ("DATE", "TIME", "DATE_TIME")

_BY_NAME = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_BY_NAME |= {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
_NUMBER = re.compile(r"([+-]?)([$€£]?)([+-]?)(\d{1,3}(?:,\d{3})+|\d+)?(\.\d*)?(?:([eE][+-]?\d{1,3})|(%))?\Z")
_NUMERIC_DATE = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})\Z")
_DAY_FIRST = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})[ ,-]+(\d{2}|\d{4})\Z")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9}) (\d{1,2}),? (\d{4})\Z")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])[Mm])?\Z")
_PATTERN = re.compile(r'"([^"]*)"|\\(.)|([yY]+|[mM]+|[dD]+|[hH]+|[sS]+|[aA][mM]/[pP][mM])|(.)', re.DOTALL)
_DIGITS = re.compile(r"[#0?,]*[#0?](?:\.[#0?]+)?(?:[eE]\+0+)?%?|\.[0#?]+")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[[^\]]*\]')


class Format(NamedTuple):
    """A number format: Google's type, and the pattern."""

    type: str
    pattern: str = ""


TEXT = Format("TEXT", "@")
DEFAULT_PATTERNS = {
    "NUMBER": "#,##0.00",
    "PERCENT": "0.00%",
    "CURRENCY": '"$"#,##0.00',
    "TIME": "h:mm:ss am/pm",
    "DATE_TIME": "m/d/yyyy h:mm:ss",
    "SCIENTIFIC": "0.00E+00",
    "TEXT": "@",
}


def day_first(locale: str) -> bool:
    """Whether 1/2 is the first of February."""
    return locale not in ("en_US", "")


def default_pattern(kind: str, locale: str) -> str:
    """The pattern of a type for which none was given."""
    if kind == "DATE":
        return "dd/mm/yyyy" if day_first(locale) else "m/d/yyyy"
    return DEFAULT_PATTERNS.get(kind, "")


def number(value: float) -> int | float:
    """A number as a cell keeps it: a double, without the .0 of a whole one."""
    if isinstance(value, int):
        return value if -(2**53) <= value <= 2**53 else _whole(float(value))
    return _whole(value)


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def general(value: float) -> str:
    """A number in the automatic format."""
    if isinstance(value, int):
        return str(value) if -(10**15) < value < 10**15 else _scientific(float(value))
    if value != value or value in (float("inf"), float("-inf")):
        return "#NUM!"
    if abs(value) >= 1e15 or (value and abs(value) < 1e-5):
        return _scientific(value)
    whole = len(str(int(abs(value))))
    shown = f"{value:.{max(0, 10 - whole) if value >= 1 or value <= -1 else 10}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _scientific(value: float) -> str:
    digits, exponent = f"{value:.5E}".split("E")
    return f"{digits.rstrip('0').rstrip('.')}E{exponent[0]}{exponent[1:].zfill(2)}"


def shown(value: float, form: Format, locale: str = "en_US") -> str:
    """A number in a format."""
    pattern = form.pattern or default_pattern(form.type, locale)
    if form.type in DATE_KINDS:
        return shown_date(value, pattern)
    if not pattern or form.type == "TEXT":
        return general(value)
    parts = pattern.split(";")
    if value < 0 and len(parts) > 1:
        return _filled(-value, parts[1])
    return _filled(value, parts[0])


def _filled(value: float, pattern: str) -> str:
    bare = _LITERAL.sub(lambda found: found[1] or found[2] or "", pattern)
    digits = _DIGITS.search(bare)
    if digits is None:
        return bare if bare.strip() else general(value)
    mask = digits[0]
    percent = mask.endswith("%")
    mask = mask.rstrip("%")
    exact = Decimal(repr(value)) * (100 if percent else 1)
    if "E" in mask.upper():
        decimals = len(mask.upper().split("E")[0].partition(".")[2])
        text = f"{float(exact):.{decimals}E}"
        mantissa, exponent = text.split("E")
        text = f"{mantissa}E{exponent[0]}{exponent[1:].zfill(2)}"
    else:
        whole, _, decimals_mask = mask.partition(".")
        text = f"{exact:{',' if ',' in whole else ''}.{len(decimals_mask)}f}"
        for optional in reversed(decimals_mask):
            if optional != "#" or not text.endswith("0"):
                break
            text = text[:-1]
        text = text.rstrip(".")
        least = whole.replace(",", "").count("0")
        sign = "-" if text.startswith("-") else ""
        body = text.lstrip("-")
        if "," not in whole and len(body.partition(".")[0]) < least:
            head, dot, tail = body.partition(".")
            text = sign + head.zfill(least) + dot + tail
    return bare[: digits.start()] + text + ("%" if percent else "") + bare[digits.end() :]


def shown_date(serial: float, pattern: str) -> str:
    """A serial number as a date or a time."""
    try:
        at = EPOCH + timedelta(seconds=round(serial * 86400))
    except OverflowError:
        return "#NUM!"
    tokens = [found.groups() for found in _PATTERN.finditer(pattern)]
    afternoon = any(token and token.lower() == "am/pm" for _, _, token, _ in tokens)
    words: list[str] = []
    previous = ""
    for position, (quote, escaped, token, other) in enumerate(tokens):
        if token is None:
            words.append(quote if quote is not None else escaped if escaped is not None else other)
            continue
        following = next((each[2] for each in tokens[position + 1 :] if each[2]), "") or ""
        letter = token[0].lower()
        minutes = letter == "m" and len(token) < 3 and (previous == "h" or following[:1].lower() == "s")
        words.append(_part(at, token, minutes=minutes, afternoon=afternoon))
        previous = letter
    return "".join(words)


def _part(at: datetime, token: str, *, minutes: bool, afternoon: bool) -> str:
    letter, length = token[0].lower(), len(token)
    if letter == "a":
        return "AM" if at.hour < 12 else "PM"
    if letter == "y":
        return f"{at.year:04d}" if length > 2 else f"{at.year % 100:02d}"
    if letter == "m" and not minutes and length >= 3:
        return MONTHS[at.month - 1] if length == 4 else MONTHS[at.month - 1][: 3 if length == 3 else 1]
    if letter == "d" and length >= 3:
        name = DAYS[at.weekday()]
        return name if length > 3 else name[:3]
    value = {
        "m": at.minute if minutes else at.month,
        "d": at.day,
        "h": (at.hour % 12 or 12) if afternoon else at.hour,
        "s": at.second,
    }[letter]
    return f"{value:02d}" if length > 1 else str(value)


def serial(at: datetime) -> int | float:
    """A moment as Sheets counts it: days since 30 December 1899."""
    gone = at - EPOCH
    return gone.days if not gone.seconds else gone.days + gone.seconds / 86400


def typed(text: str, locale: str) -> tuple[str | int | float | bool, Format | None]:
    """What Sheets understands by a text that is typed into a cell, formulas aside."""
    bare = text.strip()
    if bare.upper() in ("TRUE", "FALSE"):
        return bare.upper() == "TRUE", None
    if bare and (bare[0] in "+-.$€£" or bare[0].isdigit()):
        understood = _number(bare) or _moment(bare, locale)
    else:
        understood = _moment(bare, locale) if bare[:1].isalpha() and bare[-1:].isdigit() else None
    return understood or (text, None)


def _number(text: str) -> tuple[int | float, Format | None] | None:
    found = _NUMBER.match(text)
    if found is None or not (found[4] or (found[5] and len(found[5]) > 1)) or (found[1] and found[3]):
        return None
    value = float(f"{found[1] or found[3]}{(found[4] or '0').replace(',', '')}{found[5] or ''}{found[6] or ''}")
    decimals = found[5] and len(found[5]) > 1
    if found[7]:
        return number(float(Decimal(repr(value)) / 100)), Format("PERCENT", "0.00%" if decimals else "0%")
    if found[2]:
        return number(value), Format("CURRENCY", f'"{found[2]}"#,##0' + (".00" if decimals else ""))
    if found[6]:
        return number(value), Format("SCIENTIFIC", "0.00E+00")
    if "," in (found[4] or ""):
        return number(value), Format("NUMBER", "#,##0.00" if decimals else "#,##0")
    return number(value), None


def _moment(text: str, locale: str) -> tuple[int | float, Format] | None:
    if (clock := _clock(text)) is not None:
        return clock
    day, _, rest = text.partition(" ")
    if ":" in rest and (clock := _clock(rest)) is not None and (on := _day(day, locale)) is not None:
        return on[0] + clock[0], Format("DATE_TIME", f"{on[1]} {clock[1].pattern}")
    on = _day(text, locale)
    return None if on is None else (on[0], Format("DATE", on[1]))


def _clock(text: str) -> tuple[float, Format] | None:
    found = _TIME.match(text)
    if found is None:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    if minutes > 59 or seconds > 59 or hours > 23 or (found[4] and not 1 <= hours <= 12):
        return None
    if found[4]:
        hours = hours % 12 + (12 if found[4].lower() == "p" else 0)
    pattern = "h:mm" + (":ss" if found[3] else "") + (" am/pm" if found[4] else "")
    return (hours * 3600 + minutes * 60 + seconds) / 86400, Format("TIME", pattern)


def _day(text: str, locale: str) -> tuple[int, str] | None:
    if found := _NUMERIC_DATE.match(text):
        one, mark, two, three = found.groups()
        if len(one) == 4:
            return _counted(int(one), int(two), int(three), f"yyyy{mark}mm{mark}dd")
        if len(one) > 2 or len(three) not in (2, 4):
            return None
        month, on = (int(two), int(one)) if day_first(locale) else (int(one), int(two))
        pattern = f"dd{mark}mm{mark}yyyy" if day_first(locale) else f"m{mark}d{mark}yyyy"
        return _counted(_century(three), month, on, pattern)
    if found := _DAY_FIRST.match(text):
        return _counted(_century(found[3]), _BY_NAME.get(found[2].lower(), 0), int(found[1]), "d mmm yyyy")
    if found := _MONTH_FIRST.match(text):
        return _counted(int(found[3]), _BY_NAME.get(found[1].lower(), 0), int(found[2]), "mmm d, yyyy")
    return None


def _century(year: str) -> int:
    return int(year) if len(year) == 4 else 2000 + int(year) if int(year) < 30 else 1900 + int(year)


def _counted(year: int, month: int, day: int, pattern: str) -> tuple[int, str] | None:
    try:
        return (date(year, month, day) - EPOCH.date()).days, pattern
    except ValueError:
        return None
