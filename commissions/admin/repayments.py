"""What agents and referrers pay back of what they owe the house, and the cheques among it that bounced."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from commissions import selectors, services
from commissions.admin import standing
from commissions.admin.forms import RepaymentForm
from commissions.admin.standing import StandsFilter
from commissions.models import Method, Repayment
from core.admin import acting, site
from core.asking import ReasonForm, ask, posted
from core.exporting.lists import to_money
from core.roles import Capability


@admin.register(Repayment, site=site)
class RepaymentAdmin(standing.MovementAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["reference", "payer", "amount", "method", "received_on", "stands"]
    list_filter: ClassVar = [StandsFilter, "method", "currency", ("received_on", RangeDateFilter)]
    list_select_related: ClassVar = ["agent", "contact"]
    search_fields: ClassVar = ["reference", "agent__name"]
    export_columns: ClassVar = [
        "reference", ("Agent", "agent.name"), ("Contact", "contact.display_name"),
        ("Amount", lambda row: to_money(row.amount_minor, row.currency)), "currency", "method", "received_on",
        ("Stands", lambda row: not row.reversals.all()), *standing.COLUMNS,
    ]  # fmt: skip
    fields: ClassVar = [
        "reference", "payer", "amount", "method", "received_on", "received_by", "transfer", "stands", "taken_back",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["payer", "amount", "stands", "taken_back"]
    actions_list: ClassVar = ["new_repayment"]
    actions_detail: ClassVar = ["bounced"]

    @display(description=_("From"))
    def payer(self, row: Repayment) -> str:
        return str(row.agent.name if row.agent else row.contact.display_name)

    @action(description=_("New repayment"), url_path="new-repayment", permissions=["receive"])
    def new_repayment(self, request: HttpRequest) -> HttpResponse:
        actor = acting(request)
        debts = selectors.debts(actor=actor)

        def receive(given: dict[str, Any]) -> None:
            debt, method = given.pop("owing"), Method(given.pop("method"))
            services.record_repayment(
                actor=actor, owing=debt.person, currency=debt.currency, method=method, at=timezone.now(), **given
            )

        return ask(
            self,
            request,
            title=_("New repayment"),
            sentence=_("Money that somebody paid back of what was clawed back or deducted; at most what is left of it.")
            if debts
            else _("Nobody owes the house anything."),
            button=_("Receive"),
            form=RepaymentForm(debts, posted(request)),
            call=receive,
            done=_("The repayment is noted."),
            back=reverse("admin:commissions_repayment_changelist"),
        )

    @action(description=_("Take back"), url_path="take-back", permissions=["receive"])
    def bounced(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Repayment | None = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Take back repayment %(reference)s") % {"reference": row.reference},
            sentence=_("For a cheque that bounced: it is owed again."),
            button=_("Take back"),
            form=ReasonForm(posted(request)),
            call=lambda given: services.reverse_repayment(
                actor=acting(request), repayment=row, reason=given["reason"], at=timezone.now()
            ),
            done=_("The repayment is taken back; it is owed again."),
            back=reverse("admin:commissions_repayment_change", args=[row.pk]),
            figures=[(_("From"), self.payer(row)), (_("Amount"), self.amount(row))],
        )

    def has_receive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_PAY)
