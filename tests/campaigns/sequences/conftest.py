"""A number, owners and an active sequence."""

from __future__ import annotations

import pytest

from campaigns.models import Sequence
from core.actors import Actor
from crm.models import Project
from messaging.models import Channel
from tests.campaigns import factories
from tests.campaigns.sequences import drips


@pytest.fixture
def number(organization) -> Channel:
    return factories.channel(organization)


@pytest.fixture
def project(organization) -> Project:
    return factories.project(organization)


@pytest.fixture
def people(project: Project) -> list[int]:
    return factories.owners(project, 3)


@pytest.fixture
def drip(manager: Actor, second_manager: Actor, number: Channel) -> Sequence:
    return drips.active(manager, second_manager, number)
