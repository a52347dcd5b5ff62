"""The tables that every app stands on."""

from core.models.accounts import Invitation, Letter
from core.models.base import (
    SoftDeleteModel,
    SoftDeleteQuerySet,
    TenantForeignKey,
    TenantModel,
    TenantQuerySet,
    organization_of_parent,
)
from core.models.exports import Export
from core.models.hooks import HookDelivery, HookEndpoint
from core.models.idempotency import IdempotencyKey
from core.models.organization import Organization
from core.models.people import ApiToken, Membership, User
from core.models.records import AuditEntry, Deletion, Heartbeat
from core.models.views import SavedView

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Deletion",
    "Export",
    "Heartbeat",
    "HookDelivery",
    "HookEndpoint",
    "IdempotencyKey",
    "Invitation",
    "Letter",
    "Membership",
    "Organization",
    "SavedView",
    "SoftDeleteModel",
    "SoftDeleteQuerySet",
    "TenantForeignKey",
    "TenantModel",
    "TenantQuerySet",
    "User",
    "organization_of_parent",
]
