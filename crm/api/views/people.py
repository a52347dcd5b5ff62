"""Contacts and the ways to reach them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from crm import selectors, services
from crm.api import filters, inputs
from crm.api.duplicates import AddedContactPointSerializer, AddedContactSerializer
from crm.api.serializers import ContactPointSerializer, ContactSerializer, DisclosedPointSerializer, HistorySerializer
from crm.api.views.base import BEFORE, DeletableViewSet, before_of
from crm.api.views.bulk import ManyViewSet
from crm.models import Contact, ContactPoint
from crm.models.bulk import BulkNoun
from crm.models.disclosures import Door
from crm.models.merges import Noun

POINTS = Prefetch("points", ContactPoint.objects.live().order_by("-is_primary", "pk"))
WHY = OpenApiParameter("reason", str, required=True, description="why it may be used again")


class ShowsNumbers(DeletableViewSet):
    """Lists hide the middle of numbers; the answer about one contact shows them to those who may, and keeps it."""

    shows_all = False
    told: set[int] = set()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A token whose scopes name `numbers.read` reads them whole, and every page of it is kept."""
        self.shows_all = selectors.reads_lists_whole(self.actor)
        answer = super().list(request, *args, **kwargs)
        if self.shows_all:
            services.disclose_list(
                actor=self.actor,
                listed=self.get_queryset().model._meta.label_lower,
                how_many=sum(len(row.get("points", [row])) for row in answer.data["results"]),
                filters=request.query_params.dict(),
                door=Door.API,
                at=timezone.now(),
            )
        return answer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.show(self.get_object())
        return super().retrieve(request, *args, **kwargs)

    def show(self, row: Contact | ContactPoint) -> None:
        """What this caller may see of the contact from now on, in this answer."""
        contact, now = row if isinstance(row, Contact) else row.contact, timezone.now()
        services.open_contact(actor=self.actor, contact=contact, at=now, door=Door.API)
        self.told = selectors.told_points(self.actor, [contact.pk], now)


