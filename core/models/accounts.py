"""Letters: the e-mails that tell people of their account."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from core.encryption import EncryptedTextField


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
