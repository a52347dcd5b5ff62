"""What a cell in which somebody typed phone numbers says.

phonenumbers (the Python port of libphonenumber) decides what is valid, by its own metadata; our code only unpicks how
people type: pipe forms, glued prefixes, trunk zeros, two numbers in a cell, area code last, floats, words around the
digits. A number that is valid only in some other region without its country code is put to review, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from core.errors import Invalid

Line = Literal["mobile", "fixed", "invalid", "review", "empty"]

# Where owners of Dubai property come from: whose local forms we recognise well enough to ask a person.
_NEIGHBOURS = (
    "AE", "SA", "QA", "KW", "OM", "BH", "PK", "IN", "EG", "GB", "JO", "LB", "BD", "NP", "PH", "LK", "IR", "IQ", "SY",
    "TR", "CN", "RU", "FR", "DE", "US", "NG", "KE", "ZA", "AU",
)  # fmt: skip
_REACHED_BY_WHATSAPP = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}
_SHORTEST, _LONGEST = 7, 15  # digits of a number: a local one, and E.164's limit
_SHORTEST_ABROAD = 10  # with its country code, where no + says that there is one

_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d+)")
_FLOAT = re.compile(r"(\D*\d+)\.0+")
_PIPE = re.compile(r"\D*(\d{1,4})\s*\|(.*)")
_AREA_LAST = re.compile(r"(\d{6,8})\s*[-/ ]\s*(0\d{1,2})")
_RUN = re.compile(r"\+?\s*\(?\d[\d\s().\-|/\\&,;+\u2010-\u2015]*")
_BETWEEN = re.compile(r"[/\\&,;\n]|(?<=\d)\s*(?=\+)")
_SPACES = re.compile(r"\s+|-{2,}")
_NOT_DIGITS = re.compile(r"\D+")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NOTHING = {"", "none", "nil", "null", "n/a", "na", "nan", "no", "x", "xx", "no number", "unknown", "undefined"}


class PhoneInvalid(Invalid):
    code = "phone_invalid"


@dataclass(frozen=True, slots=True)
class Number:
    """One valid number: E.164, `mobile` or `fixed` (valid, but not for WhatsApp), ISO 3166 country."""

    value: str
    line: Line
    country: str


@dataclass(frozen=True, slots=True)
class Cell:
    """All that one cell says. `line` is mobile when any number is; `reason` is a sentence where there is a doubt."""

    numbers: tuple[Number, ...] = ()
    line: Line = "empty"
    reason: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The numbers in E.164, in the order of the cell."""
        return tuple(number.value for number in self.numbers)


EMPTY = Cell()
MASK = "•••"


def read_cell(raw: object, region: str) -> Cell:
    """Every number in a typed or imported cell; `region` (ISO 3166) is where a number without a country code lives.

    Never raises: what cannot be read comes back as `invalid` or `review` with a sentence why.
    """
    if raw is None or raw == "":
        return EMPTY
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e16:
        raw = int(raw)
    return _read(str(raw), region.upper())


def normalize(raw: str, region: str) -> str:
    """The one number of a form's field in E.164. Raises PhoneInvalid with a sentence that says what to do."""
    cell = read_cell(raw, region)
    if len(cell.numbers) == 1 and not cell.reason:
        return cell.numbers[0].value
    if len(cell.numbers) > 1:
        raise PhoneInvalid("Write one number only; add the others one by one.", value=raw)
    why = cell.reason or "There is no number here."
    raise PhoneInvalid(f"{why} Write it with its country code, such as +971 50 123 4567.", value=raw)


def masked(value: str) -> str:
    """A number or an address that can be told from another, and not be used: +97150•••67, t•••@example.com.

    Of a number as people write it, without its country, less is shown: six digits of `527418650` are nearly all of it.
    """
    name, at, host = value.partition("@")
    if at:
        return f"{name[:1]}{MASK}@{host}"
    return f"{value[: 6 if value.startswith('+') else 2]}{MASK}{value[-2:]}"


