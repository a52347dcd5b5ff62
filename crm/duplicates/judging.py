"""What speaks for two rows being one, how much, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

MOST = 95
LEAST = 25
# A number of more contacts than this is an agent's, or a family office's: by itself it says nothing.
MANY = 5
_NAMES = ("same_name", "other_letters", "similar_name")
_ADDRESSES = ("number", "email", "whatsapp_id")
_WEIGHTS = {
    "number": 40,
    "email": 40,
    "whatsapp_id": 60,
    "same_name": 40,
    "other_letters": 35,
    "similar_name": 20,
    "same_unit": 20,
    "same_project": 10,
    "p_number": 80,
    "registration": 70,
    "dewa_number": 55,
    "place": 60,
    "municipality": 55,
    "same_owner": 20,
    "proposed": 30,
}

# What lists are narrowed by, in the words of people.
LABELS = {
    "number": gettext_noop("Same number"),
    "email": gettext_noop("Same e-mail"),
    "same_name": gettext_noop("Same name"),
    "other_letters": gettext_noop("Same name in other letters"),
    "similar_name": gettext_noop("Similar names"),
    "same_unit": gettext_noop("Owners of one unit"),
    "p_number": gettext_noop("Same P-number"),
    "registration": gettext_noop("Same registration"),
    "place": gettext_noop("Same building and unit"),
    "proposed": gettext_noop("Proposed by a colleague"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that both have. `value` is a number, an address, an identifier or a name; `shared_by` how many have it."""

    code: str
    value: str = ""
    kind: str = ""
    shared_by: int = 0
    is_whole: bool = True  # a name of one word says less than a whole one

    @property
    def key(self) -> str:
        """By which it is known again: a number that one more contact has is no new reason."""
        return f"{self.code}:{self.value}"[:300]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`is_obvious`: it may be merged among many at once, after a look at the list."""

    score: int
    is_proposed: bool
    is_obvious: bool


@dataclass(frozen=True, slots=True)
class Pair:
    first: int
    second: int
    reasons: tuple[Reason, ...]
    verdict: Verdict


def judge(reasons: Iterable[Reason]) -> Verdict:
    """A score out of 95. Neither a name alone nor a number alone is ever obvious."""
    given = list(reasons)
    score = 0
    for group in (_ADDRESSES, _NAMES):
        score += min(sum(_weight(reason) for reason in given if reason.code in group), 60)
    score += sum(_weight(reason) for reason in given if reason.code not in (*_ADDRESSES, *_NAMES))
    codes = {reason.code for reason in given}
    named = any(reason.code in ("same_name", "other_letters") and reason.is_whole for reason in given)
    reached = bool(codes & set(_ADDRESSES))
    identified = bool(codes & {"p_number", "registration"}) and "place" in codes
    return Verdict(min(score, MOST), score >= LEAST, (named and reached) or identified)


def words_of(reason: Reason, *, hide: Callable[[str, str], str]) -> str:
    """The reason as people read it. `hide(kind, value)` masks numbers: whole ones are shown where that is kept."""
    value = hide(reason.kind, reason.value) if reason.code in _ADDRESSES else reason.value
    others = ""
    if reason.shared_by > 2:
        others = " " + ngettext("(shared by %(count)d contact)", "(shared by %(count)d contacts)", reason.shared_by) % {
            "count": reason.shared_by
        }
    match reason.code:
        case "number":
            return _("the same number %(value)s") % {"value": value} + others
        case "email":
            return _("the same e-mail %(value)s") % {"value": value} + others
        case "whatsapp_id":
            return _("the same WhatsApp user") + others
        case "same_name":
            return _("the same name") + others
        case "other_letters":
            return _("the same name in other letters") + others
        case "similar_name":
            return _("similar names")
        case "same_unit":
            return _("owners of the same unit %(value)s") % {"value": value}
        case "same_project":
            return _("owners in the same project")
        case "p_number":
            return _("the same P-number %(value)s") % {"value": value}
        case "registration":
            return _("the same registration %(value)s") % {"value": value}
        case "dewa_number":
            return _("the same DEWA number %(value)s") % {"value": value}
        case "place":
            return _("the same building or cluster, and unit %(value)s") % {"value": value}
        case "municipality":
            return _("the same municipality number, and unit %(value)s") % {"value": value}
        case "same_owner":
            return _("the same owner")
        case _:
            return _("proposed by %(value)s") % {"value": value}


def reason_of(data: dict[str, Any]) -> Reason:
    return Reason(**data)


def _weight(reason: Reason) -> int:
    weight = _WEIGHTS[reason.code]
    if reason.code in _ADDRESSES and reason.shared_by > MANY:
        return 10
    if reason.code in _ADDRESSES and reason.shared_by > 2:
        return weight * 2 // reason.shared_by
    if reason.code in _NAMES and not reason.is_whole:
        return min(weight, 15)
    return weight
