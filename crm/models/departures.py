"""Agents who left: what went to whom, and who may take a copy of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from core.models import TenantForeignKey, TenantModel
from crm.models.agents import Agent


class Departure(TenantModel):
    """An agent left: decided by whom, taken over by whom. `moved` names the rows, so that what was his can be told."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    agent = TenantForeignKey(Agent, related_name="departures")
    successor = TenantForeignKey(Agent, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300)
    whatsapp_number = models.CharField(max_length=20, blank=True, help_text="his until then; free since")
    moved = models.JSONField(default=dict, help_text="noun -> ids")
    decided_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True, blank=True)
    returned_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "agent"],
                condition=Q(returned_at__isnull=True),
                name="crm_departure_one_standing",
            ),
            models.CheckConstraint(
                name="crm_departure_returns_afterwards",
                condition=Q(returned_at__isnull=True) | Q(returned_at__gte=F("at")),
            ),
            models.CheckConstraint(
                name="crm_departure_successor_is_another",
                condition=Q(successor__isnull=True) | ~Q(successor=F("agent")),
            ),
        ]

    def __str__(self) -> str:
        return f"departure of agent {self.agent_id} ({self.pk})"


class DepartureExport(TenantModel):
    """Somebody asks for a copy of what a former agent worked on; another person allows or refuses it."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    departure = TenantForeignKey(Departure, related_name="exports")
    requested_by = TenantForeignKey("core.Membership", related_name="+")
    reason = models.CharField(max_length=300)
    requested_at = models.DateTimeField()
    decided_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    is_allowed = models.BooleanField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="crm_departure_export_decided_by_another",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="crm_departure_export_decided_whole",
                condition=Q(decided_by__isnull=True, decided_at__isnull=True, is_allowed__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False, is_allowed__isnull=False),
            ),
            models.CheckConstraint(
                name="crm_departure_export_taken_when_allowed",
                condition=Q(taken_at__isnull=True) | Q(is_allowed=True),
            ),
        ]

    def __str__(self) -> str:
        return f"export {self.pk} of departure {self.departure_id}"
