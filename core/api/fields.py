"""Fields that every serializer shares."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.money import to_decimal


@extend_schema_field({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["12500.00"]})
class AmountField(serializers.Field[str, str, str, Any]):
    """Minor units shown as the decimal string of their currency. `source` is the `_minor` attribute.

    The currency is read from the row's `currency`. Writing is left to services: they take the string and the currency.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs["read_only"] = True
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        minor = super().get_attribute(instance)
        return None if minor is None else (minor, instance.currency)

    def to_representation(self, value: Any) -> str:
        minor, currency = value
        return to_decimal(minor, currency)
