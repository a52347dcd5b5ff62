"""How the back office looks and what its sidebar lists (django-unfold)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

# What stands in the sidebar, group by group: the model and its drawing. A model without a page of its own, or one that
# the member may not see, is left out by itself.
GROUPS: list[tuple[Any, list[tuple[str, str]]]] = [
    (
        _("Talk"),
        [
            ("messaging.conversation", "forum"),
            ("messaging.message", "chat_bubble"),
            ("messaging.messagetemplate", "description"),
            ("messaging.channel", "call"),
            ("messaging.cannedreply", "quickreply"),
            ("messaging.officehours", "schedule"),
            ("messaging.notice", "campaign"),
            ("messaging.appeal", "gavel"),
            ("messaging.optout", "do_not_disturb_on"),
            ("messaging.assistantturn", "smart_toy"),
            ("messaging.assistantcopy", "forward_to_inbox"),
            ("messaging.membernumber", "phonelink_ring"),
            ("messaging.assistantline", "support_agent"),
            ("messaging.webhookevent", "webhook"),
        ],
    ),
    (
        _("Stock"),
        [
            ("crm.project", "domain"),
            ("crm.property", "apartment"),
            ("crm.propertytype", "category"),
            ("crm.ownership", "key"),
            ("sheets.spreadsheet", "table_view"),
            ("sheets.importrun", "sync"),
            ("sheets.rowerror", "rule"),
            ("sheets.conflict", "call_split"),
            ("sheets.cellchange", "difference"),
            ("sheets.googleaccount", "cloud_sync"),
            ("crm.bulkchange", "library_add_check"),
            ("crm.bulkitem", "checklist"),
        ],
    ),
    (
        _("People"),
        [
            ("crm.contact", "contacts"),
            ("crm.contactpoint", "alternate_email"),
            ("crm.donotcontact", "phone_disabled"),
            ("crm.validationrun", "fact_check"),
            ("crm.validationfinding", "rule"),
            ("crm.agent", "badge"),
            ("crm.projectassignment", "assignment_ind"),
            ("crm.bankdetails", "account_balance"),
            ("crm.duplicatecandidate", "join_inner"),
            ("crm.merge", "merge"),
            ("crm.ownerdisclosure", "visibility"),
            ("crm.listdisclosure", "download"),
            ("crm.disclosurealert", "notification_important"),
            ("crm.historyentry", "manage_history"),
        ],
    ),
    (
        _("Campaigns"),
        [
            ("campaigns.campaign", "campaign"),
            ("campaigns.segment", "groups"),
            ("campaigns.messageprice", "price_change"),
            ("campaigns.campaignrules", "rule"),
            ("campaigns.campaignmessage", "mark_email_read"),
            ("campaigns.sequence", "low_priority"),
            ("campaigns.enrollment", "group_add"),
            ("campaigns.enrollmentstep", "done_all"),
        ],
    ),
    (
        _("Money"),
        [
            ("crm.deal", "handshake"),
            ("commissions.commission", "payments"),
            ("commissions.commissionsplit", "pie_chart"),
            ("commissions.commissionpayment", "receipt_long"),
            ("commissions.instalment", "event"),
            ("commissions.receipt", "savings"),
            ("commissions.repayment", "undo"),
            ("commissions.payoutbatch", "send_money"),
            ("commissions.payoutline", "account_balance"),
            ("commissions.commissionplan", "percent"),
            ("ledger.account", "account_balance_wallet"),
            ("ledger.transfer", "swap_horiz"),
            ("ledger.entry", "menu_book"),
            ("ledger.periodclosing", "lock_clock"),
            ("ledger.bookscheck", "verified"),
        ],
    ),
    (
        _("Organisation"),
        [
            ("core.membership", "group"),
            ("core.invitation", "outgoing_mail"),
            ("core.apitoken", "vpn_key"),
            ("core.hookendpoint", "webhook"),
            ("core.hookdelivery", "outbox"),
            ("core.auditentry", "history"),
            ("core.deletion", "delete"),
            ("core.export", "download"),
        ],
    ),
]


# Where the name of the table is not what people call it.
TITLES: dict[str, Any] = {
    "campaigns.enrollment": _("People in sequences"),
    "campaigns.enrollmentstep": _("Steps of sequences"),
    "core.auditentry": _("Audit trail"),
    "core.deletion": _("Trash"),
    "core.export": _("Exports"),
    "core.invitation": _("Invitations"),
    "core.membership": _("Members"),
    "core.apitoken": _("API tokens"),
    "core.hookendpoint": _("Webhooks"),
    "core.hookdelivery": _("What webhooks were told"),
    "crm.property": _("Units"),
    "commissions.payoutbatch": _("Payouts"),
    "commissions.payoutline": _("Payout lines"),
    "ledger.periodclosing": _("Closed periods"),
    "ledger.bookscheck": _("Checks of the books"),
    "crm.duplicatecandidate": _("Possible duplicates"),
    "crm.bulkchange": _("Changes of many rows"),
    "crm.bulkitem": _("What they changed"),
    "crm.ownership": _("Owners of units"),
    "crm.historyentry": _("History"),
    "messaging.messagetemplate": _("Templates"),
    "messaging.webhookevent": _("Webhook log"),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar of this member. Models that no group names stand at the end, so that none is ever hidden."""
    from django.apps import apps
    from django.urls import reverse

    from core.admin import site

    named = {label for _title, entries in GROUPS for label, _icon in entries}
    others = [(label, "more_horiz") for label in sorted(_registered(site)) if label not in named]
    groups = []
    for title, entries in [*GROUPS, (_("More"), others)]:
        items = []
        for label, icon in entries:
            if label not in _registered(site):
                continue
            model = apps.get_model(label)
            if site._registry[model].has_view_permission(request):
                name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                plural = str(TITLES.get(label) or model._meta.verbose_name_plural)
                items.append({"title": plural[:1].upper() + plural[1:], "icon": icon, "link": reverse(name)})
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    start: dict[str, Any] = {
        "items": [{"title": _("Overview"), "icon": "space_dashboard", "link": reverse("admin:index")}]
    }
    slug = request.organization.slug  # type: ignore[attr-defined]
    start["items"].append({"title": _("Inbox"), "icon": "inbox", "link": f"/o/{slug}/inbox/"})
    return [start, *groups]


