"""Requests close the scope they opened; here it is opened again, so that tests can look at rows afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from core.actors import Actor
from core.models import Organization
from core.tenancy import organization_scope


class Browser:
    """Somebody signed in, in the back office of Palm Brokers."""

    def __init__(self, actor: Actor) -> None:
        self.organization = actor.organization
        self.client = Client()
        assert actor.user
        self.client.force_login(actor.user)

    def get(self, path: str):
        return self._in_scope(self.client.get(f"/o/palm/admin/{path}"))

    def post(self, path: str, **fields: str):
        return self._in_scope(self.client.post(f"/o/palm/admin/{path}", fields))

    def _in_scope(self, answer):
        return answer


@pytest.fixture
def browse(organization: Organization) -> Iterator[type[Browser]]:
    with organization_scope(organization.pk):
        yield Browser
