"""What messages cost and how often one person is written to: rows that managers keep."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from campaigns.models import CampaignRules, MessagePrice
from campaigns.services.prices import COLUMNS, MICRO, import_prices, micros_of
from core.admin import TenantAdmin, acting, site
from core.errors import DomainError
from core.roles import Capability

LARGEST_FILE = 1_000_000


class PriceForm(forms.ModelForm):
    price = forms.DecimalField(
        label=gettext_lazy("Price of one message"), widget=UnfoldAdminTextInputWidget, min_value=0, decimal_places=6
    )

    class Meta:
        model = MessagePrice
        fields: ClassVar = ["calling_code", "category", "currency", "price", "valid_from", "source"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["price"] = Decimal(self.instance.micros) / MICRO

    def clean_price(self) -> Decimal:
        price: Decimal = self.cleaned_data["price"]
        try:
            self.instance.micros = micros_of(price)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return price


class PricesFile(forms.Form):
    file = forms.FileField(label=gettext_lazy("CSV file"), widget=UnfoldAdminFileFieldWidget)


@admin.register(MessagePrice, site=site)
class MessagePriceAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    write_capability = Capability.CAMPAIGNS_APPROVE
    form = PriceForm
    list_display: ClassVar = ["calling_code", "category", "price", "valid_from", "source"]
    list_filter: ClassVar = ["category", "currency", "valid_from"]
    search_fields: ClassVar = ["calling_code", "source"]
    actions_list: ClassVar = ["import_file"]
    export_columns: ClassVar = [
        "calling_code", "category", "currency", ("price", lambda price: Decimal(price.micros) / MICRO), "valid_from",
    ]  # fmt: skip

    @display(description=gettext_lazy("Price of one message"), ordering="micros")
    def price(self, row: MessagePrice) -> str:
        return f"{row.currency} {Decimal(row.micros) / MICRO:f}"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return acting(request).can(Capability.CAMPAIGNS_APPROVE)

    @action(description=gettext_lazy("Import prices"), url_path="import", permissions=["import"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """GET asks for the file, POST keeps all of its lines or none."""
        form = PricesFile(request.POST or None, request.FILES or None)
        back = reverse("admin:campaigns_messageprice_changelist")
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                if file.size > LARGEST_FILE:
                    raise forms.ValidationError(_("The file is larger than a megabyte."))
                text = file.read().decode("utf-8-sig")
                count = import_prices(actor=acting(request), text=text, source=file.name, at=timezone.now())
            except DomainError as error:
                form.add_error("file", error.message)
            except UnicodeDecodeError:
                form.add_error("file", _("The file is no UTF-8 text; save it as CSV UTF-8."))
            except forms.ValidationError as error:
                form.add_error("file", error)
            else:
                self.message_user(request, _("%(count)d prices are kept.") % {"count": count})
                return HttpResponseRedirect(back)
        said = _("The first line names the columns: %(columns)s.") % {"columns": ", ".join(COLUMNS)}
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import prices"), "sentence": said, "form": form, "button": _("Import"), "method": "post",
            "back": back, "opts": self.opts, "has_file": True,
        }  # fmt: skip
        return render(request, "campaigns/admin_ask.html", context, status=422 if form.errors else 200)


@admin.register(CampaignRules, site=site)
class CampaignRulesAdmin(TenantAdmin):
    """How often one person is written to at most: one row a house."""

    read_capability = Capability.CAMPAIGNS_READ
    write_capability = Capability.CAMPAIGNS_APPROVE
    list_display: ClassVar = ["most_messages", "per_days", "updated_at"]
    fields: ClassVar = ["most_messages", "per_days"]
    export_columns: ClassVar = ["most_messages", "per_days", "updated_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor = acting(request)
        return super().has_add_permission(request, obj) and not CampaignRules.objects.visible_to(actor).exists()
