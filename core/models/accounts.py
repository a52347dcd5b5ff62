"""Invitations, and the e-mails that tell people of their account."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from core.encryption import EncryptedTextField
from core.models.base import TenantForeignKey, TenantModel, TenantQuerySet
from core.models.people import Membership
from core.roles import Role


class LetterQuerySet(models.QuerySet["Letter"]):
    def due(self, at: datetime) -> Self:
        """Neither sent nor given up, and nobody is sending it."""
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True, due_at__lte=at)


class Letter(models.Model):
    """An e-mail on its way to one person: the row is the queue. It belongs to a person, not to an organisation.

    What it says may open an account, so it is encrypted, and forgotten once it is sent.
    """

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = EncryptedTextField(null=True, help_text="none once it is sent")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="not before; while it is sent, until when nobody else sends it")
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_letter_ends_one_way", condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True)
            ),
            models.CheckConstraint(
                name="core_letter_sent_is_forgotten",
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True) | Q(body__isnull=True),
            ),
        ]
        indexes = [
            # what the sweeper sends
            models.Index(
                fields=["due_at"], condition=Q(sent_at=None, given_up_at=None), name="core_letter_waiting"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.subject} ({self.pk})"


class InvitationQuerySet(TenantQuerySet):
    def open(self, at: datetime) -> Self:
        """Whose link still works."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)


class Invitation(TenantModel):
    """Somebody was asked into the house by e-mail, with a role. Of the link in it only a digest is kept."""

    email = models.EmailField()
    name = models.CharField(max_length=150)
    role = models.CharField(max_length=12, choices=Role)
    language = models.CharField(max_length=5, default="en")
    invited_by = TenantForeignKey(Membership, related_name="+")
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    membership = TenantForeignKey(Membership, null=True, related_name="+", help_text="what became of it")
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="core_invitation_digest"),
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="core_invitation_one_open_per_email",
            ),
            models.CheckConstraint(name="core_invitation_email_is_lower_case", condition=Q(email=Lower(F("email")))),
            models.CheckConstraint(
                name="core_invitation_ends_one_way", condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True)
            ),
            models.CheckConstraint(
                name="core_invitation_accepted_is_a_member",
                condition=Q(accepted_at__isnull=True, membership__isnull=True)
                | Q(accepted_at__isnull=False, membership__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.get_role_display()} ({self.pk})"

    def state(self, at: datetime) -> str:
        """`accepted`, `revoked`, `expired` or `open`."""
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "open" if self.expires_at > at else "expired"
