"""What each refusal of WhatsApp means and what to do about it (design: whatsapp.md, "Error codes worth code").

Built on the code alone: Meta announced that titles go away, and its HTTP statuses differ between its own pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Treatment(StrEnum):
    RETRY_LATER = "retry_later"  # too much at once, or a short outage: back to the queue, not an attempt
    DEFER_PAIR = "defer_pair"  # too fast to this person: only this pair waits, 4^n seconds
    STOP_CHANNEL = "stop_channel"  # token, permission, block: nothing goes out until a person has acted
    STOP_BILLABLE = "stop_billable"  # payment problem: nothing that costs goes out
    PAUSE_CAMPAIGN = "pause_campaign"  # template or spam trouble: the rest would fail the same way
    OPT_OUT = "opt_out"  # the person stopped our marketing
    NOT_TODAY = "not_today"  # WhatsApp withheld marketing from this person: not before 24 hours
    WINDOW_CLOSED = "window_closed"  # only a template may be sent
    SUSPECT_NUMBER = "suspect_number"  # perhaps not on WhatsApp
    REFETCH_MEDIA = "refetch_media"  # upload again, final after two
    FINAL = "final"  # this message cannot be sent


@dataclass(frozen=True, slots=True)
class Explanation:
    """What people read: what it means, and one safe next step."""

    treatment: Treatment
    meaning: str
    next_step: str


def _explain(treatment: Treatment, meaning: str, next_step: str) -> Explanation:
    return Explanation(treatment, meaning, next_step)


_T = Treatment
_ASK_ADMIN = "Ask an admin to check the channel; messages wait until then."
_WAITS = "Nothing to do: it goes out by itself a little later."
_TOKEN = _explain(_T.STOP_CHANNEL, "The access token of this number no longer works.", "An admin connects it again.")
_PERMISSION = _explain(_T.STOP_CHANNEL, "This number's token may not do that.", _ASK_ADMIN)
_BUSY = _explain(_T.RETRY_LATER, "More messages at once than this number may send.", _WAITS)
_OUTAGE = _explain(_T.RETRY_LATER, "WhatsApp had a fault for a moment.", _WAITS)
_UPKEEP = _explain(_T.RETRY_LATER, "This number is being upgraded by WhatsApp.", _WAITS)
_LOCKED = _explain(
    _T.STOP_CHANNEL, "WhatsApp has locked this business account.", "An admin appeals in WhatsApp Manager."
)
_REGISTER = _explain(_T.STOP_CHANNEL, "This number is not registered with WhatsApp.", "An admin registers it again.")
_CALLER = _explain(_T.FINAL, "WhatsApp could not read the message as we wrote it.", "Report this message to support.")
_TEMPLATE = _explain(
    _T.PAUSE_CAMPAIGN, "The template and its variables do not fit together.", "Check the template, then send again."
)
_TEMPLATE_OFF = _explain(
    _T.PAUSE_CAMPAIGN, "WhatsApp has paused or disabled this template.", "Choose another template."
)

EXPLANATIONS: dict[int, Explanation] = {
    0: _TOKEN,
    190: _TOKEN,
    200: _PERMISSION,
    3: _PERMISSION,
    10: _PERMISSION,
    131005: _PERMISSION,
    1: _OUTAGE,
    2: _OUTAGE,
    131000: _OUTAGE,
    131016: _OUTAGE,
    133004: _OUTAGE,
    4: _BUSY,
    80007: _BUSY,
    130429: _BUSY,
    131057: _UPKEEP,
    131056: _explain(_T.DEFER_PAIR, "Too many messages to this person in a short time.", _WAITS),
    131048: _explain(
        _T.PAUSE_CAMPAIGN,
        "Too many people blocked or reported this number.",
        "Write to fewer people, more to the point.",
    ),
    131049: _explain(
        _T.NOT_TODAY, "WhatsApp withheld this marketing message from this person.", "Try another day, not today."
    ),
    131050: _explain(_T.OPT_OUT, "This person stopped marketing messages from us.", "Do not write to them unasked."),
    131047: _explain(
        _T.WINDOW_CLOSED, "More than 24 hours since this person last wrote.", "Send an approved template instead."
    ),
    131026: _explain(
        _T.SUSPECT_NUMBER, "WhatsApp could not deliver to this number.", "Check that the number is on WhatsApp."
    ),
    130472: _explain(_T.FINAL, "This person is in an experiment of WhatsApp's without marketing.", "Call instead."),
    130497: _explain(_T.FINAL, "We may not write to people in that country.", "Reach this person another way."),
    131021: _explain(_T.FINAL, "The number is our own.", "Check the contact's number."),
    131030: _explain(_T.FINAL, "This number is not on the list of test recipients.", "Add it in WhatsApp Manager."),
    131051: _explain(_T.FINAL, "WhatsApp does not take this type of message.", "Send it as text or as a document."),
    131062: _explain(
        _T.FINAL, "This template needs a phone number, and only a user id is known.", "Ask for the number."
    ),
    131042: _explain(
        _T.STOP_BILLABLE, "There is a problem with the payment method at WhatsApp.", "The owner mends it in billing."
    ),
    131031: _LOCKED,
    368: _LOCKED,
    131037: _explain(_T.STOP_CHANNEL, "WhatsApp has not approved this number's name yet.", _ASK_ADMIN),
    131045: _REGISTER,
    131052: _explain(_T.REFETCH_MEDIA, "WhatsApp could not fetch the file.", "Send the file again."),
    131053: _explain(_T.REFETCH_MEDIA, "WhatsApp could not take the file.", "Send it as a smaller or another file."),
    132000: _TEMPLATE,
    132001: _explain(
        _T.PAUSE_CAMPAIGN, "This template does not exist in that language.", "Sync templates, then choose another."
    ),
    132005: _TEMPLATE,
    132007: _TEMPLATE,
    132012: _TEMPLATE,
    132018: _TEMPLATE,
    132015: _TEMPLATE_OFF,
    132016: _TEMPLATE_OFF,
    132068: _TEMPLATE_OFF,
    33: _CALLER,
    100: _CALLER,
    131008: _CALLER,
    131009: _CALLER,
    133000: _REGISTER,
    133006: _REGISTER,
    133010: _REGISTER,
    133016: _REGISTER,
}

# Their answers do not say whether the message went out after all.
OUTAGES = frozenset({1, 2, 131000, 131016})
UNKNOWN = _explain(_T.FINAL, "WhatsApp refused this message.", "See the details, and send it again if they allow.")


def explain(code: int | None, status: int = 400) -> Explanation:
    """What a refusal means. Without a code the HTTP status decides; an unknown code is final."""
    if code is not None:
        return EXPLANATIONS.get(code, UNKNOWN)
    if status == 429:
        return _BUSY
    return _TOKEN if status == 401 else UNKNOWN


def is_outage(code: int) -> bool:
    """Whether a 5xx with this code leaves open what became of the message."""
    return code in OUTAGES
