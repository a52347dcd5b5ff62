from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.models import Act, Enrollment, EnrollmentStep, Segment, Sequence, SequenceStep
from messaging.models import Channel, MessageTemplate


class SequenceStepSerializer(serializers.ModelSerializer[SequenceStep]):
    class Meta:
        model = SequenceStep
        fields = [
            "id", "position", "template", "variables", "delay_days", "delay_minutes", "at_time", "if_unseen",
            "if_delivered", "if_read", "if_replied", "if_failed",
        ]  # fmt: skip


class SequenceSerializer(serializers.ModelSerializer[Sequence]):
    steps = serializers.SerializerMethodField(help_text="those that are in it, in their order")

    class Meta:
        model = Sequence
        fields = [
            "id", "name", "channel", "status", "status_reason", "quiet_from", "quiet_until", "working_days_only",
            "stop_on_reply", "stop_on_sale", "may_reenter", "quiet_after_talk_hours", "steps", "created_by",
            "edited_by", "created_at", "updated_at",
        ]  # fmt: skip

    def get_steps(self, sequence: Sequence) -> list[dict[str, Any]]:
        live = sorted(
            (step for step in sequence.steps.all() if step.removed_at is None), key=lambda step: step.position
        )
        return list(SequenceStepSerializer(live, many=True).data)


class StepInputSerializer(serializers.Serializer[Any]):
    """One step. `id` keeps the step that it was; without one it is a new step."""

    id = serializers.IntegerField(required=False, allow_null=True)
    template = serializers.PrimaryKeyRelatedField(queryset=MessageTemplate.objects.none())
    variables = serializers.DictField(required=False, default=dict)
    delay_days = serializers.IntegerField(required=False, min_value=0, max_value=365)
    delay_minutes = serializers.IntegerField(required=False, min_value=0, max_value=1439)
    at_time = serializers.TimeField(required=False, allow_null=True)
    if_unseen = serializers.ChoiceField(choices=Act.choices, required=False)
    if_delivered = serializers.ChoiceField(choices=Act.choices, required=False)
    if_read = serializers.ChoiceField(choices=Act.choices, required=False)
    if_replied = serializers.ChoiceField(choices=Act.choices, required=False)
    if_failed = serializers.ChoiceField(choices=Act.choices, required=False)

    def get_fields(self) -> Any:
        fields: Any = super().get_fields()
        actor = self.context.get("actor")
        if actor is not None:
            fields["template"].queryset = MessageTemplate.objects.visible_to(actor).select_related("channel")
        return fields


class SequenceInputSerializer(serializers.Serializer[Any]):
    """What a person decides about a sequence. `steps` are all of them, in their order."""

    name = serializers.CharField(max_length=150)
    channel = serializers.PrimaryKeyRelatedField(queryset=Channel.objects.none())
    quiet_from = serializers.TimeField(required=False, allow_null=True)
    quiet_until = serializers.TimeField(required=False, allow_null=True)
    working_days_only = serializers.BooleanField(required=False)
    stop_on_reply = serializers.BooleanField(required=False)
    stop_on_sale = serializers.BooleanField(required=False)
    may_reenter = serializers.BooleanField(required=False)
    quiet_after_talk_hours = serializers.IntegerField(required=False, min_value=0, max_value=8760)
    steps = StepInputSerializer(many=True, allow_empty=False)

    def get_fields(self) -> Any:
        fields: Any = super().get_fields()
        actor = self.context.get("actor")
        if actor is not None:
            fields["channel"].queryset = Channel.objects.visible_to(actor)
        return fields


class EnrollmentSerializer(serializers.ModelSerializer[Enrollment]):
    contact_name = serializers.CharField(source="contact.display_name")

    class Meta:
        model = Enrollment
        fields = [
            "id", "sequence", "contact", "contact_name", "property", "state", "stop_reason", "note", "next_step",
            "due_at", "enrolled_by", "enrolled_at", "ended_at",
        ]  # fmt: skip


class EnrolInputSerializer(serializers.Serializer[Any]):
    """Whom: ids of contacts, or a segment, or both."""

    contacts = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=50_000)
    segment = serializers.PrimaryKeyRelatedField(queryset=Segment.objects.none(), required=False, allow_null=True)
    units = serializers.DictField(
        child=serializers.IntegerField(min_value=1), required=False, help_text="contact id -> the unit it is about"
    )

    def get_fields(self) -> Any:
        fields: Any = super().get_fields()
        actor = self.context.get("actor")
        if actor is not None:
            fields["segment"].queryset = Segment.objects.visible_to(actor)
        return fields


class EnrolledSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    refused = serializers.DictField(child=serializers.CharField(), help_text="contact id -> reason")


class EnrollmentStepSerializer(serializers.ModelSerializer[EnrollmentStep]):
    message_status = serializers.CharField(source="message.status", default="")

    class Meta:
        model = EnrollmentStep
        fields = ["id", "step", "outcome", "note", "message", "message_status", "at", "replied_at"]
