"""Deleting hides, frees the name, and has a way back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from core.actors import Actor
from core.errors import CapabilityMissing
from core.models import AuditEntry, Deletion
from core.services import AlreadyRestored, NameTaken, restore_deletion, soft_delete
from crm.models import Project, Property

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def project(manager: Actor) -> Project:
    project = Project.objects.create(organization=manager.organization, number=1, name="Vardon")
    for number in ("A-1", "A-2"):
        Property.objects.create(organization=manager.organization, project=project, p_number=number)
    return project


def test_children_go_and_come_back_with_their_parent(manager: Actor, project: Project) -> None:
    earlier = soft_delete(actor=manager, target=Property.objects.get(p_number="A-1"), at=NOW)

    deletion = soft_delete(actor=manager, target=project, at=NOW)
    assert deletion.hidden_count == 2
    assert not Project.objects.visible_to(manager).exists()
    assert not Property.objects.visible_to(manager).exists()

    assert restore_deletion(actor=manager, deletion=deletion, at=NOW) == 2
    assert [unit.p_number for unit in Property.objects.visible_to(manager)] == ["A-2"]
    assert restore_deletion(actor=manager, deletion=earlier, at=NOW) == 1


def test_a_name_is_free_again_and_then_refuses_the_restore(manager: Actor, project: Project) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(organization=manager.organization, number=1, name="Another")
    deletion = soft_delete(actor=manager, target=project, at=NOW)
    Project.objects.create(organization=manager.organization, number=1, name="Another")

    with pytest.raises(NameTaken):
        restore_deletion(actor=manager, deletion=deletion, at=NOW)

    assert [found.name for found in Project.objects.visible_to(manager)] == ["Another"]
    assert not Property.objects.visible_to(manager).exists()
    assert Deletion.objects.get().restored_at is None


def test_a_deletion_is_restored_once(manager: Actor, project: Project) -> None:
    deletion = soft_delete(actor=manager, target=project, at=NOW)
    restore_deletion(actor=manager, deletion=deletion, at=NOW)

    with pytest.raises(AlreadyRestored):
        restore_deletion(actor=manager, deletion=deletion, at=NOW)


def test_an_agent_may_not_delete(agent: Actor, manager: Actor, project: Project) -> None:
    with pytest.raises(CapabilityMissing):
        soft_delete(actor=agent, target=project, at=NOW)

    assert Project.objects.live().exists()
    assert not AuditEntry.objects.exists()


def test_the_trail_says_who_deleted_and_restored(manager: Actor, project: Project) -> None:
    deletion = soft_delete(actor=manager, target=project, at=NOW)
    restore_deletion(actor=manager, deletion=deletion, at=NOW)

    trail = AuditEntry.objects.order_by("id").values_list("action", "user", "target_type")
    assert list(trail) == [
        ("core.row_deleted", manager.user.pk, "crm.project"),  # type: ignore[union-attr]
        ("core.deletion_restored", manager.user.pk, "core.deletion"),  # type: ignore[union-attr]
    ]
