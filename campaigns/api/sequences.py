"""Sequences over the API. Decisions are resources: POST sequences/3/pause/ pauses it, DELETE lets it go on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import sequences
from campaigns.api.sequence_serializers import (
    EnrolInputSerializer,
    EnrolledSerializer,
    EnrollmentSerializer,
    EnrollmentStepSerializer,
    SequenceInputSerializer,
    SequenceSerializer,
)
from campaigns.api.serializers import ReasonSerializer
from campaigns.models import Enrollment, EnrollmentStep, Sequence
from campaigns.segments import contacts_of
from core.api.exports import ExportableViewSet
from core.errors import Invalid
from core.roles import Capability

READ, WRITE = Capability.CAMPAIGNS_READ, Capability.CAMPAIGNS_WRITE
APPROVE, RUN = Capability.CAMPAIGNS_APPROVE, Capability.CAMPAIGNS_RUN


class SequenceFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Sequence
        fields = ["name", "status", "channel"]


class EnrollmentFilter(filters.FilterSet):
    class Meta:
        model = Enrollment
        fields = ["sequence", "contact", "property", "state", "stop_reason", "next_step"]


class SequenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """One to ten messages to one person, until they answer."""

    queryset = Sequence.objects.select_related("organization", "channel").prefetch_related("steps")
    serializer_class = SequenceSerializer
    filterset_class = SequenceFilter
    capabilities: ClassVar = {
        "list": READ,
        "retrieve": READ,
        "create": WRITE,
        "partial_update": WRITE,
        "review": WRITE,
        "approval": APPROVE,
        "pause": RUN,
        "archival": RUN,
        "enrollments": WRITE,
    }

    @extend_schema(request=SequenceInputSerializer, responses={201: SequenceSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = SequenceInputSerializer(data=request.data, context={"actor": self.actor})
        given.is_valid(raise_exception=True)
        made = sequences.create_sequence(actor=self.actor, at=timezone.now(), **given.validated_data)
        return self._shown(made, status.HTTP_201_CREATED)

    @extend_schema(request=SequenceInputSerializer(partial=True), responses={200: SequenceSerializer})
    def partial_update(self, request: Request, **_: Any) -> Response:
        given = SequenceInputSerializer(data=request.data, partial=True, context={"actor": self.actor})
        given.is_valid(raise_exception=True)
        changed = sequences.update_sequence(
            actor=self.actor, sequence=self.get_object(), at=timezone.now(), **given.validated_data
        )
        return self._shown(changed)

    @extend_schema(request=None, responses={201: SequenceSerializer})
    @action(detail=True, methods=["post"])
    def review(self, request: Request, **_: Any) -> Response:
        """Hand it to somebody who may approve it."""
        done = sequences.submit_sequence(actor=self.actor, sequence=self.get_object(), at=timezone.now())
        return self._shown(done, status.HTTP_201_CREATED)

    @extend_schema(methods=["POST"], request=None, responses={201: SequenceSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def approval(self, request: Request, **_: Any) -> Response:
        """POST lets it go out as it is now; DELETE sends it back to its author. Never one's own."""
        found, at = self.get_object(), timezone.now()
        if request.method == "DELETE":
            sequences.return_sequence(actor=self.actor, sequence=found, reason="", at=at)
            return Response(status=status.HTTP_204_NO_CONTENT)
        sequences.approve_sequence(actor=self.actor, sequence=found, at=at)
        return self._shown(found, status.HTTP_201_CREATED)

    @extend_schema(methods=["POST"], request=ReasonSerializer, responses={201: SequenceSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def pause(self, request: Request, **_: Any) -> Response:
        """POST: nothing goes out, nobody's times are shifted; DELETE goes on."""
        found, at = self.get_object(), timezone.now()
        if request.method == "DELETE":
            sequences.resume_sequence(actor=self.actor, sequence=found, at=at)
            return Response(status=status.HTTP_204_NO_CONTENT)
        sequences.pause_sequence(actor=self.actor, sequence=found, reason=_reason(request), at=at)
        return self._shown(found, status.HTTP_201_CREATED)

    @extend_schema(request=ReasonSerializer, responses={201: SequenceSerializer})
    @action(detail=True, methods=["post"])
    def archival(self, request: Request, **_: Any) -> Response:
        """End it for good: whoever is under way gets nothing more."""
        found = self.get_object()
        sequences.archive_sequence(actor=self.actor, sequence=found, reason=_reason(request), at=timezone.now())
        return self._shown(found, status.HTTP_201_CREATED)

    @extend_schema(request=EnrolInputSerializer, responses={201: EnrolledSerializer})
    @action(detail=True, methods=["post"])
    def enrollments(self, request: Request, **_: Any) -> Response:
        """Put people in, by id or by segment. Whoever is refused comes back with the reason."""
        given = EnrolInputSerializer(data=request.data, context={"actor": self.actor})
        given.is_valid(raise_exception=True)
        ids, at = list(given.validated_data.get("contacts", [])), timezone.now()
        if segment := given.validated_data.get("segment"):
            ids += contacts_of(actor=self.actor, segment=segment, at=at).values_list("pk", flat=True)
        try:
            units = {int(contact): unit for contact, unit in given.validated_data.get("units", {}).items()}
        except ValueError:
            raise Invalid("units: write ids of contacts as keys.", field="units") from None
        done = sequences.enrol(actor=self.actor, sequence=self.get_object(), contact_ids=ids, units=units, at=at)
        return Response(EnrolledSerializer(done).data, status=status.HTTP_201_CREATED)

    def _shown(self, sequence: Sequence, code: int = status.HTTP_200_OK) -> Response:
        found = self.get_queryset().get(pk=sequence.pk)
        return Response(self.get_serializer(found).data, status=code)


class EnrollmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """People in sequences: under way, paused, completed, stopped with the reason."""

    queryset = Enrollment.objects.select_related("contact", "sequence")
    serializer_class = EnrollmentSerializer
    filterset_class = EnrollmentFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "pause": WRITE, "stop": WRITE, "steps": READ}

    @extend_schema(methods=["POST"], request=ReasonSerializer, responses={201: EnrollmentSerializer})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def pause(self, request: Request, **_: Any) -> Response:
        """POST lets this person wait, DELETE lets them go on."""
        found, at = self.get_object(), timezone.now()
        if request.method == "DELETE":
            sequences.resume_enrollment(actor=self.actor, enrollment=found, at=at)
            return Response(status=status.HTTP_204_NO_CONTENT)
        sequences.pause_enrollment(actor=self.actor, enrollment=found, note=_reason(request), at=at)
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ReasonSerializer, responses={201: EnrollmentSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, **_: Any) -> Response:
        """Take this person out."""
        sequences.stop_enrollment(
            actor=self.actor, enrollment=self.get_object(), note=_reason(request), at=timezone.now()
        )
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: EnrollmentStepSerializer(many=True)}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def steps(self, request: Request, **_: Any) -> Response:
        """What went out or was skipped, at most ten."""
        rows = EnrollmentStep.objects.visible_to(self.actor).filter(enrollment=self.get_object())
        shown = rows.select_related("message").order_by("at", "pk")
        return Response(EnrollmentStepSerializer(shown, many=True).data)


def _reason(request: Request) -> str:
    given = ReasonSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data["reason"])
