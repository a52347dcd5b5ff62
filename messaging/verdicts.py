"""What WhatsApp's events about numbers, accounts, tokens and templates mean, and what to do. Pure; read in any language.

A sentence is worked out when it is shown, so that each reader has it in their own language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from messaging.models.notices import NoticeKind, Severity

GOOD, INFO, WARNING, SERIOUS = Severity.GOOD, Severity.INFO, Severity.WARNING, Severity.SERIOUS
UNLIMITED = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Verdict:
    """How bad it is, what it means, and the one next step ("" when there is none)."""

    severity: Severity
    meaning: str
    step: str = ""


# Sentences may name %(details)s of the event; what is not there is left out by `read`.
KNOWN: dict[tuple[str, str], Verdict] = {
    ("quality", "FLAGGED"): Verdict(
        SERIOUS,
        gettext_noop("Many people blocked or reported this number lately: its quality is low."),
        gettext_noop("Stop what annoys people: pause campaigns from it for seven days, and write only to those who answer."),
    ),
    ("quality", "UNFLAGGED"): Verdict(GOOD, gettext_noop("The quality of this number is no longer low.")),
    ("quality", "GREEN"): Verdict(GOOD, gettext_noop("The quality of this number is high.")),
    ("quality", "YELLOW"): Verdict(
        WARNING,
        gettext_noop("The quality of this number is medium: some people blocked or reported it."),
        gettext_noop("Write to fewer people at once, and to those who know you."),
    ),
    ("quality", "RED"): Verdict(
        SERIOUS,
        gettext_noop("The quality of this number is low: many people blocked or reported it."),
        gettext_noop("Pause campaigns from it for seven days."),
    ),
    ("quality", "UNKNOWN"): Verdict(INFO, gettext_noop("WhatsApp does not rate the quality of this number yet.")),
    ("limit", "UPGRADE"): Verdict(GOOD, gettext_noop("All numbers together may now begin talk with %(now)s people a day.")),
    ("limit", "DOWNGRADE"): Verdict(
        WARNING,
        gettext_noop("All numbers together may now begin talk with only %(now)s people a day."),
        gettext_noop("Spread campaigns over more days."),
    ),
    ("limit", "ONBOARDING"): Verdict(INFO, gettext_noop("The number may begin talk with %(now)s people a day.")),
    ("throughput", "THROUGHPUT_UPGRADE"): Verdict(
        GOOD, gettext_noop("The number may now send up to 1,000 messages a second.")
    ),
    ("account", "DISABLE"): Verdict(
        SERIOUS,
        gettext_noop("WhatsApp has disabled this account: nothing goes out from its numbers."),
        gettext_noop("Ask for a review in Meta Business Suite, Account quality."),
    ),
    ("account", "SCHEDULE_FOR_DISABLE"): Verdict(
        SERIOUS,
        gettext_noop("WhatsApp will disable this account on %(when)s."),
        gettext_noop("Look at Account quality in Meta Business Suite today, and ask for a review."),
    ),
    ("account", "REINSTATE"): Verdict(
        GOOD, gettext_noop("WhatsApp has given this account back."), gettext_noop("Check its numbers to write again.")
    ),
    ("account", "ACCOUNT_VIOLATION"): Verdict(
        WARNING,
        gettext_noop("WhatsApp says that this account broke its rules (%(what)s). The next time it may be restricted."),
        gettext_noop("Read which message it was in Meta Business Suite, Account quality, and ask for a review if it is wrong."),
    ),
    ("account", "ACCOUNT_RESTRICTION"): Verdict(
        SERIOUS,
        gettext_noop("WhatsApp restricts this account: %(what)s, until %(when)s."),
        gettext_noop("Ask for a review in Meta Business Suite, then check the number."),
    ),
    ("account", "ACCOUNT_DELETED"): Verdict(
        SERIOUS, gettext_noop("This account was deleted at Meta."), gettext_noop("Connect its numbers to another account.")
    ),
    ("account", "ACCOUNT_OFFBOARDED"): Verdict(
        SERIOUS,
        gettext_noop("The number was taken back to the phone and left the API."),
        gettext_noop("Connect it anew if it should write from here."),
    ),
    ("account", "ACCOUNT_RECONNECTED"): Verdict(GOOD, gettext_noop("The number is on the API again.")),
    ("account", "PARTNER_REMOVED"): Verdict(
        SERIOUS,
        gettext_noop("Our app may no longer act for this account: somebody removed it at Meta."),
        gettext_noop("Give the app access again in Meta Business Suite, then check the number."),
    ),
    ("account", "VERIFIED_ACCOUNT"): Verdict(GOOD, gettext_noop("Meta has verified this account.")),
    ("number", "BLOCKED"): Verdict(
        SERIOUS,
        gettext_noop("Nothing goes out from this number: %(what)s"),
        gettext_noop("Messages wait. Mend what is wrong, then check the number."),
    ),
    ("number", "ANSWERS_ONLY"): Verdict(
        SERIOUS,
        gettext_noop("No template goes out from this number; people are still answered: %(what)s"),
        gettext_noop("An admin mends it at WhatsApp, then checks the number."),
    ),
    ("number", "UNBLOCKED"): Verdict(GOOD, gettext_noop("Checked and well: messages go out again.")),
    ("alert", "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED"): Verdict(
        INFO, gettext_noop("Meta has not decided yet whether the daily limit is raised."), gettext_noop("Wait a day or two.")
    ),
    ("alert", "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"): Verdict(
        WARNING, gettext_noop("Meta does not raise the daily limit now."), gettext_noop("Keep the quality high; it is looked at again.")
    ),
    ("alert", "INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO"): Verdict(
        WARNING,
        gettext_noop("Meta wants to know more about the business before it raises the daily limit."),
        gettext_noop("Verify the business in Meta Business Suite."),
    ),
    ("alert", "OBA_APPROVED"): Verdict(GOOD, gettext_noop("The number now carries the official badge.")),
    ("alert", "OBA_REJECTED"): Verdict(INFO, gettext_noop("Meta did not give the official badge.")),
    ("alert", "PROFILE_PICTURE_LOST"): Verdict(
        WARNING, gettext_noop("The profile picture of the number was removed."), gettext_noop("Upload another in WhatsApp Manager.")
    ),
    ("token", "EXPIRES"): Verdict(
        WARNING,
        gettext_noop("The access token ends on %(when)s: then nothing goes out and templates no longer follow."),
        gettext_noop("Ask %(who)s to make a token that does not end, for a system user, and to enter it here."),
    ),
    ("token", "DEAD"): Verdict(
        SERIOUS,
        gettext_noop("The access token is no longer valid: nothing goes out."),
        gettext_noop("Ask %(who)s to make a new token in Meta Business Suite and to enter it here."),
    ),
    ("token", "RENEWED"): Verdict(GOOD, gettext_noop("A new access token was entered.")),
    ("error", "ERROR"): Verdict(WARNING, gettext_noop("WhatsApp reported an error (%(code)s): %(what)s")),
    ("error", "HISTORY_DECLINED"): Verdict(
        INFO, gettext_noop("The past of this number is not shared: it was declined on the phone.")
    ),
    ("template", "APPROVED"): Verdict(GOOD, gettext_noop("Approved: it may be sent.")),
    ("template", "PENDING"): Verdict(INFO, gettext_noop("In review: usually minutes, at most 24 hours.")),
    ("template", "REJECTED"): Verdict(
        SERIOUS, gettext_noop("Rejected (%(what)s)."), gettext_noop("Change what the reviewers named and submit it again.")
    ),
    ("template", "PAUSED"): Verdict(
        WARNING,
        gettext_noop("Paused until %(when)s, as people gave it low marks. Campaigns that send it wait."),
        gettext_noop("Rewrite it, or send it to fewer people: after the third time it is disabled."),
    ),
    ("template", "DISABLED"): Verdict(
        SERIOUS, gettext_noop("Disabled by WhatsApp: it can no longer be sent."), gettext_noop("Write another one under another name.")
    ),
    ("template", "DELETED"): Verdict(INFO, gettext_noop("Deleted. Its name is free again after 30 days.")),
    ("template", "FLAGGED"): Verdict(
        WARNING,
        gettext_noop("People give it low marks. If that goes on it will be paused."),
        gettext_noop("Send it to fewer people, or rewrite it."),
    ),
    ("template", "CATEGORY"): Verdict(
        WARNING,
        gettext_noop("Its category is now %(now)s instead of %(before)s: every message costs the price of that category."),
        gettext_noop("Look at the budget of campaigns that send it."),
    ),
    ("template", "CATEGORY_SOON"): Verdict(
        WARNING,
        gettext_noop("On %(when)s WhatsApp moves it to the category %(now)s, with that price."),
        gettext_noop("Change its words so that they fit the category, or ask for a review in WhatsApp Manager."),
    ),
    ("template", "QUALITY"): Verdict(INFO, gettext_noop("Its quality is now %(now)s.")),
    ("template", "SUBMITTED"): Verdict(INFO, gettext_noop("Submitted by %(who)s.")),
    ("template", "EDITED"): Verdict(INFO, gettext_noop("Changed by %(who)s, and in review again.")),
    ("template", "UNPAUSED"): Verdict(GOOD, gettext_noop("Taken out of its pause by %(who)s.")),
}  # fmt: skip

WORDS = {
    "RESTRICTED_BIZ_INITIATED_MESSAGING": gettext_noop("it may not begin talk"),
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING": gettext_noop("it may not answer"),
    "RESTRICTED_ADD_PHONE_NUMBER_ACTION": gettext_noop("no numbers may be added"),
    "": gettext_noop("not said"),
}


def verdict_of(kind: str, code: str) -> Verdict:
    """What is known of such an event; a plain line for what WhatsApp invents next."""
    known = KNOWN.get((kind, code))
    if known is not None:
        return known
    if kind == NoticeKind.NUMBER:
        return _of_number(code)
    return Verdict(INFO, gettext_noop("WhatsApp says: %(code)s."))


def read(kind: str, code: str, details: Mapping[str, Any]) -> Verdict:
    """The same in the language of the reader, with the details filled in."""
    verdict = verdict_of(kind, code)
    filled = _Details({"code": code.replace("_", " ").lower(), **details})
    step = _(verdict.step) % filled if verdict.step else ""
    return Verdict(verdict.severity, _(verdict.meaning) % filled, step)


def _of_number(code: str) -> Verdict:
    if code == "CONNECTED":
        return Verdict(GOOD, gettext_noop("The number is connected."))
    step = gettext_noop("Look at it in WhatsApp Manager, then check it here.")
    return Verdict(WARNING, gettext_noop("WhatsApp says that this number is %(code)s."), step)


class _Details(dict[str, Any]):
    """Details as people read them: numbers with commas, words for codes, and a word for what was not told."""

    def __getitem__(self, name: str) -> str:
        value = self.get(name, "")
        if isinstance(value, int):
            return _("any number of") if value >= UNLIMITED else f"{value:,}"
        text = str(value)
        if name == "when" and text:
            return date_format(timezone.localtime(datetime.fromisoformat(text)), "j M Y, H:i")
        if text in WORDS:
            return _(WORDS[text])
        return text.replace("_", " ").lower() if text.isupper() else text
