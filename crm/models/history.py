"""What changed about a unit or a contact: before, after, when, by whom and through what.

Written by triggers, so that every door, every import and raw SQL is caught. They fire once a statement (transition
tables): a trigger for each row would cost an import ten times as much.
"""

# ruff: noqa: S608 - the names put into statements are those of our own tables and columns

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import Q

from core.append_only import append_only
from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.tenancy import ACTOR_SETTING, SOURCE_SETTING

if TYPE_CHECKING:
    from core.actors import Actor


class HistoryField(models.TextChoices):
    STATUS = "status", "Status"
    PRICE = "price", "Asking price"
    PRICE_NOTE = "price_note", "Price note"
    PURPOSE = "purpose", "Purpose"
    PROJECT = "project", "Project"
    OWNER = "owner", "Owner"
    NAME = "name", "Name"
    BAD_CONTACT = "bad_contact", "Bad contact"
    CONSENT = "consent", "Do not contact"
    ASSIGNED_TO = "assigned_to", "Assigned to"
    DELETED = "deleted", "Deleted"


class HistoryQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the unit, or the contact, knows what happened to it."""
        from core.roles import Reach
        from crm.models.contacts import Contact
        from crm.models.stock import Property

        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        of_unit = Q(property_id__in=Property.objects.visible_to(actor).values("pk"))
        of_contact = Q(property_id__isnull=True, contact_id__in=Contact.objects.visible_to(actor).values("pk"))
        return visible.filter(of_unit | of_contact)


class HistoryEntry(TenantModel):
    """One field of one unit or contact, before and after. Written once, by the triggers below alone.

    Its unit and its contact are numbers and no keys: reverting an import or a purge is not stopped by history.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    property_id = models.BigIntegerField(null=True)
    contact_id = models.BigIntegerField(null=True)
    field = models.CharField(max_length=12, choices=HistoryField)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    membership = TenantForeignKey("core.Membership", null=True, related_name="+", db_index=False)
    source = models.CharField(max_length=60, help_text="page, api, back_office, sheet:12/run:34, merge, system, ...")
    at = models.DateTimeField()

    objects = HistoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "history entries"
        constraints = [
            models.CheckConstraint(
                name="crm_history_of_a_unit_or_a_contact",
                condition=Q(property_id__isnull=False) | Q(contact_id__isnull=False),
            ),
        ]
        indexes = [
            # the timeline of a unit, and of a contact, newest first
            models.Index(
                fields=["organization", "property_id", "-id"],
                condition=Q(property_id__isnull=False),
                name="crm_history_of_unit",
            ),
            models.Index(
                fields=["organization", "contact_id", "-id"],
                condition=Q(contact_id__isnull=False),
                name="crm_history_of_contact",
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.field} of {self.property_id or self.contact_id} ({self.pk})"


_WHO = f"NULLIF(current_setting(''{ACTOR_SETTING}'', true), '''')::bigint"
_THROUGH = f"left(COALESCE(NULLIF(current_setting(''{SOURCE_SETTING}'', true), ''''), ''system''), 60)"
_INSERT = f"""
    INSERT INTO crm_historyentry (organization_id, created_at, updated_at, property_id, contact_id, field, before, after,
                                  membership_id, source, at)
    SELECT x.organization_id, now(), now(), x.property_id, x.contact_id, x.field, x.before, x.after,
           {_WHO}, {_THROUGH}, now() FROM
"""


def _kept(name: str, operation: pgtrigger.Operation, changes: str) -> pgtrigger.Trigger:
    """A trigger that keeps `changes`, a query over old_rows and new_rows.

    Through EXECUTE, so that it is planned anew each time: a plan kept from a change of one row would join the fifty
    thousand of an import in a loop.
    """
    is_insert = operation == pgtrigger.Insert
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(  # type: ignore[no-untyped-call]
            old=None if is_insert else "old_rows", new="new_rows"
        ),
        func=f"EXECUTE '{_INSERT} ({changes}) x'; RETURN NULL;",
    )


def kept_fields(subject: str, values: dict[str, str]) -> pgtrigger.Trigger:
    """Keep changes of fields: `values` says, for each field of history, the expression over a row `r`."""
    lines = ", ".join(
        "(" + ", ".join([f"''{field}''", *(f"to_jsonb({value.replace('r.', f'{row}.')})" for row in "on")]) + ")"
        for field, value in values.items()
    )
    unit, contact = {
        "unit": ("n.id", "NULL::bigint"),
        "contact": ("NULL::bigint", "n.id"),
        "point": ("NULL::bigint", "n.contact_id"),
    }[subject]
    return _kept(
        "keep_history",
        pgtrigger.Update,
        f"""
        SELECT n.organization_id, {unit} AS property_id, {contact} AS contact_id, v.field, v.before, v.after
          FROM old_rows o JOIN new_rows n ON n.id = o.id
         CROSS JOIN LATERAL (VALUES {lines}) v(field, before, after)
         WHERE v.before IS DISTINCT FROM v.after
        """,
    )


_OWNS = """
    CASE WHEN r.until IS NULL AND r.deleted_at IS NULL
         THEN jsonb_build_object(''share'', r.share_basis_points, ''primary'', r.is_primary) END
"""


def kept_owners() -> list[pgtrigger.Trigger]:
    """Who began and who ceased to own a unit, or owns another share of it.

    The first owners of a unit that came with it, in one transaction, are no change.
    """

    def rows(table: str) -> str:
        state = _OWNS.replace("r.", f"{table}.")
        return f"(SELECT id, organization_id, property_id, contact_id, {state} AS state FROM {table})"

    begun = f"""
        SELECT n.organization_id, n.property_id, n.contact_id, ''owner'' AS field, NULL::jsonb AS before, n.state AS after
          FROM {rows("new_rows")} n
          JOIN crm_property p ON p.id = n.property_id AND p.organization_id = n.organization_id
         WHERE n.state IS NOT NULL AND p.created_at < now()
    """
    changed = f"""
        SELECT COALESCE(n.organization_id, o.organization_id) AS organization_id,
               COALESCE(n.property_id, o.property_id) AS property_id,
               COALESCE(n.contact_id, o.contact_id) AS contact_id, ''owner'' AS field, o.state AS before, n.state AS after
          FROM {rows("old_rows")} o FULL JOIN {rows("new_rows")} n
            ON n.id = o.id AND n.property_id = o.property_id AND n.contact_id = o.contact_id
         WHERE o.state IS DISTINCT FROM n.state
    """
    return [
        _kept("keep_new_owners", pgtrigger.Insert, begun),
        _kept("keep_changed_owners", pgtrigger.Update, changed),
    ]