class ContactViewSet(ManyViewSet, ShowsNumbers):
    """People and companies. Owner, client and prospect are roles they play."""

    noun = BulkNoun.CONTACT
    queryset = Contact.objects.prefetch_related(POINTS)
    serializer_class = ContactSerializer
    filterset_class = filters.ContactFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "history": Capability.CRM_READ,
        "create": Capability.CRM_WRITE,
        "partial_update": Capability.CRM_WRITE,
        "destroy": Capability.CRM_DELETE,
        "disclosures": Capability.NUMBERS_ASK,
        "bad_mark": Capability.CRM_WRITE,
        "remove_bad_mark": Capability.CRM_WRITE,
        "changes": Capability.STOCK_WRITE,
    }

    @extend_schema(parameters=[BEFORE], responses=HistorySerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def history(self, request: Request, pk: str, **_: Any) -> Response:
        """What changed, newest first: before, after, when, by whom and through what."""
        told = selectors.contact_history(actor=self.actor, contact_id=int(pk), before=before_of(request))
        return Response(HistorySerializer(told).data)

    @extend_schema(request=inputs.ContactInput, responses={201: AddedContactSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """The answer names contacts that may be the same, with the reasons; nothing is refused for it."""
        contact = services.create_contact(actor=self.actor, **self.given(request, inputs.ContactInput))
        return self.added(contact, Noun.CONTACT, contact.pk, AddedContactSerializer)

    @extend_schema(request=inputs.ContactInput)
    def partial_update(self, request: Request, **_: Any) -> Response:
        contact = self.get_object()
        changes = self.given(request, inputs.ContactInput, partial=True)
        return self.answer(services.update_contact(actor=self.actor, contact=contact, **changes))

    @extend_schema(request=inputs.ReasonInput, responses={201: DisclosedPointSerializer(many=True)})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def disclosures(self, request: Request, **_: Any) -> Response:
        """The contact's numbers whole, for a reason: kept in the trail, thirty times an hour at most."""
        contact = self.get_object()
        given = self.given(request, inputs.ReasonInput)
        points = services.disclose_owner_number(
            actor=self.actor, contact=contact, reason=given["reason"], at=timezone.now(), door=Door.API
        )
        return Response(DisclosedPointSerializer(points, many=True).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=inputs.ReasonInput, responses={201: ContactSerializer})
    @action(detail=True, methods=["post"], url_path="bad-mark")
    def bad_mark(self, request: Request, **_: Any) -> Response:
        """Nobody is to write to this contact first."""
        contact = self.get_object()
        given = self.given(request, inputs.ReasonInput)
        changed = services.mark_bad_contact(actor=self.actor, contact=contact, reason=given["reason"])
        return self.answer(changed, status.HTTP_201_CREATED)

    @extend_schema(parameters=[WHY], request=None, responses={204: None})
    @bad_mark.mapping.delete
    def remove_bad_mark(self, request: Request, **_: Any) -> Response:
        """A good contact again, for the reason given in `?reason=`."""
        reason = request.query_params.get("reason", "")
        services.mark_bad_contact(actor=self.actor, contact=self.get_object(), reason=reason, is_bad=False)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ContactPointViewSet(ShowsNumbers):
    """Numbers and addresses, their middle hidden in lists: POST contacts/<id>/disclosures/ shows those of one contact."""

    queryset = ContactPoint.objects.all()
    serializer_class = ContactPointSerializer
    filterset_class = filters.ContactPointFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.CRM_WRITE,
        "partial_update": Capability.CRM_WRITE,
        "destroy": Capability.CRM_DELETE,
        "verification": Capability.CRM_WRITE,
        "do_not_contact": Capability.CRM_WRITE,
        "lift_do_not_contact": Capability.STOCK_WRITE,
    }

    @extend_schema(request=inputs.ContactPointInput, responses={201: AddedContactPointSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """A number is read as in the organisation's country and kept in E.164."""
        point = services.add_contact_point(actor=self.actor, **self.given(request, inputs.ContactPointInput))
        self.told = {point.pk}  # whoever wrote it knows it
        return self.added(point, Noun.CONTACT, point.contact_id, AddedContactPointSerializer)

    @extend_schema(request=inputs.ContactPointChange)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Note something, or make it the primary one of its kind. A wrong value is deleted and added anew."""
        point, changes = self.get_object(), self.given(request, inputs.ContactPointChange)
        return self.answer(services.update_contact_point(actor=self.actor, point=point, **changes))

    @extend_schema(request=inputs.VerificationInput, responses={201: ContactPointSerializer})
    @action(detail=True, methods=["post"])
    def verification(self, request: Request, **_: Any) -> Response:
        """Somebody tried it: it reaches the contact, or it does not."""
        point, given = self.get_object(), self.given(request, inputs.VerificationInput)
        point = services.verify_contact_point(actor=self.actor, point=point, at=timezone.now(), **given)
        return self.answer(point, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.ReasonInput, responses={201: ContactPointSerializer})
    @action(detail=True, methods=["post"], url_path="do-not-contact")
    def do_not_contact(self, request: Request, **_: Any) -> Response:
        """The contact does not want to be reached here."""
        point, given = self.get_object(), self.given(request, inputs.ReasonInput)
        point = services.mark_do_not_contact(actor=self.actor, point=point, reason=given["reason"])
        return self.answer(point, status.HTTP_201_CREATED)

    @extend_schema(parameters=[WHY], request=None, responses={204: None})
    @do_not_contact.mapping.delete
    def lift_do_not_contact(self, request: Request, **_: Any) -> Response:
        """It may be used again, for the reason given in `?reason=`."""
        reason = request.query_params.get("reason", "")
        services.lift_do_not_contact(actor=self.actor, point=self.get_object(), reason=reason)
        return Response(status=status.HTTP_204_NO_CONTENT)
