"""What the API shows and takes of payouts. Account numbers are told by their last four characters only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commissions.models import LineState, PayingAccount, PayoutBatch, PayoutItem, PayoutLine, PayoutStatus
from commissions.services.payouts import LeftOut
from core.api.fields import AmountField


class PayoutItemSerializer(serializers.ModelSerializer[PayoutItem]):
    """One part that the line pays; `payment` is there once the bank did."""

    commission = serializers.IntegerField(source="split.commission_id", read_only=True)
    amount = AmountField(source="amount_minor")

    class Meta:
        model = PayoutItem
        fields = ["split", "commission", "amount", "payment"]


class PayoutLineSerializer(serializers.ModelSerializer[PayoutLine]):
    """One transfer to one person. `reference` is what the bank calls it."""

    reference = serializers.CharField(read_only=True)
    agent_name = serializers.CharField(source="agent.name", read_only=True)
    amount = AmountField(source="amount_minor")
    state = serializers.ChoiceField(choices=LineState.choices, read_only=True)
    items = PayoutItemSerializer(many=True, read_only=True)

    class Meta:
        model = PayoutLine
        fields = [
            "id", "batch", "position", "reference", "agent", "agent_name", "amount", "currency", "iban_end", "state",
            "reason", "items",
        ]  # fmt: skip


class PayoutSerializer(serializers.ModelSerializer[PayoutBatch]):
    reference = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=PayoutStatus.choices, read_only=True)
    people = serializers.IntegerField(source="line_count", read_only=True)
    total = AmountField(source="sum_minor")
    approved_by = serializers.SerializerMethodField(help_text="the member who said yes; null until then")

    class Meta:
        model = PayoutBatch
        fields = ["id", "reference", "currency", "pay_on", "status", "people", "total", "made_by", "at", "approved_by"]

    def get_approved_by(self, batch: PayoutBatch) -> int | None:
        found = list(batch.approvals.all())
        return found[0].approved_by_id if found else None


class NewPayoutSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(max_length=3)
    pay_on = serializers.DateField(help_text="the day that the bank is asked to pay on; not one that is over")


class LeftOutSerializer(serializers.Serializer[LeftOut]):
    """Something that is due and is not in the payout, and why."""

    split = serializers.IntegerField(source="split.pk")
    commission = serializers.IntegerField(source="split.commission_id")
    why = serializers.CharField()


class MadePayoutSerializer(PayoutSerializer):
    """The payout, and in `left_out` what is due and is not in it."""

    left_out = serializers.SerializerMethodField()

    class Meta(PayoutSerializer.Meta):
        fields = [*PayoutSerializer.Meta.fields, "left_out"]

    @extend_schema_field(LeftOutSerializer(many=True))
    def get_left_out(self, _: PayoutBatch) -> Any:
        return LeftOutSerializer(self.context["left_out"], many=True).data


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class PaidSerializer(serializers.Serializer[Any]):
    paid_on = serializers.DateField()


class PayingAccountSerializer(serializers.ModelSerializer[PayingAccount]):
    """Out of which account of the house payouts of a currency are made. The IBAN is taken and never shown."""

    currency = serializers.CharField(max_length=3)
    iban = serializers.CharField(max_length=50, write_only=True)
    iban_end = serializers.SerializerMethodField(help_text="the last four")

    class Meta:
        model = PayingAccount
        fields = ["id", "currency", "holder", "iban", "iban_end", "swift", "entered_by", "updated_at"]
        read_only_fields = ["id", "entered_by", "updated_at"]
        validators = ()

    def get_iban_end(self, account: PayingAccount) -> str:
        return account.iban[-4:]
