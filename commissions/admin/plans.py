"""Plans and their versions. Editing a plan adds a version; what was earned keeps the old one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from commissions import services, wording
from commissions.models import CommissionPlan, PlanVersion, RateKind, VatMode
from commissions.rating import Terms
from core.admin import TenantAdmin, acting, site
from core.asking import ConfirmForm, ask, posted, said
from core.money import to_minor
from core.roles import Capability
from crm.models.deals import DealKind


class PercentField(forms.DecimalField):
    """A percentage with two decimals; gives basis points."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminDecimalFieldWidget
        super().__init__(min_value=0, max_value=100, decimal_places=2, max_digits=5, widget=widget, **kwargs)

    def clean(self, value: Any) -> int:
        percentage: Decimal | None = super().clean(value)
        return int((percentage or Decimal(0)) * 100)


class AmountTextField(forms.CharField):
    """A decimal amount, left as text until the currency is known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=40, widget=UnfoldAdminTextInputWidget, **kwargs)


class VersionForm(forms.Form):
    """The terms of a new version."""

    rate_kind = forms.ChoiceField(label=_("Kind"), choices=said(RateKind.choices), widget=UnfoldAdminSelectWidget)
    rate = PercentField(label=_("Percentage"), initial="2.5", required=False)
    currency = forms.CharField(
        max_length=3, required=False, initial="AED", help_text=_("Needed as soon as an amount is named."),
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    fixed = AmountTextField(label=_("Fixed amount"))
    slabs = forms.CharField(
        required=False, help_text=_("One a line, such as: 0: 2 % and then 1000000: 3 %"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )  # fmt: skip
    cap = AmountTextField(label=_("At most"))
    minimum = AmountTextField(label=_("At least"))
    vat_mode = forms.ChoiceField(label=_("VAT"), choices=said(VatMode.choices), widget=UnfoldAdminSelectWidget)
    vat_rate = PercentField(label=_("VAT rate"), required=False, initial="0")
    splits = forms.CharField(
        initial="agent 100 %",
        help_text=_(
            "One a line, such as: referrer 10 %, then agent 60 % of rest, then house 40 % of rest; or agent 500.00"
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    note = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget)

    def given(self) -> dict[str, Any]:
        """What the services take. Raises AmountInvalid, CurrencyUnknown, PlanInvalid and SplitInvalid."""
        fields = self.cleaned_data
        currency = fields["currency"].strip().upper()

        def amount(name: str) -> int | None:
            return to_minor(fields[name], currency) if fields[name] else None

        terms = Terms(
            rate_kind=RateKind(fields["rate_kind"]),
            rate_basis_points=fields["rate"],
            fixed_minor=amount("fixed") or 0,
            slabs=wording.read_slabs(fields["slabs"], currency),
            cap_minor=amount("cap"),
            minimum_minor=amount("minimum"),
            currency=currency if wording.names_an_amount(fields) else "",
            vat_mode=VatMode(fields["vat_mode"]),
            vat_basis_points=fields["vat_rate"],
        )
        return {"terms": terms, "shares": wording.read_shares(fields["splits"], currency), "note": fields["note"]}


class PlanForm(VersionForm):
    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    deal_kind = forms.ChoiceField(label=_("For"), choices=said(DealKind.choices), widget=UnfoldAdminSelectWidget)
    is_default = forms.BooleanField(
        label=_("Deals that close take it"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    field_order = ["name", "deal_kind", "is_default"]


class VersionInline(TabularInline):
    model = PlanVersion
    fields: ClassVar = ["number", "rate", "divided", "vat", "note", "created_by", "at"]
    readonly_fields = fields
    extra = 0
    hide_title = True
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        versions = PlanVersion.objects.visible_to(acting(request))
        return versions.select_related("created_by__user").order_by("-number")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).can(Capability.COMMISSIONS_READ)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("Rate"))
    def rate(self, version: PlanVersion) -> str:
        return wording.rate(version)

    @display(description=_("Divided"))
    def divided(self, version: PlanVersion) -> str:
        return wording.shares(version)

    @display(description=_("VAT"))
    def vat(self, version: PlanVersion) -> str:
        return wording.vat(version)


@admin.register(CommissionPlan, site=site)
class CommissionPlanAdmin(TenantAdmin):
    read_capability = Capability.COMMISSIONS_READ
    list_display: ClassVar = ["name", "deal_kind", "is_default", "newest", "created_by", "created_at"]
    list_filter: ClassVar = ["deal_kind", "is_default"]
    list_select_related: ClassVar = ["created_by__user"]
    search_fields: ClassVar = ["name"]
    export_columns: ClassVar = [
        "name",
        ("For", "deal_kind"),
        ("Default", "is_default"),
        ("Made by", "created_by.user.name"),
        "created_at",
    ]
    fields: ClassVar = ["name", "deal_kind", "is_default", "created_by", "created_at"]
    readonly_fields: ClassVar = ["created_at"]
    inlines: ClassVar = [VersionInline]
    actions_list: ClassVar = ["new_plan"]
    actions_detail: ClassVar = ["new_version", "make_default"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("versions")

    def has_write_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What unfold asks for the actions below."""
        return acting(request).can(Capability.COMMISSIONS_WRITE)

    @display(description=_("Now"))
    def newest(self, plan: CommissionPlan) -> str:
        versions = sorted(plan.versions.all(), key=lambda version: version.number)
        return f"{wording.rate(versions[-1])}: {wording.shares(versions[-1])}" if versions else ""

    @action(description=_("New plan"), url_path="new-plan", permissions=["write"])
    def new_plan(self, request: HttpRequest) -> HttpResponse:
        form = PlanForm(posted(request))
        return ask(
            self,
            request,
            title=_("New plan"),
            sentence=_("How a commission is worked out of the price, and who gets which part."),
            button=_("Make the plan"),
            form=form,
            call=lambda given: services.create_plan(
                actor=acting(request),
                name=given["name"],
                deal_kind=DealKind(given["deal_kind"]),
                is_default=given["is_default"],
                at=timezone.now(),
                **form.given(),
            ),
            done=_("The plan is made."),
            back=reverse("admin:commissions_commissionplan_changelist"),
        )

    @action(description=_("New version"), url_path="new-version", permissions=["write"])
    def new_version(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan = self._found(request, object_id)
        form = VersionForm(posted(request))
        return ask(
            self,
            request,
            title=_("New version of %(name)s") % {"name": plan.name},
            sentence=_("Commissions made from now on take it; those made so far keep theirs."),
            button=_("Add the version"),
            form=form,
            call=lambda _: services.new_plan_version(
                actor=acting(request),
                plan=plan,
                at=timezone.now(),
                **form.given(),
            ),
            done=_("The version is added."),
            back=reverse("admin:commissions_commissionplan_change", args=[plan.pk]),
        )

    @action(description=_("Make default"), url_path="make-default", permissions=["write"])
    def make_default(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan = self._found(request, object_id)
        return ask(
            self,
            request,
            title=_("Make %(name)s the default") % {"name": plan.name},
            sentence=_("Deals that close take the newest version of the default plan."),
            button=_("Make default"),
            form=ConfirmForm(posted(request)),
            call=lambda _: services.make_default(actor=acting(request), plan=plan, at=timezone.now()),
            done=_("%(name)s is the default.") % {"name": plan.name},
            back=reverse("admin:commissions_commissionplan_change", args=[plan.pk]),
        )

    def _found(self, request: HttpRequest, object_id: str) -> CommissionPlan:
        plan: CommissionPlan | None = self.get_object(request, object_id)
        if plan is None:
            raise Http404
        return plan
