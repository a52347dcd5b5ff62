"""A page that asks what a service needs to know, calls it once, and shows its refusal beside the question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from core.admin.base import TenantAdmin
from core.errors import DomainError

_say = _  # of what config/labels.py lists for translators
Words = str | Promise  # translated at once, or when they are shown
Figures = list[tuple[Words, str]]


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: the answers, even when there are none, and nothing before."""
    return request.POST if request.method == "POST" else None


def said(choices: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Promise]]:
    """The choices of a form by hand, in the member's language; those of a model are said by config/names.py."""
    return [(value, _say(str(label))) for value, label in choices]


class ConfirmForm(forms.Form):
    """Nothing to say but yes."""


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


def ask(
    admin: TenantAdmin,
    request: HttpRequest,
    *,
    title: Words,
    sentence: Words,
    button: Words,
    form: forms.Form,
    call: Callable[[dict[str, Any]], Any],
    done: Words,
    back: str,
    figures: Figures | None = None,
) -> HttpResponse:
    """GET shows the question and what it is about; POST calls the service and goes `back` with `done`."""
    for name, asked in form.fields.items():
        if asked.label is None:  # Django would say the code's name for it, in English
            asked.label = capfirst(gettext(name.replace("_", " ")))
    if request.method == "POST" and form.is_valid():
        try:
            call(form.cleaned_data)
        except DomainError as error:
            field = error.details.get("field")
            form.add_error(field if field in form.fields else None, error.message)
        else:
            admin.message_user(request, done, messages.SUCCESS)
            return HttpResponseRedirect(back)
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "sentence": sentence,
        "button": button,
        "form": form,
        "figures": figures or [],
        "back": back,
        "opts": admin.opts,
    }
    return render(request, "core/admin_ask.html", context, status=422 if form.errors else 200)