def _registered(site: Any) -> set[str]:
    return {model._meta.label_lower for model in site._registry}


def site_name(request: HttpRequest) -> str:
    """The organisation's name stands over its own back office."""
    organization = getattr(request, "organization", None)
    return organization.name if organization else "Majlis"


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Majlis",
    "SITE_HEADER": site_name,
    "SITE_SUBHEADER": "Majlis",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
    "STYLES": [lambda request: static("css/admin.css"), lambda request: static("css/admin-rtl.css")],
    "SCRIPTS": [lambda request: static("js/admin.js")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.dashboard.callback",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .003 150)", "100": "oklch(96.5% .004 150)", "200": "oklch(92.6% .006 150)",
            "300": "oklch(86.5% .009 160)", "400": "oklch(71% .014 170)", "500": "oklch(53% .016 172)",
            "600": "oklch(44% .016 174)", "700": "oklch(36.5% .016 176)", "800": "oklch(27.5% .016 178)",
            "900": "oklch(21.5% .014 178)", "950": "oklch(16.5% .012 178)",
        },
        "primary": {
            "50": "oklch(97.9% .013 178)", "100": "oklch(94.5% .04 178)", "200": "oklch(89% .07 178)",
            "300": "oklch(81% .1 178)", "400": "oklch(71% .11 178)", "500": "oklch(60% .11 178)",
            "600": "oklch(48% .085 178)", "700": "oklch(41% .073 178)", "800": "oklch(35% .06 178)",
            "900": "oklch(29% .048 178)", "950": "oklch(21% .04 178)",
        }
    },
    "COMMAND": {"search_callback": "config.palette.found"},
    "SIDEBAR": {"show_search": True, "command_search": True, "show_all_applications": False, "navigation": navigation},
}  # fmt: skip
