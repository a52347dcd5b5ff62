"""What the tables and fields are called that the back office shows, named once so that makemessages finds them.

Django makes these names out of the code (`valid_from` -> "valid from"). They stand unmarked in the models, where they are
part of migrations, and are said in the member's language from here; tests/config/test_languages.py keeps the list whole.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from core.notes import ForTheCode

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
    "accepts missing": _("archive however many are gone"),
    "account count": _("accounts checked"),
    "answer status": _("answered with"),
    "api token": _("API token"),
    "api tokens": _("API tokens"),
    "app id": _("app ID"),
    "appends since": _("new units get a row since"),
    "area sqm": _("area (m²)"),
    "audit entrys": _("audit trail"),
    "budget minor": _("budget"),
    "by opening": _("by opening the page"),
    "canary size": _("how many go out first"),
    "channels": _("WhatsApp numbers"),
    "client request id": _("request ID of the client"),
    "closed because": _("why it was closed"),
    "commission basis points": _("commission (basis points)"),
    "deferrals": _("times put off"),
    "deletions": _("trash"),
    "delivered at": _("arrived at"),
    "dewa number": _("DEWA number"),
    "digest": _("fingerprint"),
    "document id": _("document ID"),
    "duration ms": _("duration (ms)"),
    "endpoint": _("webhook"),
    "enrolled by": _("put in by"),
    "enrollment": _("person in a sequence"),
    "enrollment step": _("step of a sequence"),
    "enrollment steps": _("steps of sequences"),
    "enrollments": _("people in sequences"),
    "entry count": _("entries checked"),
    "event id": _("event ID"),
    "expertise areas": _("areas of expertise"),
    "failures": _("failures in a row"),
    "first property": _("first unit"),
    "hidden count": _("rows hidden"),
    "holder": _("account holder"),
    "hook delivery": _("call to a webhook"),
    "hook deliverys": _("calls to webhooks"),
    "hook endpoint": _("webhook"),
    "hook endpoints": _("webhooks"),
    "iban": _("IBAN"),
    "is active": _("in use"),
    "is bad contact": _("bad contact"),
    "is billable": _("costs money"),
    "is coexistence": _("also used in the phone's app"),
    "is default": _("default"),
    "is dry run": _("trial run"),
    "is obvious": _("obvious"),
    "is paused": _("paused"),
    "is primary": _("main one"),
    "is quiet on days off": _("silent on days off"),
    "is restored": _("set back"),
    "last sequence": _("number of the last entry"),
    "lease until": _("held by a worker until"),
    "leased until": _("held by a worker until"),
    "list disclosure": _("list taken along"),
    "list disclosures": _("lists taken along"),
    "may reenter": _("may come again"),
    "media id": _("media ID"),
    "membership": _("member"),
    "memberships": _("members"),
    "micros": _("price (millionths)"),
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
    "points": _("numbers and addresses"),
    "portfolio id": _("portfolio ID"),
    "prefix": _("begins with"),
    "price minor": _("price"),
    "properties": _("units"),
    "property": _("unit"),
    "provider id": _("WhatsApp's ID"),
    "quiet after talk hours": _("silent after talk (hours)"),
    "quoted provider id": _("ID of what is quoted"),
    "rejected reason": _("why refused"),
    "removed reason": _("why removed"),
    "request id": _("request ID"),
    "row key": _("key of the row"),
    "says away": _("tells who is away"),
    "second percent": _("share of the second template (%)"),
    "second property": _("second unit"),
    "share basis points": _("share (basis points)"),
    "skip messaged within hours": _("leave out whom we wrote to (hours)"),
    "skip reason": _("why left out"),
    "skip talking within hours": _("leave out who talks with us (hours)"),
    "spacing max seconds": _("longest pause (seconds)"),
    "spacing min seconds": _("shortest pause (seconds)"),
    "spreadsheets": _("linked sheets"),
    "stop at failure percent": _("stop when so many fail (%)"),
    "stop reason": _("why it ended"),
    "stopped reason": _("why it was stopped"),
    "swift": _("BIC (SWIFT)"),
    "tab id": _("tab ID"),
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
    _("agents"), _("amenities"), _("amount"), _("answers only since"), _("appeal"), _("appeals"), _("area"),
    _("asked at"), _("asked by"), _("assigned to"), _("assistant copies"), _("assistant copy"), _("assistant line"),
    _("assistant lines"), _("assistant turn"), _("assistant turns"), _("at"), _("attempts"), _("audience"),
    _("audit entry"), _("author"), _("away text"), _("away text arabic"), _("bank details"), _("bank name"),
    _("base"), _("batch"), _("bathrooms"), _("bedrooms"), _("before"), _("blocked at"), _("body"), _("budget"),
    _("budget currency"), _("building"), _("bulk change"), _("bulk changes"), _("bulk item"), _("bulk items"),
    _("buyer"), _("calling code"), _("campaign"), _("campaign message"), _("campaign messages"), _("campaigns"),
    _("canned replies"), _("canned reply"), _("category"), _("cell change"), _("cell changes"), _("changed"),
    _("channel"), _("check of the books"), _("checked"), _("checked at"), _("checks of the books"), _("city"),
    _("closed by"), _("closed on"), _("cluster"), _("code"), _("codes"), _("column"), _("commission"),
    _("commission payment"), _("commission payments"), _("commission plan"), _("commission plans"), _("commissions"),
    _("components"), _("confirmed at"), _("confirmed by"), _("conflict"), _("conflicts"), _("contact"),
    _("contact point"), _("contact points"), _("contacts"), _("conversation"), _("conversations"), _("copy template"),
    _("counted from"), _("counts"), _("created at"), _("created by"), _("currency"), _("daily cap per number"),
    _("deal"), _("deal kind"), _("deals"), _("decided at"), _("deleted at"), _("deletion"), _("delimiter"),
    _("description"), _("details"), _("developer"), _("direction"), _("directions"), _("disclosure alert"),
    _("disclosure alerts"), _("dismissed at"), _("dismissed by"), _("dismissed keys"), _("display name"),
    _("display number"), _("do-not-contact entry"), _("do-not-contact list"), _("door"), _("due at"), _("due on"),
    _("duration (ms)"), _("earned on"), _("edited by"), _("effective on"), _("email"), _("encoding"), _("ended at"),
    _("ends at"), _("enrolled at"), _("entered by"), _("entries"), _("entry"), _("error"), _("error code"),
    _("error details"), _("error title"), _("expected on"), _("expires at"), _("explanation"), _("export"),
    _("exports"), _("failed at"), _("field"), _("file"), _("file hash"), _("file name"), _("file size"), _("filters"),
    _("finding"), _("finding of a validation"), _("findings of validations"), _("finished at"), _("first contact"),
    _("first name"), _("floor"), _("format"), _("found at"), _("free entry until"), _("given up at"),
    _("google account"), _("google accounts"), _("handled at"), _("header"), _("header row"), _("history entries"),
    _("history entry"), _("hour"), _("how many"), _("import"), _("imports"), _("instalment"), _("instalments"),
    _("intent"), _("interval"), _("invitation"), _("invitations"), _("invited by"), _("kept"), _("kind"), _("label"),
    _("language"), _("last error"), _("last error code"), _("last inbound at"), _("last intent"),
    _("last message at"), _("last name"), _("last sentiment"), _("last success at"), _("last used at"), _("layout"),
    _("limit"), _("line type"), _("link"), _("listed"), _("made by"), _("mapping"), _("master project"),
    _("media file"), _("media name"), _("media type"), _("member number"), _("member numbers"), _("merge"),
    _("merged by"), _("merges"), _("message"), _("message price"), _("message prices"), _("message template"),
    _("message templates"), _("messages"), _("messages per second"), _("messaging limit"), _("method"),
    _("municipality number"), _("name"), _("nationality"), _("next step"), _("next sync at"), _("not before"),
    _("note"), _("notes"), _("notice"), _("notices"), _("number"), _("number status"), _("office hours"),
    _("opt out"), _("organization"), _("ours"), _("outcome"), _("owner"), _("ownership"), _("paid by"), _("paid on"),
    _("parameter format"), _("part"), _("paused until"), _("pay on"), _("payload"), _("payout line"),
    _("payout lines"), _("played at"), _("plot number"), _("position"), _("possible duplicate"),
    _("possible duplicates"), _("posted at"), _("posted by"), _("price"), _("price category"), _("price note"),
    _("processed at"), _("project"), _("project assignment"), _("project assignments"), _("projects"),
    _("property type"), _("property types"), _("proposed by"), _("provider"), _("purpose"), _("quality"),
    _("queued at"), _("quiet from"), _("quiet until"), _("quoted"), _("read as"), _("read at"), _("reason"),
    _("reasons"), _("receipt"), _("receipts"), _("received at"), _("received by"), _("received on"), _("recipient"),
    _("reference"), _("registration"), _("removed at"), _("removed by"), _("repayment"), _("repayments"), _("replied at"), _("reports to"),
    _("request"), _("requested by"), _("resolution"), _("resolved at"), _("resolved by"), _("responded at"),
    _("restored at"), _("reversed at"), _("reversed by"), _("reverses"), _("revoked at"), _("role"), _("rooms"),
    _("row"), _("row count"), _("row error"), _("row errors"), _("rules of campaigns"), _("run"), _("said"),
    _("samples"), _("scope"), _("score"), _("second contact"), _("second template"), _("second variables"),
    _("secret"), _("seen at"), _("seen by"), _("segment"), _("segments"), _("seller"), _("sent at"), _("sentiment"),
    _("sequence"), _("sequences"), _("session status"), _("settled at"), _("severity"), _("shortcut"), _("side"),
    _("signature"), _("signature verified"), _("since"), _("slabs"), _("snoozed until"), _("source"), _("splits"),
    _("spreadsheet"), _("stage"), _("started at"), _("starts at"), _("state"), _("status"), _("status reason"),
    _("step"), _("stop on reply"), _("stop on sale"), _("stop requested at"), _("stopped by"), _("successor"),
    _("summary"), _("suspended at"), _("synced at"), _("tab"), _("table"), _("tabs"), _("tags"), _("taken"),
    _("target"), _("template"), _("text"), _("theirs"), _("time zone"), _("title"), _("token"), _("token expires at"),
    _("topic"), _("total"), _("transfer"), _("transfers"), _("type"), _("understood at"), _("understood by"),
    _("undone at"), _("unit number"), _("unlinked at"), _("until"), _("updated at"), _("user"), _("valid from"),
    _("validation run"), _("validation runs"), _("value"), _("variables"), _("verified at"), _("verified by"),
    _("verified name"), _("view"), _("waiting since"), _("webhook event"), _("week"), _("why"),
]

# What stands below a field. The other notes of the models are for whoever reads the code, and are not shown.
HINTS = {
    _("250 is 2.5 %"),
    _("E.164, lower-case e-mail, or the id"),
    _('Monday first, e.g. [[["09:00", "13:00"], ["16:00", "20:00"]], ...]; empty: the organisation\'s hours'),
    _("a utility template with one variable, for copies to who has not written for a day"),
    _("any number of the same WABA may use it"),
    _("as 971; the longest that fits; empty: elsewhere"),
    _("empty: all the numbers can"),
    _("empty: never"),
    _("empty: the organisation's"),
    _("ends when the unit is sold, or is theirs no more"),
    _("it pauses when more of what went out lately failed; empty: never"),
    _("millionths of the currency for one message"),
    _("not at weekends and on the house's holidays"),
    _("nothing goes out at the organisation's weekend and on its public holidays"),
    _("nothing goes out from then, the person's own time"),
    _("nothing goes out from then, where the person lives"),
    _("nothing goes out until somebody has acted"),
    _("of campaigns, to one person ..."),
    _("... within so many days"),
    _("people who wrote to us since then, in talk that is still open, are left out"),
    _("people whom another campaign wrote to since then are left out"),
    _("people who got so many messages of campaigns ..."),
    _("... within so many days are left out; the house may ask for less"),
    _("rows that are gone are archived, however many"),
    _("says what a sync would do, and does none of it"),
    _("seconds from one sync to the next"),
    _("share the sheet with this address, as an editor"),
    _("so many go out first; then it pauses for somebody to look"),
    _("the currency of the prices"),
    _("the day that the bank is asked to pay on"),
    _("units made in Majlis from then on get a row of their own; empty: they do not"),
    _("unknown when empty"),
    _("what it may cost at most, in minor units"),
    _("who has left may be enrolled again; no step is repeated"),
    _("who wrote to us within so many hours is not enrolled"),
    _("who leads the deal"),
    _("with the next: one message at a time, a random time between these apart"),
    _("{name}: the person's first name; {me}: the name of who sends it"),
    _("24 h after the last inbound message"),
    _("why Majlis stopped it by itself"),
    _("how the amount came about, for people"),
}

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
                if hint := getattr(field, "help_text", ""):
                    field.help_text = gettext_lazy(str(hint)) if str(hint) in HINTS else ForTheCode(hint)  # type: ignore[union-attr]
                if choices := getattr(field, "choices", None):
                    field.choices = [(value, _label(label)) for value, label in choices]  # type: ignore[union-attr]


def _said(name: Any) -> Any:
    return gettext_lazy(BETTER.get(str(name), str(name)))


def _label(label: Any) -> Any:
    return gettext_lazy(str(label)) if label else label
