"""The list of commissions, one commission with its parts, and the decisions about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from commissions import services
from commissions.admin import decisions
from commissions.admin.client_money import ClientMoney
from commissions.admin.forms import (
    AdjustmentForm,
    AnswerForm,
    CancelForm,
    PaymentForm,
    whose,
)
from commissions.models import Commission, CommissionSplit, Dispute, Method, SplitRole, Status
from commissions.models.commissions import PAYABLE
from core.admin import TenantAdmin, acting, call_service, site
from core.asking import ConfirmForm, Figures, ReasonForm, Words, ask, posted
from core.money import format_money
from core.roles import Capability

COLOURS = {
    "pending": "warning", "approved": "info", "part_paid": "info", "paid": "success", "disputed": "danger",
}  # fmt: skip


class SplitInline(TabularInline):
    """Who gets what, and why."""

    model = CommissionSplit
    fields: ClassVar = ["role", "beneficiary", "amount", "paid", "due", "explanation"]
    readonly_fields = fields
    extra = 0
    hide_title = True
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        splits = CommissionSplit.objects.visible_to(acting(request))
        return splits.select_related("agent", "contact").order_by("position")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_READ)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("Beneficiary"))
    def beneficiary(self, split: CommissionSplit) -> str:
        return whose(split)

    @display(description=_("Amount"))
    def amount(self, split: CommissionSplit) -> str:
        return format_money(split.amount_minor, split.currency)

    @display(description=_("Paid"))
    def paid(self, split: CommissionSplit) -> str:
        return format_money(split.paid_minor, split.currency)

    @display(description=_("Left"))
    def due(self, split: CommissionSplit) -> str:
        return format_money(split.due_minor, split.currency)


@admin.register(Commission, site=site)
class CommissionAdmin(ClientMoney, TenantAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["number", "unit", "agent", "side", "price", "amount", "vat", "state", "earned_on"]
    list_display_links: ClassVar = ["number"]
    list_filter: ClassVar = ["status", "side", "currency", ("earned_on", RangeDateFilter)]
    list_select_related: ClassVar = ["deal__property__project", "deal__agent", "plan_version__plan"]
    search_fields: ClassVar = ["deal__property__p_number", "deal__property__unit_number", "deal__agent__name"]
    export_columns: ClassVar = [
        ("Number", "pk"), ("Unit", "deal.property.label"), ("Agent", "deal.agent.name"), "side", ("Price", "base_price_minor"),
        "amount_minor", ("VAT", "vat_minor"), "currency", "status", "earned_on",
    ]  # fmt: skip
    fields: ClassVar = [
        "deal", "side", "terms", "price", "explanation", "amount", "vat", "status", "earned_on", "created_by", "decisions",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["terms", "price", "amount", "vat", "decisions"]
    inlines: ClassVar = [SplitInline]
    actions: ClassVar = ["approve_selected"]
    actions_detail: ClassVar = [
        "approve", "pay", "dispute", "answer", "resolve", "schedule", "reschedule", "hold_back", "let_go", "adjust",
        "cancel",
    ]  # fmt: skip

    @display(description=_("Number"), ordering="pk")
    def number(self, commission: Commission) -> str:
        return gettext("No. %(number)s") % {"number": commission.pk}

    @display(description=_("Plan"))
    def terms(self, commission: Commission) -> str:
        version = commission.plan_version
        return gettext("%(plan)s, version %(number)s") % {"plan": version.plan.name, "number": version.number}

    @display(description=_("Unit"))
    def unit(self, commission: Commission) -> str:
        unit = commission.deal.property
        return f"{unit.project.name} {unit.label}"

    @display(description=_("Agent"), ordering="deal__agent__name")
    def agent(self, commission: Commission) -> str:
        return str(commission.deal.agent.name)

    @display(description=_("Price"), ordering="base_price_minor")
    def price(self, commission: Commission) -> str:
        return format_money(commission.base_price_minor, commission.currency)

    @display(description=_("Commission"), ordering="amount_minor")
    def amount(self, commission: Commission) -> str:
        return format_money(commission.amount_minor, commission.currency)

    @display(description=_("VAT"))
    def vat(self, commission: Commission) -> str:
        return format_money(commission.vat_minor, commission.currency)

    @display(description=_("Status"), ordering="status", label=COLOURS)
    def state(self, commission: Commission) -> tuple[str, str]:
        return commission.status, commission.get_status_display()

    @display(description=_("Decisions"))
    def decisions(self, commission: Commission) -> str:
        return decisions.told(commission)

    @admin.action(description=_("Approve selected commissions"))
    def approve_selected(self, request: HttpRequest, commissions: QuerySet[Commission]) -> None:
        approved = 0
        for commission in commissions.order_by("pk"):
            made = call_service(self, request, services.approve_commission, commission=commission, at=timezone.now())
            approved += made is not None
        self.message_user(request, _("%(count)s approved.") % {"count": approved})

    @action(description=_("Approve"), url_path="approve", permissions=["view"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Approve"),
            sentence=_(
                "From then on it is owed, and stands in the ledger. You may not approve what you made or are paid by."
            ),
            form=ConfirmForm(posted(request)),
            call=lambda commission, _: services.approve_commission(
                actor=acting(request),
                commission=commission,
                at=timezone.now(),
            ),
            done=_("Approved."),
        )

    @action(description=_("Record payment"), url_path="pay", permissions=["view"])
    def pay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        commission = self._found(request, object_id)
        return self._decide(
            request,
            object_id,
            title=_("Record payment"),
            sentence=_("Note money that was paid to one beneficiary, whole or an instalment."),
            form=PaymentForm(commission, posted(request)),
            call=lambda found, given: services.record_payment(
                actor=acting(request),
                currency=found.currency,
                at=timezone.now(),
                **given | {"method": Method(given["method"])},
            ),
            done=_("The payment is recorded."),
        )

    @action(description=_("Dispute"), url_path="dispute", permissions=["view"])
    def dispute(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Dispute"),
            sentence=_("Nothing of it is paid until the dispute is resolved."),
            form=ReasonForm(posted(request)),
            call=lambda commission, given: services.dispute_commission(
                actor=acting(request),
                commission=commission,
                reason=given["reason"],
                at=timezone.now(),
            ),
            done=_("The commission is disputed."),
        )

    @action(description=_("Answer"), url_path="answer", permissions=["view"])
    def answer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        dispute = self._open_dispute(request, object_id)
        return self._decide(
            request,
            object_id,
            title=_("Answer"),
            sentence=_("It was disputed because: %(reason)s What you write is kept, and decides nothing.")
            % {"reason": dispute.reason},
            form=AnswerForm(posted(request)),
            call=lambda _, given: services.add_dispute_message(
                actor=acting(request),
                dispute=dispute,
                text=given["text"],
                at=timezone.now(),
            ),
            done=_("Your answer is kept."),
        )

    @action(description=_("Adjust"), url_path="adjust", permissions=["view"])
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Adjust"),
            sentence=_(
                "Owe an agent more for this deal, or with a minus take from him. Somebody else must approve it first."
            ),
            form=AdjustmentForm(acting(request), posted(request)),
            call=lambda commission, given: services.adjust_commission(
                actor=acting(request),
                commission=commission,
                at=timezone.now(),
                **given,
            ),
            done=_("The adjustment waits for somebody else's approval."),
        )

    @action(description=_("Resolve dispute"), url_path="resolve", permissions=["view"])
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        dispute = self._open_dispute(request, object_id)
        return self._decide(
            request,
            object_id,
            title=_("Resolve dispute"),
            sentence=_("It was disputed because: %(reason)s Your answer returns it to where it stood.")
            % {"reason": dispute.reason},
            form=ReasonForm(posted(request)),
            call=lambda _, given: services.resolve_dispute(
                actor=acting(request),
                dispute=dispute,
                resolution=given["reason"],
                at=timezone.now(),
            ),
            done=_("The dispute is resolved."),
        )

    @action(description=_("Cancel"), url_path="cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            title=_("Cancel"),
            sentence=_("What its approval posted is reversed. Payments must be taken back first, or are clawed back."),
            form=CancelForm(posted(request)),
            call=lambda commission, given: services.cancel_commission(
                actor=acting(request),
                commission=commission,
                at=timezone.now(),
                **given,
            ),
            done=_("The commission is cancelled."),
        )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what its status and the member's role allow."""
        found = self.get_queryset(request).filter(pk=object_id).values_list("status", flat=True).first()
        actor = acting(request)
        approve, pay = actor.can(Capability.COMMISSIONS_APPROVE), actor.can(Capability.COMMISSIONS_PAY)
        offered = {
            "approve": approve and found == Status.PENDING,
            "pay": pay and found in PAYABLE,
            "dispute": actor.can(Capability.COMMISSIONS_WRITE) and found not in {Status.DISPUTED, Status.CANCELLED},
            "answer": actor.can(Capability.COMMISSIONS_WRITE) and found == Status.DISPUTED,
            "resolve": approve and found == Status.DISPUTED,
            **self.client_money(actor, object_id, found),
            "adjust": actor.can(Capability.COMMISSIONS_WRITE) and found in services.ADJUSTABLE,
            "cancel": approve and found != Status.CANCELLED,
        }
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if offered.get(one.method.original_function_name, True)]

    def _open_dispute(self, request: HttpRequest, object_id: str) -> Dispute:
        commission = self._found(request, object_id)
        found: Dispute | None = (
            Dispute.objects.filter(commission=commission, resolutions__isnull=True).order_by("-id").first()
        )
        if found is None:
            raise Http404
        return found

    def _found(self, request: HttpRequest, object_id: str) -> Commission:
        commission: Commission | None = self.get_object(request, object_id)
        if commission is None:
            raise Http404
        return commission

    def _decide(self, request: HttpRequest, object_id: str, *, title: Words, call: Any, **more: Any) -> HttpResponse:
        commission = self._found(request, object_id)
        return ask(
            self,
            request,
            title=_("%(title)s: commission %(pk)s") % {"title": title, "pk": commission.pk},
            button=title,
            call=lambda given: call(commission, given),
            back=reverse("admin:commissions_commission_change", args=[commission.pk]),
            figures=self._figures(commission),
            **more,
        )

    def _figures(self, commission: Commission) -> Figures:
        splits = commission.splits.select_related("agent", "contact").order_by("position")
        return [
            (_("Unit"), self.unit(commission)),
            (_("Commission"), f"{self.amount(commission)} = {commission.explanation}"),
            *((_role(split), format_money(split.amount_minor, split.currency)) for split in splits),
        ]


def _role(split: CommissionSplit) -> str:
    return gettext("House") if split.role == SplitRole.HOUSE else f"{split.get_role_display()}: {whose(split)}"
