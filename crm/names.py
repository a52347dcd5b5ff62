"""Names of people and companies: made comparable, told apart, divided."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# One Arabic letter is written in several ways; typists do not agree on which.
_ARABIC = str.maketrans("أإآٱىةؤئیکے", "اااايهوييكي", "ـ")
_DROPPED = re.compile(r"[.'’`\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_APART = re.compile(r"[^\w]+|_")
_TITLES = {
    "mr", "mrs", "ms", "miss", "dr", "eng", "sheikh", "sheikha", "hh", "he", "m/s", "السيد", "السيده", "الشيخ", "الدكتور",
}  # fmt: skip
_COMPANY_WORDS = {
    "llc", "fze", "fzco", "fzllc", "ltd", "limited", "inc", "corp", "corporation", "plc", "pjsc", "company", "co", "holding",
    "holdings", "investment", "investments", "trading", "properties", "establishment", "bank", "group", "developers",
    "شركه", "مؤسسه", "موسسه", "مجموعه", "بنك", "ذمم",
}  # fmt: skip


@lru_cache(maxsize=65_536)
def normalize_name(name: str) -> str:
    """For matching: case, accents, Arabic spelling variants, titles, punctuation and spacing do not count."""
    text = name
    if not name.isascii():
        text = unicodedata.normalize("NFKD", name)
        text = "".join(character for character in text if not unicodedata.combining(character))
    text = _DROPPED.sub("", text.casefold()).replace("&", " and ").translate(_ARABIC)
    words = _APART.sub(" ", text).split()
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return " ".join(words)[:200]


def is_company(name: str) -> bool:
    """Whether the words say that it is a company; a guess that a person can correct."""
    words = set(normalize_name(name).split())
    return bool(words & _COMPANY_WORDS) or "real estate" in normalize_name(name)


def divide(name: str) -> tuple[str, str]:
    """First and last name of a person, where they can be told apart; ("", "") for one word or a company."""
    words = name.split()
    if len(words) < 2 or is_company(name):
        return "", ""
    return words[0][:100], " ".join(words[1:])[:100]


def tidy(name: str) -> str:
    """As shown: spaces made single; what somebody shouted in capitals is left as it was typed."""
    return " ".join(name.split())[:200]
