"""Who decided what about a commission, for its page in the back office."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from commissions.models import Commission


def told(commission: Commission) -> str:
    """A line for each decision, oldest first: when, what, who and why."""
    lines = [
        (row.at, _("approved by %(who)s") % _of(row.approved_by)) for row in _rows(commission.approvals, "approved_by")
    ]
    for row in _rows(commission.disputes, "opened_by"):
        lines.append((row.at, _("disputed by %(who)s: %(why)s") % _of(row.opened_by, why=row.reason)))
        for said in _rows(row.messages, "author"):
            lines.append((said.at, _("%(who)s wrote: %(text)s") % _of(said.author, text=said.text)))
        for answer in _rows(row.resolutions, "resolved_by"):
            lines.append(
                (answer.at, _("resolved by %(who)s: %(how)s") % _of(answer.resolved_by, how=answer.resolution))
            )
    for row in _rows(commission.cancellations, "cancelled_by"):
        lines.append((row.at, _("cancelled by %(who)s: %(why)s") % _of(row.cancelled_by, why=row.reason)))
    return "\n".join(f"{at:%Y-%m-%d %H:%M} {what}" for at, what in sorted(lines)) or _("none yet")


def _of(member: Any, **more: str) -> dict[str, str]:
    return {"who": member.user.name if member else "Majlis", **more}


def _rows(manager: Any, who: str) -> Any:
    return manager.select_related(f"{who}__user").order_by("at")
