"""What a member wants by a message: the triggers that agents know, and freer forms, in English and Arabic. Pure.

Case, spaces, a trailing newline, Arabic digits and the forms of alef make no difference. A number is only ever given to
who asks for an owner; words that merely look like a unit are answered by a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from messaging.letters import folded, plain_digits


class Kind(StrEnum):
    PING = "ping"
    HELP = "help"
    GREETING = "greeting"
    REGISTERED = "registered"
    AGENTS = "agents"
    PROJECTS = "projects"
    CLUSTERS = "clusters"
    CAMPAIGN = "campaign"
    OWNER = "owner"
    CHOICE = "choice"
    YES = "yes"
    NO = "no"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Unit:
    """By what a unit is to be found; whatever is empty was not said."""

    house: str = ""
    place: str = ""
    municipality: str = ""
    p_number: str = ""
    registration: str = ""
    words: str = ""

    @property
    def is_named(self) -> bool:
        return any((self.house, self.place, self.municipality, self.p_number, self.registration, self.words))


@dataclass(frozen=True, slots=True)
class Request:
    """`words` are what is asked about: the name of a project or campaign, or the number of a choice."""

    kind: Kind
    language: str
    words: str = ""
    unit: Unit = field(default_factory=Unit)

    @property
    def number(self) -> int:
        return int(self.words)


_FLAGS = re.IGNORECASE
_NO = r"\s*(?:number|num|no|nr|رقم)?\s*[.:=#]?\s*"
_CODE = re.compile(r"(?:link|connect|ربط|اربط)\D{0,20}(\d{4})[\s-]?(\d{4})", _FLAGS)
_NUMBER = re.compile(r"(?:#|no\.?|number|رقم)?\s*(\d{1,2})\s*[.)]?", _FLAGS)
_HOUSE_AND_MUNICIPALITY = re.compile(
    rf"house{_NO}/\s*municipality{_NO}(?P<house>[\w-]*)\s*/\s*(?P<municipality>[\w-]+)", _FLAGS
)
_MUNICIPALITY = re.compile(rf"(?:\bmunicipality|\bmun\b|(?:ال)?بلدية|(?:ال)?بلديه){_NO}(?P<it>\d[\d-]*)", _FLAGS)
_IN = re.compile(
    r"(?P<house>[A-Za-z]{0,4}\d[\w/]*)\s*(?:-\s*in\s*-|\s+in\s+|\s+في\s+|\s+ب(?=ال))\s*(?P<place>.+)", _FLAGS
)
_HOUSE = re.compile(
    rf"(?:\bhouse|\bvilla|\bunit|\bapartment|\bapt|\bflat|\btownhouse|\bplot|منزل|فيلا|فلة|وحدة|وحده|شقة|شقه|بيت){_NO}"
    r"(?P<it>[A-Za-z]{0,4}-?\d[\w/-]*)",
    _FLAGS,
)
_P_NUMBER = re.compile(r"\bp\s*[-.#]?\s*(?:number|num|no)?\s*[.:=#-]?\s*(?P<it>\d{2,})\b", _FLAGS)
_REGISTRATION = re.compile(rf"(?:\bregistration|\breg\b|\btitle deed|(?:رقم )?التسجيل|تسجيل){_NO}(?P<it>\S.*)", _FLAGS)
_SLASH = re.compile(r"(?P<house>[A-Za-z]{0,4}\d[\w-]*)\s*/\s*(?P<municipality>\d[\d-]*)")
_OWNER = re.compile(r"\b(?:owners?|owns|landlords?)\b|مالك|ملاك|صاحب|صاحبة", _FLAGS)
_CLUSTERS = re.compile(
    r"(?:clusters?|buildings?|towers?|المجمعات|مجمعات|المباني|مباني|الابراج|الأبراج|ابراج|أبراج)", _FLAGS
)
_ABOUT = re.compile(r"(?:\b(?:in|of|at|for)\b|\bفي\b|\bمن\b)\s*(?P<it>.+)", _FLAGS)
_PROJECTS = re.compile(r"(?:(?:list|show|tell me|give me|what are|my|all|the|me)\s+)*(?:projects?)", _FLAGS)
_SEND_FOR_ME = re.compile(r"send messages? for me to\s+(?P<it>.+)", _FLAGS)
_CAMPAIGN = re.compile(
    r"(?:(?:start|run|launch|begin|send)\s+)?(?:the\s+|my\s+)?campaigns?(?:\s+(?:for|to|of|in|called|named))?\b\s*(?P<it>.*)",
    _FLAGS,
)
_START_CAMPAIGN = re.compile(r"(?:start|run|launch|begin)\s+(?:the\s+)?(?P<it>.+?)\s+campaign", _FLAGS)
_CAMPAIGN_ARABIC = re.compile(
    r"(?:(?:ابد[اأ]|إبد[اأ]|[اأ]طلق|شغل|[اأ]رسل|شغّل)\s+)?(?:ال)?حمل(?:ة|ه|ات)\s*(?P<it>.*)", _FLAGS
)
_ARABIC = re.compile("[\u0621-\u064a\u0671-\u06d3]")

_HELP = {
    "help",
    "menu",
    "?",
    "what can you do",
    "commands",
    "مساعده",
    "مساعدة",
    "القايمه",
    "القائمة",
    "قايمه",
    "ماذا تستطيع",
}
_GREETINGS = {
    "hi", "hello", "hey", "good morning", "good evening", "good afternoon", "salam", "salam alaikum", "hi there", "thanks",
    "thank you", "ok", "okay", "السلام عليكم", "سلام", "مرحبا", "اهلا", "هلا", "صباح الخير", "مساء الخير", "شكرا", "تمام",
}  # fmt: skip
_YES = {"yes", "y", "yes please", "start", "go", "confirm", "ok start", "نعم", "ايوه", "اي", "ابدا", "اكيد", "موافق"}
_REFUSED = {"no", "n", "cancel", "stop", "dont", "لا", "الغاء", "الغ"}
_AGENTS = {
    "tell me all registered agents", "all registered agents", "registered agents", "agents", "list agents", "my agents",
    "الوكلاء", "وكلاء", "قايمه الوكلاء",
}  # fmt: skip
_PROJECTS_ARABIC = {"مشاريعي", "المشاريع", "مشاريع", "قايمه المشاريع", "ما هي مشاريعي"}
_REGISTER = re.compile(r"i want to (?:register|signup|sign up) as .*", _FLAGS)
# Words around what is meant by "kindly share the mobile number of the owner of villa 12 in Zinnia, please".
_FILLER_WORDS = """
    kindly please pls plz share send give show get find tell me us the a an i need want what whats is are s secondary second
    other mobile phone contact whatsapp number numbers num no nr owner owners owns landlord landlords who for of from by with and in at
    to unit units villa house home apartment apt flat townhouse property cluster building tower
    من فضلك لو سمحت ابي ابغي اريد احتاج ارسل اعطني اعطيني هات عطني لي رقم ارقام جوال هاتف موبايل تلفون المالك مالك الملاك ملاك صاحب
    صاحبه الوحده وحده الفيلا فيلا فله منزل بيت شقه في من ما هو
