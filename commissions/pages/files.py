"""The one door through which reports leave as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone, translation
from django.views.decorators.http import require_POST

from commissions import services
from commissions.errors import CommissionUnknown
from commissions.pages import books
from commissions.pages.asking import actor_of
from commissions.pages.forecast import forecast_report
from commissions.pages.lists import LONGEST
from commissions.pages.statement import statement_report
from commissions.pages.voucher import voucher_report
from commissions.reports import Report
from core.actors import Actor
from core.doors import page
from core.roles import Capability

Builder = Callable[[Actor, Mapping[str, Any]], tuple[Report, Model]]
# Each asks for what its page asks, and narrows to what the actor may see.
REPORTS: dict[str, Builder] = {
    "statement": statement_report,
    "forecast": forecast_report,
    "voucher": voucher_report,
    "payables": books.payables_report,
    "period": books.period_report,
    "trial-balance": books.trial_balance_report,
    "accounts": books.accounts_report,
    "account": books.account_report,
}


@require_POST
@page(Capability.COMMISSIONS_READ)
def report_file(request: HttpRequest, report: str) -> HttpResponse:
    """A report as its page shows it: `take` is a format and, for a PDF, a language (`pdf.ar`). Raises CommissionUnknown."""
    actor, asked = actor_of(request), QueryDict(request.POST.get("asked", "")[:LONGEST])
    if report not in REPORTS:
        raise CommissionUnknown("There is no such report.")
    format, _dot, language = request.POST.get("take", "").partition(".")
    if language not in dict(settings.LANGUAGES):
        language = translation.get_language() or "en"
    with translation.override(language):
        made, target = REPORTS[report](actor, asked)
        file = services.take_report(
            actor=actor, report=made, target=target, format=format, asked=asked.dict(), at=timezone.now()
        )
    answer = HttpResponse(file.body, content_type=file.kind)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer["Cache-Control"] = "no-store"
    return answer
