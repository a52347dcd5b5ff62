"""Payouts through the bank: propose, approve, take the file, and note line by line what the bank did."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, F, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from commissions import services
from commissions.models import LineState, PayoutBatch, PayoutLine, PayoutStatus
from commissions.services.decisions import local_day
from core.admin import Coloured, TenantAdmin, acting, call_service, site
from core.asking import ConfirmForm, ReasonForm, Words, ask, posted
from core.exporting.lists import to_money
from core.money import DECIMALS, format_money
from core.roles import Capability

LINE_COLOURS = {"waiting": "warning", "paid": "success", "returned": "danger", "dropped": "info"}
STATUS_COLOURS = {"proposed": "warning", "approved": "info", "settled": "success", "cancelled": "danger"}
CURRENCIES = [(code, code) for code in DECIMALS]


class PayoutForm(forms.Form):
    currency = forms.ChoiceField(choices=CURRENCIES, widget=UnfoldAdminSelectWidget)
    pay_on = forms.DateField(label=_("The bank pays on"), widget=UnfoldAdminSingleDateWidget)


class AccountForm(forms.Form):
    currency = forms.ChoiceField(choices=CURRENCIES, widget=UnfoldAdminSelectWidget)
    holder = forms.CharField(label=_("In the name of"), max_length=140, widget=UnfoldAdminTextInputWidget)
    iban = forms.CharField(label=_("IBAN"), max_length=50, widget=UnfoldAdminTextInputWidget)
    swift = forms.CharField(label=_("BIC"), max_length=11, required=False, widget=UnfoldAdminTextInputWidget)


class PaidForm(forms.Form):
    paid_on = forms.DateField(label=_("Paid on"), widget=UnfoldAdminSingleDateWidget)


class LineInline(TabularInline):
    model = PayoutLine
    fields: ClassVar = ["position", "agent", "amount", "account", "state", "reason"]
    readonly_fields = fields
    extra = 0
    hide_title = True
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        lines = PayoutLine.objects.visible_to(acting(request))
        return lines.select_related("agent").order_by("position")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_READ)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("Amount"))
    def amount(self, line: PayoutLine) -> str:
        return format_money(line.amount_minor, line.currency)

    @display(description=_("Account"))
    def account(self, line: PayoutLine) -> str:
        return f"•••• {line.iban_end}"


@admin.register(PayoutBatch, site=site)
class PayoutBatchAdmin(TenantAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["number", "state", "people", "total", "pay_on", "made_by", "at"]
    list_display_links: ClassVar = ["number"]
    list_filter: ClassVar = ["status", "currency", "pay_on"]
    list_select_related: ClassVar = ["made_by__user"]
    search_fields: ClassVar = ["lines__agent__name"]
    export_columns: ClassVar = [
        ("Number", "pk"), "status", "currency", "pay_on", ("Made by", "made_by.user.name"), "at",
    ]  # fmt: skip
    fields: ClassVar = ["state", "total", "pay_on", "made_by", "at", "approved_by"]
    readonly_fields: ClassVar = ["state", "total", "approved_by"]
    inlines: ClassVar = [LineInline]
    actions_list: ClassVar = ["new_payout", "our_account"]
    actions_detail: ClassVar = ["approve", "file_xml", "file_csv", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(line_count=Count("lines"), sum_minor=Sum("lines__amount_minor"))

    @display(description=_("Number"), ordering="pk")
    def number(self, batch: PayoutBatch) -> str:
        return gettext("No. %(number)s") % {"number": batch.pk}

    @display(description=_("Status"), ordering="status", label=STATUS_COLOURS)
    def state(self, batch: PayoutBatch) -> Coloured:
        return Coloured((batch.status, batch.get_status_display()))

    @display(description=_("People"))
    def people(self, batch: Any) -> int:
        return int(batch.line_count)

    @display(description=_("Total"))
    def total(self, batch: Any) -> str:
        return format_money(batch.sum_minor or 0, batch.currency)

    @display(description=_("Approved by"))
    def approved_by(self, batch: PayoutBatch) -> str:
        found = batch.approvals.select_related("approved_by__user").first()
        return f"{found.approved_by.user.name}, {found.at:%Y-%m-%d %H:%M}" if found else gettext("nobody yet")

    @action(description=_("New payout"), url_path="new-payout", permissions=["pay"])
    def new_payout(self, request: HttpRequest) -> HttpResponse:
        def collect(given: dict[str, Any]) -> None:
            made = services.create_payout(actor=acting(request), at=timezone.now(), **given)
            for left in made.left_out:
                self.message_user(
                    request,
                    _("Left out: commission %(number)s, %(why)s.")
                    % {"number": left.split.commission_id, "why": _(left.why)},
                    messages.WARNING,
                )

        return ask(
            self,
            request,
            title=_("New payout"),
            sentence=_("All that is due to agents whose bank details are verified. Somebody else approves it."),
            button=_("Collect"),
            form=PayoutForm(posted(request)),
            call=collect,
            done=_("The payout waits for somebody else's approval."),
            back=reverse("admin:commissions_payoutbatch_changelist"),
        )

    @action(description=_("Our account"), url_path="our-account", permissions=["account"])
    def our_account(self, request: HttpRequest) -> HttpResponse:
        return ask(
            self,
            request,
            title=_("Our account"),
            sentence=_("Out of which account of the house the bank pays. It replaces the one known so far."),
            button=_("Save"),
            form=AccountForm(posted(request)),
            call=lambda given: services.set_paying_account(actor=acting(request), at=timezone.now(), **given),
            done=_("The account is known."),
            back=reverse("admin:commissions_payoutbatch_changelist"),
        )

    @action(description=_("Approve"), url_path="approve", permissions=["view"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch: Any = self._found(request, object_id)
        return ask(
            self,
            request,
            title=_("Approve payout %(pk)s") % {"pk": batch.pk},
            sentence=_("Then the bank may get it. You may not approve what you made or are paid by."),
            button=_("Approve"),
            form=ConfirmForm(posted(request)),
            call=lambda _: services.approve_payout(actor=acting(request), batch=batch, at=timezone.now()),
            done=_("Approved."),
            back=reverse("admin:commissions_payoutbatch_change", args=[batch.pk]),
            figures=[(_("People"), str(batch.line_count)), (_("Total"), self.total(batch))],
        )

    @action(description=_("Cancel"), url_path="cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = self._found(request, object_id)
        return ask(
            self,
            request,
            title=_("Cancel payout %(pk)s") % {"pk": batch.pk},
            sentence=_("Only if the bank has not got its file: what is in it can be paid again."),
            button=_("Cancel it"),
            form=ReasonForm(posted(request)),
            call=lambda given: services.cancel_payout(
                actor=acting(request), batch=batch, reason=given["reason"], at=timezone.now()
            ),
            done=_("The payout is cancelled."),
            back=reverse("admin:commissions_payoutbatch_change", args=[batch.pk]),
        )

    @action(description=_("File for the bank (ISO 20022)"), url_path="file-xml", permissions=["view"])
    def file_xml(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._file(request, object_id, services.BankFormat.XML)

    @action(description=_("File for the bank (CSV)"), url_path="file-csv", permissions=["view"])
    def file_csv(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._file(request, object_id, services.BankFormat.CSV)

    def _file(self, request: HttpRequest, object_id: str, format: services.BankFormat) -> HttpResponse:
        batch = self._found(request, object_id)
        made = call_service(self, request, services.payout_file, batch=batch, format=format, at=timezone.now())
        if made is None:
            return HttpResponseRedirect(reverse("admin:commissions_payoutbatch_change", args=[batch.pk]))
        name = f"{batch.reference}.{format.value}"
        return HttpResponse(
            made, content_type=format.media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    def has_pay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_PAY)

    def has_account_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.BANK_DETAILS_READ)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what its status and the member's role allow."""
        status = self.get_queryset(request).filter(pk=object_id).values_list("status", flat=True).first()
        actor = acting(request)
        approve, file = actor.can(Capability.COMMISSIONS_APPROVE), actor.can(Capability.BANK_DETAILS_READ)
        offered = {
            "approve": approve and status == PayoutStatus.PROPOSED,
            "file_xml": file and status == PayoutStatus.APPROVED,
            "file_csv": file and status == PayoutStatus.APPROVED,
            "cancel": approve and status in {PayoutStatus.PROPOSED, PayoutStatus.APPROVED},
        }
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if offered.get(one.method.original_function_name, True)]

    def _found(self, request: HttpRequest, object_id: str) -> PayoutBatch:
        batch: PayoutBatch | None = self.get_object(request, object_id)
        if batch is None:
            raise Http404
        return batch


