"""Campaigns over the API. Decisions are resources: POST campaigns/3/pause/ pauses it, DELETE lets it go on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors, services
from campaigns.api.filters import CampaignFilter, RecipientFilter
from campaigns.api.serializers import (
    CampaignApprovalSerializer,
    CampaignInputSerializer,
    CampaignSerializer,
    PauseSerializer,
    PreflightPeopleSerializer,
    PreflightSerializer,
    PreviewSerializer,
    ProgressSerializer,
    ReasonSerializer,
    RecipientSerializer,
)
from campaigns.models import Campaign, CampaignMessage
from core.api.exports import ExportableViewSet
from core.roles import Capability

READ, WRITE = Capability.CAMPAIGNS_READ, Capability.CAMPAIGNS_WRITE
APPROVE, RUN = Capability.CAMPAIGNS_APPROVE, Capability.CAMPAIGNS_RUN


class CampaignViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """A template to many people, once each. Changing a campaign voids its approval."""

    queryset = Campaign.objects.select_related("organization", "template").prefetch_related("channels")
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    capabilities: ClassVar = {
        "list": READ,
        "retrieve": READ,
        "create": WRITE,
        "partial_update": WRITE,
        "preflight": READ,
        "preflight_people": READ,
        "preview": READ,
        "progress": READ,
        "review": WRITE,
        "approval": APPROVE,
        "launch": RUN,
        "pause": RUN,
        "cancellation": RUN,
    }

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Campaigns come with their funnels: one query for a whole page."""
        if args and self.serializer_class is CampaignSerializer:
            shown = args[0] if kwargs.get("many") else [args[0]]
            found = selectors.funnels(actor=self.actor, campaign_ids=[campaign.pk for campaign in shown])
            kwargs["context"] = {**self.get_serializer_context(), "funnels": found}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(request=CampaignInputSerializer, responses={201: CampaignSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = CampaignInputSerializer(data=request.data, context={"actor": self.actor})
        given.is_valid(raise_exception=True)
        campaign = services.create_campaign(actor=self.actor, at=timezone.now(), **given.validated_data)
        return self._shown(campaign, status.HTTP_201_CREATED)

    @extend_schema(request=CampaignInputSerializer(partial=True), responses={200: CampaignSerializer})
    def partial_update(self, request: Request, **_: Any) -> Response:
        given = CampaignInputSerializer(data=request.data, partial=True, context={"actor": self.actor})
        given.is_valid(raise_exception=True)
        campaign = services.update_campaign(
            actor=self.actor, campaign=self.get_object(), at=timezone.now(), **given.validated_data
        )
        return self._shown(campaign)

    @extend_schema(responses={200: PreflightSerializer})
    @action(detail=True, methods=["get"])
    def preflight(self, request: Request, **_: Any) -> Response:
        """Who would get it and who not, with reasons, samples and an estimate. Nothing is sent or written."""
        found = services.preflight(actor=self.actor, campaign=self.get_object(), at=timezone.now())
        return Response(PreflightSerializer(found).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("reason", str, description="a skip reason; empty for those who would get it"),
            OpenApiParameter("offset", int),
        ],
        responses={200: PreflightPeopleSerializer},
    )
    @action(detail=True, methods=["get"], url_path="preflight/people", pagination_class=None, filterset_class=None)
    def preflight_people(self, request: Request, **_: Any) -> Response:
        """The people behind one number of the pre-flight, a hundred at a time."""
        reason, offset = request.query_params.get("reason", ""), request.query_params.get("offset", "0")
        found = services.preflight_people(
            actor=self.actor, campaign=self.get_object(), reason=reason, at=timezone.now()
        )
        start = int(offset) if offset.isdecimal() and len(offset) < 9 else 0
        shown = {"count": len(found), "results": found[start : start + 100]}
        return Response(PreflightPeopleSerializer(shown).data)

    @extend_schema(parameters=[OpenApiParameter("contact", int, required=True)], responses={200: PreviewSerializer})
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def preview(self, request: Request, **_: Any) -> Response:
        """The message as one person of the audience would read it."""
        asked = request.query_params.get("contact", "")
        contact = int(asked) if asked.isdecimal() and len(asked) < 19 else 0
        found = services.preview_for(
            actor=self.actor, campaign=self.get_object(), contact_id=contact, at=timezone.now()
        )
        return Response(PreviewSerializer(found).data)

    @extend_schema(responses={200: ProgressSerializer})
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, **_: Any) -> Response:
        """The funnel, the causes, the pace, and in a sentence what it is doing or why it is not moving."""
        campaign = self.get_object()
        found = selectors.progress(actor=self.actor, campaign=campaign, at=timezone.now())
        causes = selectors.causes(actor=self.actor, campaign=campaign)
        names = (
            "funnel",
            "sent_last_minute",
            "per_second",
            "seconds_left",
            "oldest_waiting_since",
            "heartbeat_at",
            "sentence",
        )
        shown = {name: getattr(found, name) for name in names}
        return Response(ProgressSerializer({**shown, "causes": causes}).data)

    @extend_schema(request=None, responses={201: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def review(self, request: Request, **_: Any) -> Response:
        """Hand it to somebody who may approve it."""
        return self._did(services.submit_for_review)

    @extend_schema(methods=["POST"], request=None, responses={201: CampaignApprovalSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def approval(self, request: Request, **_: Any) -> Response:
        """POST approves it as it is now; DELETE sends it back to its author. Never one's own."""
        campaign, at = self.get_object(), timezone.now()
        if request.method == "DELETE":
            services.return_campaign(actor=self.actor, campaign=campaign, reason="", at=at)
            return Response(status=status.HTTP_204_NO_CONTENT)
        approval = services.approve_campaign(actor=self.actor, campaign=campaign, at=at)
        return Response(CampaignApprovalSerializer(approval).data, status=status.HTTP_201_CREATED)

    @extend_schema(methods=["POST"], request=None, responses={201: CampaignSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def launch(self, request: Request, **_: Any) -> Response:
        """POST freezes the audience and begins, or schedules a later start; DELETE takes it off the schedule."""
        if request.method == "DELETE":
            services.unschedule_campaign(actor=self.actor, campaign=self.get_object(), at=timezone.now())
            return Response(status=status.HTTP_204_NO_CONTENT)
        return self._did(services.start_campaign)

    @extend_schema(methods=["POST"], request=ReasonSerializer, responses={201: PauseSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def pause(self, request: Request, **_: Any) -> Response:
        """POST stops sending within a second; DELETE goes on where it stopped."""
        campaign, at = self.get_object(), timezone.now()
        if request.method == "DELETE":
            services.resume_campaign(actor=self.actor, campaign=campaign, at=at)
            return Response(status=status.HTTP_204_NO_CONTENT)
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        pause = services.pause_campaign(
            actor=self.actor, campaign=campaign, reason=given.validated_data["reason"], at=at
        )
        return Response(PauseSerializer(pause).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ReasonSerializer, responses={201: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def cancellation(self, request: Request, **_: Any) -> Response:
        """End it for good: whoever has not been written to is skipped."""
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self._did(services.cancel_campaign, reason=given.validated_data["reason"])

    def _did(self, service: Any, **more: Any) -> Response:
        campaign = service(actor=self.actor, campaign=self.get_object(), at=timezone.now(), **more)
        return self._shown(campaign, status.HTTP_201_CREATED)

    def _shown(self, campaign: Campaign, code: int = status.HTTP_200_OK) -> Response:
        shown = self.get_queryset().get(pk=campaign.pk)
        return Response(self.get_serializer(shown).data, status=code)


class RecipientViewSet(mixins.ListModelMixin, ExportableViewSet):
    """What happened to each person of a campaign, and why."""

    queryset = CampaignMessage.objects.select_related("contact")
    serializer_class = RecipientSerializer
    filterset_class = RecipientFilter
    capabilities: ClassVar = {"list": READ}

    def get_queryset(self) -> QuerySet[CampaignMessage]:
        rows = super().get_queryset()
        if self.swagger_fake_view:
            return rows
        campaign = get_object_or_404(Campaign.objects.visible_to(self.actor), pk=self.kwargs["campaign"])
        return rows.filter(campaign=campaign)
