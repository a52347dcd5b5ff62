"""The back office's first page: what needs somebody now, per role."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the dashboard's figures to the admin index."""
    return context
