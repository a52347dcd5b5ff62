"""Every upward flow of Majlis, in one list: this event wakes that handler."""

from __future__ import annotations

from core import events


def wire() -> None:
    """Subscribe every handler. Called once, when all apps are loaded."""
    from commissions import subscribers as commissions
    from crm.events import DealClosed, DealReopened

    events.subscribe(DealClosed, commissions.earn)
    events.subscribe(DealReopened, commissions.withdraw)
