"""Rows that may be one thing, with the reasons; and the search that finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from crm.models.contacts import Contact
from crm.models.merges import Noun, two_of_one_noun
from crm.models.stock import Property

if TYPE_CHECKING:
    from core.actors import Actor


class CandidateState(models.TextChoices):
    OPEN = "open", "To be looked at"
    DISMISSED = "dismissed", "Not the same"
    MERGED = "merged", "Merged"


class DuplicateCandidateQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Pairs of which this person sees both, and which are both still there."""
        visible = super().visible_to(actor)
        contacts, units = Contact.objects.visible_to(actor), Property.objects.visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(
            Q(first_contact__in=contacts, second_contact__in=contacts)
            | Q(first_property__in=units, second_property__in=units)
        )

    def open(self) -> Self:
        """Waiting for a person: neither side was deleted or merged meanwhile."""
        gone = (
            Q(first_contact__deleted_at__isnull=False)
            | Q(second_contact__deleted_at__isnull=False)
            | Q(first_property__deleted_at__isnull=False)
            | Q(second_property__deleted_at__isnull=False)
        )
        return self.filter(state=CandidateState.OPEN).exclude(gone)

    def of(self, noun: str, pk: int) -> Self:
        """Pairs of which this row is one."""
        return self.filter(Q(**{f"first_{noun}": pk}) | Q(**{f"second_{noun}": pk}))


class DuplicateCandidate(TenantModel):
    """Two rows that may be one. Never certain: a person decides, and what was dismissed stays so until more speaks for it.

    `reasons` are those of crm/duplicates/judging.py; `dismissed_keys` the reasons that were known when it was dismissed.
    """

    only_remembers: ClassVar[bool] = True

    noun = models.CharField(max_length=8, choices=Noun)
    first_contact = TenantForeignKey(Contact, null=True, related_name="+", db_index=False)
    second_contact = TenantForeignKey(Contact, null=True, related_name="+", db_index=False)
    first_property = TenantForeignKey(Property, null=True, related_name="+", db_index=False)
    second_property = TenantForeignKey(Property, null=True, related_name="+", db_index=False)
    reasons = models.JSONField(default=list)
    codes = ArrayField(models.CharField(max_length=20), default=list, help_text="of the reasons, to filter by")
    score = models.PositiveSmallIntegerField(help_text="0-95: never certain")
    is_obvious = models.BooleanField(default=False, help_text="may be merged with many others at once")
    state = models.CharField(max_length=9, choices=CandidateState, default=CandidateState.OPEN)
    proposed_by = TenantForeignKey("core.Membership", null=True, related_name="+")
    dismissed_by = TenantForeignKey("core.Membership", null=True, related_name="+")
    dismissed_at = models.DateTimeField(null=True)
    dismissed_keys = ArrayField(models.CharField(max_length=300), default=list)
    found_at = models.DateTimeField(help_text="when a search last saw it")

    objects = DuplicateCandidateQuerySet.as_manager()

    class Meta:
        verbose_name = "possible duplicate"
        constraints = [
            two_of_one_noun("crm_duplicatecandidate_names_two_of_one_noun", "first", "second"),
            models.CheckConstraint(
                name="crm_duplicatecandidate_in_order",
                condition=Q(first_contact__lt=models.F("second_contact"))
                | Q(first_property__lt=models.F("second_property")),
            ),
            models.UniqueConstraint(
                fields=["organization", "first_contact", "second_contact", "first_property", "second_property"],
                nulls_distinct=False,
                name="crm_duplicatecandidate_once",
            ),
            models.CheckConstraint(name="crm_duplicatecandidate_never_certain", condition=Q(score__lte=95)),
        ]
        indexes = [
            # the list: what waits, the most likely first
            models.Index(fields=["organization", "state", "-score", "-id"], name="crm_candidate_by_score"),
            # the pairs of one row, from its other side
            models.Index(fields=["organization", "second_contact"], name="crm_candidate_of_contact"),
            models.Index(fields=["organization", "first_property"], name="crm_candidate_first_unit"),
            models.Index(fields=["organization", "second_property"], name="crm_candidate_second_unit"),
        ]

    @property
    def ids(self) -> tuple[int, int]:
        return (
            self.first_contact_id or self.first_property_id or 0,
            self.second_contact_id or self.second_property_id or 0,
        )

    def __str__(self) -> str:
        return f"{self.noun} {self.ids[0]} and {self.ids[1]} ({self.pk})"


class SearchStatus(models.TextChoices):
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"


class DuplicateSearch(TenantModel):
    """One look through the whole organisation. A worker that dies leaves `cursor` behind, and the next goes on there."""

    status = models.CharField(max_length=7, choices=SearchStatus, default=SearchStatus.QUEUED)
    phase = models.PositiveSmallIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    requested_by = TenantForeignKey("core.Membership", null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "duplicate searches"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(status__in=["queued", "running"]),
                name="crm_duplicatesearch_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"search for duplicates ({self.pk})"
