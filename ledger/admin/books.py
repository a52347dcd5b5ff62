"""The books in the back office: read-only everywhere, with statements and the trial balance."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from core.admin import TenantAdmin, acting, site
from core.asking import ask, posted
from core.exporting.lists import to_money
from core.money import format_money
from core.roles import Capability
from ledger import selectors, services
from ledger.admin.forms import LimitsForm
from ledger.models import Account, Entry, LimitChange, Transfer
from ledger.periods import AsOfForm, PeriodForm


@admin.register(Account, site=site)
class AccountAdmin(TenantAdmin):
    read_capability = Capability.LEDGER_READ
    list_display: ClassVar = ["code", "name", "kind", "owner", "balance", "limit", "ceiling"]
    list_filter: ClassVar = ["kind", "currency"]
    search_fields: ClassVar = ["code", "name", "owner"]
    export_columns: ClassVar = [
        "code", "name", "kind", "owner", "currency", ("Balance", "balance_minor"), ("Limit", "lowest_minor"),
        ("Never above", "highest_minor"),
    ]  # fmt: skip
    fields: ClassVar = [
        "code", "name", "kind", "currency", "owner", "balance", "limit", "ceiling", "changes", "last_sequence",
        "chain_head",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["balance", "limit", "ceiling", "changes", "chain_head"]
    actions_list: ClassVar = ["trial_balance"]
    actions_detail: ClassVar = ["statement", "limits"]

    @display(description=_("Balance"))
    def balance(self, account: Account) -> str:
        return format_money(account.natural_minor, account.currency)

    @display(description=_("Never below"))
    def limit(self, account: Account) -> str:
        return "" if account.lowest_minor is None else format_money(account.lowest_minor, account.currency)

    @display(description=_("Never above"))
    def ceiling(self, account: Account) -> str:
        return "" if account.highest_minor is None else format_money(account.highest_minor, account.currency)

    @display(description=_("Changes of the limits"))
    def changes(self, account: Account) -> str:
        """One line each, newest first."""
        told = LimitChange.objects.filter(organization=account.organization_id, account=account)
        return "\n".join(
            f"{one.at:%Y-%m-%d %H:%M} {one.changed_by.user.name}: {one.reason}"
            for one in told.select_related("changed_by__user").order_by("-pk")[:20]
        )

    @display(description=_("Head of the hash chain"))
    def chain_head(self, account: Account) -> str:
        return bytes(account.last_hash).hex()

    @action(description=_("Statement"), url_path="statement", permissions=["view"])
    def statement(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        if account is None:
            raise Http404
        form = PeriodForm(request.GET or None)
        period = form.cleaned_data if form.is_bound and form.is_valid() else {}
        found = selectors.statement(actor=acting(request), account=account, **period)
        currency = account.currency
        rows = [
            [
                line.effective_on,
                format_html(
                    '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                    reverse("admin:ledger_transfer_change", args=[line.transfer_id]),
                    line.reference,
                ),
                line.description,
                format_money(line.amount_minor, currency),
                format_money(line.balance_minor, currency),
            ]
            for line in found.lines
        ]
        figures = [
            ("Opening balance", format_money(found.opening_minor, currency)),
            ("Closing balance", format_money(found.closing_minor, currency)),
        ]
        headers = ["Date", "Reference", "Description", "Amount", "Balance"]
        return self._report(request, f"Statement of {account.code}", form, figures, headers, rows)

    @action(description=_("Change limits"), url_path="limits", permissions=["close"])
    def limits(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        if account is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Change the limits of %(account)s") % {"account": account.code},
            sentence=_("What would take the balance beyond them is refused from now on."),
            button=_("Change limits"),
            form=LimitsForm(account, posted(request)),
            call=lambda given: services.set_limits(
                actor=acting(request),
                account=account,
                lowest=given["lowest"] or None,
                highest=given["highest"] or None,
                reason=given["reason"],
                at=timezone.now(),
            ),
            done=_("The limits are changed."),
            back=reverse("admin:ledger_account_change", args=[account.pk]),
            figures=[(_("Balance"), self.balance(account))],
        )

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.LEDGER_CLOSE)

    @action(description=_("Trial balance"), url_path="trial-balance", permissions=["view"])
    def trial_balance(self, request: HttpRequest) -> HttpResponse:
        form = AsOfForm(request.GET or None)
        asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
        found = selectors.trial_balance(actor=acting(request), **asked)
        rows: list[list[Any]] = [
            [
                format_html(
                    '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                    reverse("admin:ledger_account_statement", args=[row.account.pk]),
                    row.account.code,
                ),
                row.account.name,
                row.account.get_kind_display(),
                format_money(row.debit_minor, row.currency) if row.debit_minor else "",
                format_money(row.credit_minor, row.currency) if row.credit_minor else "",
            ]
            for row in found.rows
        ]
        figures = [
            (f"Debits and credits in {total.currency}", format_money(total.debit_minor, total.currency))
            if total.debit_minor == total.credit_minor
            else (
                f"DOES NOT BALANCE in {total.currency}",
                format_money(total.debit_minor - total.credit_minor, total.currency),
            )
            for total in found.totals
        ]
        headers = ["Account", "Name", "Kind", "Debit", "Credit"]
        return self._report(request, "Trial balance", form, figures, headers, rows)

    def _report(
        self, request: HttpRequest, title: str, form: Any, figures: Any, headers: list[str], rows: list[list[Any]]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "figures": figures,
            "table": {"headers": headers, "rows": rows},
        }
        return render(request, "ledger/admin_report.html", context)


class EntryInline(TabularInline):
    """The lines of one transfer."""

    model = Entry
    fields: ClassVar = ["account", "debit", "credit", "sequence", "balance_after"]
    readonly_fields = fields
    extra = 0
    hide_title = True
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return Entry.objects.visible_to(acting(request)).select_related("account").order_by("id")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).can(Capability.LEDGER_READ)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("Debit"))
    def debit(self, entry: Entry) -> str:
        return format_money(entry.amount_minor, entry.currency) if entry.amount_minor > 0 else ""

    @display(description=_("Credit"))
    def credit(self, entry: Entry) -> str:
        return format_money(-entry.amount_minor, entry.currency) if entry.amount_minor < 0 else ""

    @display(description=_("Balance after"))
    def balance_after(self, entry: Entry) -> str:
        return format_money(entry.balance_after_minor * entry.account.normal_side, entry.currency)


@admin.register(Transfer, site=site)
class TransferAdmin(TenantAdmin):
    read_capability = Capability.LEDGER_READ
    list_display: ClassVar = [
        "reference",
        "description",
        "currency",
        "effective_on",
        "posted_at",
        "posted_by",
        "is_reversal",
    ]
    list_filter: ClassVar = ["currency", "effective_on"]
    list_select_related: ClassVar = ["posted_by__user"]
    search_fields: ClassVar = ["reference", "description"]
    export_columns: ClassVar = [
        "reference", "description", "currency", "effective_on", "posted_at", ("Posted by", "posted_by.user.name"),
        ("Reverses", "reverses.reference"),
    ]  # fmt: skip
    fields: ClassVar = [
        "reference", "description", "currency", "effective_on", "posted_at", "posted_by", "reverses", "seal",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["seal"]
    inlines: ClassVar = [EntryInline]

    @display(description=_("Reversal"), boolean=True)
    def is_reversal(self, transfer: Transfer) -> bool:
        return transfer.reverses_id is not None

    @display(description=_("Fingerprint"))
    def seal(self, transfer: Transfer) -> str:
        return bytes(transfer.fingerprint).hex()


@admin.register(Entry, site=site)
class EntryAdmin(TenantAdmin):
    read_capability = Capability.LEDGER_READ
    list_display: ClassVar = ["account", "sequence", "transfer", "effective_on", "debit", "credit", "balance_after"]
    list_filter: ClassVar = ["effective_on"]
    list_select_related: ClassVar = ["account", "transfer"]
    search_fields: ClassVar = ["account__code", "transfer__reference"]
    export_columns: ClassVar = [
        ("Account", "account.code"), ("Name", "account.name"), "sequence", ("Transfer", "transfer.reference"),
        "effective_on", ("Amount", lambda entry: to_money(entry.amount_minor, entry.account.currency)),
        ("Currency", "account.currency"),
        ("Balance after", lambda entry: to_money(entry.balance_after_minor, entry.account.currency)), "at",
    ]  # fmt: skip
    fields: ClassVar = [
        "account",
        "sequence",
        "transfer",
        "effective_on",
        "at",
        "debit",
        "credit",
        "balance_after",
        "seal",
    ]
    readonly_fields: ClassVar = ["debit", "credit", "balance_after", "seal"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Through its accounts, which are indexed by house: a small one is listed fast between large ones."""
        return super().get_queryset(request).filter(account__organization=acting(request).organization)

    debit, credit, balance_after = EntryInline.debit, EntryInline.credit, EntryInline.balance_after

    @display(description=_("Hash"))
    def seal(self, entry: Entry) -> str:
        return bytes(entry.hash).hex()
