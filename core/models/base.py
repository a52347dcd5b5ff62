"""What every business table has: an organisation, times, and (where people delete) a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from core.actors import Actor
    from core.models.organization import Organization


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]  # not subscriptable at run time
    """A foreign key between two tables of the same organisation.

    Django's own constraint would let a row point into another organisation. core/protection.py adds, from the models,
    one over (organization, key) instead, which the database cannot be talked out of.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("on_delete", models.PROTECT)
        super().__init__(*args, **kwargs)


def organization_of_parent() -> models.ForeignKey[Any, Any]:
    """The organisation of a busy table that has a required TenantForeignKey.

    That key, over (organization, key), says already that the organisation exists. A key of its own would lock the one
    row of the organisation for every row that is written: a third of what writing a message costs.
    """
    return models.ForeignKey(
        "core.Organization", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )


class TenantQuerySet(models.QuerySet[Any]):
    def for_organization(self, organization: Organization) -> Self:
        return self.filter(organization=organization)

    def visible_to(self, actor: Actor) -> Self:
        """The rows that this person may know of. Models with own-only rows narrow further."""
        return self.for_organization(actor.organization)


class TenantModel(models.Model):
    """A row that belongs to one organisation. Row-level security and privileges come from this class."""

    # What the application's database role may do with the table; append-only tables leave out UPDATE and DELETE.
    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"
    # Its rows speak of others without using them: they keep nothing from being taken back.
    only_remembers: ClassVar[bool] = False

    # Whether functions of the tables' owner search it: they then read it without the wall, and narrow it themselves.
    read_by_owner: ClassVar[bool] = False

    # Whether keys of other tables may lead here, over a unique (organization_id, id). Only a table that is very long and
    # never listed by organisation says no, to be without that index.
    is_pointed_at: ClassVar[bool] = True

    # Not indexed alone: core/protection.py gives every table a unique (organization_id, id), which serves its lists.
    organization = models.ForeignKey("core.Organization", on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class SoftDeleteQuerySet(TenantQuerySet):
    def live(self) -> Self:
        """Rows that nobody deleted."""
        return self.filter(deleted_at__isnull=True)

    def visible_to(self, actor: Actor) -> Self:
        return super().visible_to(actor).live()


class SoftDeleteModel(TenantModel):
    """A row that is hidden rather than removed. Its unique constraints carry `condition=LIVE`."""

    # Names of reverse relations whose rows are hidden with this one, and come back with it.
    hidden_with: ClassVar[tuple[str, ...]] = ()

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deletion = TenantForeignKey(
        "core.Deletion", null=True, blank=True, editable=False, related_name="+", db_index=False
    )

    objects = SoftDeleteQuerySet.as_manager()

    class Meta:
        abstract = True


LIVE = Q(deleted_at__isnull=True)


def known(name: str, field: str, choices: type[models.TextChoices], *, blank: bool = False) -> models.CheckConstraint:
    """The field is one of its choices, or empty where it may be: whoever writes the row, and however."""
    values = [*choices.values, *([""] if blank else [])]
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": values}))
