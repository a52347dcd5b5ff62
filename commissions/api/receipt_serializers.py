"""What the API shows and takes of the client's money: instalments, receipts, what is held back, and what agents repay."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from commissions.api.serializers import ReversalSerializer
from commissions.models import HoldBack, HoldBackRelease, Instalment, Receipt, Repayment
from commissions.models.payments import RECEIVED_BY
from core.api.fields import AmountField
from core.money import BASIS_POINTS


class ReceivedSerializer(serializers.ModelSerializer[Any]):
    """Money that came in, and why it was taken back, or null while it stands."""

    amount = AmountField(source="amount_minor")
    method = serializers.ChoiceField(choices=RECEIVED_BY, read_only=True)
    reversal = serializers.SerializerMethodField()

    def get_reversal(self, received: Receipt | Repayment) -> dict[str, Any] | None:
        found = list(received.reversals.all())
        return dict(ReversalSerializer(found[0]).data) if found else None


class ReceiptSerializer(ReceivedSerializer):
    commission = serializers.IntegerField(source="instalment.commission_id", read_only=True)

    class Meta:
        model = Receipt
        fields = [
            "id", "instalment", "commission", "amount", "currency", "method", "received_on", "reference", "received_by",
            "transfer", "at", "reversal",
        ]  # fmt: skip


class RepaymentSerializer(ReceivedSerializer):
    class Meta:
        model = Repayment
        fields = [
            "id", "agent", "contact", "amount", "currency", "method", "received_on", "reference", "received_by",
            "transfer", "at", "reversal",
        ]  # fmt: skip


class InstalmentSerializer(serializers.ModelSerializer[Instalment]):
    """VAT included. `due` is what the client still owes of it."""

    amount = AmountField(source="amount_minor")
    received = AmountField(source="received_minor")
    due = AmountField(source="due_minor")

    class Meta:
        model = Instalment
        fields = ["id", "commission", "position", "amount", "received", "due", "currency", "expected_on"]


class PlannedSerializer(serializers.Serializer[Any]):
    amount = serializers.CharField(max_length=40, help_text="decimal, VAT included, such as 5000.00")
    expected_on = serializers.DateField()


class ScheduleSerializer(serializers.Serializer[Any]):
    """Instalments, first one first; they sum to what the client owes."""

    instalments = PlannedSerializer(many=True)

    def schedule(self) -> list[tuple[str, date]]:
        return [(one["amount"], one["expected_on"]) for one in self.validated_data["instalments"]]


class ReschedulingSerializer(ScheduleSerializer):
    reason = serializers.CharField(max_length=300)


class MoneySerializer(serializers.Serializer[Any]):
    """Money that came in."""

    amount = serializers.CharField(max_length=40, help_text="decimal, such as 5000.00")
    method = serializers.ChoiceField(choices=RECEIVED_BY)
    received_on = serializers.DateField()
    reference = serializers.CharField(max_length=80, help_text="of the bank, the cheque or the receipt; it counts once")


class NewReceiptSerializer(MoneySerializer):
    instalment = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class NewRepaymentSerializer(MoneySerializer):
    """By an agent, or by a referrer outside the house."""

    agent = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    contact = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    currency = serializers.CharField(max_length=3)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("agent" in attrs) == ("contact" in attrs):
            raise serializers.ValidationError({"agent": ["Say who pays: an agent or a contact, and not both."]})
        return attrs


class HoldBackReleaseSerializer(serializers.ModelSerializer[HoldBackRelease]):
    class Meta:
        model = HoldBackRelease
        fields = ["reason", "released_by", "at"]
        read_only_fields = ["released_by", "at"]


class HoldBackSerializer(serializers.ModelSerializer[HoldBack]):
    """So much of each part is kept until a day, or until it is let go; `release` is null until then."""

    basis_points = serializers.IntegerField(min_value=1, max_value=BASIS_POINTS, help_text="1000 is 10 %")
    release = serializers.SerializerMethodField()

    class Meta:
        model = HoldBack
        fields = ["id", "commission", "basis_points", "until_on", "reason", "held_by", "at", "release"]
        read_only_fields = ["id", "commission", "held_by", "at"]
        extra_kwargs = {"until_on": {"required": False}}

    def get_release(self, held: HoldBack) -> dict[str, Any] | None:
        found = held.releases.first()
        return dict(HoldBackReleaseSerializer(found).data) if found else None
