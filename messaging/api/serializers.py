"""What the API shows of talk. No secret of a channel is ever among it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messaging import media, selectors, templates, verdicts, window
from messaging.incoming import clean
from messaging.models import Channel, Conversation, Message, MessageTemplate, Notice, OptOut, WebhookEvent
from messaging.models.channels import ParameterFormat, TemplateCategory
from messaging.models.intake import OptOutScope
from messaging.sealing import SEALED


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    class Meta:
        model = Channel
        fields: ClassVar = [
            "id", "name", "phone_number_id", "waba_id", "display_number", "owner", "session_status", "status_reason",
            "quality", "messaging_limit", "messages_per_second", "is_coexistence", "blocked_at", "answers_only_since", "checked_at",
            "number_status", "verified_name", "portfolio_id", "token_expires_at", "findings",
        ]  # fmt: skip
        read_only_fields = fields


class NewChannelSerializer(serializers.Serializer[Any]):
    """A number to connect. The three secrets are kept encrypted and never shown again."""

    name = serializers.CharField(max_length=100)
    phone_number_id = serializers.CharField(max_length=40)
    waba_id = serializers.CharField(max_length=40)
    access_token = serializers.CharField(write_only=True, max_length=1000)
    app_secret = serializers.CharField(write_only=True, max_length=200)
    verify_token = serializers.CharField(write_only=True, max_length=200)
    owner = serializers.IntegerField(required=False, allow_null=True, help_text="the member whose number it is")


class AppealInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class ChannelCheckSerializer(serializers.Serializer[Any]):
    """How the number is; `trouble` is empty when nothing is wrong."""

    trouble = serializers.CharField(allow_blank=True)
    channel = ChannelSerializer()


class VariableSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    place = serializers.CharField()
    name = serializers.CharField()
    example = serializers.CharField(allow_blank=True)


class TemplateSerializer(serializers.ModelSerializer[MessageTemplate]):
    variables = serializers.SerializerMethodField(help_text="what must be filled in to send it")

    class Meta:
        model = MessageTemplate
        fields: ClassVar = [
            "id", "channel", "name", "language", "category", "status", "quality", "rejected_reason", "paused_until",
            "parameter_format", "components", "variables", "synced_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(VariableSerializer(many=True))
    def get_variables(self, template: MessageTemplate) -> Any:
        return VariableSerializer(templates.variables(template.components), many=True).data


class NewTemplateSerializer(serializers.Serializer[Any]):
    """A template to hand in for review, in the words of the Cloud API."""

    channel = serializers.IntegerField()
    name = serializers.RegexField(r"^[a-z0-9_]{1,512}$")
    language = serializers.CharField(max_length=10)
    category = serializers.ChoiceField(choices=TemplateCategory.choices)
    components = serializers.ListField(child=serializers.DictField(), min_length=1)
    parameter_format = serializers.ChoiceField(choices=ParameterFormat.choices, default=ParameterFormat.POSITIONAL)


class TemplateChangeSerializer(serializers.Serializer[Any]):
    """What a template says from now on; all of it. The category only of one that is not approved."""

    components = serializers.ListField(child=serializers.DictField(), min_length=1)
    category = serializers.ChoiceField(choices=TemplateCategory.choices, required=False)


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    meaning = serializers.SerializerMethodField()
    step = serializers.SerializerMethodField(help_text="what to do")

    class Meta:
        model = Notice
        fields: ClassVar = [
            "id", "waba_id", "channel", "template", "kind", "code", "severity", "meaning", "step", "details", "at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_meaning(self, notice: Notice) -> str:
        return verdicts.read(notice.kind, notice.code, notice.details).meaning

    def get_step(self, notice: Notice) -> str:
        return verdicts.read(notice.kind, notice.code, notice.details).step


class TemplateSyncSerializer(serializers.Serializer[Any]):
    """How many templates were new, changed, gone and the same."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    gone = serializers.IntegerField()
    same = serializers.IntegerField()


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    channel_name = serializers.CharField(source="channel.name")
    contact_name = serializers.CharField(source="contact.display_name")
    is_window_open = serializers.SerializerMethodField(help_text="free text may be sent now")

    class Meta:
        model = Conversation
        fields: ClassVar = [
            "id", "channel", "channel_name", "contact", "contact_name", "assigned_to", "status", "topic",
            "last_message_at", "last_inbound_at", "window_expires_at", "is_window_open", "waiting_since",
            "snoozed_until", "unread_count", "last_sentiment", "last_intent", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_is_window_open(self, conversation: Conversation) -> bool:
        return window.is_open(conversation.window_expires_at, timezone.now())


class NewConversationSerializer(serializers.Serializer[Any]):
    channel = serializers.IntegerField()
    contact = serializers.IntegerField()


class AssignmentSerializer(serializers.Serializer[Any]):
    """Who answers from now on. With `seen`, refused when somebody was quicker."""

    membership = serializers.IntegerField()
    seen = serializers.IntegerField(required=False, allow_null=True, help_text="whom the screen showed; null: nobody")


class ReadsSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="how many messages were new")


class NewNoteSerializer(serializers.Serializer[Any]):
    """A note for colleagues; the person never sees it."""

    body = serializers.CharField(max_length=4096)
    client_request_id = serializers.CharField(max_length=64, help_text="the same id makes one note")


class SnoozeSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField(help_text="out of sight until then, or until they write")


class TroubleSerializer(serializers.Serializer[Any]):
    code = serializers.IntegerField(allow_null=True)
    meaning = serializers.CharField()
    next_step = serializers.CharField()
    details = serializers.CharField(allow_blank=True)
    action = serializers.CharField(allow_blank=True, help_text="again, template, contact, settle, or nothing")


