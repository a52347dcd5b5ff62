"""What the pages of one commission ask. Amounts are text: money never passes through a float."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from commissions.models import Commission, CommissionSplit, Instalment, Method, SplitRole
from commissions.models.payments import RECEIVED_BY
from commissions.selectors import Debt
from core.actors import Actor
from core.asking import ReasonForm, said
from core.money import format_money, to_decimal
from crm.models import Agent


def whose(split: CommissionSplit) -> str:
    """Who gets a part."""
    if split.agent:
        return str(split.agent.name)
    return str(split.contact.display_name) if split.contact else gettext("The house")


class PaymentForm(forms.Form):
    """A payment of one part. Amounts are text: money never passes through a float."""

    split = forms.ModelChoiceField(CommissionSplit.objects.none(), label=_("Part"), widget=UnfoldAdminSelectWidget)
    amount = forms.CharField(max_length=40, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}))
    method = forms.ChoiceField(choices=said(Method.choices), widget=UnfoldAdminSelectWidget)
    paid_on = forms.DateField(label=_("Paid on"), widget=UnfoldAdminSingleDateWidget)
    reference = forms.CharField(
        max_length=80,
        help_text=_("The bank's or the cheque's number. A reference pays once."),
        widget=UnfoldAdminTextInputWidget,
    )
    notes = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget)

    def __init__(self, commission: Commission, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payable = CommissionSplit.objects.filter(commission=commission).exclude(role=SplitRole.HOUSE)
        field: Any = self.fields["split"]
        field.queryset = payable.select_related("agent", "contact").order_by("position")
        field.label_from_instance = lambda split: (
            gettext("%(who)s: %(money)s left")
            % {"who": whose(split), "money": format_money(split.due_minor, split.currency)}
        )


class ReceiptForm(forms.Form):
    """Money that came in."""

    amount = forms.CharField(max_length=40, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}))
    method = forms.ChoiceField(choices=said(RECEIVED_BY), widget=UnfoldAdminSelectWidget)
    received_on = forms.DateField(label=_("Received on"), widget=UnfoldAdminSingleDateWidget)
    reference = forms.CharField(
        max_length=80, help_text=_("The bank's or the cheque's number."), widget=UnfoldAdminTextInputWidget
    )


class CancelForm(ReasonForm):
    claw_back = forms.BooleanField(
        label=_("Claw back what was paid"),
        help_text=_("It is set off against what is due to the beneficiaries next."),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class InstalmentsForm(forms.Form):
    """One instalment a line: an amount and the day it is expected."""

    instalments = forms.CharField(
        help_text=_("One a line: the amount, VAT included, and the day, such as 8750.00 2026-04-01."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
    )

    def clean_instalments(self) -> list[tuple[str, date]]:
        found = []
        for line in self.cleaned_data["instalments"].splitlines():
            words = line.split()
            if not words:
                continue
            try:
                amount, day = words
                found.append((amount, date.fromisoformat(day)))
            except ValueError:
                raise forms.ValidationError(
                    gettext("“%(line)s” is not an amount and a day, such as 8750.00 2026-04-01.") % {"line": line}
                ) from None
        return found


class ReschedulingForm(InstalmentsForm):
    """All instalments anew, beginning with those that stand."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def __init__(self, commission: Commission, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        standing = Instalment.objects.filter(commission=commission, amount_minor__gt=0).order_by("position")
        self.fields["instalments"].initial = "\n".join(
            f"{to_decimal(one.amount_minor, one.currency)} {one.expected_on}" for one in standing
        )


class RepaymentForm(ReceiptForm):
    """Who pays back, of those who owe something."""

    field_order = ("owing",)
    owing = forms.ChoiceField(label=_("From"), widget=UnfoldAdminSelectWidget)

    def __init__(self, debts: Sequence[Debt], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._debts = {str(debt.account_id): debt for debt in debts}
        owing: Any = self.fields["owing"]
        owing.choices = [
            (key, f"{debt.name}: {format_money(debt.minor, debt.currency)}") for key, debt in self._debts.items()
        ]

    def clean_owing(self) -> Debt:
        return self._debts[self.cleaned_data["owing"]]


class HoldBackForm(ReasonForm):
    percent = forms.DecimalField(
        label=_("Percent of each part"),
        min_value=Decimal("0.01"),
        max_value=100,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    until_on = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("Left out: until somebody lets it go, such as at the handover."),
        widget=UnfoldAdminSingleDateWidget,
    )


class AnswerForm(forms.Form):
    text = forms.CharField(max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))


class AdjustmentForm(forms.Form):
    """Something more for an agent, in the currency of the commission."""

    agent = forms.ModelChoiceField(Agent.objects.none(), widget=UnfoldAdminSelectWidget)
    amount = forms.CharField(max_length=40, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}))
    reason = forms.CharField(max_length=280, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["agent"]
        field.queryset = Agent.objects.visible_to(actor).order_by("name")
