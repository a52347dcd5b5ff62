"""What the back office asks about the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from core.asking import ReasonForm
from core.money import to_decimal
from ledger.models import Account

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _limit(label: _StrPromise, help_text: _StrPromise) -> forms.CharField:
    """Empty is no limit. Text: money never passes through a float."""
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return forms.CharField(label=label, help_text=help_text, max_length=40, required=False, widget=widget)


class LimitsForm(ReasonForm):
    """How far an account may go."""

    lowest = _limit(_("Never below"), _("Below zero is an overdraft; empty is no limit."))
    highest = _limit(_("Never above"), _("Such as the credit that is given; empty is no limit."))
    field_order = ("lowest", "highest", "reason")

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        limits = {"lowest": account.lowest_minor, "highest": account.highest_minor}
        shown = {name: "" if limit is None else to_decimal(limit, account.currency) for name, limit in limits.items()}
        super().__init__(*args, **kwargs | {"initial": shown})