class MediaSerializer(serializers.Serializer[Any]):
    """The file of a message: GET messages/<id>/media/ when it is ready."""

    type = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    is_ready = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)


class MessageSerializer(serializers.ModelSerializer[Message]):
    body = serializers.SerializerMethodField()
    label = serializers.SerializerMethodField(help_text="what it is, when there is no text to show")
    payload = serializers.SerializerMethodField(help_text="location, contact cards, buttons, ... by type")
    is_revoked = serializers.SerializerMethodField()
    media = serializers.SerializerMethodField()
    trouble = serializers.SerializerMethodField(help_text="why it failed and what to do")

    class Meta:
        model = Message
        fields: ClassVar = [
            "id", "conversation", "channel", "direction", "type", "author", "body", "label", "payload", "is_revoked",
            "language", "sentiment", "intent",
            "media", "quoted", "template", "status", "provider_id", "client_request_id", "at", "accepted_at",
            "sent_at", "delivered_at", "read_at", "failed_at", "price_category", "is_billable", "trouble",
        ]  # fmt: skip
        read_only_fields = fields

    def get_body(self, message: Message) -> str:
        return "" if selectors.is_revoked(message) else selectors.body_of(message)

    def get_label(self, message: Message) -> str:
        return selectors.label_of(message)

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_payload(self, message: Message) -> dict[str, Any]:
        shown = {} if selectors.is_revoked(message) else message.payload
        return {name: value for name, value in shown.items() if name != SEALED}

    def get_is_revoked(self, message: Message) -> bool:
        return selectors.is_revoked(message)

    @extend_schema_field(MediaSerializer(allow_null=True))
    def get_media(self, message: Message) -> Any:
        if not (message.media_id or message.media_file):
            return None
        return {
            "type": message.media_type,
            "name": message.media_name,
            "is_ready": bool(message.media_file) and not selectors.is_revoked(message),
            "error": str(message.payload.get("media_error", "")),
        }

    @extend_schema_field(TroubleSerializer(allow_null=True))
    def get_trouble(self, message: Message) -> Any:
        trouble = selectors.trouble_of(message)
        return None if trouble is None else TroubleSerializer(trouble).data


class NewReactionSerializer(serializers.Serializer[Any]):
    message = serializers.IntegerField(help_text="what it reacts to")
    emoji = serializers.CharField(max_length=16, allow_blank=True, help_text="empty takes the reaction back")


class NewMessageSerializer(serializers.Serializer[Any]):
    """One of: a text (`body`), a template with its variables, a file (multipart) with a caption, a place, contact
    cards, something to press, or a reaction. Places, cards and interactive messages are in the words of the Cloud API.
    """

    conversation = serializers.IntegerField()
    client_request_id = serializers.CharField(max_length=64, help_text="the same id makes one message")
    body = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False, help_text="text or caption")
    quoted = serializers.IntegerField(required=False, allow_null=True)
    template = serializers.IntegerField(required=False, allow_null=True)
    parameters = serializers.DictField(child=serializers.CharField(), required=False)
    file = serializers.FileField(required=False, allow_empty_file=True)
    location = serializers.DictField(required=False, help_text="latitude, longitude, name, address")
    contacts = serializers.ListField(child=serializers.DictField(), required=False)
    interactive = serializers.DictField(
        required=False, help_text="button, list, cta_url, flow, location_request_message, request_contact_info"
    )
    reaction = NewReactionSerializer(required=False)
    seen = serializers.IntegerField(
        required=False,
        help_text="the newest message before the writer: 409 `answered_meanwhile` if a colleague was quicker",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kinds = ("template", "file", "location", "contacts", "interactive", "reaction")
        given = [name for name in kinds if attrs.get(name) is not None]
        if len(given) > 1:
            raise serializers.ValidationError(f"Send one thing at a time, not {' and '.join(given)}.")
        if attrs.get("file") is not None and attrs["file"].size > media.LARGEST["document"]:
            raise serializers.ValidationError({"file": "A file may have up to 100 MB."})
        cleaned: dict[str, Any] = {name: value if name == "file" else clean(value) for name, value in attrs.items()}
        return cleaned


class NewFileSerializer(serializers.Serializer[Any]):
    """A file with a caption, as multipart/form-data: what the document says of it. NewMessageSerializer reads it."""

    conversation = serializers.IntegerField()
    client_request_id = serializers.CharField(max_length=64, help_text="the same id makes one message")
    file = serializers.FileField(allow_empty_file=True)
    body = serializers.CharField(required=False, allow_blank=True, help_text="the caption")
    quoted = serializers.IntegerField(required=False)
    seen = serializers.IntegerField(required=False)


class SettlementSerializer(serializers.Serializer[Any]):
    """What became of a message whose fate was unknown, as somebody found out by asking."""

    has_arrived = serializers.BooleanField()


class CopySerializer(serializers.Serializer[Any]):
    client_request_id = serializers.CharField(max_length=64, help_text="the same id makes one message")


class OptOutSerializer(serializers.ModelSerializer[OptOut]):
    class Meta:
        model = OptOut
        fields: ClassVar = ["id", "contact", "point", "scope", "source", "said", "at"]
        read_only_fields = fields


class NewOptOutSerializer(serializers.Serializer[Any]):
    """What a person told an agent. Only the person undoes it, by writing START."""

    contact = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=OptOutScope.choices, default=OptOutScope.MARKETING)
    said = serializers.CharField(max_length=200, default="", allow_blank=True)


class WebhookEventSerializer(serializers.ModelSerializer[WebhookEvent]):
    class Meta:
        model = WebhookEvent
        fields: ClassVar = [
            "id", "kind", "state", "signature_verified", "attempts", "error", "received_at", "processed_at",
        ]  # fmt: skip
        read_only_fields = fields
