"""Numbers and addresses that nobody of the organisation writes to, whether a contact has them or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import Q

from core.arrays import any_text
from core.models import Organization, TenantForeignKey, TenantModel, TenantQuerySet
from core.phones import read_cell

# How a point says that it was this list, and not the contact, who stopped it.
LISTED = "on the do-not-contact list"


class DoNotContactQuerySet(TenantQuerySet):
    def standing(self) -> Self:
        """Entries that nobody has removed."""
        return self.filter(removed_at__isnull=True)

    def of(self, text: str, region: str) -> Self:
        """Entries of a whole number as people write it, or of an address: never of a part, as numbers are masked."""
        numbers = [number.value for number in read_cell(text[:254].replace("\x00", ""), region).numbers]
        return self.filter(value__in=[text.strip().lower(), *numbers])

    def forbidden(self, organization: Organization, values: Iterable[str]) -> set[str]:
        """Of these numbers and addresses, those on the list. One query: what every send asks."""
        listed = self.for_organization(organization).standing().filter(value__in=any_text(set(values)))
        return set(listed.values_list("value", flat=True))


class DoNotContact(TenantModel):
    """One number (E.164) or e-mail address: who put it there and why, and who took it off and why."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    value = models.CharField(max_length=254, help_text="E.164, or a lower-case e-mail address")
    reason = models.CharField(max_length=300)
    source = models.CharField(max_length=100, blank=True, help_text="typed, or the name of the file")
    added_by = TenantForeignKey("core.Membership", related_name="+", db_index=False)
    removed_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+", db_index=False)
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_reason = models.CharField(max_length=300, blank=True)

    objects = DoNotContactQuerySet.as_manager()

    class Meta:
        verbose_name = "do-not-contact entry"
        verbose_name_plural = "do-not-contact list"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "value"], condition=Q(removed_at__isnull=True), name="crm_do_not_contact_once"
            ),
            models.CheckConstraint(name="crm_do_not_contact_has_a_reason", condition=~Q(reason="") & ~Q(value="")),
            models.CheckConstraint(
                name="crm_do_not_contact_removed_by_someone_for_a_reason",
                condition=Q(removed_at__isnull=True, removed_by__isnull=True, removed_reason="")
                | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(removed_reason="")),
            ),
        ]

    @property
    def kind(self) -> str:
        """As of a point: what it would be on a contact."""
        return "email" if "@" in self.value else "phone"

    def __str__(self) -> str:
        return f"do not contact ({self.pk})"


# A contact that comes later with such a number is marked at once, whoever writes the row. Once a statement: an import
# of a hundred thousand points asks once.
LISTED_POINTS_ARE_MARKED = pgtrigger.Trigger(
    name="listed_points_are_marked",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="new_rows"),  # type: ignore[no-untyped-call]
    func=f"""
        IF EXISTS (SELECT FROM crm_donotcontact WHERE removed_at IS NULL) THEN
            EXECUTE 'UPDATE crm_contactpoint p SET status = ''do_not_contact'', notes = ''{LISTED}'', updated_at = now()
              FROM new_rows n JOIN crm_donotcontact d ON d.organization_id = n.organization_id AND d.value = n.value
             WHERE d.removed_at IS NULL AND p.id = n.id AND p.organization_id = n.organization_id
               AND p.status <> ''do_not_contact''';
        END IF;
        RETURN NULL;
    """,  # noqa: S608 - our own text
)
