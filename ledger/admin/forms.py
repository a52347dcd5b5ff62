"""What the back office asks about the books."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from core.asking import ReasonForm
from core.money import to_decimal
from ledger.models import Account


class LimitsForm(ReasonForm):
    """How far an account may go. Amounts are text: money never passes through a float."""

    lowest = forms.CharField(
        label=_("Never below"),
        max_length=40,
        required=False,
        help_text=_("Below zero is an overdraft; empty is no limit."),
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )
    highest = forms.CharField(
        label=_("Never above"),
        max_length=40,
        required=False,
        help_text=_("Such as the credit that is given; empty is no limit."),
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )
    field_order = ("lowest", "highest", "reason")

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        limits = {"lowest": account.lowest_minor, "highest": account.highest_minor}
        shown = {name: "" if limit is None else to_decimal(limit, account.currency) for name, limit in limits.items()}
        super().__init__(*args, **kwargs | {"initial": shown})
