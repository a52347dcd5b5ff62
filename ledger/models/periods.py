"""Until which day the books are closed. A closing, the wish to open it again and the second person's yes are rows."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.db import models

from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet


class PeriodClosingQuerySet(TenantQuerySet):
    def standing(self) -> Self:
        """Closings that were not opened again."""
        return self.filter(requests__reopenings__isnull=True)

    def closed_through(self) -> date | None:
        """The last day into which nothing can be posted; None while all days are open. One query."""
        day: date | None = self.standing().aggregate(day=models.Max("through_on"))["day"]
        return day


class PeriodClosing(TenantModel):
    """All days until this one, included, are closed: ledger_post refuses them, and a trigger on transfers behind it."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    through_on = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    closed_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    objects = PeriodClosingQuerySet.as_manager()

    class Meta:
        triggers = append_only()

    def __str__(self) -> str:
        return f"books closed through {self.through_on} ({self.pk})"


class ReopeningRequest(TenantModel):
    """Somebody asks for a closed period to be opened again, and says why."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    closing = TenantForeignKey(PeriodClosing, related_name="requests")
    reason = models.CharField(max_length=300)
    asked_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "closing"], name="ledger_reopening_asked_once"),
            models.CheckConstraint(name="ledger_reopening_has_a_reason", condition=~models.Q(reason="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"request to open {self.closing_id} again ({self.pk})"


class PeriodReopening(TenantModel):
    """A second person agreed: the period is open from now on."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    request = TenantForeignKey(ReopeningRequest, related_name="reopenings")
    approved_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "request"], name="ledger_reopened_once"),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="second_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (SELECT FROM ledger_reopeningrequest r
                                WHERE r.id = NEW.request_id AND r.asked_by_id = NEW.approved_by_id) THEN
                        RAISE EXCEPTION 'ledger: who asks for a period to be opened again does not approve it';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"reopening by request {self.request_id} ({self.pk})"
