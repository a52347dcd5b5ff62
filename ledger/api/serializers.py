"""What the API shows of the ledger. Amounts are decimal strings; a positive entry is a debit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountField
from ledger.models import Account, Entry, Transfer


class AccountSerializer(serializers.ModelSerializer[Account]):
    """The balance is on the account's normal side: what we owe on a payable is positive."""

    balance = AmountField(source="natural_minor")
    lowest = AmountField(source="lowest_minor")
    highest = AmountField(source="highest_minor")
    normal_side = serializers.ChoiceField(source="get_normal_side_display", choices=["Debit", "Credit"], read_only=True)

    class Meta:
        model = Account
        fields = [
            "id", "code", "name", "kind", "normal_side", "currency", "owner", "balance", "lowest", "highest", "last_sequence",
            "created_at",
        ]  # fmt: skip


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]*$"})
class HexField(serializers.Field[bytes, str, str, Any]):
    """Bytes as hexadecimal digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, read_only=True)

    def to_representation(self, value: bytes) -> str:
        return bytes(value).hex()


class EntrySerializer(serializers.ModelSerializer[Entry]):
    account_code = serializers.CharField(source="account.code")
    amount = AmountField(source="amount_minor")
    balance_after = AmountField(source="balance_after_minor")
    currency = serializers.CharField()
    hash = HexField()

    class Meta:
        model = Entry
        fields = [
            "id", "transfer", "account", "account_code", "sequence", "amount", "balance_after", "currency",
            "effective_on", "at", "hash",
        ]  # fmt: skip


class TransferSerializer(serializers.ModelSerializer[Transfer]):
    class Meta:
        model = Transfer
        fields = [
            "id", "reference", "description", "currency", "effective_on", "posted_at", "posted_by", "reverses",
        ]  # fmt: skip


class StatementLineSerializer(serializers.Serializer[Any]):
    entry = serializers.IntegerField(source="entry_id")
    transfer = serializers.IntegerField(source="transfer_id")
    sequence = serializers.IntegerField()
    effective_on = serializers.DateField()
    reference = serializers.CharField()
    description = serializers.CharField()
    amount = AmountField(source="amount_minor")
    balance = AmountField(source="balance_minor")


class StatementSerializer(serializers.Serializer[Any]):
    """opening + lines = closing. Amounts are on the account's normal side."""

    account = AccountSerializer()
    since = serializers.DateField(allow_null=True)
    until = serializers.DateField(allow_null=True)
    currency = serializers.CharField()
    opening = AmountField(source="opening_minor")
    closing = AmountField(source="closing_minor")
    lines = StatementLineSerializer(many=True)


class TrialBalanceRowSerializer(serializers.Serializer[Any]):
    account = serializers.IntegerField(source="account.pk")
    code = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    kind = serializers.CharField(source="account.kind")
    currency = serializers.CharField()
    debit = AmountField(source="debit_minor")
    credit = AmountField(source="credit_minor")


class TrialBalanceTotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    debit = AmountField(source="debit_minor")
    credit = AmountField(source="credit_minor")


class TrialBalanceSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField(allow_null=True)
    rows = TrialBalanceRowSerializer(many=True)
    totals = TrialBalanceTotalSerializer(many=True)


class PeriodSerializer(serializers.Serializer[Any]):
    """Days, both included."""

    since = serializers.DateField(required=False, default=None)
    until = serializers.DateField(required=False, default=None)


class AsOfSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField(required=False, default=None, help_text="at the end of that day; now when left out")


class LimitsSerializer(serializers.Serializer[Any]):
    """How far an account may go, on its normal side; null is no limit. Both are said every time."""

    lowest = serializers.CharField(max_length=40, allow_null=True, help_text="decimal; below zero it is an overdraft")
    highest = serializers.CharField(max_length=40, allow_null=True, help_text="decimal")
    reason = serializers.CharField(max_length=300)
