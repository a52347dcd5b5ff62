"""One key for the ways in which a Gulf name is written: محمد, Mohammed and Muhammad have the same.

What libraries offer turns Arabic into one Latin spelling; people use many. So both scripts are brought down to the
consonants that all spellings share. A key that is alike is a hint that goes with others, never a proof.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crm.names import normalize_name

# Latin sounds of two letters, before single ones. Sh is S, kh is X; the rest share a letter with their neighbours.
_PAIRS = (("sch", "S"), ("tch", "S"), ("sh", "S"), ("ch", "S"), ("kh", "X"), ("gh", "g"), ("dh", "d"), ("th", "t"), ("ph", "f"), ("ck", "k"))  # fmt: skip
_LATIN = str.maketrans({"j": "g", "q": "k", "c": "k", "v": "f", "p": "b", "x": "X"})
# As crm/names.py has folded them: one alif, one ya, one kaf, and ta marbuta as ha.
_ARABIC = str.maketrans(
    {
        "ب": "b", "پ": "b", "ت": "t", "ث": "t", "ط": "t", "ج": "g", "چ": "S", "غ": "g", "گ": "g", "ح": "h", "ه": "h",
        "خ": "X", "د": "d", "ذ": "d", "ض": "d", "ر": "r", "ز": "z", "ظ": "z", "ژ": "z", "س": "s", "ص": "s", "ش": "S",
        "ف": "f", "ڤ": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m", "ن": "n", "و": "w", "ي": "y", "ا": "a", "ع": "e",
        "ء": "",
    }
)  # fmt: skip
_CONNECTING = {"bin", "ibn", "ben", "bint", "bn", "binti", "abn", "بن", "ابن", "بنت", "al", "el", "ul", "ال"}
_SERVANT = {"abd", "abdul", "abdel", "abdal", "abdol", "abdu", "عبد"}
_SERVANT_OF = re.compile(r"^(?:abd[aeuo]?l?|عبد)(?=..)")
_ARTICLE = re.compile(r"^[aeu]l")
_VOWELS = re.compile(r"[aeiouwy]")
_DOUBLED = re.compile(r"(.)\1+")
# Names that only their vowels tell apart.
_APART = dict.fromkeys(("hussain", "hussein", "husain", "husein", "hossein", "hosein", "hussien", "حسين"), "hsyn")
_APART |= dict.fromkeys(("amr", "amro", "عمرو"), "amrw")


@lru_cache(maxsize=65_536)
def name_key(name: str) -> str:
    """The consonants of a name, word by word; empty for a name without letters."""
    words = [word for word in normalize_name(name).split() if word not in _CONNECTING]
    keys: list[str] = []
    servant = False
    for word in words or normalize_name(name).split():
        if word in _SERVANT:
            servant = True
            continue
        keys.append("abd" + _skeleton(_bare(word)) if servant else _key(word))
        servant = False
    if servant:
        keys.append("abd")
    return " ".join(keys)[:200]


def _key(word: str) -> str:
    if word in _APART:
        return _APART[word]
    whose = _SERVANT_OF.match(word)
    if whose:
        return "abd" + _skeleton(_bare(word[whose.end() :]))
    return _skeleton(_bare(word, shortest=7))


def _bare(word: str, shortest: int = 3) -> str:
    """Without its article: Al-Hashimi, Alhashimi and Hashimi are one. Arabic writes fewer letters for the same word."""
    if word.startswith("ال"):
        return word[2:] if len(word) >= min(shortest, 5) else word
    return word[2:] if _ARTICLE.match(word) and len(word) >= shortest else word


def _skeleton(word: str) -> str:
    text = word
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    text = text.translate(_LATIN).translate(_ARABIC)
    first, rest = text[:1], _VOWELS.sub("", text[1:])
    if first in {"a", "e", "i", "o", "u"}:
        first = "a"
    key = _DOUBLED.sub(r"\1", first + rest)
    return key.removesuffix("h") or key
