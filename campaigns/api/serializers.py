from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Approval, Campaign, CampaignMessage, CampaignPause, Segment, Target
from campaigns.selectors import Funnel
from core.money import DECIMALS
from crm.models import Project
from crm.models.contacts import PointKind
from crm.selectors import masked
from messaging.models import Channel, MessageTemplate


class FunnelSerializer(serializers.Serializer[Any]):
    """Sums over the recipients' rows. `accepted` counts those that went further too."""

    people = serializers.IntegerField()
    waiting = serializers.IntegerField()
    skipped = serializers.IntegerField()
    accepted = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    unknown = serializers.IntegerField()
    responded = serializers.IntegerField()
    done_percent = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_reason = serializers.DictField(child=serializers.IntegerField())


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    channels = serializers.SerializerMethodField()
    funnel = serializers.SerializerMethodField()

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "project", "target", "audience", "segment", "template", "variables", "second_template",
            "second_variables", "second_percent", "channels", "starts_at", "ends_at",
            "quiet_from", "quiet_until", "is_quiet_on_days_off", "messages_per_second", "spacing_min_seconds",
            "spacing_max_seconds", "daily_cap_per_number", "canary_size", "stop_at_failure_percent",
            "skip_messaged_within_hours", "skip_talking_within_hours", "most_messages", "per_days",
            "budget_minor", "budget_currency", "status",
            "status_reason", "created_by", "edited_by", "started_by", "started_at", "finished_at", "funnel",
            "created_at", "updated_at",
        ]  # fmt: skip

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_channels(self, campaign: Campaign) -> list[int]:
        return [channel.pk for channel in campaign.channels.all()]

    @extend_schema_field(FunnelSerializer)
    def get_funnel(self, campaign: Campaign) -> dict[str, Any]:
        found = self.context.get("funnels", {}).get(campaign.pk) or Funnel()
        return dict(FunnelSerializer(found).data)


class CampaignInputSerializer(serializers.Serializer[Any]):
    """What a person decides about a campaign. Ids are looked up among what the caller may see."""

    name = serializers.CharField(max_length=150)
    project = serializers.PrimaryKeyRelatedField(queryset=Project.objects.none(), required=False, allow_null=True)
    target = serializers.ChoiceField(choices=Target.choices, required=False)
    audience = serializers.DictField(required=False, help_text="lists that narrow the target, e.g. clusters")
    segment = serializers.PrimaryKeyRelatedField(queryset=Segment.objects.none(), required=False, allow_null=True)
    template = serializers.PrimaryKeyRelatedField(queryset=MessageTemplate.objects.none())
    variables = serializers.DictField(
        required=False, help_text='variable of the template -> {"source": ..., "fallback": ...} or {"text": ...}'
    )
    second_template = serializers.PrimaryKeyRelatedField(
        queryset=MessageTemplate.objects.none(), required=False, allow_null=True, help_text="for a test of two messages"
    )
    second_variables = serializers.DictField(required=False)
    second_percent = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=99)
    channels = serializers.PrimaryKeyRelatedField(
        queryset=Channel.objects.none(), many=True, allow_empty=False, help_text="numbers that take turns"
    )
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    quiet_from = serializers.TimeField(required=False, allow_null=True)
    quiet_until = serializers.TimeField(required=False, allow_null=True)
    is_quiet_on_days_off = serializers.BooleanField(required=False)
    messages_per_second = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1000)
    spacing_min_seconds = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=3600)
    spacing_max_seconds = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=3600)
    daily_cap_per_number = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    canary_size = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    stop_at_failure_percent = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=100)
    skip_messaged_within_hours = serializers.IntegerField(required=False, min_value=0, max_value=8760)
    skip_talking_within_hours = serializers.IntegerField(required=False, min_value=0, max_value=8760)
    most_messages = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1000)
    per_days = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=365)
    budget_minor = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    budget_currency = serializers.ChoiceField(choices=sorted(DECIMALS), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = self.context.get("actor")
        if actor is not None:
            fields: Any = self.fields
            fields["project"].queryset = Project.objects.visible_to(actor)
            fields["segment"].queryset = Segment.objects.visible_to(actor)
            fields["template"].queryset = MessageTemplate.objects.visible_to(actor).select_related("channel")
            fields["second_template"].queryset = fields["template"].queryset
            fields["channels"].child_relation.queryset = Channel.objects.visible_to(actor)


class SampleSerializer(serializers.Serializer[Any]):
    contact_id = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    """What one person would get. `text` is empty while a variable has no value."""

    contact_id = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField()
    skip_reason = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField(), help_text="variables without a value")


