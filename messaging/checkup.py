"""What is wrong with the connection of a number, from what WhatsApp answers to a check. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from messaging.contents import Json, mapping

NEEDED = ("whatsapp_business_messaging", "whatsapp_business_management")
# So many days before its end a token is spoken of, again at each step.
WARN_DAYS = (30, 14, 7, 3, 1)

MEANINGS: dict[str, tuple[str, str]] = {
    "token_dead": (
        gettext_noop("The access token is no longer valid."),
        gettext_noop("Make a new one in Meta Business Suite and enter it here."),
    ),
    "token_lacks": (
        gettext_noop("The access token lacks the permission %(what)s."),
        gettext_noop("Make a new one that has it."),
    ),
    "token_elsewhere": (
        gettext_noop("The access token is not for the account %(what)s."),
        gettext_noop("In Meta Business Suite give its system user access to this account."),
    ),
    "number_state": (
        gettext_noop("WhatsApp says that this number is %(what)s."),
        gettext_noop("Look at it in WhatsApp Manager."),
    ),
    "number_elsewhere": (
        gettext_noop("The number does not belong to the account %(what)s."),
        gettext_noop("Connect it with the account id that WhatsApp Manager shows for it."),
    ),
    "webhooks_elsewhere": (
        gettext_noop("The webhooks of this account do not come to our app: nobody hears what people write."),
        gettext_noop("Check again: Majlis has just asked for them."),
    ),
    "token_ends": (
        gettext_noop("The access token ends in %(what)s days."),
        gettext_noop("Make one that does not end, for a system user, and enter it here."),
    ),
    "name_declined": (
        gettext_noop("WhatsApp declined the display name."),
        gettext_noop("Choose another in WhatsApp Manager: until then the number is limited."),
    ),
    "quality_low": (
        gettext_noop("The quality of the number is low: many people blocked or reported it."),
        gettext_noop("Pause campaigns from it for seven days."),
    ),
}
# These keep a number from sending; the others are to be known.
STOPPING = ("token_dead", "token_lacks", "token_elsewhere", "number_state", "number_elsewhere")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found. Its words are worked out when it is shown."""

    code: str
    what: str = ""

    @property
    def is_stopping(self) -> bool:
        return self.code in STOPPING

    @property
    def meaning(self) -> str:
        return _(MEANINGS[self.code][0]) % {"what": self.what}

    @property
    def step(self) -> str:
        return _(MEANINGS[self.code][1])

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def examine(
    *,
    waba_id: str,
    phone_number_id: str,
    token: Json,
    number: Json,
    account_numbers: Sequence[Json],
    subscriptions: Sequence[Json],
    at: datetime,
) -> list[Finding]:
    """Everything that is wrong, what stops the number first."""
    if token and token.get("is_valid") is False:
        return [Finding("token_dead")]
    found = []
    if token.get("scopes") is not None and (missing := sorted(set(NEEDED) - set(token["scopes"]))):
        found.append(Finding("token_lacks", ", ".join(missing)))
    if not _reaches(token, waba_id):
        found.append(Finding("token_elsewhere", waba_id))
    status = str(number.get("status") or "CONNECTED")
    if status != "CONNECTED":
        found.append(Finding("number_state", status.replace("_", " ").lower()))
    if account_numbers and phone_number_id not in {str(each.get("id")) for each in account_numbers}:
        found.append(Finding("number_elsewhere", waba_id))
    if not subscriptions:
        found.append(Finding("webhooks_elsewhere"))
    ends = token_end(token)
    if ends is not None and ends - at < timedelta(days=WARN_DAYS[0]):
        found.append(Finding("token_ends", str(max(0, (ends - at).days))))
    if number.get("name_status") == "DECLINED":
        found.append(Finding("name_declined"))
    if number.get("quality_rating") == "RED":
        found.append(Finding("quality_low"))
    return found


def token_end(token: Json) -> datetime | None:
    """When a token ends, or the right to read data by it; None when it does not."""
    ends = [token.get(name) for name in ("expires_at", "data_access_expires_at")]
    known = [each for each in ends if isinstance(each, int) and each > 0]
    return datetime.fromtimestamp(min(known), UTC) if known else None


def kept(findings: Sequence[Any]) -> list[Finding]:
    """What a channel keeps of its last check; what an older version found and nobody knows now is left out."""
    rows: list[Mapping[str, Any]] = [mapping(each) for each in findings]
    return [Finding(str(row["code"]), str(row.get("what", ""))) for row in rows if row.get("code") in MEANINGS]


def warn_step(ends: datetime, at: datetime) -> int | None:
    """The last step of warning that has been reached: 30, 14, 7, 3 or 1 days; None before."""
    left = ends - at
    reached = [days for days in WARN_DAYS if left <= timedelta(days=days)]
    return min(reached) if reached else None


def _reaches(token: Json, waba_id: str) -> bool:
    """Whether the token's rights name this account; a token without a list of accounts reaches all."""
    for scope in token.get("granular_scopes") or []:
        targets = mapping(scope).get("target_ids")
        if mapping(scope).get("scope") in NEEDED and targets and waba_id not in map(str, targets):
            return False
    return True
