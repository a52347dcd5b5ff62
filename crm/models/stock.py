"""Projects, units and who owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel
from core.models.base import LIVE, known
from core.roles import Reach
from crm.models.contacts import Contact
from crm.models.history import kept_fields, kept_owners
from crm.models.mergeable import Mergeable, merged_into_index, merged_is_hidden
from crm.models.narrowing import UnitNarrowing
from crm.models.search import MOST_FOUND, keeps_words

if TYPE_CHECKING:
    from core.actors import Actor


class ProjectStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    ARCHIVED = "archived", "Archived"


class ProjectQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents see the projects they are assigned to."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        from crm.models.agents import ProjectAssignment

        return visible.filter(pk__in=ProjectAssignment.objects.held_by(actor).values("project"))

    def search(self, text: str) -> Self:
        """By the number, or by any part of the name, the developer or the master project."""
        text = text.replace("\x00", "").strip()
        named = Q(name__icontains=text) | Q(developer__icontains=text) | Q(master_project__icontains=text)
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        return self.filter(named | Q(number=int(text)) if is_number else named) if text else self


class Project(SoftDeleteModel):
    """A development, or the part of one that the office works as a list. `number` is what people call it by."""

    hidden_with: ClassVar[tuple[str, ...]] = ("properties",)

    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    developer = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    master_project = models.CharField(max_length=200, blank=True)
    area = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=ProjectStatus, default=ProjectStatus.ACTIVE)
    budget_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="AED")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], condition=LIVE, name="crm_project_number_once"),
            models.UniqueConstraint(fields=["organization", "name"], condition=LIVE, name="crm_project_name_once"),
            models.CheckConstraint(
                name="crm_project_budget_not_negative", condition=Q(budget_minor__isnull=True) | Q(budget_minor__gte=0)
            ),
            known("crm_project_status_known", "status", ProjectStatus),
        ]
        triggers = keeps_words("n.name || ' ' || n.master_project")

    def __str__(self) -> str:
        return f"{self.number} {self.name} ({self.pk})"


class PropertyType(TenantModel):
    """Villa, apartment, townhouse, ...: a list of each organisation's own."""

    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="crm_property_type_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Purpose(models.TextChoices):
    SALE = "sale", "For sale"
    RENT = "rent", "For rent"
    BOTH = "both", "Sale or rent"


class PropertyStatus(models.TextChoices):
    AVAILABLE = "available", "Available"
    RESERVED = "reserved", "Reserved"
    SOLD = "sold", "Sold"
    RENTED = "rented", "Rented"
    VACANT = "vacant", "Vacant"
    OFF_MARKET = "off_market", "Off market"
    ARCHIVED = "archived", "Archived"


# What the search box reads of a unit; the function stands in migration 0005.
UNIT_WORDS = Func(
    *(F(name) for name in (
        "organization", "p_number", "registration", "municipality_number", "plot_number", "unit_number", "dewa_number", "building", "cluster",
    )),
    function="majlis_unit_words", output_field=models.TextField(),
)  # fmt: skip


