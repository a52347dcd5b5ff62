"""Talk over the API. Decisions are resources: PUT conversations/3/assignment/ assigns, POST .../closure/ closes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.errors import NotFound
from core.models import Membership
from core.roles import Capability
from crm.models import Contact
from messaging import media, services
from messaging.api.filters import (
    ChannelFilter,
    ConversationFilter,
    MessageFilter,
    OptOutFilter,
    WebhookEventFilter,
)
from messaging.api.pagination import NewestTalkPagination
from messaging.api.serializers import (
    AppealInput,
    AssignmentSerializer,
    ChannelCheckSerializer,
    ChannelSerializer,
    ConversationSerializer,
    CopySerializer,
    MessageSerializer,
    NewChannelSerializer,
    NewConversationSerializer,
    NewFileSerializer,
    NewMessageSerializer,
    NewNoteSerializer,
    NewOptOutSerializer,
    OptOutSerializer,
    ReadsSerializer,
    SettlementSerializer,
    SnoozeSerializer,
    TemplateSyncSerializer,
    WebhookEventSerializer,
)
from messaging.errors import MediaNotFound
from messaging.models import Channel, Conversation, Message, MessageTemplate, OptOut, WebhookEvent
from messaging.selectors import is_revoked
from messaging.services import Upload

READ, REPLY = Capability.CONVERSATIONS_READ, Capability.CONVERSATIONS_REPLY
ASSIGN, MANAGE = Capability.CONVERSATIONS_ASSIGN, Capability.CHANNELS_MANAGE
WRITE = Capability.TEMPLATES_WRITE


class TalkViewSet(ExportableViewSet):
    """Finds what a request names among what its caller may see; everything else is not found."""

    def found(self, model: Any, pk: int | None, noun: str) -> Any:
        row = None if pk is None else model.objects.visible_to(self.actor).filter(pk=pk).first()
        if row is None:
            raise NotFound(f"There is no such {noun} here.", field=noun)
        return row

    def member(self, pk: int) -> Membership:
        row = Membership.objects.select_related("user").filter(organization=self.organization, pk=pk).first()
        if row is None:
            raise NotFound("There is no such member here.", field="membership")
        return row


class ChannelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """The numbers we write from."""

    queryset = Channel.objects.all()
    serializer_class = ChannelSerializer
    filterset_class = ChannelFilter
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "create": MANAGE, "checks": Capability.CHANNELS_CHECK, "disconnection": MANAGE,
        "appeal": Capability.CHANNELS_CHECK, "appeal_refused": Capability.CHANNELS_CHECK,
        "template_syncs": WRITE,
    }  # fmt: skip

    @extend_schema(request=NewChannelSerializer, responses={201: ChannelSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewChannelSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        owner = fields.pop("owner", None)
        channel = services.connect_channel(
            actor=self.actor, owner=None if owner is None else self.member(owner), at=timezone.now(), **fields
        )
        return Response(self.get_serializer(channel).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: ChannelCheckSerializer})
    @action(detail=True, methods=["post"])
    def checks(self, request: Request, **_: Any) -> Response:
        """Ask WhatsApp how the number is; a blocked number that answers again is unblocked."""
        channel = self.get_object()
        trouble = services.check_channel(actor=self.actor, channel=channel, at=timezone.now())
        channel.refresh_from_db()
        shown = ChannelCheckSerializer({"trouble": trouble, "channel": channel}).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: ChannelSerializer})
    @action(detail=True, methods=["post"])
    def disconnection(self, request: Request, **_: Any) -> Response:
        """Stop writing from this number; a check connects it again."""
        channel = services.disconnect_channel(actor=self.actor, channel=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(channel).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AppealInput, responses={201: ChannelSerializer})
    @action(detail=True, methods=["post"])
    def appeal(self, request: Request, **_: Any) -> Response:
        """Somebody has asked WhatsApp to lift the block of this number."""
        channel, given = self.get_object(), AppealInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.appeal_block(actor=self.actor, channel=channel, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(channel).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @appeal.mapping.delete
    def appeal_refused(self, request: Request, **_: Any) -> Response:
        """WhatsApp said no."""
        services.close_appeal(actor=self.actor, channel=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={201: TemplateSyncSerializer})
    @action(detail=True, methods=["post"], url_path="template-syncs")
    def template_syncs(self, request: Request, **_: Any) -> Response:
        """Make our list of the account's templates what WhatsApp says it is."""
        counts = services.sync_templates(actor=self.actor, channel=self.get_object(), at=timezone.now())
        return Response(counts, status=status.HTTP_201_CREATED)


class ConversationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """The inbox."""

    queryset = Conversation.objects.select_related("channel", "contact", "organization")
    serializer_class = ConversationSerializer
    filterset_class = ConversationFilter
    pagination_class = NewestTalkPagination
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "create": REPLY, "assignment": ASSIGN, "unassign": ASSIGN, "closure": REPLY,
        "reopen": REPLY, "reads": REPLY, "typing": REPLY, "notes": REPLY, "snooze": REPLY, "wake": REPLY,
    }  # fmt: skip

    @extend_schema(request=NewConversationSerializer, responses={201: ConversationSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Start to talk: the open conversation with this contact if there is one."""
        given = NewConversationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        conversation = services.start_conversation(
            actor=self.actor,
            channel=self.found(Channel, given.validated_data["channel"], "channel"),
            contact=self.found(Contact, given.validated_data["contact"], "contact"),
            at=timezone.now(),
        )
        return self._shown(conversation, status.HTTP_201_CREATED)

    @extend_schema(request=AssignmentSerializer, responses=ConversationSerializer)
    @action(detail=True, methods=["put"])
    def assignment(self, request: Request, **_: Any) -> Response:
        conversation = self.get_object()
        given = AssignmentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        changed = services.assign_conversation(
            actor=self.actor,
            conversation=conversation,
            membership=self.member(fields["membership"]),
            at=timezone.now(),
            seen_assignee_id=fields.get("seen", ...),
        )
        return self._shown(changed)

    @extend_schema(responses={204: None})
    @assignment.mapping.delete
    def unassign(self, request: Request, **_: Any) -> Response:
        services.assign_conversation(
            actor=self.actor, conversation=self.get_object(), membership=None, at=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={201: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def closure(self, request: Request, **_: Any) -> Response:
        conversation = services.close_conversation(actor=self.actor, conversation=self.get_object(), at=timezone.now())
        return self._shown(conversation, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @closure.mapping.delete
    def reopen(self, request: Request, **_: Any) -> Response:
        services.reopen_conversation(actor=self.actor, conversation=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={201: ReadsSerializer})
    @action(detail=True, methods=["post"])
    def reads(self, request: Request, **_: Any) -> Response:
        """The caller has read everything so far; the person sees blue ticks."""
        count = services.mark_read(actor=self.actor, conversation=self.get_object(), at=timezone.now())
        return Response({"read": count}, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def typing(self, request: Request, **_: Any) -> Response:
        """The person sees for about 25 seconds that somebody writes. Call it again while that is so."""
        services.show_typing(actor=self.actor, conversation=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=NewNoteSerializer, responses={201: MessageSerializer})
    @action(detail=True, methods=["post"])
    def notes(self, request: Request, **_: Any) -> Response:
        """Leave a note for colleagues. It is never sent."""
        conversation = self.get_object()
        given = NewNoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        note = services.write_note(
            actor=self.actor, conversation=conversation, at=timezone.now(), **given.validated_data
        )
        return Response(MessageSerializer(note).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=SnoozeSerializer, responses=ConversationSerializer)
    @action(detail=True, methods=["put"])
    def snooze(self, request: Request, **_: Any) -> Response:
        """Out of sight until then, or until the person writes."""
        conversation = self.get_object()
        given = SnoozeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = services.snooze_conversation(
            actor=self.actor, conversation=conversation, at=timezone.now(), **given.validated_data
        )
        return self._shown(changed)

    @extend_schema(responses={204: None})
    @snooze.mapping.delete
    def wake(self, request: Request, **_: Any) -> Response:
        services.snooze_conversation(actor=self.actor, conversation=self.get_object(), until=None, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, conversation: Conversation, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(conversation).data, status=code)


class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """What was said. POST sends: 409 `window_closed` when only a template may go."""

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    parser_classes = [JSONParser, MultiPartParser]
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "create": REPLY, "media": READ, "settlement": REPLY, "copies": REPLY,
    }  # fmt: skip

    @extend_schema(
        request={"application/json": NewMessageSerializer, "multipart/form-data": NewFileSerializer},
        responses={201: MessageSerializer},
    )
    def create(self, request: Request, **_: Any) -> Response:
        given = NewMessageSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        message = self._send(given.validated_data)
        return Response(self.get_serializer(message).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def media(self, request: Request, **_: Any) -> HttpResponseBase:
        """The file of a message, once it was fetched."""
        message = self.get_object()
        if not message.media_file or is_revoked(message):
            raise MediaNotFound("This message has no file, or it was not fetched yet.")
        return media.response(message, request._request)

    @extend_schema(request=SettlementSerializer, responses={201: MessageSerializer})
    @action(detail=True, methods=["post"])
    def settlement(self, request: Request, **_: Any) -> Response:
        """Say what became of a message whose status is `unknown`. 409 `not_in_doubt` when it is known by now."""
        message = self.get_object()
        given = SettlementSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = services.settle_unknown(actor=self.actor, message=message, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(changed).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CopySerializer, responses={201: MessageSerializer})
    @action(detail=True, methods=["post"])
    def copies(self, request: Request, **_: Any) -> Response:
        """Send what a failed message said once more, as a new message."""
        message = self.get_object()
        given = CopySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        copy = services.send_again(actor=self.actor, message=message, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(copy).data, status=status.HTTP_201_CREATED)

    def _send(self, fields: dict[str, Any]) -> Message:
        conversation = self.found(Conversation, fields["conversation"], "conversation")
        common = {
            "actor": self.actor,
            "conversation": conversation,
            "client_request_id": fields["client_request_id"],
            "at": timezone.now(),
        }
        if fields.get("reaction") is not None:
            target = self.found(Message, fields["reaction"]["message"], "message")
            return services.send_reaction(message=target, emoji=fields["reaction"]["emoji"], **common)
        if fields.get("template") is not None:
            template = self.found(MessageTemplate, fields["template"], "template")
            return services.send_template(template=template, parameters=fields.get("parameters", {}), **common)
        quoted = None if fields.get("quoted") is None else self.found(Message, fields["quoted"], "quoted")
        if fields.get("file") is not None:
            upload = Upload(fields["file"].read(), fields["file"].name or "")
            return services.send_media(
                upload=upload,
                caption=fields.get("body", ""),
                quoted=quoted,
                seen_message_id=fields.get("seen"),
                **common,
            )
        if fields.get("location") is not None:
            return services.send_location(location=fields["location"], quoted=quoted, **common)
        if fields.get("contacts") is not None:
            return services.send_contacts(contacts=fields["contacts"], quoted=quoted, **common)
        if fields.get("interactive") is not None:
            return services.send_interactive(interactive=fields["interactive"], quoted=quoted, **common)
        return services.send_text(
            body=fields.get("body", ""), quoted=quoted, seen_message_id=fields.get("seen"), **common
        )


class OptOutViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """Who said stop."""

    queryset = OptOut.objects.all()
    serializer_class = OptOutSerializer
    filterset_class = OptOutFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": REPLY}

    @extend_schema(request=NewOptOutSerializer, responses={201: OptOutSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewOptOutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        contact = self.found(Contact, fields.pop("contact"), "contact")
        opt_out = services.record_opt_out(actor=self.actor, contact=contact, at=timezone.now(), **fields)
        return Response(self.get_serializer(opt_out).data, status=status.HTTP_201_CREATED)


class WebhookEventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """What WhatsApp sent us, and what became of it."""

    queryset = WebhookEvent.objects.defer("body")
    serializer_class = WebhookEventSerializer
    filterset_class = WebhookEventFilter
    capabilities: ClassVar = {"list": MANAGE, "retrieve": MANAGE, "replays": MANAGE}

    @extend_schema(request=None, responses={201: WebhookEventSerializer})
    @action(detail=True, methods=["post"])
    def replays(self, request: Request, **_: Any) -> Response:
        """Process it again; what was right stays as it is."""
        event = self.get_object()
        services.replay_webhooks(actor=self.actor, events=[event.pk], at=timezone.now())
        event.refresh_from_db(fields=["state", "attempts", "error"])
        return Response(self.get_serializer(event).data, status=status.HTTP_201_CREATED)
