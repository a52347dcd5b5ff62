"""What the API takes. Shapes and lengths are checked here; rules are the services'."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.models import Membership
from crm.models import Agent, Contact, ContactPoint, Deal, Project, ProjectAssignment, Property, PropertyType
from crm.models.deals import DealStage

MOST_OWNERS = 100


class VisibleKey(serializers.PrimaryKeyRelatedField):
    """The id of a row that this caller sees."""

    def get_queryset(self) -> QuerySet[Any]:
        rows: Any = super().get_queryset()
        actor = self.context["view"].actor
        return rows.visible_to(actor) if hasattr(rows, "visible_to") else rows.filter(organization=actor.organization)


@extend_schema_field({"type": "string", "pattern": r"^\d+(\.\d+)?$", "examples": ["1250000.00"]})
class AmountInput(serializers.CharField):
    """A decimal string; a JSON number is refused, as it may have lost its last digits on the way."""

    default_error_messages = {"not_a_string": 'Send the amount as a string, such as "1250000.00".'}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_a_string")
        return super().to_internal_value(data)


class Input(serializers.ModelSerializer[Any]):
    """The fields of a model that a caller may write; uniqueness is asked of the database, by the services."""

    serializer_related_field = VisibleKey


class ProjectInput(Input):
    budget = AmountInput(required=False, allow_null=True, max_length=30)

    class Meta:
        model = Project
        fields = [
            "number", "name", "description", "developer", "city", "master_project", "area", "status", "budget", "currency",
        ]  # fmt: skip
        validators: list[Any] = []
        extra_kwargs = {"number": {"required": False, "allow_null": True}}


class PropertyTypeInput(Input):
    class Meta:
        model = PropertyType
        fields = ["name", "description"]
        validators: list[Any] = []


class PropertyInput(Input):
    asking_price = AmountInput(required=False, allow_null=True, max_length=30)

    class Meta:
        model = Property
        fields = [
            "project", "property_type", "p_number", "registration", "municipality_number", "plot_number", "unit_number",
            "building", "cluster", "dewa_number", "floor", "layout", "view", "rooms", "bedrooms", "bathrooms", "area_sqm",
            "asking_price", "currency", "price_note", "purpose", "status", "amenities", "latitude", "longitude",
            "description",
        ]  # fmt: skip
        validators: list[Any] = []


class OwnerInput(serializers.Serializer[Any]):
    contact = VisibleKey(queryset=Contact.objects.all())
    share_basis_points = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=10_000)
    is_primary = serializers.BooleanField(default=False)


class OwnersInput(serializers.Serializer[Any]):
    """All owners of a unit from a day on; who is not named has owned until then."""

    since = serializers.DateField(required=False, allow_null=True, help_text="today when left out")
    owners = OwnerInput(many=True, max_length=MOST_OWNERS)  # type: ignore[call-arg]


class ContactInput(Input):
    national_id = serializers.CharField(required=False, allow_blank=True, max_length=60, write_only=True)

    class Meta:
        model = Contact
        fields = [
            "kind", "display_name", "first_name", "last_name", "language", "nationality", "national_id", "address",
            "tags", "source", "assigned_to",
        ]  # fmt: skip
        validators: list[Any] = []


class ContactPointInput(Input):
    """A number as people write it, or an e-mail address."""

    class Meta:
        model = ContactPoint
        fields = ["contact", "kind", "value", "is_primary", "notes"]
        validators: list[Any] = []


class ContactPointChange(serializers.Serializer[Any]):
    is_primary = serializers.BooleanField(default=False, help_text="true makes it the primary one of its kind")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=200)


class VerificationInput(serializers.Serializer[Any]):
    is_valid = serializers.BooleanField(default=True)


class ReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class ListingInput(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=5_000_000,
        help_text="numbers as people write them and e-mail addresses, one a line or parted by commas",
    )
    reason = serializers.CharField(max_length=300)
    source = serializers.CharField(max_length=100, default="", allow_blank=True, help_text="where the list came from")


class ValidationInput(serializers.Serializer[Any]):
    """Without `older_than` what was never looked at; `points` by name are looked at whenever it was."""

    kinds = serializers.ChoiceField(choices=["all", "numbers", "emails"], default="all")
    older_than = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=36_500, help_text="days since the last look; 0 for all"
    )
    project = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="only its present owners"
    )
    points = serializers.ListField(child=serializers.IntegerField(min_value=1), default=list, max_length=10_000)


class AgentInput(Input):
    class Meta:
        model = Agent
        fields = ["membership", "name", "whatsapp_number", "expertise_areas", "commission_basis_points"]
        validators: list[Any] = []
        extra_kwargs = {
            "name": {"required": False},
            "whatsapp_number": {"max_length": 40, "help_text": "as people write it"},
            "commission_basis_points": {"max_value": 10_000},
        }


class AgentChange(AgentInput):
    class Meta(AgentInput.Meta):
        fields = ["name", "whatsapp_number", "expertise_areas", "commission_basis_points", "status"]


class SuccessorInput(serializers.Serializer[Any]):
    successor = VisibleKey(queryset=Agent.objects.all())


class ArchiveInput(serializers.Serializer[Any]):
    successor = VisibleKey(queryset=Agent.objects.all(), required=False, allow_null=True)


class ProjectSuccessorInput(serializers.Serializer[Any]):
    project = VisibleKey(queryset=Project.objects.all())
    successor = VisibleKey(queryset=Agent.objects.all())


class DepartureInput(ArchiveInput):
    """`successors` names somebody else for single projects."""

    successors = ProjectSuccessorInput(many=True, required=False)
    team_to = VisibleKey(queryset=Membership.objects.all(), required=False, allow_null=True)
    reason = serializers.CharField(max_length=300)


class BankDetailsInput(serializers.Serializer[Any]):
    holder = serializers.CharField(max_length=150)
    bank_name = serializers.CharField(max_length=150)
    iban = serializers.CharField(max_length=50)
    account_number = serializers.CharField(max_length=50, default="", allow_blank=True)
    swift = serializers.CharField(max_length=11, default="", allow_blank=True)


class AssignmentInput(Input):
    class Meta:
        model = ProjectAssignment
        fields = ["agent", "project", "property", "due_on", "notes"]
        validators: list[Any] = []


class AssignmentChange(AssignmentInput):
    class Meta(AssignmentInput.Meta):
        fields = ["due_on", "notes"]


class DealInput(Input):
    price = AmountInput(max_length=30)

    class Meta:
        model = Deal
        fields = ["property", "agent", "kind", "price", "currency", "seller", "buyer", "notes"]
        validators: list[Any] = []
        extra_kwargs = {"currency": {"help_text": "the unit's when left out"}}


class StageInput(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(choices=[DealStage.OFFER, DealStage.ACCEPTED, DealStage.CONTRACT])


class ClosureInput(serializers.Serializer[Any]):
    closed_on = serializers.DateField(required=False, help_text="today in the organisation's zone when left out")
