"""Where agents are paid: written down by one person, compared with the bank's paper by another."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError as NumberError
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from core.admin import call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import ServiceAdmin, ServiceForm, actor_of
from crm.models import BankDetails

NUMBERS = ("iban", "account_number")


def grouped(iban: str) -> str:
    """As it is printed: AE07 0331 2345 6789 0123 456."""
    return str(ibans.format(iban))


def masked(number: str) -> str:
    """Its end, which tells it from another; of an IBAN the country too."""
    start = number[:2] if number[:2].isalpha() else ""
    return f"{start}•• •••• {number[-4:]}" if len(number) > 8 else "••••" if number else ""


class BankDetailsForm(ServiceForm):
    """Numbers are never filled in: left empty they stay as they are."""

    iban = forms.CharField(label="IBAN", max_length=50, required=False, widget=UnfoldAdminTextInputWidget)
    account_number = forms.CharField(max_length=50, required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = BankDetails
        fields = ["agent", "holder", "bank_name", "iban", "account_number", "swift"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = {name: getattr(self.instance, name) if self.instance.pk else "" for name in NUMBERS}
        for name in NUMBERS:
            if name not in self.fields:
                continue
            self.initial[name] = ""
            if self.stored[name]:
                self.fields[name].help_text = gettext("now %(value)s; leave it empty to keep it") % {
                    "value": masked(self.stored[name])
                }

    def clean_iban(self) -> str:
        typed: str = self.cleaned_data["iban"].strip() or self.stored["iban"]
        try:
            return str(ibans.validate(typed))
        except NumberError:
            raise forms.ValidationError("This is not a valid IBAN: a digit is wrong, missing or too many.") from None

    def clean_account_number(self) -> str:
        typed: str = self.cleaned_data["account_number"]
        return typed.strip() or self.stored["account_number"]


@admin.register(BankDetails, site=site)
class BankDetailsAdmin(ServiceAdmin):
    """Numbers are masked, and whole on the page of those who verify them. Any change asks for another verification."""

    form = BankDetailsForm
    read_capability = Capability.BANK_DETAILS_READ
    write_capability = Capability.AGENTS_MANAGE
    add_service = change_service = services.set_bank_details
    autocomplete_fields = ["agent"]
    list_display = ["agent", "holder", "bank_name", "masked_iban", "entered_by", "verified_by", "verified_at"]
    list_filter = [("verified_at", admin.EmptyFieldListFilter)]
    list_select_related = ["agent", "entered_by__user", "verified_by__user"]
    search_fields = ["agent__name", "holder", "bank_name"]
    actions = ["verify"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever writes them down sees them too, masked."""
        return super().has_view_permission(request, obj) or self._may_write(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        typed = ["holder", "bank_name", "swift"]
        if self._may_write(request):
            typed += NUMBERS
        whole = ["whole_iban", "whole_account"] if actor_of(request).can(Capability.BANK_DETAILS_READ) else []
        kept = [*whole, "entered_by", "verified_by", "verified_at"] if obj is not None else []
        return ["agent", *typed, *kept]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        kept = ["whole_iban", "whole_account", "entered_by", "verified_by", "verified_at"]
        return kept if obj is None else ["agent", *kept]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = BankDetails.objects.get(pk=obj.pk) if change else obj
        values = {name: form.cleaned_data[name] for name in ["holder", "bank_name", "swift", *NUMBERS]}
        saved = services.set_bank_details(actor=actor_of(request), agent=stored.agent, **values)
        obj.pk = saved.pk
        obj.refresh_from_db()

    @display(description=_("IBAN"))
    def masked_iban(self, details: BankDetails) -> str:
        return masked(details.iban)

    @display(description=_("IBAN, to be compared"))
    def whole_iban(self, details: BankDetails) -> str:
        return grouped(details.iban)

    @display(description=_("Account number, to be compared"))
    def whole_account(self, details: BankDetails) -> str:
        return details.account_number or "-"

    @admin.action(description=_("Verify (compared with the bank's paper)"), permissions=["compare"])
    def verify(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for details in rows:
            agent = details.agent
            if call_service(self, request, services.verify_bank_details, agent=agent, at=timezone.now()) is not None:
                self.message_user(request, f"The bank details of {agent.name} are verified.")

    def has_compare_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(Capability.BANK_DETAILS_READ)