@lru_cache(maxsize=65_536)
def _read(raw: str, region: str) -> Cell:
    # Nine cells in ten are one number with at most spaces and hyphens in it: nothing to unpick.
    plain = raw.replace(" ", "").replace("-", "")
    digits = plain[1:] if plain[:1] == "+" else plain
    if (
        digits.isdigit()
        and digits.isascii()
        and len(digits) <= _LONGEST
        and (plain == raw or not _AREA_LAST.fullmatch(raw))
    ):
        return _plain(digits, plain[:1] == "+", region)
    text = _ascii(raw)
    if text.strip(" .-_/*?#()|").lower() in _NOTHING:
        return EMPTY
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific:
        first, rest, exponent = scientific[1], scientific[2] or "", int(scientific[3])
        if len(rest) != exponent:
            return Cell(line="review", reason="The spreadsheet has rounded this number: its last digits are lost.")
        text = first + rest
    as_float = _FLOAT.fullmatch(text)
    if as_float:
        text = as_float[1]
    if not any(character.isdigit() for character in text):
        return Cell(line="invalid", reason="There is no number in this cell.")
    cells = [_one(part, region) for part in _parts(text)]
    return _join(cells) if len(cells) > 1 or cells[0].numbers else _without_tail(text, region) or cells[0]


def _ascii(raw: str) -> str:
    """Arabic-Indic and full-width digits as 0-9, no invisible marks."""
    text = unicodedata.normalize("NFKC", raw)
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        text = "".join(
            str(unicodedata.digit(character)) if character.isdigit() and not character.isascii() else character
            for character in text
        )
    return text.strip()


def _parts(text: str) -> list[str]:
    """The numbers of a cell apart. A slash or a comma parts numbers only when both sides are long enough to be one."""
    runs = [run.strip() for run in _RUN.findall(text)]
    long = [run for run in runs if _count(run) >= _SHORTEST]
    parts: list[str] = []
    for run in long or ["".join(runs)]:
        pieces = _merge(_BETWEEN.split(run))
        if len(pieces) < 2 and _count(run) > _LONGEST:
            pieces = _merge(_SPACES.split(run))
        parts += pieces if len(pieces) > 1 else [run]
    return parts


def _merge(pieces: list[str]) -> list[str]:
    """Pieces that are numbers; a short one in front belongs to the next, one at the end to nothing."""
    merged: list[str] = []
    before = ""
    for piece in pieces:
        if _count(piece) < _SHORTEST:
            before += piece
        else:
            merged.append(before + piece)
            before = ""
    return merged if not merged or not before or len(merged) > 1 else [merged[0] + before]


def _without_tail(text: str, region: str) -> Cell | None:
    """`0501234567 / 8`: the number before what is too short to be another."""
    pieces = _BETWEEN.split(text)
    if len(pieces) != 2 or not 0 < _count(pieces[1]) < _SHORTEST:
        return None
    cell = _one(pieces[0], region)
    reason = f"What follows the number ({pieces[1].strip()}) is too short to be another."
    return Cell(cell.numbers, cell.line, reason) if cell.numbers else None


def _count(text: str) -> int:
    return len(_NOT_DIGITS.sub("", text))


def _join(cells: list[Cell]) -> Cell:
    if len(cells) == 1:
        return cells[0]
    numbers = tuple(dict.fromkeys(number for cell in cells for number in cell.numbers))
    reasons = [cell.reason for cell in cells if cell.reason]
    if not numbers:
        return next((cell for cell in cells if cell.line == "review"), cells[0])
    line: Line = "mobile" if any(number.line == "mobile" for number in numbers) else "fixed"
    return Cell(numbers, line, " ".join(reasons))


def _one(text: str, region: str) -> Cell:
    """One number as somebody typed it."""
    pipe = _PIPE.fullmatch(text)
    if pipe:
        return _after_pipe(pipe[1].lstrip("0"), _NOT_DIGITS.sub("", pipe[2]), region)
    area_last = _AREA_LAST.fullmatch(text.strip())
    if area_last:
        number = _national(area_last[2] + area_last[1], region)
        if number and number.line == "fixed":
            return _found(number)
    return _plain(_NOT_DIGITS.sub("", text), text.lstrip(" (").startswith("+"), region)


def _after_pipe(code: str, subscriber: str, region: str) -> Cell:
    """`971|501234567`: country and subscriber. Forms fill the country in by themselves, so a whole foreign number may
    stand behind it."""
    significant = subscriber.lstrip("0")
    if not significant:
        return EMPTY
    number = _international(code + significant)
    if number is None and len(significant) >= _SHORTEST_ABROAD and not _is_local(subscriber):
        number = _international(significant)
    if number:
        return _found(number)
    if _is_local(subscriber) and _valid_elsewhere(subscriber, region):
        return _review()
    return Cell(line="invalid", reason=_why(code + significant))


