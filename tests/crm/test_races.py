"""Two at the same instant: exactly one wins, and the other is told why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from django.db import connections

from core.actors import Actor
from core.errors import DomainError
from core.models import Organization
from core.roles import Role
from core.tenancy import organization_scope
from crm import services
from crm.models import Agent, OwnerDisclosure, Ownership, ProjectAssignment
from tests.crm import factories
from tests.live import house

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)


def at_once(organization: Organization, *acts: Callable[[], object]) -> list[str]:
    """What became of each: "done", or the code of the refusal."""
    start = Barrier(len(acts))

    def attempt(act: Callable[[], object]) -> str:
        try:
            with organization_scope(organization.pk):
                start.wait(10)
                act()
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(attempt, acts))


def test_two_who_name_owners_at_once_leave_one_answer(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        project = factories.project(organization)
        owners = [factories.contact(organization) for _ in range(4)]
        for _ in range(5):
            unit = factories.unit(project)

            def name(first: int, unit: object = unit) -> Callable[[], object]:
                pair = [services.Share(owner, 5_000) for owner in owners[first : first + 2]]
                return lambda: services.set_owners(actor=manager, property=unit, owners=pair, at=NOON)  # type: ignore[arg-type]

            assert at_once(organization, name(0), name(2)) == ["done", "done"]
            current = Ownership.objects.current().filter(property=unit)
            assert sum(current.values_list("share_basis_points", flat=True)) == 10_000
            assert current.filter(is_primary=True).count() == 1


def test_an_agent_is_archived_or_given_work_never_both(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        agent = factories.agent(Actor(organization, members[Role.AGENT]))
        for round_ in range(5):
            project = factories.project(organization, f"Project {round_}")

            answers = at_once(
                organization,
                lambda: services.archive_agent(actor=manager, agent=agent, at=NOON),
                lambda project=project: services.assign_agent(actor=manager, agent=agent, project=project),  # type: ignore[misc]
            )

            assert answers in (["done", "agent_not_active"], ["agent_has_open_work", "done"])
            archived = Agent.objects.get().status == "archived"
            assert archived is not ProjectAssignment.objects.active().exists()
            ProjectAssignment.objects.update(status="completed")
            Agent.objects.update(status="active")


def test_thirty_means_thirty_when_they_come_at_once(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        contact = factories.contact(organization)
        factories.point(contact, "+971501234567")

        def ask(at: datetime = NOON) -> object:
            return services.disclose_owner_number(actor=manager, contact=contact, reason="calls", at=at)

        for minute in range(28):
            ask(NOON - timedelta(minutes=minute))

        answers = at_once(organization, *[ask] * 6)

        assert sorted(answers) == ["disclosure_limit"] * 4 + ["done"] * 2
        assert OwnerDisclosure.objects.count() == 30


def test_two_projects_at_once_get_two_numbers(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])

    names = [lambda name=name: services.create_project(actor=manager, name=name) for name in ("A", "B", "C", "D")]
    assert at_once(organization, *names) == ["done"] * 4

    with organization_scope(organization.pk):
        from crm.models import Project

        assert sorted(Project.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
