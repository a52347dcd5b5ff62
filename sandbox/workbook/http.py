"""Serves generated workbooks."""

from aiohttp import web


def routes() -> list[web.RouteDef]:
    """Routes relative to /_sandbox."""
    return []
