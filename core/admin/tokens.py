"""Who has keys to the API, when each was used last, and ending one at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core import services
from core.admin.base import Coloured, TenantAdmin, call_service, site
from core.models import ApiToken
from core.roles import Capability

USABLE, EXPIRED, REVOKED = "usable", "expired", "revoked"
STANDINGS = {USABLE: _("Usable"), EXPIRED: _("Expired"), REVOKED: _("Revoked")}
COLOURS = {USABLE: "success", EXPIRED: "warning", REVOKED: "danger"}


class StandingFilter(admin.SimpleListFilter):
    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*STANDINGS.items()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(_asked(timezone.now()).get(self.value() or "", Q()))


def _asked(at: datetime) -> dict[str, Q]:
    return {
        USABLE: Q(revoked_at=None, expires_at__gt=at),
        EXPIRED: Q(revoked_at=None, expires_at__lte=at),
        REVOKED: Q(revoked_at__isnull=False),
    }


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(TenantAdmin):
    """Everybody makes his own over the API or on his page; here all of the house are seen and ended."""

    read_capability = Capability.TOKENS_MANAGE
    list_display: ClassVar = ["name", "prefix", "membership", "standing", "may", "last_used_at", "expires_at"]
    list_filter: ClassVar = [StandingFilter, "membership"]
    list_select_related: ClassVar = ["membership__user"]
    search_fields: ClassVar = ["name", "=prefix", "membership__user__name"]
    export_columns: ClassVar = [
        "name", "prefix", ("Member", "membership.user.name"), ("Scopes", lambda token: ", ".join(token.scopes)),
        "last_used_at", "expires_at", "revoked_at", "created_at",
    ]  # fmt: skip
    fields: ClassVar = ["name", "prefix", "membership", "standing", "may", "last_used_at", "expires_at", "revoked_at"]
    readonly_fields: ClassVar = ["standing", "may"]
    actions: ClassVar = ["revoke"]

    @display(description=_("Standing"), label=COLOURS)
    def standing(self, token: ApiToken) -> Coloured:
        expired = EXPIRED if token.expires_at <= timezone.now() else USABLE
        found = REVOKED if token.revoked_at else expired
        return Coloured((found, STANDINGS[found]))

    @admin.display(description=_("What it may do"))
    def may(self, token: ApiToken) -> str:
        return ", ".join(token.scopes) or str(_("all that the member may"))

    @admin.action(description=_("Revoke at once"))
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens.filter(revoked_at=None):
            call_service(self, request, services.revoke_token, token=token, at=timezone.now())
        self.message_user(request, _("They open nothing any more."), messages.SUCCESS)
