"""Where an organisation wants to be told of what happened, and what became of every telling."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.encryption import EncryptedTextField
from core.models.base import TenantForeignKey, TenantModel, TenantQuerySet

if TYPE_CHECKING:
    from core.actors import Actor


class HookEndpointQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        return super().visible_to(actor).filter(removed_at__isnull=True)


class HookEndpoint(TenantModel):
    """An address of somebody's own that is told of events, and the secret with which we sign."""

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    secret = EncryptedTextField()
    kinds = ArrayField(models.CharField(max_length=50), help_text="what it is told of")
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row, since the last one that arrived")
    stopped_reason = models.CharField(max_length=200, blank=True, help_text="why Majlis stopped it by itself")

    # Never deleted: an event that is being written down at this moment must not fail for it.
    removed_at = models.DateTimeField(null=True)

    objects = HookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_hookendpoint_removed_is_not_active", condition=Q(removed_at=None) | Q(is_active=False)
            ),
            models.CheckConstraint(
                name="core_hookendpoint_stopped_is_not_active", condition=Q(stopped_reason="") | Q(is_active=False)
            ),
            models.CheckConstraint(name="core_hookendpoint_is_told_something", condition=Q(kinds__len__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class HookDeliveryQuerySet(TenantQuerySet):
    def waiting(self) -> Self:
        """Neither arrived nor given up."""
        return self.filter(delivered_at__isnull=True, given_up_at__isnull=True)

    def due(self, at: datetime) -> Self:
        return self.waiting().filter(due_at__lte=at, endpoint__is_active=True)


class HookDelivery(TenantModel):
    """One event on its way to one endpoint: the row is the queue. Its id stays the same however often it is sent."""

    endpoint = TenantForeignKey(HookEndpoint, related_name="deliveries")
    event_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=50)
    body = models.TextField(help_text="the very bytes that are signed: ids, never what rows say")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="not before; while it is sent, until when nobody else sends it")
    answer_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    objects = HookDeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "endpoint", "event_id"], name="core_hookdelivery_once_per_endpoint"
            ),
            models.CheckConstraint(
                name="core_hookdelivery_ends_one_way", condition=Q(delivered_at=None) | Q(given_up_at=None)
            ),
        ]
        indexes = [
            # what the sweeper sends
            models.Index(
                fields=["organization", "due_at"],
                condition=Q(delivered_at=None, given_up_at=None),
                name="core_hookdelivery_due",
            ),
            # the log of one endpoint, newest first
            models.Index(fields=["organization", "endpoint", "-id"], name="core_hookdelivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id} ({self.pk})"
