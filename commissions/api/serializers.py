"""What the API shows and takes of commissions. Amounts are decimal strings, rates are basis points (250 is 2.5 %)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from commissions.models import (
    Approval,
    Cancellation,
    Commission,
    CommissionPayment,
    CommissionPlan,
    CommissionSplit,
    Dispute,
    DisputeMessage,
    DisputeResolution,
    Method,
    PlanVersion,
    RateKind,
    Side,
    SplitRole,
    Status,
    VatMode,
)
from commissions.rating import Slab, Terms
from commissions.splitting import Share, ShareKind
from core.api.fields import AmountField
from core.money import to_decimal, to_minor
from crm.models.deals import DealKind


class SlabSerializer(serializers.Serializer[Any]):
    start = serializers.CharField(help_text="decimal amount from which the slab applies; the first is 0")
    basis_points = serializers.IntegerField(min_value=0, max_value=10_000)


class ShareSerializer(serializers.Serializer[Any]):
    """Who gets which part. Plans name roles; commissions also name the agent, or for a referral the contact."""

    role = serializers.ChoiceField(choices=SplitRole.choices)
    kind = serializers.ChoiceField(choices=[kind.value for kind in ShareKind], default=ShareKind.PERCENT.value)
    basis_points = serializers.IntegerField(min_value=0, max_value=10_000, default=0)
    amount = serializers.CharField(required=False, help_text="decimal amount of a fixed share")
    agent = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    contact = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


def shares_of(items: list[dict[str, Any]], currency: str) -> list[Share]:
    """The shares that a caller named. Raises AmountInvalid and CurrencyUnknown for fixed ones."""
    return [
        Share(
            SplitRole(item["role"]),
            ShareKind(item["kind"]),
            basis_points=item["basis_points"],
            fixed_minor=to_minor(item["amount"], currency) if "amount" in item else 0,
            agent_id=item.get("agent"),
            contact_id=item.get("contact"),
        )
        for item in items
    ]


class TermsSerializer(serializers.Serializer[Any]):
    """The terms of one version of a plan."""

    rate_kind = serializers.ChoiceField(choices=RateKind.choices, default=RateKind.PERCENTAGE.value)
    rate_basis_points = serializers.IntegerField(min_value=0, max_value=10_000, default=0)
    fixed = serializers.CharField(required=False)
    slabs = SlabSerializer(many=True, required=False)
    cap = serializers.CharField(required=False)
    minimum = serializers.CharField(required=False)
    currency = serializers.CharField(required=False, max_length=3, default="")
    vat_mode = serializers.ChoiceField(choices=VatMode.choices, default=VatMode.NONE.value)
    vat_basis_points = serializers.IntegerField(min_value=0, max_value=10_000, default=0)
    splits = ShareSerializer(many=True)
    note = serializers.CharField(required=False, max_length=300, default="")

    def terms(self) -> Terms:
        """What the caller asked for, in minor units. Raises AmountInvalid and CurrencyUnknown."""
        given: dict[str, Any] = self.validated_data
        currency = given["currency"]

        def amount(name: str) -> int | None:
            return to_minor(given[name], currency) if name in given else None

        return Terms(
            rate_kind=RateKind(given["rate_kind"]),
            rate_basis_points=given["rate_basis_points"],
            fixed_minor=amount("fixed") or 0,
            slabs=[Slab(to_minor(slab["start"], currency), slab["basis_points"]) for slab in given.get("slabs", [])],
            cap_minor=amount("cap"),
            minimum_minor=amount("minimum"),
            currency=currency,
            vat_mode=VatMode(given["vat_mode"]),
            vat_basis_points=given["vat_basis_points"],
        )

    def shares(self) -> list[Share]:
        return shares_of(self.validated_data["splits"], self.validated_data["currency"])


class NewPlanSerializer(TermsSerializer):
    name = serializers.CharField(max_length=100)
    deal_kind = serializers.ChoiceField(choices=DealKind.choices, default=DealKind.SALE.value)
    is_default = serializers.BooleanField(default=False)


class PlanAmountField(AmountField):
    """Null in a plan that names no currency, and so no amounts."""

    def get_attribute(self, instance: PlanVersion) -> Any:
        return super().get_attribute(instance) if instance.currency else None


class PlanVersionSerializer(serializers.ModelSerializer[PlanVersion]):
    fixed = PlanAmountField(source="fixed_minor")
    cap = PlanAmountField(source="cap_minor")
    minimum = PlanAmountField(source="minimum_minor")
    slabs = serializers.SerializerMethodField()
    splits = serializers.SerializerMethodField()

    class Meta:
        model = PlanVersion
        fields = [
            "id", "plan", "number", "rate_kind", "rate_basis_points", "fixed", "slabs", "cap", "minimum", "currency",
            "vat_mode", "vat_basis_points", "splits", "note", "created_by", "at",
        ]  # fmt: skip

    def get_slabs(self, version: PlanVersion) -> list[dict[str, Any]]:
        return [
            {"start": to_decimal(slab["from_minor"], version.currency), "basis_points": slab["basis_points"]}
            for slab in version.slabs
        ]

    def get_splits(self, version: PlanVersion) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in split.items() if key != "fixed_minor"}
            | ({"amount": to_decimal(split["fixed_minor"], version.currency)} if "fixed_minor" in split else {})
            for split in version.splits
        ]


class CommissionPlanSerializer(serializers.ModelSerializer[CommissionPlan]):
    versions = PlanVersionSerializer(many=True, read_only=True)

    class Meta:
        model = CommissionPlan
        fields = ["id", "name", "deal_kind", "is_default", "versions", "created_by", "created_at"]


class CommissionSplitSerializer(serializers.ModelSerializer[CommissionSplit]):
    agent_name = serializers.CharField(source="agent.name", default=None, read_only=True)
    contact_name = serializers.CharField(source="contact.display_name", default=None, read_only=True)
    amount = AmountField(source="amount_minor")
    paid = AmountField(source="paid_minor")
    due = AmountField(source="due_minor")

    class Meta:
        model = CommissionSplit
        fields = [
            "id", "commission", "position", "role", "agent", "agent_name", "contact", "contact_name", "basis_points",
            "amount", "paid", "due", "currency", "explanation",
        ]  # fmt: skip


class CommissionSerializer(serializers.ModelSerializer[Commission]):
    """The splits shown are those that the caller may see: an agent's own."""

    base_price = AmountField(source="base_price_minor")
    amount = AmountField(source="amount_minor")
    vat = AmountField(source="vat_minor")
    total = AmountField(source="total_minor")
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    splits = CommissionSplitSerializer(many=True, read_only=True)

    class Meta:
        model = Commission
        fields = [
            "id", "deal", "side", "plan_version", "base_price", "amount", "vat", "total", "currency", "explanation", "status",
            "earned_on", "created_by", "splits", "created_at", "updated_at",
        ]  # fmt: skip


