from __future__ import annotations

from core.api.pagination import KeysetPagination


class NewestTalkPagination(KeysetPagination):
    """The inbox's order: newest talk first."""

    ordering = ("-last_message_at", "-id")
