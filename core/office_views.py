"""The saved views over every list of the back office, and the two addresses that keep and drop them."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import views
from core.actors import Actor
from core.errors import DomainError
from core.models import SavedView
from core.roles import Capability


class ListWithViews:
    """Mixed into every list: chips of what one kept and what others share. One query a list."""

    list_before_template = "core/admin_views.html"
    opts: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        mine = SavedView.objects.visible_to(actor).filter(list_name=self.opts.label_lower)
        kept = views.kept_of(request.GET.urlencode())
        shown = list(mine.select_related("membership__user").order_by("name", "pk"))
        context = {
            "saved_views": shown,
            "kept_query": kept,
            "may_keep_view": bool(kept) and not any(view.query == kept for view in shown),
            "may_share_view": actor.can(Capability.STOCK_WRITE) and "q" not in request.GET,
        }
        answer: HttpResponse = super().changelist_view(  # type: ignore[misc]
            request, {**context, **(extra_context or {})}
        )
        return answer


class SiteWithViews:
    """Mixed into the site: one address for all lists."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_view  # type: ignore[attr-defined]
        mine = [
            path("views/keep/", wrap(require_POST(_keep)), name="keep-view"),
            path("views/<int:saved_view_id>/drop/", wrap(require_POST(_drop)), name="drop-view"),
        ]
        return [*mine, *super().get_urls()]  # type: ignore[misc]


def _keep(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    given = request.POST
    address = _list(given.get("list", ""))
    try:
        view = views.keep_view(
            actor=actor,
            list_name=given["list"],
            name=given.get("name", ""),
            query=given.get("query", ""),
            is_shared=given.get("is_shared") == "1",
        )
    except DomainError as error:
        messages.error(request, _(error.message))
        return HttpResponseRedirect(f"{address}?{views.kept_of(given.get('query', ''))}")
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": view.name})
    return HttpResponseRedirect(f"{address}?{view.query}")


def _drop(request: HttpRequest, saved_view_id: int) -> HttpResponse:
    try:
        view = views.drop_view(actor=request.actor, view_id=saved_view_id)  # type: ignore[attr-defined]
    except DomainError:
        raise Http404 from None
    messages.success(request, _("The view “%(name)s” is dropped.") % {"name": view.name})
    return HttpResponseRedirect(f"{_list(view.list_name)}?{view.query}")


def _list(name: str) -> str:
    """The address of a list. Raises Http404 for what is none."""
    try:
        model = apps.get_model(name)
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    except (LookupError, ValueError) as error:
        raise Http404 from error
