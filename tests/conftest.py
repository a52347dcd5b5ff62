"""The ground that every test stands on: a real database with its roles, one organisation with its people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connections

from core.actors import Actor
from core.models import Membership, Organization, User
from core.roles import Role
from core.tenancy import organization_scope
from tests.databases import MINE, clone, drop, point_at, template

PASSWORD = "correct horse battery staple"

pytest_plugins = ["tests.live"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest, worker_database: str) -> None:
    """Replaces pytest-django's: the application's role can create no database, and must not."""


@pytest.fixture(scope="session")
def worker_database(django_db_blocker) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """One migrated database a test process, made by the owner of the tables, used by the role that RLS binds."""
    with django_db_blocker.unblock():
        drop(MINE)
        clone(template(), MINE)
        point_at(MINE)
        yield MINE
        connections.close_all()
        drop(MINE)


@pytest.fixture
def organization(db: None) -> Iterator[Organization]:
    """Palm Brokers, with its scope open."""
    made = Organization.objects.create(slug="palm", name="Palm Brokers")
    with organization_scope(made.pk):
        yield made


@pytest.fixture
def other_organization(db: None) -> Organization:
    """Another house on the same installation."""
    return Organization.objects.create(slug="cedar", name="Cedar Homes")


@cache
def _hashed_password() -> str:
    """Argon2 is slow on purpose; hashing the same password for every person of every test is not the point."""
    return make_password(PASSWORD)


def person(email: str, name: str) -> User:
    """Somebody who signs in with PASSWORD."""
    return User.objects.create(email=email, name=name, password=_hashed_password())


def member(organization: Organization, role: Role, name: str, reports_to: Membership | None = None) -> Membership:
    """A person with a role; signs in as <name>@<organisation>.example with PASSWORD."""
    user = person(f"{name.lower()}@{organization.slug}.example", name)
    return Membership.objects.create(organization=organization, user=user, role=role, reports_to=reports_to)


@pytest.fixture
def admin(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.ADMIN, "Aisha"))


@pytest.fixture
def manager(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.MANAGER, "Mona"))


@pytest.fixture
def second_manager(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.MANAGER, "Marwan"))


@pytest.fixture
def supervisor(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.SUPERVISOR, "Salim"))


@pytest.fixture
def agent(organization: Organization, supervisor: Actor) -> Actor:
    """Reports to the supervisor."""
    return Actor(organization, member(organization, Role.AGENT, "Omar", reports_to=supervisor.membership))


@pytest.fixture
def other_agent(organization: Organization) -> Actor:
    return Actor(organization, member(organization, Role.AGENT, "Huda"))


@pytest.fixture
def outsider(other_organization: Organization) -> Actor:
    """An admin, but of another house."""
    return Actor(other_organization, member(other_organization, Role.ADMIN, "Zayd"))


@pytest.fixture
def superuser_database(worker_database: str) -> Iterator[psycopg.Connection]:
    """A connection that no rule binds, for tests that tamper."""
    import os

    parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
    with psycopg.connect(urlunsplit(parts._replace(path=f"/{worker_database}")), autocommit=True) as connection:
        yield connection
