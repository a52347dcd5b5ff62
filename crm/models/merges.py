"""Contacts and units that were one: what was joined, and every value as it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.append_only import append_only
from core.encryption import EncryptedTextField
from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from crm.models.contacts import Contact
from crm.models.stock import Property

if TYPE_CHECKING:
    from core.actors import Actor


class Noun(models.TextChoices):
    """What can be there twice."""

    CONTACT = "contact", "Contact"
    PROPERTY = "property", "Unit"


def two_of_one_noun(name: str, first: str, second: str) -> models.CheckConstraint:
    """Exactly one pair is given, and it is that of the noun; never a row and itself."""
    contacts = Q(noun="contact", **{f"{first}_contact__isnull": False, f"{second}_contact__isnull": False})
    units = Q(noun="property", **{f"{first}_property__isnull": False, f"{second}_property__isnull": False})
    no_contacts = Q(**{f"{first}_contact__isnull": True, f"{second}_contact__isnull": True})
    no_units = Q(**{f"{first}_property__isnull": True, f"{second}_property__isnull": True})
    one = Q(**{f"{first}_contact": F(f"{second}_contact")}) | Q(**{f"{first}_property": F(f"{second}_property")})
    return models.CheckConstraint(name=name, condition=((contacts & no_units) | (units & no_contacts)) & ~one)


class MergeQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Own-only members: merges into what they see."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        contacts = Q(survivor_contact__in=Contact.objects.visible_to(actor))
        return visible.filter(contacts | Q(survivor_property__in=Property.objects.visible_to(actor)))

    def standing(self) -> Self:
        return self.filter(reversed_at__isnull=True)


class Merge(TenantModel):
    """Two rows became one: the survivor has what both had, the other is hidden and leads to it. Can be undone."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    noun = models.CharField(max_length=8, choices=Noun)
    survivor_contact = TenantForeignKey(Contact, null=True, related_name="+")
    merged_contact = TenantForeignKey(Contact, null=True, related_name="+")
    survivor_property = TenantForeignKey(Property, null=True, related_name="+")
    merged_property = TenantForeignKey(Property, null=True, related_name="+")
    taken = ArrayField(models.CharField(max_length=40), default=list, help_text="fields taken from the other one")
    consents = models.JSONField(default=dict, help_text="who may be written to, as the merge left it")
    former_national_id = EncryptedTextField(
        blank=True, default="", help_text="the survivor's own, where it took the other's"
    )
    former_national_id_index = models.CharField(max_length=64, blank=True)
    merged_by = TenantForeignKey("core.Membership", null=True, related_name="+")
    at = models.DateTimeField()
    reversed_by = TenantForeignKey("core.Membership", null=True, related_name="+")
    reversed_at = models.DateTimeField(null=True)
    kept = models.JSONField(default=list, help_text="what undoing left alone, because it was changed since")

    objects = MergeQuerySet.as_manager()

    class Meta:
        constraints = [
            two_of_one_noun("crm_merge_names_two_of_one_noun", "survivor", "merged"),
            models.UniqueConstraint(
                fields=["organization", "merged_contact", "merged_property"],
                condition=Q(reversed_at__isnull=True),
                nulls_distinct=False,
                name="crm_merge_once",
            ),
        ]
        indexes = [
            # the list of merges, and those that may have stragglers
            models.Index(fields=["organization", "-at"], name="crm_merge_newest"),
        ]

    @property
    def survivor_id(self) -> int:
        return self.survivor_contact_id or self.survivor_property_id or 0

    @property
    def merged_id(self) -> int:
        return self.merged_contact_id or self.merged_property_id or 0

    def __str__(self) -> str:
        return f"{self.noun} {self.merged_id} into {self.survivor_id} ({self.pk})"


class MergeStep(TenantModel):
    """Some rows of one table in which a merge changed the same columns from the same values. Written once."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    merge = TenantForeignKey(Merge, related_name="steps")
    noun = models.CharField(max_length=60, help_text="what people call these rows; empty for what follows from others")
    model = models.CharField(max_length=60)
    ids = ArrayField(models.BigIntegerField())
    before = models.JSONField()
    after = models.JSONField()
    is_apart = models.BooleanField(default=False, help_text="undone column by column: fields of one row")

    class Meta:
        triggers = append_only()

    def __str__(self) -> str:
        return f"{len(self.ids)} of {self.model} ({self.pk})"
