"""How many requests a minute Google lets through: by account and by project, reads and writes apart."""

from dataclasses import dataclass
from typing import Any

from .accounts import Account
from .errors import GoogleError

Json = dict[str, Any]

MINUTE = 60.0


@dataclass(slots=True)
class Limits:
    """Requests a minute; None is no limit."""

    read_per_account: int | None = 60
    write_per_account: int | None = 60
    read_per_project: int | None = 300
    write_per_project: int | None = 300


class Quotas:
    """Counts requests in minutes that begin with the first request in them. What is refused costs nothing."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.refused = 0
        self._minutes: dict[tuple[str, str], tuple[float, int]] = {}

    def forget(self) -> None:
        """Begin new minutes."""
        self._minutes.clear()
        self.refused = 0

    def spend(self, account: Account, kind: str, now: float) -> None:
        """Count one read or write. Raises 429 when there were too many."""
        used = []
        for whose, limit in (
            (account.email, getattr(self.limits, f"{kind}_per_account")),
            (account.project, getattr(self.limits, f"{kind}_per_project")),
        ):
            began, count = self._minutes.get((whose, kind), (now, 0))
            if now - began >= MINUTE:
                began, count = now, 0
            if limit is not None and count >= limit:
                self.refused += 1
                raise _exceeded(account, kind, limit, per_user=whose == account.email)
            used.append(((whose, kind), (began, count + 1)))
        self._minutes.update(used)

    def left(self, account: Account, now: float) -> Json:
        """What this account still has in the minute that runs."""
        found: Json = {}
        for kind in ("read", "write"):
            limit = getattr(self.limits, f"{kind}_per_account")
            began, count = self._minutes.get((account.email, kind), (now, 0))
            found[kind] = None if limit is None else limit - (count if now - began < MINUTE else 0)
        return found


def _exceeded(account: Account, kind: str, limit: int, *, per_user: bool) -> GoogleError:
    name = kind.capitalize()
    consumer = f"project_number:{account.number}"
    words = f"{name} requests per minute" + (" per user" if per_user else "")
    details: list[Json] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": {
                "service": "sheets.googleapis.com",
                "quota_metric": f"sheets.googleapis.com/{kind}_requests",
                "quota_limit": f"{name}RequestsPerMinutePer{'User' if per_user else 'Project'}",
                "quota_limit_value": str(limit),
                "quota_location": "global",
                "consumer": f"projects/{account.number}",
            },
        },
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {
                    "description": "Request a higher quota limit.",
                    "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                }
            ],
        },
    ]
    return GoogleError(
        429,
        f"Quota exceeded for quota metric '{name} requests' and limit '{words}' of service "
        f"'sheets.googleapis.com' for consumer '{consumer}'.",
        details=details,
        reason="rateLimitExceeded",
    )
