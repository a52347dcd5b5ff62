"""Understanding without anybody's help: a lexicon, a few rules, no network. Fast enough for every message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from messaging.letters import folded
from messaging.models.meanings import Intent, Sentiment
from messaging.understanding.lexicon import (
    GLAD,
    INTENTS,
    NEGATIONS,
    NEGATIVE,
    POSITIVE,
    SAD,
    TELLING,
    URDU_LETTERS,
)
from messaging.understanding.meaning import Meaning

LONGEST = 2_000
# A negation reaches so many words ahead: "not at all good" is not good, "no, I love it" is another matter.
REACH = 3
# Written with one Latin letter as words of theirs: articles and particles that stick to Arabic words.
_STUCK = re.compile(r"^(?:وال|فال|بال|كال|لل|ال|و|ف)(?=\w{3})")
_TAIL = re.compile(r"(?<=\w{3})(?:ها|هم|كم|نا)$")
# An amount is talk of a price: 950k, 1.2 m, 45,000 dhs.
_AMOUNT = re.compile(r"\b\d[\d.,]*\s?(?:k|m|mn|mil|million|aed|dhs?|الف|مليون)\b", re.IGNORECASE)
_ARABIC = re.compile("[\u0621-\u064a\u0671-\u06d3]")
_DEVANAGARI = re.compile("[\u0900-\u097f]")


class OfflineUnderstanding:
    """The default. See Understanding."""

    name = "offline"

    def read(self, text: str) -> Meaning:
        text = text[:LONGEST]
        words = folded(text).split()
        language = language_of(text, words)
        own = _stemmed(words)
        intent = _intent(own, language, asks="?" in text or "؟" in text, has_amount=bool(_AMOUNT.search(text)))
        return Meaning(language, _sentiment(text, own, language, intent), intent)


def language_of(text: str, words: list[str]) -> str:
    """By script, then by the small words that only one language has. Empty when there are no letters."""
    if _DEVANAGARI.search(text):
        return max(("hi", "ne"), key=lambda each: sum(word in _telling(each) for word in words))
    arabic = set(_ARABIC.findall(text))
    if arabic:
        return "ur" if len(arabic & URDU_LETTERS) >= 1 else "ar"
    if not any(letter.isalpha() for letter in text):
        return ""
    if any("\u0400" <= letter <= "\u04ff" for letter in text):
        return "ru"
    french = sum(word in _telling("fr") for word in words) + (2 if re.search("[éèêçàùîôœ]", text.casefold()) else 0)
    return "fr" if french > sum(word in _telling("en") for word in words) else "en"


def _intent(words: list[str], language: str, *, asks: bool, has_amount: bool) -> Intent:
    """The intent whose phrases say most; of equals the one that must not be missed."""
    scores: dict[Intent, float] = {Intent.PRICE: 1.0} if has_amount else {}
    joined = _joined(words)
    for each in _lexicons(language):
        for phrase in _intents(each).near(words):
            if phrase.intent is not None and phrase.pattern.search(joined):
                scores[phrase.intent] = scores.get(phrase.intent, 0.0) + phrase.weight
    if asks:  # "is it rented?" asks; "it is rented" tells
        scores[Intent.AVAILABILITY] = scores.get(Intent.AVAILABILITY, 0.0) + scores.pop(Intent.TAKEN, 0.0)
    if scores.get(Intent.NOT_INTERESTED):
        for weaker in (Intent.SELL, Intent.ENQUIRY, Intent.THANKS):
            scores.pop(weaker, None)
    best = max(scores.values(), default=0.0)
    if not best:
        return Intent.OTHER
    polite = (Intent.GREETING, Intent.THANKS)
    meant = {intent: score for intent, score in scores.items() if score and intent not in polite} or scores
    most = max(meant.values())
    return next(intent for intent in Intent if meant.get(intent) == most)


def _sentiment(text: str, words: list[str], language: str, intent: Intent) -> Sentiment:
    score = sum(text.count(each) for each in GLAD) - sum(text.count(each) for each in SAD)
    for each in _lexicons(language):
        score += _felt(words, each)
    if intent is Intent.COMPLAINT:
        return Sentiment.NEGATIVE
    if intent in (Intent.NOT_INTERESTED, Intent.STOP):  # said politely or not, it is neither
        return Sentiment.NEGATIVE if score < -1 else Sentiment.NEUTRAL
    if score == 0 or (intent is Intent.GREETING and score > 0):  # a good morning is no praise
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if score > 0 else Sentiment.NEGATIVE


def _felt(words: list[str], language: str) -> int:
    """Good words less bad ones; one that is negated counts for the other side."""
    score, joined, negations = 0, _joined(words), _negations(language)
    for sign in (1, -1):
        for phrase in _feelings(language, is_good=sign > 0).near(words):
            for found in phrase.pattern.finditer(joined):
                is_negated = not phrase.negates and negations & set(joined[: found.start()].split()[-REACH:])
                score += -sign if is_negated else sign
    return score


def _joined(words: list[str]) -> str:
    return f" {' '.join(words)} "


def _lexicons(language: str) -> tuple[str, ...]:
    """People mix: everybody says stop, thanks and price."""
    return (language, *(each for each in ("en", "ar") if each != language)) if language in INTENTS else ("en", "ar")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """`weight`: how many words it has; `intent` is None for words of feeling."""

    pattern: re.Pattern[str]
    weight: int
    intent: Intent | None = None
    negates: bool = False


class _Phrases:
    """Phrases by the beginning of their first word, so that a text is compared with a few of them only."""

    KEY = 2

    def __init__(self, phrases: list[tuple[str, Intent | None]], negations: frozenset[str] = frozenset()) -> None:
        self.by_start: dict[str, list[_Phrase]] = {}
        for phrase, intent in phrases:
            stems = [stem for word in phrase.split() for stem in _stemmed([folded(word.rstrip("*"))])]
            made = _Phrase(_pattern(phrase), len(phrase.split()), intent, bool(negations & set(stems)))
            self.by_start.setdefault(stems[0][: self.KEY], []).append(made)

    def near(self, words: list[str]) -> list[_Phrase]:
        starts = dict.fromkeys(word[: self.KEY] for word in words)
        return [phrase for start in starts for phrase in self.by_start.get(start, ())]


@cache
def _intents(language: str) -> _Phrases:
    return _Phrases([(phrase, intent) for intent, phrases in INTENTS[language].items() for phrase in phrases])


@cache
def _feelings(language: str, *, is_good: bool) -> _Phrases:
    phrases = (POSITIVE if is_good else NEGATIVE).get(language, ())
    return _Phrases([(phrase, None) for phrase in phrases], _negations(language))


@cache
def _negations(language: str) -> frozenset[str]:
    return frozenset(_stemmed([folded(word) for word in NEGATIONS.get(language, ())]))


@cache
def _telling(language: str) -> frozenset[str]:
    return frozenset(folded(word) for word in TELLING[language])


def _pattern(phrase: str) -> re.Pattern[str]:
    """Whole words, folded and stemmed like the text; `*` ends a word that goes on, `_` is up to two words between."""
    parts = []
    for word in phrase.split():
        if word == "_":
            parts.append(r"(?:\S+ ){0,2}")
            continue
        [stem] = _stemmed([folded(word.rstrip("*"))]) or [""]
        parts.append(re.escape(stem) + (r"\S*" if word.endswith("*") else "") + " ")
    return re.compile(r"(?<=\s)" + "".join(parts).rstrip() + r"(?=\s)")


def _stemmed(words: list[str]) -> list[str]:
    """Arabic words without the article, the particles and the pronouns that stick to them."""
    return [_TAIL.sub("", _STUCK.sub("", word)) if _ARABIC.search(word) else word for word in words]
