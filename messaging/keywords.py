"""Words by which people stop and start our messages, in the languages of our customers. Pure.

Only a message that is the word, or little more than the word, counts: "please stop by tomorrow" does not. However loudly
it is said: STOP!!!, s t o p, stoooop, إيـقـاف, please stop, STOP STOP STOP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from messaging.letters import folded, unstressed


class Wish(StrEnum):
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Said:
    """A wish, and in which language it was said: `` for words that everybody uses, such as STOP."""

    wish: Wish
    language: str


_STOP: dict[str, tuple[str, ...]] = {
    "": ("stop", "unsubscribe"),
    "en": (
        "stop all", "stop it", "stop this", "stop now", "stop messages", "stop these messages", "stop messaging",
        "stop messaging me", "stop texting me", "stop sending", "stop sending messages", "stop sending me messages",
        "stop promotions", "stop offers", "stop ads", "stop marketing", "unsubscribe me", "unsubscribe all",
        "cancel subscription", "opt out", "optout", "opt me out", "remove me", "remove my number",
        "remove me from your list", "take me off your list", "delete my number", "end messages", "no more messages",
        "no more ads", "no more offers", "no promotions", "do not contact me", "dont contact me", "do not message me",
        "dont message me", "do not text me", "dont text me", "do not send me messages", "dont send me messages",
        "dont send", "leave me alone",
    ),
    "ar": (
        "الغاء", "الغاء الاشتراك", "الغي الاشتراك", "الغ الاشتراك", "الغوا الاشتراك", "ايقاف", "ايقاف الرسائل",
        "ايقاف الاعلانات", "توقف", "توقفوا", "توقف عن الارسال", "توقفوا عن الارسال", "اوقف", "اوقفوا", "اوقف الرسائل",
        "اوقفوا الرسائل", "وقف", "وقفوا", "وقف الرسائل", "وقفوا الرسائل", "قف", "كفي", "لا ترسل", "لا ترسلوا",
        "لا ترسلوا لي", "لا ترسل لي", "لا تراسلني", "لا تراسلوني", "لا اريد رسائل", "لا اريد رسائلكم", "ما ابي رسائل",
        "ما اريد رسائل", "لا تزعجني", "لا تزعجوني", "احذف رقمي", "احذفوا رقمي", "امسح رقمي", "شيلوا رقمي", "ستوب",
        "ilgha", "elgha", "iqaf", "eqaf",
    ),
    "fr": (
        "arret", "arreter", "arrete", "arretez", "arretez les messages", "arreter les messages", "arretez de m ecrire",
        "desabonner", "desabonnez moi", "desinscrire", "desinscription", "desinscrivez moi", "se desabonner",
        "me desabonner", "desabonnement", "stopper", "stop pub", "stop publicite", "plus de messages", "plus de pub",
        "ne m ecrivez plus", "ne mecrivez plus", "ne me contactez plus", "retirez moi de votre liste",
    ),
    "hi": (
        "रोकें", "रोको", "रोक दो", "रोक दें", "रोकिए", "बंद करो", "बंद करें", "बंद कर दो", "बंद कर दें", "बंद कीजिए", "बंद",
        "मैसेज बंद करो", "मैसेज बंद करें", "संदेश बंद करें", "मैसेज मत भेजो", "मैसेज मत भेजें", "मत भेजो", "मत भेजें", "सदस्यता समाप्त करें",
        "सदस्यता रद्द करें", "स्टॉप", "band karo", "band kar do", "band kijiye", "rok do", "roko", "message mat bhejo",
        "mat bhejo",
    ),
    "ur": (
        "بند کریں", "بند کرو", "بند کر دیں", "بند کر دو", "بند کردیں", "بند کردو", "روکیں", "روکو", "روک دیں", "روک دو", "بند",
        "مت بھیجیں", "مت بھیجو", "پیغام مت بھیجیں", "میسج مت بھیجیں", "میسج بند کریں", "پیغامات بند کریں", "اسٹاپ", "سٹاپ",
        "band karein", "band kar dein", "rok dein", "message mat bhejein",
    ),
    "ne": (
        "रोक्नुहोस्", "रोक्नुस्", "रोक्नु", "रोक", "बन्द गर्नुहोस्", "बन्द गर्नुस्", "बन्द गर", "बन्द", "सन्देश बन्द गर्नुहोस्", "म्यासेज बन्द गर्नुहोस्",
        "नपठाउनुहोस्", "नपठाउनुस्", "म्यासेज नपठाउनुहोस्", "सन्देश नपठाउनुहोस्", "सदस्यता रद्द गर्नुहोस्", "banda garnuhos", "banda gara",
        "roknuhos", "napathaunuhos",
    ),
}  # fmt: skip
_START: dict[str, tuple[str, ...]] = {
    "": ("start", "unstop", "subscribe"),
    "en": ("start again", "start all", "start messages", "resume", "resubscribe", "opt in", "optin", "opt me in"),
    "ar": (
        "ابدا", "ابدا من جديد", "ابدؤوا", "بدء", "البدء", "اشتراك", "اشترك", "الاشتراك", "استئناف", "استانف",
        "ستارت", "ibda", "ebda",
    ),
    "fr": ("reprendre", "reprenez", "demarrer", "commencer", "abonner", "s abonner", "m abonner", "sabonner", "me reabonner", "reabonner"),
    "hi": ("शुरू करें", "शुरू करो", "शुरू कर दो", "शुरू कीजिए", "शुरू", "शुरु करें", "शुरु करो", "शुरु", "स्टार्ट", "चालू करें", "चालू करो", "shuru karo"),
    "ur": ("شروع کریں", "شروع کرو", "شروع کر دیں", "شروع کردیں", "شروع", "اسٹارٹ", "سٹارٹ", "shuru karein"),
    "ne": ("सुरु गर्नुहोस्", "सुरु गर्नुस्", "सुरु गर", "सुरु", "शुरु गर्नुहोस्", "सुचारु गर्नुहोस्", "suru garnuhos", "suru gara"),
}  # fmt: skip
# Said before or after the word by the polite, and by those who have had enough.
_AROUND = (
    "please", "pls", "plz", "plse", "kindly", "now", "ok", "okay", "thanks", "thank you", "thx", "sir", "dear", "just",
    "immediately", "من فضلك", "من فضلكم", "لو سمحت", "لو سمحتم", "رجاء", "الرجاء", "ارجوك", "ارجوكم", "فضلا", "شكرا", "يرجي",
    "الان", "فورا", "خلاص", "svp", "s il vous plait", "s il te plait", "sil vous plait", "merci", "maintenant",
    "कृपया", "प्लीज", "प्लीज़", "धन्यवाद", "अभी", "अब", "براہ کرم", "براے مہربانی", "برائے مہربانی", "مہربانی", "پلیز", "شکریہ", "ابھی", "अहिले",
)  # fmt: skip
LONGEST = 60


def said_in(text: str) -> Said | None:
    """What the sender wants by this message, and in which language, or None when it is about something else."""
    if len(text) > LONGEST:
        return None
    words = folded(text)
    return _WISHES.get(words) or _WISHES.get(_bare(unstressed(words)))


def wish_of(text: str) -> Wish | None:
    """What the sender wants by this message, or None when it is about something else."""
    said = said_in(text)
    return said.wish if said else None


def _bare(words: str) -> str:
    """Without the polite words around it."""
    while True:
        shorter = words
        for around in _AROUND_FOLDED:
            shorter = shorter.removeprefix(f"{around} ").removesuffix(f" {around}")
        if shorter == words:
            return words
        words = shorter


# Where two languages share a word, the one that comes first has it.
_WISHES: dict[str, Said] = {}
for _wish, _words in ((Wish.STOP, _STOP), (Wish.START, _START)):
    for _language, _each in _words.items():
        for _word in _each:
            _WISHES.setdefault(folded(_word), Said(_wish, _language))
_AROUND_FOLDED = tuple(folded(word) for word in _AROUND)
