"""How lists of campaigns and of their recipients are narrowed."""

from __future__ import annotations

from django_filters import rest_framework as filters

from campaigns.models import Campaign, CampaignMessage


class CampaignFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Campaign
        fields = ["name", "status", "project", "template", "target"]


class RecipientFilter(filters.FilterSet):
    has_responded = filters.BooleanFilter(field_name="responded_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = CampaignMessage
        fields = ["status", "skip_reason", "contact", "recipient", "error_code", "channel", "has_responded"]
