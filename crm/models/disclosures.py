"""Whose number was given to whom."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.append_only import append_only
from core.models import TenantForeignKey, TenantModel
from crm.models.contacts import Contact


class Door(models.TextChoices):
    PAGE = "page", "A page"
    BACK_OFFICE = "back_office", "Back office"
    API = "api", "API"
    ASSISTANT = "assistant", "WhatsApp assistant"


class OwnerDisclosure(TenantModel):
    """A member was given the numbers of a contact: by what request, through which door, when. Written once."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    membership = TenantForeignKey("core.Membership", related_name="disclosures")
    contact = TenantForeignKey(Contact, related_name="disclosures")
    points = ArrayField(models.BigIntegerField(), help_text="the contact points that were shown")
    reason = models.CharField(max_length=300, help_text="what was asked, or what for")
    door = models.CharField(max_length=11, choices=Door)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # how many did this member ask for within the hour; which numbers was he given today
            models.Index(fields=["organization", "membership", "at"], name="crm_disclosure_of_member"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"numbers of contact {self.contact_id} to member {self.membership_id} ({self.pk})"
