"""What the API shows of stock and people."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.actors import Actor
from core.api.fields import AmountField
from core.roles import Capability
from crm.models import (
    Agent,
    BankDetails,
    Contact,
    ContactPoint,
    Deal,
    Departure,
    DoNotContact,
    Ownership,
    Project,
    ProjectAssignment,
    Property,
    PropertyType,
    ValidationFinding,
    ValidationRun,
)
from crm.selectors import MASK, masked


class ProjectSerializer(serializers.ModelSerializer[Project]):
    budget = AmountField(source="budget_minor")

    class Meta:
        model = Project
        fields = [
            "id", "number", "name", "description", "developer", "city", "master_project", "area", "status",
            "budget", "currency", "created_at", "updated_at",
        ]  # fmt: skip


class PropertyTypeSerializer(serializers.ModelSerializer[PropertyType]):
    class Meta:
        model = PropertyType
        fields = ["id", "name", "description"]


class PropertySerializer(serializers.ModelSerializer[Property]):
    label = serializers.CharField(read_only=True)
    project_name = serializers.CharField(source="project.name", read_only=True)
    property_type = serializers.CharField(source="property_type.name", default=None, read_only=True)
    asking_price = AmountField(source="asking_price_minor")

    class Meta:
        model = Property
        fields = [
            "id", "label", "project", "project_name", "property_type", "p_number", "registration",
            "municipality_number", "plot_number", "unit_number", "building", "cluster", "dewa_number", "floor",
            "layout", "view", "rooms", "bedrooms", "bathrooms", "area_sqm", "asking_price", "currency", "price_note",
            "purpose", "status", "amenities", "latitude", "longitude", "description", "created_at", "updated_at",
        ]  # fmt: skip


class ContactPointSerializer(serializers.ModelSerializer[ContactPoint]):
    """`value` has its middle hidden in lists. It is whole for a token whose scopes name `numbers.read`, and in the answer
    about one contact to those who may read numbers, which is kept; others ask with a disclosure."""

    class Meta:
        model = ContactPoint
        fields = [
            "id", "contact", "kind", "value", "country", "line_type", "status", "is_primary", "validated_at", "notes",
        ]  # fmt: skip

    def to_representation(self, instance: ContactPoint) -> dict[str, Any]:
        shown = super().to_representation(instance)
        view = self.context["view"]
        if not (getattr(view, "shows_all", False) or instance.pk in getattr(view, "told", ())):
            shown["value"] = masked(instance.kind, instance.value)
        return shown


class DisclosedPointSerializer(serializers.ModelSerializer[ContactPoint]):
    """A number that was asked for: whole."""

    class Meta:
        model = ContactPoint
        fields = ["id", "kind", "value", "line_type", "status", "is_primary"]


class DoNotContactSerializer(serializers.ModelSerializer[DoNotContact]):
    """`value` has its middle hidden, except for a token whose scopes name `numbers.read`."""

    class Meta:
        model = DoNotContact
        fields = [
            "id",
            "value",
            "reason",
            "source",
            "added_by",
            "created_at",
            "removed_by",
            "removed_at",
            "removed_reason",
        ]

    def to_representation(self, instance: DoNotContact) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not getattr(self.context["view"], "shows_all", False):
            shown["value"] = masked(instance.kind, instance.value)
        return shown


class ListingSerializer(serializers.Serializer[Any]):
    """What became of a text: `marked` points of contacts were stopped, `unread` lines have neither number nor address."""

    added = serializers.IntegerField()
    known = serializers.IntegerField()
    marked = serializers.IntegerField()
    unread = serializers.ListField(child=serializers.CharField())


class ValidationRunSerializer(serializers.ModelSerializer[ValidationRun]):
    """`counts` says how many of those `checked` were found what; `changed` have another status now."""

    class Meta:
        model = ValidationRun
        fields = [
            "id", "wanted", "status", "total", "checked", "changed", "counts", "requested_by", "started_at", "finished_at",
            "stopped_by",
        ]  # fmt: skip


class ValidationFindingSerializer(serializers.ModelSerializer[ValidationFinding]):
    contact = serializers.IntegerField(source="point.contact_id", read_only=True)

    class Meta:
        model = ValidationFinding
        fields = ["id", "run", "point", "contact", "finding", "before", "after"]


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """The national id is never shown over the API."""

    points = ContactPointSerializer(many=True, read_only=True)

    class Meta:
        model = Contact
        fields = [
            "id", "kind", "display_name", "first_name", "last_name", "language", "nationality", "tags",
            "address", "is_bad_contact", "source", "assigned_to", "points", "created_at", "updated_at",
        ]  # fmt: skip


class HappeningSerializer(serializers.Serializer[Any]):
    """One field of a unit or a contact as it changed, in words; `contact` and `about` say of which owner."""

    id = serializers.IntegerField(source="entry_id")
    at = serializers.DateTimeField()
    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    who = serializers.CharField(help_text="empty when Majlis acted by itself")
    source = serializers.CharField(help_text="page, api, back_office, sheet:12/run:34, merge, whatsapp, system")
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    about = serializers.CharField()


class HistorySerializer(serializers.Serializer[Any]):
    """Newest first. `next` is the `before` of the following page."""

    results = HappeningSerializer(source="rows", many=True)
    next = serializers.IntegerField(allow_null=True)


class OwnershipSerializer(serializers.ModelSerializer[Ownership]):
    contact_name = serializers.CharField(source="contact.display_name", read_only=True)

    class Meta:
        model = Ownership
        fields = ["id", "property", "contact", "contact_name", "share_basis_points", "is_primary", "since", "until"]


class AgentSerializer(serializers.ModelSerializer[Agent]):
    class Meta:
        model = Agent
        fields = [
            "id", "membership", "name", "whatsapp_number", "expertise_areas", "commission_basis_points", "status",
            "created_at", "updated_at",
        ]  # fmt: skip


class WorkSerializer(serializers.Serializer[Any]):
    noun = serializers.CharField()
    count = serializers.IntegerField()
    moves = serializers.BooleanField(help_text="false: it stays with the office")


class LeavingSerializer(serializers.Serializer[Any]):
    """What would move if the agent left now."""

    work = WorkSerializer(many=True)
    needs_successor = serializers.BooleanField()
    reports = serializers.SerializerMethodField()
    has_left = serializers.SerializerMethodField()

    def get_reports(self, found: Any) -> list[int]:
        return [member.pk for member in found.team]

    def get_has_left(self, found: Any) -> bool:
        return found.departure is not None


class DepartureSerializer(serializers.ModelSerializer[Departure]):
    class Meta:
        model = Departure
        fields = ["id", "agent", "successor", "reason", "whatsapp_number", "moved", "decided_by", "at", "returned_at"]


class ProjectAssignmentSerializer(serializers.ModelSerializer[ProjectAssignment]):
    class Meta:
        model = ProjectAssignment
        fields = ["id", "agent", "project", "property", "due_on", "status", "successor", "notes", "created_at"]


class DealSerializer(serializers.ModelSerializer[Deal]):
    price = AmountField(source="price_minor")
    property_label = serializers.CharField(source="property.label", read_only=True)

    class Meta:
        model = Deal
        fields = [
            "id", "property", "property_label", "kind", "seller", "buyer", "agent", "price", "currency", "stage",
            "closed_on", "notes", "created_at", "updated_at",
        ]  # fmt: skip


class BankDetailsSerializer(serializers.ModelSerializer[BankDetails]):
    """Account numbers are whole only for those who verify them; others see the last four characters."""

    class Meta:
        model = BankDetails
        fields = [
            "agent", "holder", "bank_name", "iban", "account_number", "swift", "entered_by", "verified_by", "verified_at",
        ]  # fmt: skip

    def to_representation(self, instance: BankDetails) -> dict[str, Any]:
        shown = super().to_representation(instance)
        actor: Actor = self.context["view"].actor
        if not actor.can(Capability.BANK_DETAILS_READ):
            for name in ("iban", "account_number"):
                shown[name] = f"{MASK}{shown[name][-4:]}" if shown[name] else ""
        return shown