class NewCommissionSerializer(serializers.Serializer[Any]):
    deal = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    side = serializers.ChoiceField(
        choices=[Side.SALE.value, Side.TENANT.value, Side.LANDLORD.value],
        required=False,
        help_text="of a lease: whose commission it is; the tenant's when left out",
    )
    plan_version = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    price = serializers.CharField(required=False, help_text="decimal; the price of the deal when left out")
    splits = ShareSerializer(many=True, required=False)


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    class Meta:
        model = Approval
        fields = ["id", "commission", "approved_by", "transfer", "at"]


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    class Meta:
        model = Dispute
        fields = ["id", "commission", "opened_by", "reason", "at"]
        read_only_fields = ["id", "commission", "opened_by", "at"]


class DisputeMessageSerializer(serializers.ModelSerializer[DisputeMessage]):
    author_name = serializers.CharField(source="author.user.name", read_only=True)

    class Meta:
        model = DisputeMessage
        fields = ["id", "dispute", "author", "author_name", "text", "at"]
        read_only_fields = ["id", "dispute", "author", "at"]


class AdjustmentSerializer(serializers.Serializer[Any]):
    agent = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    amount = serializers.CharField(
        max_length=40, help_text="decimal, in the currency of the commission; below zero it is taken from the agent"
    )
    reason = serializers.CharField(max_length=280)


class DisputeResolutionSerializer(serializers.ModelSerializer[DisputeResolution]):
    class Meta:
        model = DisputeResolution
        fields = ["id", "dispute", "resolved_by", "resolution", "at"]
        read_only_fields = ["id", "dispute", "resolved_by", "at"]


class CancellationSerializer(serializers.ModelSerializer[Cancellation]):
    claw_back = serializers.BooleanField(
        default=False, write_only=True, help_text="ask back what was paid: it is set off against what is due next"
    )

    class Meta:
        model = Cancellation
        fields = ["id", "commission", "cancelled_by", "reason", "claw_back", "transfer", "at"]
        read_only_fields = ["id", "commission", "cancelled_by", "transfer", "at"]


class ReversalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)
    at = serializers.DateTimeField(read_only=True)
    transfer = serializers.IntegerField(source="transfer_id", read_only=True)


class CommissionPaymentSerializer(serializers.ModelSerializer[CommissionPayment]):
    commission = serializers.IntegerField(source="split.commission_id", read_only=True)
    amount = AmountField(source="amount_minor")
    reversal = serializers.SerializerMethodField()

    class Meta:
        model = CommissionPayment
        fields = [
            "id", "split", "commission", "amount", "currency", "method", "paid_on", "reference", "notes", "paid_by",
            "transfer", "at", "reversal",
        ]  # fmt: skip

    def get_reversal(self, payment: CommissionPayment) -> dict[str, Any] | None:
        """Why it was taken back, or null when it stands."""
        found = list(payment.reversals.all())
        return dict(ReversalSerializer(found[0]).data) if found else None


class NewPaymentSerializer(serializers.Serializer[Any]):
    split = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    amount = serializers.CharField(max_length=40, help_text="decimal, such as 5000.00")
    currency = serializers.CharField(max_length=3)
    method = serializers.ChoiceField(choices=Method.choices)
    paid_on = serializers.DateField()
    reference = serializers.CharField(max_length=80)
    notes = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