def _plain(digits: str, with_plus: bool, region: str) -> Cell:
    code, significant = str(_code_of(region)), digits.lstrip("0")
    if not significant.removeprefix(code).strip("0"):
        return EMPTY
    if with_plus or digits.startswith("00"):
        number = _international(significant)
        return _found(number) if number else Cell(line="invalid", reason=_why(significant))
    number = _national(digits, region)
    if number is None and not digits.startswith("0") and len(digits) >= _SHORTEST_ABROAD:
        number = _international(digits)
    if number:
        return _found(number)
    if significant.startswith(code) and len(digits) > _SHORTEST + 1:
        return Cell(line="invalid", reason=_why(significant))
    if _SHORTEST < len(digits) <= _LONGEST and _valid_elsewhere(digits, region):
        return _review()
    return Cell(line="invalid", reason=_why(digits, local_to=region))


def _is_local(digits: str) -> bool:
    return digits.startswith("0") and not digits.startswith("00")


def _found(number: Number) -> Cell:
    return Cell((number,), number.line)


def _review() -> Cell:
    return Cell(line="review", reason="This is another country's local form: which country is for a person to say.")


def _why(digits: str, local_to: str = "") -> str:
    if len(digits) > _LONGEST:
        return f"{len(digits)} digits are too many for one number."
    if len(digits) < _SHORTEST:
        return f"{len(digits)} digits are too few for a number."
    where = local_to or _region_of_code(digits)
    return f"This is not a valid number of {where}: a digit too many, too few, or a missing area code."


def _region_of_code(digits: str) -> str:
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or 0))
        if regions:
            return str(regions[0])
    return "any country"


def _valid_elsewhere(digits: str, region: str) -> bool:
    return any(_national(digits, other) for other in _NEIGHBOURS if other != region)


def _national(digits: str, region: str) -> Number | None:
    """A number as dialled in its region: with or without trunk zero, or with the region's own country code."""
    code = _code_of(region)
    bare = digits[1:] if digits.startswith("0") else digits
    if bare.startswith(str(code)):
        bare = bare[len(str(code)) :].removeprefix("0")
    general = _general(region)
    if general and not general.fullmatch(bare):
        return None
    return _quick(code, bare) or _parsed(digits, region)


@lru_cache(maxsize=512)
def _general(region: str) -> re.Pattern[str] | None:
    """What every national number of the region looks like; None where more than a zero may stand in front of it."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.national_prefix_for_parsing not in {None, "0"} or metadata.general_desc is None:
        return None
    pattern = metadata.general_desc.national_number_pattern
    return re.compile(pattern) if pattern else None


@lru_cache(maxsize=512)
def _code_of(region: str) -> int:
    return phonenumbers.country_code_for_region(region)


def _international(digits: str) -> Number | None:
    """A number that begins with its country code, without the plus; a trunk zero behind the code does no harm."""
    for length in (3, 2, 1):
        code = int(digits[:length] or 0)
        if code in COUNTRY_CODE_TO_REGION_CODE:
            return _quick(code, digits[length:].removeprefix("0")) or _parsed(f"+{digits}", None)
    return None


def _parsed(text: str, region: str | None) -> Number | None:
    """What libphonenumber makes of it, by its slow and thorough way."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return _number(number, phonenumbers.number_type(number), phonenumbers.region_code_for_number(number) or "")


def _number(number: PhoneNumber, kind: int, country: str) -> Number:
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Number(value, "mobile" if kind in _REACHED_BY_WHATSAPP else "fixed", country)


def _quick(code: int, national: str) -> Number | None:
    """A plain mobile of a country with a code of its own, by libphonenumber's own patterns; None says nothing.

    Parsing takes fifty microseconds, and an import reads thirty thousand cells.
    """
    patterns = _patterns(code)
    if patterns is None:
        return None
    mobile, others, country = patterns
    if mobile.fullmatch(national) and not others.fullmatch(national):
        return Number(f"+{code}{national}", "mobile", country)
    return None


@lru_cache(maxsize=512)
def _patterns(code: int) -> tuple[re.Pattern[str], re.Pattern[str], str] | None:
    """What a mobile of the country looks like, what everything else there does, and the country."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    metadata = PhoneMetadata.metadata_for_region(regions[0], None) if len(regions) == 1 else None
    if metadata is None or metadata.mobile is None or metadata.mobile.national_number_pattern is None:
        return None
    others: list[PhoneNumberDesc | None] = [
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
        metadata.fixed_line,
    ]
    patterns = [each.national_number_pattern for each in others if each and each.national_number_pattern]
    either = "|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)"
    return re.compile(metadata.mobile.national_number_pattern), re.compile(either), regions[0]
