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
    EXPORT = "export", "A file"


class OwnerDisclosure(TenantModel):
    """A member was given the numbers of a contact: by what request, through which door, when. Written once."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    membership = TenantForeignKey("core.Membership", related_name="disclosures")
    contact = TenantForeignKey(Contact, related_name="disclosures")
    points = ArrayField(models.BigIntegerField(), help_text="the contact points that were shown")
    reason = models.CharField(max_length=300, help_text="what was asked, or what for")
    door = models.CharField(max_length=11, choices=Door)
    by_opening = models.BooleanField(default=False, help_text="nobody asked: the page of the contact was opened")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # how many did this member ask for within the hour; which numbers was he given today
            models.Index(fields=["organization", "membership", "at"], name="crm_disclosure_of_member"),
            # the report of a period
            models.Index(fields=["organization", "at"], name="crm_disclosure_by_time"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"numbers of contact {self.contact_id} to member {self.membership_id} ({self.pk})"


class ListDisclosure(TenantModel):
    """A member, or an integration of his, took a whole list of numbers: how many, which, as what file. Written once."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    membership = TenantForeignKey("core.Membership", related_name="list_disclosures")
    token = TenantForeignKey("core.ApiToken", null=True, related_name="+", db_index=False)
    listed = models.CharField(max_length=60, help_text="which list, such as crm.contact")
    how_many = models.PositiveIntegerField(help_text="numbers and addresses, not rows")
    filters = models.JSONField(default=dict)
    file = models.CharField(max_length=200, blank=True)
    door = models.CharField(max_length=11, choices=Door)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # the report of a period
            models.Index(fields=["organization", "at"], name="crm_list_disclosure_by_time"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.how_many} numbers to member {self.membership_id} ({self.pk})"


class DisclosureAlert(TenantModel):
    """A member reached the limit of numbers an hour. Once an hour and member, until somebody has looked at it."""

    membership = TenantForeignKey("core.Membership", related_name="+")
    hour = models.DateTimeField(help_text="the hour it began in")
    door = models.CharField(max_length=11, choices=Door)
    limit = models.PositiveIntegerField()
    seen_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "membership", "hour"], name="crm_disclosure_alert_once_an_hour"
            ),
            models.CheckConstraint(
                name="crm_disclosure_alert_seen_by_someone_at_some_time",
                condition=models.Q(seen_by__isnull=True, seen_at__isnull=True)
                | models.Q(seen_by__isnull=False, seen_at__isnull=False),
            ),
            models.CheckConstraint(
                name="crm_disclosure_alert_seen_by_another",
                condition=models.Q(seen_by__isnull=True) | ~models.Q(seen_by=models.F("membership")),
            ),
        ]

    def __str__(self) -> str:
        return f"alert about member {self.membership_id} ({self.pk})"
