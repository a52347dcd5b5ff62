from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.models import ApiToken, Membership, Organization


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["slug", "name", "legal_name", "country", "city", "time_zone", "currency", "languages", "weekend_days"]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ["id", "name", "email", "role", "reports_to", "suspended_at", "created_at"]


class SuspensionInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class SignInSerializer(serializers.Serializer[Any]):
    """E-mail and password for a token that acts as this member."""

    email = serializers.EmailField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)
    code = serializers.CharField(
        max_length=20, default="", allow_blank=True, help_text="of the second step, where the account has one"
    )
    name = serializers.CharField(max_length=100, default="API token", help_text="what the token is for")
    scopes = serializers.ListField(child=serializers.CharField(), default=list)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "scopes", "expires_at", "last_used_at", "revoked_at", "created_at"]


class NewTokenSerializer(TokenSerializer):
    secret = serializers.CharField(help_text="shown this once")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]
