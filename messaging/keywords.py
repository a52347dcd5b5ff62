"""Words by which people stop and start our messages, in the languages of our customers. Pure.

Only a message that is the word, or little more than the word, counts: "please stop by tomorrow" does not.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Wish(StrEnum):
    STOP = "stop"
    START = "start"


_STOP = {
    # English
    "stop", "stop all", "stop messages", "stop messaging", "stop messaging me", "stop promotions", "please stop",
    "pls stop", "stop please", "unsubscribe", "unsubscribe me", "cancel subscription", "opt out", "optout",
    "remove me", "end messages", "no more messages", "do not contact me", "dont contact me", "dont message me",
    # Arabic
    "الغاء", "الغاء الاشتراك", "ايقاف", "توقف", "توقفوا", "اوقف", "وقف", "قف", "لا ترسل", "لا تراسلني",
    "لا تراسلوني", "ايقاف الرسائل", "الغي الاشتراك", "ستوب",
    # French
    "arret", "arreter", "arretez", "desabonner", "desinscrire", "se desabonner", "desabonnement", "stopper",
    # Hindi
    "रोकें", "रोको", "बंद करो", "बंद करें", "बंद", "सदस्यता समाप्त करें", "band karo",
    # Urdu
    "بند کریں", "بند کرو", "روکیں", "بند", "مت بھیجیں",
    # Nepali
    "रोक्नुहोस्", "बन्द गर्नुहोस्", "बन्द",
}  # fmt: skip
_START = {
    "start", "unstop", "subscribe", "resume", "opt in", "optin", "start again",
    "ابدا", "اشتراك", "اشترك", "استئناف", "البدء",
    "reprendre", "demarrer", "commencer", "abonner", "s abonner",
    "शुरू करें", "शुरू करो", "शुरू", "شروع کریں", "شروع", "सुरु गर्नुहोस्", "सुरु",
}  # fmt: skip

_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ؤ": "و", "ة": "ه", "ـ": None})
LONGEST = 40


def wish_of(text: str) -> Wish | None:
    """What the sender wants by this message, or None when it is about something else."""
    if len(text) > LONGEST:
        return None
    words = _normalized(text)
    if words in _STOP_NORMALIZED:
        return Wish.STOP
    return Wish.START if words in _START_NORMALIZED else None


def _normalized(text: str) -> str:
    """Lower case, without vowel marks of Latin and Arabic script, punctuation and the many forms of alef."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if not (unicodedata.category(letter) == "Mn" and not "\u0900" <= letter <= "\u097f")
        and unicodedata.category(letter) != "Cf"
    )
    plain = plain.translate(_ARABIC).replace("'", "").replace("’", "")
    kept = (letter if letter.isalnum() or "\u0900" <= letter <= "\u097f" else " " for letter in plain)
    return re.sub(r"\s+", " ", "".join(kept)).strip()


_STOP_NORMALIZED = {_normalized(word) for word in _STOP}
_START_NORMALIZED = {_normalized(word) for word in _START}
