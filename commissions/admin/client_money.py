"""What of one commission the client pays when, and what of its parts is held back: the pages that ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from commissions import services
from commissions.admin.forms import HoldBackForm, InstalmentsForm, ReschedulingForm
from commissions.models import Commission, HoldBack, Instalment, Status
from core.actors import Actor
from core.admin import acting
from core.asking import ReasonForm, Words, posted
from core.roles import Capability


class ClientMoney:
    """Pages of CommissionAdmin."""

    if TYPE_CHECKING:

        def _found(self, request: HttpRequest, object_id: str) -> Commission: ...

        def _decide(
            self, request: HttpRequest, object_id: str, *, title: Words, call: Any, **more: Any
        ) -> HttpResponse: ...

    def client_money(self, actor: Actor, commission_id: int, status: str | None) -> dict[str, bool]:
        """Which of these pages are offered."""
        write, approve = actor.can(Capability.COMMISSIONS_WRITE), actor.can(Capability.COMMISSIONS_APPROVE)
        planned = Instalment.objects.filter(commission=commission_id).exists()
        held = HoldBack.objects.filter(commission=commission_id, releases__isnull=True).exists()
        return {
            "schedule": write and not planned and status in {Status.PENDING, Status.APPROVED},
            "reschedule": write and planned and status != Status.CANCELLED,
            "hold_back": write and status not in {Status.PAID, Status.CANCELLED},
            "let_go": approve and held,
        }

    @action(description=_("Instalments"), url_path="schedule", permissions=["view"])
    def schedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Instalments"),
            sentence=_("When the client pays what. From then on agents are paid as far as money came in."),
            form=InstalmentsForm(posted(request)),
            call=lambda commission, given: services.schedule_instalments(
                actor=acting(request), commission=commission, instalments=given["instalments"], at=timezone.now()
            ),
            done=_("The instalments stand."),
        )

    @action(description=_("Other instalments"), url_path="reschedule", permissions=["view"])
    def reschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Other instalments"),
            sentence=_("What the client pays from now on, the first one first. What came stays where it came."),
            form=ReschedulingForm(self._found(request, object_id), posted(request)),
            call=lambda commission, given: services.reschedule_instalments(
                actor=acting(request), commission=commission, at=timezone.now(), **given
            ),
            done=_("The new instalments stand; the old ones are kept with your reason."),
        )

    @action(description=_("Hold back"), url_path="hold-back", permissions=["view"])
    def hold_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Hold back"),
            sentence=_("So much of each part is not paid before that day, or before somebody lets it go."),
            form=HoldBackForm(posted(request)),
            call=lambda commission, given: services.hold_back(
                actor=acting(request),
                commission=commission,
                basis_points=int(given["percent"] * 100),
                until_on=given["until_on"],
                reason=given["reason"],
                at=timezone.now(),
            ),
            done=_("It is held back."),
        )

    @action(description=_("Let go"), url_path="let-go", permissions=["view"])
    def let_go(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Let go"),
            sentence=_("What is held back may be paid, such as at the handover."),
            form=ReasonForm(posted(request)),
            call=lambda commission, given: services.release_hold_back(
                actor=acting(request), commission=commission, reason=given["reason"], at=timezone.now()
            ),
            done=_("It is let go."),
        )
