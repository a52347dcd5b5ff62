"""What clients are expected to pay, what came, and what bounced."""

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
from commissions.admin.forms import ReceiptForm
from commissions.admin.standing import ReceiptStandsFilter
from commissions.models import Instalment, Method, Receipt
from core.admin import TenantAdmin, acting, site
from core.asking import ReasonForm, ask, posted
from core.exporting.lists import to_money
from core.money import format_money
from core.roles import Capability


@admin.register(Instalment, site=site)
class InstalmentAdmin(TenantAdmin):
    read_capability = Capability.COMMISSIONS_WRITE
    list_display: ClassVar = ["number", "unit", "amount", "received", "left", "expected_on"]
    list_display_links: ClassVar = ["number"]
    list_filter: ClassVar = ["currency", ("expected_on", RangeDateFilter)]
    list_select_related: ClassVar = ["commission__deal__property__project"]
    search_fields: ClassVar = ["commission__deal__property__p_number", "commission__deal__agent__name"]
    export_columns: ClassVar = [
        ("Commission", "commission.pk"), "position", ("Unit", "commission.deal.property.label"),
        ("Amount", lambda row: to_money(row.amount_minor, row.currency)),
        ("Received", lambda row: to_money(row.received_minor, row.currency)), "currency", "expected_on",
    ]  # fmt: skip
    fields: ClassVar = ["commission", "position", "amount", "received", "left", "expected_on", "came"]
    readonly_fields: ClassVar = ["amount", "received", "left", "came"]
    actions_detail: ClassVar = ["receive"]

    @display(description=_("Instalment"), ordering="pk")
    def number(self, row: Instalment) -> str:
        return gettext("%(position)s of commission %(number)s") % {
            "position": row.position,
            "number": row.commission_id,
        }

    @display(description=_("Unit"))
    def unit(self, row: Instalment) -> str:
        unit = row.commission.deal.property
        return f"{unit.project.name} {unit.label}"

    @display(description=_("Amount"), ordering="amount_minor")
    def amount(self, row: Instalment) -> str:
        return format_money(row.amount_minor, row.currency)

    @display(description=_("Received"), ordering="received_minor")
    def received(self, row: Instalment) -> str:
        return format_money(row.received_minor, row.currency)

    @display(description=_("Left"))
    def left(self, row: Instalment) -> str:
        return format_money(row.due_minor, row.currency)

    @display(description=_("What came"))
    def came(self, row: Instalment) -> str:
        """One line for each receipt, with why it was taken back."""
        told = []
        for receipt in row.receipts.prefetch_related("reversals").order_by("pk"):
            back = "".join(gettext(", taken back: %(why)s") % {"why": one.reason} for one in receipt.reversals.all())
            amount = format_money(receipt.amount_minor, receipt.currency)
            told.append(f"{receipt.received_on} {amount} {receipt.reference}{back}")
        return "\n".join(told) or gettext("nothing yet")

    @action(description=_("Receive"), url_path="receive", permissions=["receive"])
    def receive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Instalment | None = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Receive instalment %(number)s") % {"number": self.number(row)},
            sentence=_("Agents are paid out of it as far as it came."),
            button=_("Receive"),
            form=ReceiptForm(posted(request)),
            call=lambda given: services.record_receipt(
                actor=acting(request), instalment=row, at=timezone.now(), **given | {"method": Method(given["method"])}
            ),
            done=_("The receipt is noted."),
            back=reverse("admin:commissions_instalment_change", args=[row.pk]),
            figures=[(_("Left"), self.left(row))],
        )

    def has_receive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_PAY)


@admin.register(Receipt, site=site)
class ReceiptAdmin(standing.MovementAdmin):
    read_capability = Capability.COMMISSIONS_WRITE
    list_display: ClassVar = ["reference", "commission", "amount", "method", "received_on", "stands"]
    list_filter: ClassVar = [ReceiptStandsFilter, "method", "currency", ("received_on", RangeDateFilter)]
    list_select_related: ClassVar = ["instalment"]
    search_fields: ClassVar = ["reference"]
    export_columns: ClassVar = [
        "reference", ("Commission", "instalment.commission.pk"), ("Instalment", "instalment.position"),
        ("Amount", lambda row: to_money(row.amount_minor, row.currency)), "currency", "method", "received_on",
        ("Stands", lambda row: not row.reversals.all()), *standing.COLUMNS,
    ]  # fmt: skip
    fields: ClassVar = [
        "reference", "commission", "amount", "method", "received_on", "received_by", "transfer", "stands", "taken_back",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["commission", "amount", "stands", "taken_back"]
    actions_detail: ClassVar = ["bounced"]

    @display(description=_("Commission"))
    def commission(self, row: Receipt) -> str:
        return gettext("No. %(number)s, instalment %(position)s") % {
            "number": row.instalment.commission_id, "position": row.instalment.position,
        }  # fmt: skip

    @action(description=_("Take back"), url_path="take-back", permissions=["receive"])
    def bounced(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Receipt | None = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Take back receipt %(reference)s") % {"reference": row.reference},
            sentence=_("For a cheque that bounced: the instalment is due again, and nothing more is paid out of it."),
            button=_("Take back"),
            form=ReasonForm(posted(request)),
            call=lambda given: services.reverse_receipt(
                actor=acting(request), receipt=row, reason=given["reason"], at=timezone.now()
            ),
            done=_("The receipt is taken back; the instalment is due again."),
            back=reverse("admin:commissions_receipt_change", args=[row.pk]),
            figures=[(_("Amount"), self.amount(row))],
        )

    def has_receive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_PAY)
