"""A report as a page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from commissions.pages.asking import actor_of


def show_report(
    request: HttpRequest,
    tab: str,
    build: Any,
    *,
    dates: list[str],
    more: str = "",
    kept: Any = ("family", "currency"),
    **context: Any,
) -> HttpResponse:
    """A report as a page: its dates as a form, its table, and the files it can be taken along in."""
    report, _target = build(actor_of(request), request.GET.dict())
    labels = {"as_of": _("At the end of"), "since": _("From"), "until": _("Until")}
    asked = "&".join(filter(None, [more, request.GET.urlencode()]))
    fields = [(name, labels[name], request.GET.get(name, "")) for name in dates]
    hidden = [(name, value) for name, value in request.GET.items() if name in kept]
    context |= {"here": "commissions", "tab": tab, "report": report, "fields": fields, "kept": hidden, "asked": asked}
    return render(request, "commissions/report.html", context)


def asking(**asked: Any) -> str:
    """An address's question; what is empty is left out."""
    return urlencode({name: value for name, value in asked.items() if value})
