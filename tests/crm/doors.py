"""A member at the API's door, with Django's test client."""

from __future__ import annotations

from typing import Any

from django.test import Client

from core.actors import Actor


class Caller:
    """Signed in as one member; addresses are those behind /api/v1/palm/."""

    def __init__(self, client: Client, actor: Actor, house: str = "palm") -> None:
        assert actor.user
        self.client, self.actor, self.base = client, actor, f"/api/v1/{house}/"

    def get(self, address: str) -> Any:
        return self._send("get", address)

    def post(self, address: str, body: Any = None) -> Any:
        return self._send("post", address, body or {})

    def put(self, address: str, body: Any = None) -> Any:
        return self._send("put", address, body or {})

    def patch(self, address: str, body: Any) -> Any:
        return self._send("patch", address, body)

    def delete(self, address: str) -> Any:
        return self._send("delete", address)

    def _send(self, verb: str, address: str, body: Any = None) -> Any:
        self.client.force_login(self.actor.user)  # type: ignore[arg-type]
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, verb)(self.base + address, **given)
