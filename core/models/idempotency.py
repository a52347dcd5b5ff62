"""What was answered to a write that came with an Idempotency-Key, so that the same request again is answered the same."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.encryption import EncryptedTextField
from core.models.base import TenantForeignKey, TenantModel
from core.models.people import ApiToken, Membership


class IdempotencyKey(TenantModel):
    """A key that one caller used for one change, and the answer to it. Written in the transaction of that change."""

    membership = TenantForeignKey(Membership, related_name="+")
    token = TenantForeignKey(ApiToken, null=True, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of method, address and body")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = EncryptedTextField(blank=True, help_text="may hold whole numbers, as answers do")

    class Meta:
        constraints = [
            # members in a browser have no token: they are one caller each
            models.UniqueConstraint(
                fields=["organization", "membership", "token", "key"],
                name="core_idempotencykey_once_per_caller",
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="core_idempotencykey_is_visible_ascii", condition=Q(key__regex=r"^[!-~]+$")),
            models.CheckConstraint(
                name="core_idempotencykey_of_a_change_that_was_made", condition=Q(status__gte=200, status__lt=300)
            ),
        ]
        indexes = [
            # what the sweeper throws away
            models.Index(fields=["organization", "created_at"], name="core_idempotencykey_old"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.pk})"