"""


def code_in(text: str) -> str:
    """The eight digits by which a member shows that this phone is his, or nothing."""
    found = _CODE.fullmatch(_line(text))
    return found[1] + found[2] if found else ""


def language_of(text: str) -> str:
    """Arabic when there is an Arabic letter in it, else English."""
    return "ar" if _ARABIC.search(text) else "en"


def read(text: str, *, awaits_owner: bool = False) -> Request:
    """What the message asks for. `awaits_owner`: we have just asked of which unit."""
    line, plain, language = _line(text), folded(text), language_of(text)

    def made(kind: Kind, words: str = "", unit: Unit | None = None) -> Request:
        return Request(kind, language, words.strip(" .!?؟\"'“”«»"), unit or Unit())

    number = _NUMBER.fullmatch(line)
    if number:
        return made(Kind.CHOICE, number[1])
    for kind, known in _WHOLE.items():
        if plain in known or line.casefold() in known:
            return made(kind)
    if _REGISTER.fullmatch(line):
        return made(Kind.REGISTERED)
    if _PROJECTS.fullmatch(line.rstrip("?.! ")) or plain in _PROJECTS_ARABIC:
        return made(Kind.PROJECTS)
    return (
        _of_campaign(line, made)
        or _of_unit(line, made, is_asked=awaits_owner or bool(_OWNER.search(line)))
        or _of_clusters(line, made)
        or made(Kind.WORDS, line, _unit_of_words(line))
    )


def _of_campaign(line: str, made: Callable[..., Request]) -> Request | None:
    for pattern in (_SEND_FOR_ME, _START_CAMPAIGN, _CAMPAIGN, _CAMPAIGN_ARABIC):
        found = pattern.fullmatch(line)
        if found:
            return made(Kind.CAMPAIGN, re.sub(r"(?:^the |\s+cluster$)", "", found["it"], flags=_FLAGS))
    return None


def _of_clusters(line: str, made: Callable[..., Request]) -> Request | None:
    found = _CLUSTERS.search(line)
    if found is None or re.search(r"\d", line[: found.start()]):
        return None
    about = _ABOUT.search(line, found.end())
    return made(Kind.CLUSTERS, about["it"] if about else "")


def _of_unit(line: str, made: Callable[..., Request], *, is_asked: bool) -> Request | None:
    """Keys that nothing but a unit has ask for its owner by themselves; other words only after the word owner."""
    unit = _unit_by_key(line)
    if unit is None and is_asked:
        unit = _unit_of_words(line)
    return None if unit is None else made(Kind.OWNER, line, unit)


def _unit_by_key(line: str) -> Unit | None:
    both = _HOUSE_AND_MUNICIPALITY.search(line) or _SLASH.fullmatch(line)
    if both:
        return Unit(house=both["house"], municipality=both["municipality"])
    municipality = _MUNICIPALITY.search(line)
    if municipality:
        house = _HOUSE.search(line)
        return Unit(house=house["it"] if house else "", municipality=municipality["it"])
    p_number = _P_NUMBER.search(line)
    if p_number:
        return Unit(p_number=p_number["it"])
    registration = _REGISTRATION.search(line)
    if registration:
        return Unit(registration=registration["it"].strip(" .!?؟"))
    dashed = re.fullmatch(r"(?P<house>[A-Za-z]{0,4}\d[\w/]*)\s*-\s*in\s*-\s*(?P<place>.+)", line, _FLAGS)
    return Unit(house=dashed["house"], place=dashed["place"].strip(" .!?؟")) if dashed else None


def _unit_of_words(line: str) -> Unit:
    """House and place where they can be told apart, and all the words that say anything."""
    placed, housed = _IN.search(line), _HOUSE.search(line)
    kept = [word for word in re.split(r"[\s,;:؟?!=]+", line) if word and folded(word) and folded(word) not in _FILLER]
    words = " ".join(kept)
    if placed:
        place = " ".join(word for word in placed["place"].split() if folded(word) not in _FILLER)
        return Unit(house=placed["house"], place=place.strip(" .!?؟"), words=words)
    house = housed["it"] if housed else next((word for word in kept if any(map(str.isdigit, word))), "")
    place = " ".join(word for word in kept if word != house)
    return Unit(house=house, place=place, words=words)


def _line(text: str) -> str:
    """One line with single spaces, digits as 0-9, without invisible marks."""
    visible = re.sub("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text)
    return " ".join(plain_digits(visible).split())


_WHOLE: dict[Kind, set[str]] = {
    Kind.PING: {"ping", "!ping"},
    Kind.HELP: _HELP | {folded(word) for word in _HELP},
    Kind.GREETING: {folded(word) for word in _GREETINGS},
    Kind.YES: {folded(word) for word in _YES},
    Kind.NO: {folded(word) for word in _REFUSED},
    Kind.AGENTS: {folded(word) for word in _AGENTS},
}
_PROJECTS_ARABIC = {folded(word) for word in _PROJECTS_ARABIC}
_FILLER = frozenset(folded(word) for word in _FILLER_WORDS.split())
