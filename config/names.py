"""What the tables and fields are called that the back office shows, named once so that makemessages finds them.

Django makes these names out of the code (`valid_from` -> "valid from"). They stand unmarked in the models, where they are
part of migrations, and are said in the member's language from here; tests/config/test_languages.py keeps the list whole.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

OURS = {
    "core": _("Organisation"),
    "ledger": _("Books"),
    "sheets": _("Sheets"),
    "crm": _("Stock and people"),
    "messaging": _("Conversations"),
    "campaigns": _("Campaigns"),
    "commissions": _("Commissions"),
}

# Where the code's word is not the word of the office.
BETTER = {
    "account count": _("accounts checked"),
    "answer status": _("answered with"),
    "api token": _("API token"),
    "api tokens": _("API tokens"),
    "app id": _("app ID"),
    "area sqm": _("area (m²)"),
    "audit entrys": _("audit trail"),
    "by opening": _("by opening the page"),
    "channels": _("WhatsApp numbers"),
    "commission basis points": _("commission (basis points)"),
    "deferrals": _("times put off"),
    "deletions": _("trash"),
    "delivered at": _("arrived at"),
    "dewa number": _("DEWA number"),
    "endpoint": _("webhook"),
    "enrollment": _("person in a sequence"),
    "enrollment step": _("step of a sequence"),
    "enrollment steps": _("steps of sequences"),
    "enrollments": _("people in sequences"),
    "entry count": _("entries checked"),
    "event id": _("event ID"),
    "expertise areas": _("areas of expertise"),
    "failures": _("failures in a row"),
    "hidden count": _("rows hidden"),
    "holder": _("account holder"),
    "hook delivery": _("call to a webhook"),
    "hook deliverys": _("calls to webhooks"),
    "hook endpoint": _("webhook"),
    "hook endpoints": _("webhooks"),
    "is active": _("in use"),
    "is bad contact": _("bad contact"),
    "is coexistence": _("also used in the phone's app"),
    "is default": _("default"),
    "is dry run": _("trial run"),
    "is obvious": _("obvious"),
    "is paused": _("paused"),
    "is primary": _("main one"),
    "is restored": _("set back"),
    "last sequence": _("number of the last entry"),
    "lease until": _("held by a worker until"),
    "list disclosure": _("list taken along"),
    "list disclosures": _("lists taken along"),
    "membership": _("member"),
    "memberships": _("members"),
    "most messages": _("messages at most"),
    "noun": _("rows of"),
    "opt outs": _("opt-outs"),
    "owner disclosure": _("number shown"),
    "owner disclosures": _("numbers shown"),
    "ownerships": _("owners of units"),
    "p number": _("P-number"),
    "payout batch": _("payout"),
    "payout batches": _("payouts"),
    "per days": _("within days"),
    "period closing": _("closed period"),
    "period closings": _("closed periods"),
    "phone number id": _("phone number ID"),
    "point": _("number or address"),
    "portfolio id": _("portfolio ID"),
    "prefix": _("begins with"),
    "properties": _("units"),
    "property": _("unit"),
    "removed reason": _("why removed"),
    "request id": _("request ID"),
    "says away": _("tells who is away"),
    "share basis points": _("share (basis points)"),
    "skip reason": _("why left out"),
    "spreadsheets": _("linked sheets"),
    "stop reason": _("why it ended"),
    "stopped reason": _("why it was stopped"),
    "target id": _("key of the row"),
    "target type": _("kind of row"),
    "through on": _("closed through"),
    "transfer count": _("transfers checked"),
    "trigger": _("started by"),
    "unread count": _("unread"),
    "url": _("address"),
    "user id": _("WhatsApp user ID"),
    "waba id": _("WhatsApp Business account ID"),
    "webhook events": _("webhook log"),
    "whatsapp number": _("WhatsApp number"),
    "window expires at": _("window closes at"),
}

# fmt: off
NAMES = [
    _("accepted at"), _("account"), _("accounts"), _("action"), _("added by"), _("address"), _("after"), _("agent"),
    _("agents"), _("amenities"), _("answers only since"), _("appeal"), _("appeals"), _("area"), _("asked at"),
    _("asked by"), _("assigned to"), _("assistant copies"), _("assistant copy"), _("assistant line"),
    _("assistant lines"), _("assistant turn"), _("assistant turns"), _("at"), _("attempts"), _("audit entry"),
    _("author"), _("bank details"), _("bank name"), _("base"), _("batch"), _("bathrooms"), _("bedrooms"),
    _("before"), _("blocked at"), _("body"), _("building"), _("bulk change"), _("bulk changes"), _("bulk item"),
    _("bulk items"), _("calling code"), _("campaign"), _("campaign message"), _("campaign messages"),
    _("campaigns"), _("canned replies"), _("canned reply"), _("category"), _("cell change"), _("cell changes"),
    _("changed"), _("channel"), _("check of the books"), _("checked"), _("checked at"), _("checks of the books"),
    _("city"), _("closed by"), _("closed on"), _("cluster"), _("code"), _("column"), _("commission"),
    _("commission payment"), _("commission payments"), _("commission plan"), _("commission plans"),
    _("commissions"), _("confirmed at"), _("confirmed by"), _("conflict"), _("conflicts"), _("contact"),
    _("contact point"), _("contact points"), _("contacts"), _("conversation"), _("conversations"),
    _("copy template"), _("created at"), _("created by"), _("currency"), _("deal"), _("deal kind"), _("deals"),
    _("decided at"), _("deletion"), _("description"), _("developer"), _("direction"), _("disclosure alert"),
    _("disclosure alerts"), _("display name"), _("display number"), _("do-not-contact entry"),
    _("do-not-contact list"), _("door"), _("due at"), _("due on"), _("earned on"), _("effective on"), _("email"),
    _("ended at"), _("enrolled at"), _("entered by"), _("entries"), _("entry"), _("error"), _("error code"),
    _("expected on"), _("expires at"), _("explanation"), _("export"), _("exports"), _("field"), _("file"),
    _("file hash"), _("file name"), _("file size"), _("filters"), _("finding"), _("finding of a validation"),
    _("findings of validations"), _("finished at"), _("first name"), _("floor"), _("format"), _("found at"), _("given up at"),
    _("google account"), _("google accounts"), _("handled at"), _("history entries"), _("history entry"), _("hour"),
    _("how many"), _("import"), _("imports"), _("instalment"), _("instalments"), _("intent"), _("invitation"),
    _("invitations"), _("invited by"), _("kept"), _("kind"),
    _("label"), _("language"), _("last error"), _("last used at"), _("last intent"), _("last message at"), _("last name"),
    _("last sentiment"), _("last success at"), _("layout"), _("limit"), _("line type"), _("listed"), _("made by"),
    _("master project"), _("member number"), _("member numbers"), _("merge"), _("merged by"), _("merges"),
    _("message"), _("message price"), _("message prices"), _("message template"), _("message templates"),
    _("messages"), _("messages per second"), _("messaging limit"), _("method"), _("municipality number"), _("name"),
    _("nationality"), _("next sync at"), _("not before"), _("note"), _("notes"), _("notice"), _("notices"),
    _("number"), _("number status"), _("office hours"), _("opt out"), _("ours"), _("outcome"), _("owner"),
    _("ownership"), _("paid by"), _("paid on"), _("pay on"), _("payout line"), _("payout lines"), _("plot number"),
    _("position"), _("possible duplicate"), _("possible duplicates"), _("posted at"), _("posted by"),
    _("price note"), _("processed at"), _("project"), _("project assignment"), _("project assignments"),
    _("projects"), _("property type"), _("property types"), _("provider"), _("purpose"), _("quality"), _("reason"),
    _("receipt"), _("receipts"), _("received at"), _("received by"), _("received on"), _("reference"),
    _("registration"), _("removed at"), _("removed by"), _("replied at"), _("reports to"), _("request"),
    _("requested by"), _("resolution"), _("resolved by"), _("responded at"), _("restored at"), _("reversed at"),
    _("reversed by"), _("reverses"), _("revoked at"), _("role"), _("rooms"), _("row"), _("row count"), _("row error"),
    _("row errors"), _("rules of campaigns"), _("run"), _("said"), _("scope"), _("score"), _("seen at"),
    _("seen by"), _("segment"), _("segments"), _("sentiment"), _("sequence"), _("sequences"), _("session status"),
    _("settled at"), _("severity"), _("shortcut"), _("side"), _("signature verified"), _("since"), _("source"),
    _("spreadsheet"), _("stage"), _("started at"), _("state"), _("status"), _("status reason"), _("stopped by"),
    _("successor"), _("summary"), _("suspended at"), _("synced at"), _("table"), _("tags"), _("taken"), _("target"),
    _("template"), _("theirs"), _("time zone"), _("title"), _("token"), _("token expires at"), _("total"),
    _("transfer"), _("transfers"), _("type"), _("undone at"), _("unit number"), _("until"), _("updated at"),
    _("user"), _("valid from"), _("validation run"), _("validation runs"), _("value"), _("variables"),
    _("verified at"), _("verified by"), _("verified name"), _("view"), _("webhook event"), _("why"),
]

# What the theme says itself; it brings no translations.
OF_THE_THEME = [
    _("Apply Filters"), _("All applications"), _("Choose file to upload"), _("Click to cancel"),
    _("Click to download"), _("Dark"), _("Date from"), _("Date to"), _("Expand row"), _("False"), _("General"),
    _("Go back"), _("Light"), _("Loading more results..."), _("More actions"), _("No data"), _("No results found"),
    _("No results matching your query"), _("Previous"), _("Reset filters"), _("Run"),
    _("Search apps and models..."), _("Select action"), _("Select action to run"), _("Select all rows"),
    _("Select record"), _("Select value"), _("This item will be deleted."),
    _("This page yielded into no results. Create a new item or reset your filters."), _("To"),
    _("Toggle password visibility"), _("True"),
]
# fmt: on


def name_everything() -> None:
    """Once, when every model is loaded. Names that somebody chose in a model, and labels of choices, are said too."""
    for label, name in OURS.items():
        config = apps.get_app_config(label)
        config.verbose_name = gettext_lazy(name)
        for model in config.get_models():
            model._meta.verbose_name = _said(model._meta.verbose_name)
            model._meta.verbose_name_plural = _said(model._meta.verbose_name_plural)
            for field in model._meta.get_fields():
                if hasattr(field, "verbose_name"):
                    field.verbose_name = _said(field.verbose_name)
                if choices := getattr(field, "choices", None):
                    field.choices = [(value, _label(label)) for value, label in choices]  # type: ignore[union-attr]


def _said(name: Any) -> Any:
    return gettext_lazy(BETTER.get(str(name), str(name)))


def _label(label: Any) -> Any:
    return gettext_lazy(str(label)) if label else label
