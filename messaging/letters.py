"""The same words written differently, made the same: case, accents, vowel marks, tatweel, alefs, digits, emphasis. Pure."""

from __future__ import annotations

import re
import unicodedata

_DEVANAGARI = ("\u0900", "\u097f")
_DANDAS = "\u0964\u0965"
_ARABIC = str.maketrans(
    {
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ؤ": "و", "ئ": "ي", "ة": "ه", "ـ": None,
        # Urdu and Persian keyboards have letters of their own for the same sounds
        "ک": "ك", "ی": "ي", "ے": "ي", "ہ": "ه", "ھ": "ه", "ۂ": "ه", "ں": "ن",
    }
)  # fmt: skip
_SPACES = re.compile(r"\s+")
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")


def plain_digits(text: str) -> str:
    """Arabic-Indic, Persian and Devanagari digits as 0-9; everything else as it is."""
    return "".join(str(unicodedata.digit(each)) if each.isdigit() and not each.isascii() else each for each in text)


def folded(text: str) -> str:
    """Lower case, without vowel marks of Latin and Arabic script, punctuation and the many forms of alef."""
    letters = (
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if not (unicodedata.category(letter) == "Mn" and not _is_devanagari(letter))
        and unicodedata.category(letter) != "Cf"
    )
    plain = "".join(letters).translate(_ARABIC).replace("'", "").replace("’", "")
    kept = (letter if letter.isalnum() or _is_devanagari(letter) else " " for letter in plain)
    return _SPACES.sub(" ", plain_digits("".join(kept))).strip()


def unstressed(words: str) -> str:
    """Folded words without emphasis: `stoooop` and `s t o p` are `stop`, `stop stop stop` is said once."""
    calm = _DRAWN_OUT.sub(r"\1", words)
    each = calm.split()
    if len(each) > 2 and all(len(letter) == 1 for letter in each):
        return "".join(each)
    return " ".join(word for number, word in enumerate(each) if number == 0 or word != each[number - 1])


def _is_devanagari(letter: str) -> bool:
    """Vowel signs of Devanagari are marks too, but a word without them is another word."""
    return _DEVANAGARI[0] <= letter <= _DEVANAGARI[1] and letter not in _DANDAS