class PreflightPersonSerializer(serializers.Serializer[Any]):
    contact_id = serializers.IntegerField()
    name = serializers.CharField()
    property_id = serializers.IntegerField(allow_null=True)
    skip_reason = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())


class PreflightPeopleSerializer(serializers.Serializer[Any]):
    """The rows behind one number of the pre-flight, a hundred at a time."""

    count = serializers.IntegerField()
    results = PreflightPersonSerializer(many=True)


class CostSerializer(serializers.Serializer[Any]):
    amount_minor = serializers.IntegerField(source="minor", help_text="rounded up to the minor unit")
    currency = serializers.CharField()


class PreflightSerializer(serializers.Serializer[Any]):
    """What would happen if it started now. `problems` forbid a start, `warnings` do not."""

    people = serializers.IntegerField()
    to_send = serializers.IntegerField()
    skipped = serializers.DictField(child=serializers.IntegerField(), help_text="by reason")
    missing = serializers.DictField(child=serializers.IntegerField(), help_text="people without a value, by variable")
    samples = SampleSerializer(many=True)
    seconds = serializers.IntegerField(allow_null=True, help_text="of sending alone")
    messages_per_second = serializers.IntegerField()
    finishes_at = serializers.DateTimeField(allow_null=True, help_text="with nights, days off and daily caps")
    costs = CostSerializer(many=True, help_text="an estimate, one for each currency of the prices")
    problems = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())


class CauseSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    meaning = serializers.CharField()
    next_step = serializers.CharField()
    status = serializers.CharField()
    skip_reason = serializers.CharField()
    error_code = serializers.IntegerField(allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How it moves, and in a sentence why it does not."""

    funnel = FunnelSerializer()
    causes = CauseSerializer(many=True)
    sent_last_minute = serializers.IntegerField()
    per_second = serializers.FloatField()
    seconds_left = serializers.IntegerField(allow_null=True)
    oldest_waiting_since = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    sentence = serializers.CharField()


class CampaignApprovalSerializer(serializers.ModelSerializer[Approval]):
    class Meta:
        model = Approval
        fields = ["id", "fingerprint", "approved_by", "approved_at", "voided_at"]


class PauseSerializer(serializers.ModelSerializer[CampaignPause]):
    class Meta:
        model = CampaignPause
        fields = ["id", "cause", "reason", "error_code", "paused_by", "paused_at", "resumed_by", "resumed_at"]
        read_only_fields = ["cause", "error_code", "paused_by", "paused_at", "resumed_by", "resumed_at"]


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, allow_blank=True, default="")


class RecipientSerializer(serializers.ModelSerializer[CampaignMessage]):
    contact_name = serializers.CharField(source="contact.display_name")
    recipient = serializers.SerializerMethodField(help_text="the middle of a number is hidden, as in every list")

    class Meta:
        model = CampaignMessage
        fields = [
            "id", "contact", "contact_name", "property", "recipient", "variant", "variables", "status", "skip_reason", "channel",
            "message", "attempts", "deferrals", "not_before", "error_code", "error", "accepted_at", "responded_at",
        ]  # fmt: skip

    def get_recipient(self, row: CampaignMessage) -> str:
        return masked(PointKind.PHONE, row.recipient) if row.recipient.isdigit() else row.recipient
