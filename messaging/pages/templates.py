"""Templates: what there is in which languages, and writing them with a look at how they will stand on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, Invalid, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm.pages import listed
from messaging import media, selectors, services, templates
from messaging.models import Channel, MessageTemplate
from messaging.models.channels import Quality, TemplateCategory, TemplateStatus
from messaging.pages.template_form import SHOWN_ROWS, Draft, draft_from, draft_of
from messaging.template_rules import BUTTONS, HEADERS, LANGUAGES, LONGEST, problems
from messaging.templates import Bubble

MOST_ASKED = 2_000
PAGE = 40
TONES = {"APPROVED": "good", "PENDING": "calm", "PAUSED": "warn", "REJECTED": "bad", "DISABLED": "bad", "DELETED": ""}
WRITABLE = (TemplateCategory.UTILITY, TemplateCategory.MARKETING)


@dataclass(frozen=True, slots=True)
class Shown:
    """One template in one language, with its look."""

    template: MessageTemplate
    bubble: Bubble
    tone: str
    direction: str


def listed_templates(actor: Actor, asked: str) -> QuerySet[MessageTemplate]:
    """What `whatsapp/templates/?<asked>` shows to this actor, by name."""
    query = QueryDict(asked[:MOST_ASKED])
    rows: QuerySet[MessageTemplate] = MessageTemplate.objects.visible_to(actor).order_by("name", "language", "pk")
    text = query.get("q", "").strip()[:100]
    if text:
        rows = rows.filter(name__icontains=text.replace(" ", "_")) | rows.filter(components__icontains=text)
    for name, known in (
        ("status", TemplateStatus.values),
        ("category", TemplateCategory.values),
        ("quality", Quality.values),
    ):
        if query.get(name) in known:
            rows = rows.filter(**{name: query[name]})
    if query.get("language"):
        rows = rows.filter(language=query["language"][:10])
    return rows if query.get("status") else rows.exclude(status=TemplateStatus.DELETED)


listed.register("whatsapp-templates", listed_templates)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def template_list(request: HttpRequest) -> HttpResponse:
    """By name; the languages of one stand side by side."""
    actor, after = _actor(request), request.GET.get("after", "")[:512]
    rows = listed_templates(actor, request.GET.urlencode())
    names = list(rows.filter(name__gt=after).order_by("name").values_list("name", flat=True).distinct()[: PAGE + 1])
    groups: dict[str, list[Shown]] = {name: [] for name in names[:PAGE]}
    for each in rows.filter(name__in=groups).select_related("channel"):
        groups[each.name].append(_shown(each))
    query = {name: request.GET.get(name, "") for name in ("q", "status", "category", "quality", "language")}
    languages = MessageTemplate.objects.visible_to(actor).order_by("language").values_list("language", flat=True)
    context = {
        "here": "whatsapp",
        "tab": "templates",
        "groups": list(groups.items()),
        "next_cursor": names[PAGE - 1] if len(names) > PAGE else "",
        "asked": query,
        "is_filtered": any(query.values()),
        "statuses": TemplateStatus.choices,
        "categories": TemplateCategory.choices,
        "qualities": Quality.choices,
        "languages": [(code, LANGUAGES.get(code, code)) for code in dict.fromkeys(languages)],
        "accounts": _accounts(actor) if actor.can(Capability.TEMPLATES_WRITE) else [],
    }
    return render(request, "messaging/templates.html", context)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def template_page(request: HttpRequest, template_id: int) -> HttpResponse:
    """One template, its other languages beside it, and what happened to it."""
    actor, before, at = _actor(request), request.GET.get("before", ""), timezone.now()
    template = _found(actor, template_id)
    siblings = MessageTemplate.objects.visible_to(actor).filter(
        name=template.name, channel__waba_id=template.channel.waba_id
    )
    cursor = int(before) if before.isdecimal() and len(before) < 19 else None
    events, next_cursor = selectors.template_history(actor=actor, template_id=template.pk, before=cursor)
    others = siblings.exclude(pk=template.pk).exclude(status=TemplateStatus.DELETED).select_related("channel")
    context = {
        "here": "whatsapp",
        "tab": "templates",
        "shown": _shown(template),
        "others": [_shown(each) for each in others.order_by("language")],
        "variables": templates.variables(template.components),
        "events": events,
        "next_cursor": next_cursor,
        "editable_from": services.editable_from(template, at),
    }
    return render(request, "messaging/template.html", context)


@require_http_methods(["GET", "POST"])
@page(Capability.TEMPLATES_WRITE)
def template_new(request: HttpRequest) -> HttpResponse:
    """Write one and submit it. `?like=7` begins with the words of another, for one more language."""
    actor, like = _actor(request), request.GET.get("like", "")
    if request.method == "GET":
        other = _found(actor, int(like)) if like.isdecimal() and len(like) < 19 else None
        draft = draft_from(other) if other else Draft()
        if other:
            draft.language = ""
        return _form(request, draft, account=other.channel_id if other else None)
    draft = draft_of(request.POST.dict())
    channel = _account(actor, request.POST.get("account", ""))
    try:
        _take_example(request, actor, channel, draft)
        made = services.create_template(
            actor=actor,
            channel=channel,
            name=draft.name,
            language=draft.language,
            category=draft.category,
            components=draft.components,
            parameter_format=draft.parameter_format,
            at=timezone.now(),
        )
    except DomainError as refusal:
        return _form(request, draft, account=channel.pk, refusal=refusal)
    messages.success(request, _("Submitted. WhatsApp mostly answers within minutes; this page follows by itself."))
    return redirect("whatsapp-template", actor.organization.slug, made.pk)


@require_http_methods(["GET", "POST"])
@page(Capability.TEMPLATES_WRITE)
def template_change(request: HttpRequest, template_id: int) -> HttpResponse:
    """Change what a template says, within WhatsApp's limits."""
    actor = _actor(request)
    template = _found(actor, template_id)
    if request.method == "GET":
        return _form(request, draft_from(template), template=template)
    draft = draft_of(request.POST.dict())
    draft.name, draft.language = template.name, template.language
    try:
        _take_example(request, actor, template.channel, draft)
        services.edit_template(
            actor=actor,
            template=template,
            components=draft.components,
            category=draft.category or template.category,
            at=timezone.now(),
        )
    except DomainError as refusal:
        return _form(request, draft, template=template, refusal=refusal)
    messages.success(request, _("Changed, and in review again. Until it is approved it cannot be sent."))
    return redirect("whatsapp-template", actor.organization.slug, template.pk)


