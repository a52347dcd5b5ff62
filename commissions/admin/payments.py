"""Payments, and taking back one that did not arrive."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from commissions import services
from commissions.admin import standing
from commissions.admin.forms import whose
from commissions.admin.standing import StandsFilter
from commissions.models import CommissionPayment
from core.admin import acting, site
from core.asking import ReasonForm, ask, posted
from core.roles import Capability


@admin.register(CommissionPayment, site=site)
class CommissionPaymentAdmin(standing.MovementAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["reference", "beneficiary", "amount", "method", "paid_on", "stands"]
    list_filter: ClassVar = [StandsFilter, "method", "currency", ("paid_on", RangeDateFilter)]
    list_select_related: ClassVar = ["split__agent", "split__contact"]
    search_fields: ClassVar = ["reference", "split__agent__name", "notes"]
    export_columns: ClassVar = [
        "reference", ("Agent", "split.agent.name"), ("Contact", "split.contact.display_name"), "amount_minor",
        "currency", "method", "paid_on", ("Stands", lambda payment: not payment.reversals.all()),
        ("Paid by", "paid_by.user.name"), "notes", *standing.COLUMNS,
    ]  # fmt: skip
    fields: ClassVar = [
        "reference", "commission", "beneficiary", "amount", "method", "paid_on", "notes", "paid_by", "at", "transfer",
        "stands", "taken_back",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["commission", "beneficiary", "amount", "stands", "taken_back"]
    actions_detail: ClassVar = ["take_back"]

    @display(description=_("Beneficiary"))
    def beneficiary(self, payment: CommissionPayment) -> str:
        return whose(payment.split)

    @display(description=_("Commission"))
    def commission(self, payment: CommissionPayment) -> str:
        return gettext("No. %(number)s") % {"number": payment.split.commission_id}

    @action(description=_("Take back"), url_path="take-back", permissions=["view"])
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        if payment is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Take back payment %(reference)s") % {"reference": payment.reference},
            sentence=_("For a cheque that bounced or a transfer that came back: its amount is due again."),
            button=_("Take back"),
            form=ReasonForm(posted(request)),
            call=lambda given: services.reverse_payment(
                actor=acting(request),
                payment=payment,
                reason=given["reason"],
                at=timezone.now(),
            ),
            done=_("The payment is taken back; its amount is due again."),
            back=reverse("admin:commissions_commissionpayment_change", args=[payment.pk]),
            figures=[(_("Beneficiary"), whose(payment.split)), (_("Amount"), self.amount(payment))],
        )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        offered = super().get_actions_detail(request, object_id)
        standing = self.get_queryset(request).filter(pk=object_id, reversals__isnull=True).exists()
        may = standing and acting(request).can(Capability.COMMISSIONS_PAY)
        return [one for one in offered if may or one.method.original_function_name != "take_back"]
