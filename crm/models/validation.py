"""Runs that look whether numbers and addresses can be right, and what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import F, Q

from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from crm.models.contacts import ContactPoint, PointStatus

if TYPE_CHECKING:
    from core.actors import Actor


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"


class Finding(models.TextChoices):
    FINE = "fine", "Fine"
    LANDLINE = "landline", "A landline: WhatsApp does not reach it"
    NO_NUMBER = "no_number", "Not a possible number"
    UNCLEAR = "unclear", "A person must say which number it is"
    BAD_FORM = "bad_form", "Not the form of an e-mail address"
    NO_DOMAIN = "no_domain", "There is no such domain"
    NO_MAIL = "no_mail", "The domain takes no mail"
    NOT_ASKED = "not_asked", "The domain could not be asked"


class ValidationRun(TenantModel):
    """One look at many points. A worker that dies leaves `cursor` behind, and the next goes on there.

    `counts` sums up what every point looked at was found to be; `wanted` is what was chosen.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    wanted = models.JSONField(default=dict)
    status = models.CharField(max_length=7, choices=RunStatus, default=RunStatus.QUEUED)
    cursor = models.BigIntegerField(default=0, help_text="the last point looked at")
    last = models.BigIntegerField(help_text="the last point there was: what comes later is for another run")
    total = models.PositiveIntegerField()
    checked = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    leased_until = models.DateTimeField(null=True)
    requested_by = TenantForeignKey("core.Membership", related_name="+", db_index=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    stopped_by = TenantForeignKey("core.Membership", null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = "validation run"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(status__in=["queued", "running"]),
                name="crm_validationrun_one_at_a_time",
            ),
            models.CheckConstraint(
                name="crm_validationrun_ends_with_a_time",
                condition=Q(status__in=["done", "stopped"], finished_at__isnull=False)
                | Q(status__in=["queued", "running"], finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="crm_validationrun_changed_are_checked", condition=Q(changed__lte=F("checked"))
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.status in {RunStatus.QUEUED, RunStatus.RUNNING}

    def __str__(self) -> str:
        return f"validation run ({self.pk})"


class ValidationFindingQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(point__in=ContactPoint.objects.visible_to(actor))


class ValidationFinding(TenantModel):
    """What a run found of one point, where that is not simply fine, or the status of the point became another."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    run = TenantForeignKey(ValidationRun, related_name="findings", db_index=False)
    point = TenantForeignKey(ContactPoint, related_name="findings")
    finding = models.CharField(max_length=9, choices=Finding)
    before = models.CharField(max_length=14, choices=PointStatus)
    after = models.CharField(max_length=14, choices=PointStatus)

    objects = ValidationFindingQuerySet.as_manager()

    class Meta:
        verbose_name = "finding of a validation"
        verbose_name_plural = "findings of validations"
        constraints = [
            models.UniqueConstraint(fields=["organization", "run", "point"], name="crm_validationfinding_once"),
        ]
        indexes = [
            # behind a number of the outcome, newest first
            models.Index(fields=["organization", "run", "finding", "-id"], name="crm_finding_of_run"),
        ]

    @property
    def is_change(self) -> bool:
        return self.before != self.after

    def __str__(self) -> str:
        return f"{self.finding} of point {self.point_id} ({self.pk})"