@require_POST
@page(Capability.TEMPLATES_WRITE)
def template_preview(request: HttpRequest) -> HttpResponse:
    """What the form says so far: the bubble, the variables that want examples, and what WhatsApp would refuse."""
    context = {**_preview(draft_of(request.POST.dict())), "with_examples": True}
    return render(request, "messaging/_template_preview.html", context)


@require_POST
@page(Capability.TEMPLATES_WRITE)
def template_deletion(request: HttpRequest, template_id: int) -> HttpResponse:
    """Delete it at WhatsApp, in this language."""
    return _act(request, template_id, services.delete_template, _("Deleted, in this language."))


@require_POST
@page(Capability.TEMPLATES_WRITE)
def template_unpausing(request: HttpRequest, template_id: int) -> HttpResponse:
    """Take it out of its pause."""
    return _act(request, template_id, services.unpause_template, _("It may be sent again."))


@require_POST
@page(Capability.TEMPLATES_WRITE)
def template_sync(request: HttpRequest) -> HttpResponse:
    """Ask WhatsApp for all templates, where a webhook was missed."""
    actor = _actor(request)
    total = {"new": 0, "changed": 0, "gone": 0}
    try:
        for channel in _accounts(actor):
            counts = services.sync_templates(actor=actor, channel=channel, at=timezone.now())
            total = {name: total[name] + counts[name] for name in total}
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(new)d new, %(changed)d changed, %(gone)d gone.") % total)
    return redirect("whatsapp-templates", actor.organization.slug)


