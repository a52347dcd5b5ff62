"""Every upward flow of Majlis, in one list: this event wakes that handler."""

from __future__ import annotations


def wire() -> None:
    """Subscribe every handler. Called once, when all apps are loaded."""