class PropertyQuerySet(UnitNarrowing):
    def visible_to(self, actor: Actor) -> Self:
        """Agents see the units of projects assigned to them whole, and units assigned to them by themselves."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        from crm.models.agents import ProjectAssignment

        held = ProjectAssignment.objects.held_by(actor)
        whole = held.filter(property__isnull=True).values("project")
        single = held.filter(property__isnull=False).values("property")
        return visible.filter(Q(project__in=whole) | Q(pk__in=single))

    def search(self, text: str, *, actor: Actor | None = None, most: int = MOST_FOUND) -> Self:
        """By the identifiers people use and the name of the project, as in `viridis 1204`: the best so many, of those that
        an own-only `actor` sees where one is named, which takes a query."""
        from crm.models.agents import ProjectAssignment

        text = text.replace("\x00", "").strip()
        if not text:
            return self
        projects, units = ProjectAssignment.objects.reach_of(actor) if actor else (None, None)
        best = RawSQL(
            "SELECT id FROM majlis_search_units(%s, %s::bigint[], %s::bigint[], %s)", [text, projects, units, most]
        )
        return self.filter(pk__in=best)


# Whoever works on one unit goes on with it in the project it is moved to.
ASSIGNMENTS_FOLLOW = pgtrigger.Trigger(
    name="assignments_follow",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("project_id"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(old__project__df=pgtrigger.F("new__project")),
    func="""
        UPDATE crm_projectassignment SET project_id = NEW.project_id, updated_at = now()
         WHERE organization_id = NEW.organization_id AND property_id = NEW.id AND project_id <> NEW.project_id;
        RETURN NULL;
    """,
)


class Property(Mergeable):
    """A unit. It is known by its P-number, else its registration, else (building or cluster, unit number).

    Every key is optional and unique when present; a row that has none is refused, never merged by guess.
    """

    hidden_with: ClassVar[tuple[str, ...]] = ("ownerships",)
    read_by_owner: ClassVar[bool] = True

    project = TenantForeignKey(Project, related_name="properties")
    property_type = TenantForeignKey(PropertyType, null=True, blank=True, related_name="properties")
    p_number = models.CharField(max_length=40, blank=True)
    registration = models.CharField(max_length=60, blank=True)
    municipality_number = models.CharField(max_length=40, blank=True)
    plot_number = models.CharField(max_length=40, blank=True)
    unit_number = models.CharField(max_length=40, blank=True)
    building = models.CharField(max_length=100, blank=True)
    cluster = models.CharField(max_length=100, blank=True)
    dewa_number = models.CharField(max_length=40, blank=True)
    floor = models.CharField(max_length=20, blank=True)
    layout = models.CharField(max_length=40, blank=True)
    view = models.CharField(max_length=60, blank=True)
    rooms = models.CharField(max_length=40, blank=True)
    bedrooms = models.PositiveSmallIntegerField(null=True, blank=True)
    bathrooms = models.PositiveSmallIntegerField(null=True, blank=True)
    area_sqm = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    asking_price_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="AED")
    price_note = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=4, choices=Purpose, blank=True)
    status = models.CharField(max_length=10, choices=PropertyStatus, default=PropertyStatus.OFF_MARKET)
    amenities = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    description = models.TextField(blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="columns of a sheet that have no field here")
    # To sort by, kept by the database: villa 7 before villa 12; square centimetres, as only integers can be compared
    # behind row-level security by an index.
    place_key = models.GeneratedField(
        expression=Func(
            *(F(name) for name in ("building", "cluster", "unit_number", "p_number", "registration")),
            function="majlis_place_key", output_field=models.TextField(db_collation="C"),
        ),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )  # fmt: skip
    size_key = models.GeneratedField(
        expression=Cast(F("area_sqm") * 100, models.BigIntegerField()), output_field=models.BigIntegerField(), db_persist=True
    )  # fmt: skip
    # Kept, as an index of trigrams has each row that it finds compared once more: making the text anew takes 25 times as long.
    search_text = models.GeneratedField(expression=UNIT_WORDS, output_field=models.TextField(), db_persist=True)

    objects = PropertyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "properties"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "p_number"],
                condition=LIVE & ~Q(p_number=""),
                name="crm_property_p_number_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "project", "registration"],
                condition=LIVE & ~Q(registration="") & Q(p_number=""),
                name="crm_property_registration_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "project", "building", "cluster", "unit_number"],
                condition=LIVE & ~Q(unit_number="") & Q(p_number="", registration=""),
                name="crm_property_unit_once",
            ),
            models.CheckConstraint(
                name="crm_property_has_a_key",
                condition=~Q(p_number="")
                | ~Q(registration="")
                | (~Q(unit_number="") & (~Q(building="") | ~Q(cluster=""))),
            ),
            models.CheckConstraint(
                name="crm_property_price_not_negative",
                condition=Q(asking_price_minor__isnull=True) | Q(asking_price_minor__gte=0),
            ),
            models.CheckConstraint(
                name="crm_property_area_positive", condition=Q(area_sqm__isnull=True) | Q(area_sqm__gt=0)
            ),
            known("crm_property_status_known", "status", PropertyStatus),
            known("crm_property_purpose_known", "purpose", Purpose, blank=True),
            models.CheckConstraint(
                name="crm_property_latitude_on_earth",
                condition=Q(latitude__isnull=True) | Q(latitude__gte=-90, latitude__lte=90),
            ),
            models.CheckConstraint(
                name="crm_property_longitude_on_earth",
                condition=Q(longitude__isnull=True) | Q(longitude__gte=-180, longitude__lte=180),
            ),
            merged_is_hidden("crm_property"),
        ]
        indexes = [
            # the units of a project, newest first; and by status
            models.Index(fields=["organization", "project", "-id"], name="crm_property_of_project"),
            models.Index(fields=["organization", "status", "-id"], name="crm_property_by_status"),
            # looking an owner up by municipality number, and a unit by its number
            models.Index(fields=["organization", "municipality_number"], name="crm_property_municipality"),
            models.Index(fields=["organization", "unit_number"], name="crm_property_by_unit"),
            # the search box: any identifier, building or cluster
            GinIndex(OpClass(F("search_text"), "gin_trgm_ops"), condition=LIVE, name="crm_property_words"),
            # the list by place, price and size; what changed lately
            models.Index(fields=["organization", "place_key", "id"], name="crm_property_by_place"),
            models.Index(fields=["organization", "asking_price_minor", "id"], name="crm_property_by_price"),
            models.Index(fields=["organization", "size_key", "id"], name="crm_property_by_size"),
            models.Index(fields=["organization", "updated_at"], name="crm_property_by_update"),
            # the list of one building, cluster or layout, and which ones there are
            models.Index(fields=["organization", "building", "-id"], condition=~Q(building=""), name="crm_property_of_building"),
            models.Index(fields=["organization", "cluster", "-id"], condition=~Q(cluster=""), name="crm_property_of_cluster"),
            models.Index(fields=["organization", "layout", "-id"], condition=~Q(layout=""), name="crm_property_of_layout"),
            merged_into_index("crm_property"),
        ]  # fmt: skip
        triggers = [
            ASSIGNMENTS_FOLLOW,
            *keeps_words("n.building || ' ' || n.cluster"),
            kept_fields(
                "unit",
                {
                    "status": "r.status",
                    "price": "CASE WHEN r.asking_price_minor IS NOT NULL THEN "
                    "jsonb_build_object(''minor'', r.asking_price_minor, ''currency'', r.currency) END",
                    "price_note": "r.price_note",
                    "purpose": "r.purpose",
                    "project": "r.project_id",
                    "deleted": "r.deleted_at IS NOT NULL",
                },
            ),
        ]

    @property
    def label(self) -> str:
        """What people call it."""
        place = " ".join(part for part in (self.building or self.cluster, self.unit_number) if part)
        return place if self.unit_number else self.p_number or self.registration or place

    def __str__(self) -> str:
        return f"{self.label} ({self.pk})"


class OwnershipQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Who owns a unit is known to those who see the unit."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(property__in=Property.objects.visible_to(actor))

    def current(self) -> Self:
        """Who owns now; the history stays in the table."""
        return self.live().filter(until__isnull=True)


# At the end of the transaction, so that shares may be shifted in any order. Whoever comes second waits for the unit,
# then counts again. The setting is opened for the count alone: a scope may have been closed before the commit.
SHARES_AT_MOST_WHOLE = pgtrigger.Trigger(
    name="shares_at_most_whole",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("property_id", "share_basis_points", "until", "deleted_at"),  # type: ignore[no-untyped-call]
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Q(new__share_basis_points__isnull=False, new__until__isnull=True, new__deleted_at__isnull=True),
    declare=[("scope", "text"), ("whole", "bigint")],
    func="""
        scope := COALESCE(current_setting('majlis.organization', true), '');
        PERFORM set_config('majlis.organization', NEW.organization_id::text, true);
        PERFORM 1 FROM crm_property WHERE id = NEW.property_id FOR NO KEY UPDATE;
        SELECT sum(share_basis_points) INTO whole FROM crm_ownership
         WHERE property_id = NEW.property_id AND until IS NULL AND deleted_at IS NULL;
        PERFORM set_config('majlis.organization', scope, true);
        IF whole > 10000 THEN
            RAISE EXCEPTION 'The shares of property % sum to % basis points.', NEW.property_id, whole
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_ownership_shares_at_most_whole',
                      TABLE = 'crm_ownership';
        END IF;
        RETURN NULL;
    """,
)


class Ownership(SoftDeleteModel):
    """One owner of one unit, from a day until a day. Shares of a unit never sum to more than 10,000 basis points."""

    read_by_owner: ClassVar[bool] = True

    property = TenantForeignKey(Property, related_name="ownerships")
    contact = TenantForeignKey(Contact, related_name="ownerships")
    share_basis_points = models.PositiveIntegerField(null=True, blank=True, help_text="unknown when empty")
    is_primary = models.BooleanField(default=False)
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)

    objects = OwnershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "property", "contact"],
                condition=LIVE & Q(until__isnull=True),
                name="crm_ownership_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "property"],
                condition=LIVE & Q(until__isnull=True, is_primary=True),
                name="crm_ownership_one_primary",
            ),
            models.CheckConstraint(
                name="crm_ownership_share_in_range",
                condition=Q(share_basis_points__isnull=True)
                | Q(share_basis_points__gt=0, share_basis_points__lte=10_000),
            ),
            models.CheckConstraint(
                name="crm_ownership_ends_after_start",
                condition=Q(since__isnull=True) | Q(until__isnull=True) | Q(until__gte=F("since")),
            ),
        ]
        indexes = [
            # what does this contact own
            models.Index(fields=["organization", "contact"], name="crm_ownership_of_contact"),
        ]
        triggers = [SHARES_AT_MOST_WHOLE, *kept_owners()]

    def __str__(self) -> str:
        return f"{self.contact_id} owns {self.property_id} ({self.pk})"