def _act(request: HttpRequest, template_id: int, service: Any, said: str) -> HttpResponse:
    actor = _actor(request)
    template = _found(actor, template_id)
    try:
        service(actor=actor, template=template, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, said)
    return redirect("whatsapp-template", actor.organization.slug, template.pk)


def _form(
    request: HttpRequest,
    draft: Draft,
    *,
    account: int | None = None,
    template: MessageTemplate | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    actor = _actor(request)
    rows = (refusal.details.get("problems") if refusal else None) or []
    wrong = {str(row["field"]): str(row["message"]) for row in rows}
    if refusal is not None and not wrong and refusal.details.get("field"):
        wrong = {str(refusal.details["field"]): refusal.message}
    accounts = _accounts(actor)
    context = {
        "here": "whatsapp",
        "tab": "templates",
        "draft": draft,
        "template": template,
        "refusal": refusal,
        "wrong": wrong,
        "accounts": accounts,
        "account": account or (accounts[0].pk if accounts else None),
        "languages": LANGUAGES.items(),
        "categories": [(value, label) for value, label in TemplateCategory.choices if value in WRITABLE],
        "headers": HEADERS,
        "kinds": list(BUTTONS),
        "shown_rows": max(SHOWN_ROWS, len(draft.buttons) + 1),
        "longest": LONGEST,
        "editable_from": services.editable_from(template, timezone.now()) if template else None,
        **_preview(draft),
    }
    return render(request, "messaging/template_form.html", context, status=status_of(refusal) if refusal else 200)


def _preview(draft: Draft) -> dict[str, Any]:
    """The look of a draft; a file that is still to be chosen is no mistake yet."""
    found = problems(
        name=draft.name or "name",
        language=draft.language or "en",
        category=draft.category,
        components=draft.components,
        parameter_format=draft.parameter_format,
    )
    return {
        "draft": draft,
        "bubble": templates.bubble(draft.components, templates.examples(draft.components)),
        "direction": _direction(draft.language),
        "found": [each for each in found if each.field != "header_file"] if draft.body else [],
    }


def _take_example(request: HttpRequest, actor: Actor, channel: Channel, draft: Draft) -> None:
    """The example of a header, if one was chosen: it goes to WhatsApp, which answers with a handle."""
    file = request.FILES.get("header_file")
    if file is None or draft.header_kind not in ("IMAGE", "VIDEO", "DOCUMENT"):
        return
    media.require_size("document", file.size or 0)  # before it is read into memory; each kind has its own limit
    draft.header_handle = services.upload_example(
        actor=actor, channel=channel, kind=draft.header_kind, content=file.read(), name=file.name or ""
    )


def _accounts(actor: Actor) -> list[Channel]:
    """One number for each account: templates belong to the account."""
    channels = Channel.objects.visible_to(actor).order_by("pk")
    return list({channel.waba_id: channel for channel in reversed(channels)}.values())[::-1]


def _account(actor: Actor, given: str) -> Channel:
    accounts = _accounts(actor)
    if not accounts:
        raise Invalid(_("No WhatsApp number is connected. Ask an admin to connect one."))
    return next((each for each in accounts if str(each.pk) == given), accounts[0])


def _found(actor: Actor, template_id: int) -> MessageTemplate:
    rows = MessageTemplate.objects.visible_to(actor).select_related("channel", "organization")
    found: MessageTemplate | None = rows.filter(pk=template_id).first()
    if found is None:
        raise NotFound(_("There is no such template here."))
    return found


def _shown(template: MessageTemplate) -> Shown:
    bubble = templates.bubble(template.components, templates.examples(template.components))
    return Shown(template, bubble, TONES.get(template.status, ""), _direction(template.language))


def _direction(language: str) -> str:
    return "rtl" if language.partition("_")[0] in ("ar", "ur", "fa", "he") else "ltr"


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
