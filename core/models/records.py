"""What is kept about changes: the audit trail, what each deletion hid, and signs of life."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.append_only import append_only
from core.models.base import TenantForeignKey, TenantModel
from core.models.people import ApiToken, User


class AuditEntry(TenantModel):
    """Who did what to what, from where, and what it was before and after. Written once, by core/audit.py alone."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    token = TenantForeignKey(ApiToken, null=True, related_name="+")
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # the history page of one object
            models.Index(fields=["organization", "target_type", "target_id", "-id"], name="core_audit_of_target"),
            # the trail of one organisation, newest first
            models.Index(fields=["organization", "-id"], name="core_audit_newest"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id} ({self.pk})"


class Deletion(TenantModel):
    """One act of deleting: what it hid is brought back together, and nothing else is."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField()
    label = models.CharField(max_length=200)
    hidden_count = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.label} ({self.pk})"


class Heartbeat(models.Model):
    """The last sign of life of a part of the installation, such as the scheduler. Belongs to no organisation."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}Z"