@admin.register(PayoutLine, site=site)
class PayoutLineAdmin(TenantAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["reference", "agent", "amount", "account", "standing", "reason", "pay_on"]
    list_display_links: ClassVar = ["reference"]
    list_filter: ClassVar = ["state", "currency", "batch"]
    list_select_related: ClassVar = ["agent", "batch"]
    search_fields: ClassVar = ["agent__name", "iban_end"]
    export_columns: ClassVar = [
        "reference", ("Agent", "agent.name"), ("Amount", lambda line: to_money(line.amount_minor, line.currency)),
        "currency", ("Account ends", "iban_end"), "state", "reason", ("Pay on", "batch.pay_on"),
    ]  # fmt: skip
    fields: ClassVar = ["reference", "batch", "agent", "amount", "account", "standing", "reason", "parts"]
    readonly_fields: ClassVar = ["reference", "amount", "account", "standing", "parts"]
    actions: ClassVar = ["confirm_selected"]
    actions_detail: ClassVar = ["confirm", "came_back"]

    amount, account = LineInline.amount, LineInline.account

    @display(description=_("Reference"))
    def reference(self, line: PayoutLine) -> str:
        return line.reference

    @display(description=_("Status"), ordering="state", label=LINE_COLOURS)
    def standing(self, line: PayoutLine) -> Coloured:
        return Coloured((line.state, line.get_state_display()))

    @display(description=_("Pay on"), ordering="batch__pay_on")
    def pay_on(self, line: PayoutLine) -> Any:
        return line.batch.pay_on

    @display(description=_("Pays"))
    def parts(self, line: PayoutLine) -> str:
        items = line.items.annotate(commission=F("split__commission")).order_by("pk")
        return "\n".join(
            gettext("commission %(number)s: %(money)s")
            % {"number": item.commission, "money": format_money(item.amount_minor, line.currency)}
            for item in items
        )

    @admin.action(description=_("The bank paid the selected lines today"))
    def confirm_selected(self, request: HttpRequest, lines: QuerySet[PayoutLine]) -> None:
        now, paid = timezone.now(), 0
        today = local_day(acting(request), now)
        for line in lines.order_by("pk"):
            paid += call_service(self, request, services.confirm_line, line=line, paid_on=today, at=now) is not None
        self.message_user(request, _("%(count)s noted as paid.") % {"count": paid})

    @action(description=_("The bank paid it"), url_path="confirm", permissions=["view"])
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request,
            object_id,
            title=_("The bank paid it"),
            sentence=_("Its parts are paid, and the ledger moves with them."),
            form=PaidForm(posted(request)),
            call=lambda line, given: services.confirm_line(
                actor=acting(request), line=line, paid_on=given["paid_on"], at=timezone.now()
            ),
            done=_("Noted as paid."),
        )

    @action(description=_("It came back"), url_path="came-back", permissions=["view"])
    def came_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request,
            object_id,
            title=_("It came back"),
            sentence=_("The bank refused it or sent it back: what was paid by it is due again."),
            form=ReasonForm(posted(request)),
            call=lambda line, given: services.return_line(
                actor=acting(request), line=line, reason=given["reason"], at=timezone.now()
            ),
            done=_("Noted; it is due again."),
        )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        found = self.get_queryset(request).filter(pk=object_id).values_list("state", "batch__status").first()
        may = acting(request).can(Capability.COMMISSIONS_PAY) and found is not None
        at_bank = {PayoutStatus.APPROVED, PayoutStatus.SETTLED}
        state, status = found or ("", "")
        offered = {
            "confirm": may and state == LineState.WAITING and status == PayoutStatus.APPROVED,
            "came_back": may and state in {LineState.WAITING, LineState.PAID} and status in at_bank,
        }
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if offered.get(one.method.original_function_name, True)]

    def _answer(self, request: HttpRequest, object_id: str, *, title: Words, call: Any, **more: Any) -> HttpResponse:
        line: PayoutLine | None = self.get_object(request, object_id)
        if line is None:
            raise Http404
        return ask(
            self,
            request,
            title=format_lazy("{}: {}", title, line.reference),
            button=title,
            call=lambda given: call(line, given),
            back=reverse("admin:commissions_payoutline_change", args=[line.pk]),
            figures=[("Agent", str(line.agent.name)), ("Amount", format_money(line.amount_minor, line.currency))],
            **more,
        )
