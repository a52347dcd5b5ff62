"""The people who sell, where they are paid, and what they work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.encryption import ROTATING_SETTING, EncryptedTextField
from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel
from core.models.base import LIVE, known
from core.roles import Reach
from crm.models.stock import Project, Property

if TYPE_CHECKING:
    from core.actors import Actor


class AgentStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"
    ARCHIVED = "archived", "Archived"


class AgentQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        return visible if actor.reach is Reach.ORGANIZATION else visible.filter(membership__in=actor.membership_ids)


class Agent(SoftDeleteModel):
    """The sales profile of a membership. The supervisor is whom the membership reports to."""

    membership = TenantForeignKey("core.Membership", related_name="agents")
    name = models.CharField(max_length=150)
    whatsapp_number = models.CharField(max_length=20, blank=True, help_text="E.164")
    expertise_areas = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    commission_basis_points = models.PositiveIntegerField(null=True, blank=True, help_text="250 is 2.5 %")
    status = models.CharField(max_length=8, choices=AgentStatus, default=AgentStatus.ACTIVE)

    objects = AgentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "membership"], condition=LIVE, name="crm_agent_once_per_membership"
            ),
            models.UniqueConstraint(
                fields=["organization", "whatsapp_number"],
                condition=LIVE & ~Q(whatsapp_number=""),
                name="crm_agent_whatsapp_number_once",
            ),
            models.CheckConstraint(
                name="crm_agent_commission_at_most_all",
                condition=Q(commission_basis_points__isnull=True) | Q(commission_basis_points__lte=10_000),
            ),
            known("crm_agent_status_known", "status", AgentStatus),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


# Whoever writes another account down unsays the verification. Keys rotate without another word (rotate_field_keys).
CHANGED_ARE_UNVERIFIED = pgtrigger.Trigger(
    name="changed_are_unverified",
    when=pgtrigger.Before,
    operation=pgtrigger.UpdateOf("agent_id", "holder", "bank_name", "iban", "account_number", "swift", "entered_by_id"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Condition("OLD.verified_at IS NOT NULL AND NEW.verified_at = OLD.verified_at"),
    func=f"""
        IF (NEW.agent_id, NEW.holder, NEW.bank_name, NEW.iban, NEW.account_number, NEW.swift, NEW.entered_by_id)
           IS DISTINCT FROM
           (OLD.agent_id, OLD.holder, OLD.bank_name, OLD.iban, OLD.account_number, OLD.swift, OLD.entered_by_id)
           AND current_setting('{ROTATING_SETTING}', true) IS DISTINCT FROM 'on' THEN
            RAISE EXCEPTION 'Bank details % were verified; other details are to be verified anew.', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_bank_details_changed_are_unverified',
                      TABLE = 'crm_bankdetails';
        END IF;
        RETURN NEW;
    """,
)


class BankDetails(TenantModel):
    """Where an agent is paid. Numbers are ciphertext; who wrote them down and who verified them is kept."""

    agent = TenantForeignKey(Agent, related_name="bank_details")
    holder = models.CharField(max_length=150)
    bank_name = models.CharField(max_length=150)
    account_number = EncryptedTextField(blank=True, default="")
    iban = EncryptedTextField()
    swift = models.CharField(max_length=11, blank=True)
    entered_by = TenantForeignKey("core.Membership", related_name="+")
    verified_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "bank details"
        constraints = [
            models.UniqueConstraint(fields=["organization", "agent"], name="crm_bank_details_one_per_agent"),
            models.CheckConstraint(
                name="crm_bank_details_verified_by_someone_at_some_time",
                condition=Q(verified_by__isnull=True, verified_at__isnull=True)
                | Q(verified_by__isnull=False, verified_at__isnull=False),
            ),
            models.CheckConstraint(
                name="crm_bank_details_verified_by_another",
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=F("entered_by")),
            ),
        ]
        triggers = [CHANGED_ARE_UNVERIFIED]

    def __str__(self) -> str:
        return f"bank details of agent {self.agent_id} ({self.pk})"


class AssignmentStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"
    TRANSFERRED = "transferred", "Transferred"


class ProjectAssignmentQuerySet(SoftDeleteQuerySet):
    def active(self) -> Self:
        return self.live().filter(status=AssignmentStatus.ACTIVE)

    def held_by(self, actor: Actor) -> Self:
        """Active assignments of this person, and of direct reports where the reach is a team."""
        return self.for_organization(actor.organization).active().filter(agent__membership__in=actor.membership_ids)

    def reach_of(self, actor: Actor) -> tuple[list[int] | None, list[int] | None]:
        """Which projects whole and which units besides this person sees, as the search functions take it; None for those
        who see everything. One query; none for them."""
        if actor.reach is Reach.ORGANIZATION:
            return None, None
        held = list(self.held_by(actor).values_list("project", "property"))
        return [project for project, unit in held if unit is None], [
            unit for _project, unit in held if unit is not None
        ]

    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(agent__membership__in=actor.membership_ids)


# FOR SHARE: whoever archives the agent at this moment waits, or is waited for.
ARCHIVED_AGENTS_REFUSE = pgtrigger.Trigger(
    name="archived_agents_refuse",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("agent_id", "status", "deleted_at"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(new__status="active", new__deleted_at__isnull=True),
    declare=[("standing", "text")],
    func="""
        SELECT status INTO standing FROM crm_agent WHERE id = NEW.agent_id FOR SHARE;
        IF standing = 'archived' THEN
            RAISE EXCEPTION 'Agent % is archived and takes no new assignment.', NEW.agent_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_project_assignment_agent_not_archived',
                      TABLE = 'crm_projectassignment';
        END IF;
        RETURN NEW;
    """,
)


# FOR SHARE: whoever moves the unit at this moment waits, or is waited for.
UNIT_IS_OF_THE_PROJECT = pgtrigger.Trigger(
    name="unit_is_of_the_project",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("project_id", "property_id"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(new__property__isnull=False),
    declare=[("home", "bigint")],
    func="""
        SELECT project_id INTO home FROM crm_property WHERE id = NEW.property_id FOR SHARE;
        IF home IS DISTINCT FROM NEW.project_id THEN
            RAISE EXCEPTION 'Unit % is of project %, not of %.', NEW.property_id, home, NEW.project_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_project_assignment_unit_of_the_project',
                      TABLE = 'crm_projectassignment';
        END IF;
        RETURN NEW;
    """,
)


class ProjectAssignment(SoftDeleteModel):
    """An agent works on a project, or on one unit of it, until a due date."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    agent = TenantForeignKey(Agent, related_name="assignments")
    project = TenantForeignKey(Project, related_name="assignments")
    property = TenantForeignKey(Property, null=True, blank=True, related_name="assignments")
    due_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=AssignmentStatus, default=AssignmentStatus.ACTIVE)
    notes = models.TextField(blank=True)
    successor = TenantForeignKey(Agent, null=True, blank=True, related_name="+", help_text="to whom it was transferred")

    objects = ProjectAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "agent", "project", "property"],
                condition=LIVE & Q(status="active"),
                nulls_distinct=False,
                name="crm_project_assignment_once",
            ),
            models.CheckConstraint(
                name="crm_project_assignment_transfer_names_successor",
                condition=Q(status="transferred", successor__isnull=False)
                | (~Q(status="transferred") & Q(successor__isnull=True)),
            ),
            known("crm_project_assignment_status_known", "status", AssignmentStatus),
        ]
        triggers = [ARCHIVED_AGENTS_REFUSE, UNIT_IS_OF_THE_PROJECT]

    def __str__(self) -> str:
        return f"agent {self.agent_id} on project {self.project_id} ({self.pk})"
