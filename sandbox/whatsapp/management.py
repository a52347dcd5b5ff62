"""Graph endpoints around the sending of messages: numbers, templates, media, subscriptions, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import BodyPartReader

from . import review, templates
from .errors import GraphError, UnknownObject, invalid
from .world import Account, Json, Number, Template

if TYPE_CHECKING:
    from .graph import Call

PROFILE = ("about", "address", "description", "email", "profile_picture_url", "vertical", "websites")
LIST_LIMIT = 25
LARGEST_UPLOAD = 100 * 1024 * 1024 + 64 * 1024


async def answer(call: Call) -> Json:
    """Whatever is asked of an object other than sending a message, chosen by what the id belongs to."""
    world = call.service.world
    if call.node == "debug_token" and not call.edge:
        return debug_token(call)
    if call.edge == "uploads" or call.node.startswith("upload:"):
        return _example(call)
    if call.node in world.numbers:
        return await _number(call, call.number())
    if (account := world.accounts.get(call.node)) is not None and account.admits(call.token):
        return _account(call, account)
    if (template := world.templates.get(call.node)) is not None and world.account_of(template).admits(call.token):
        return _template(call, template)
    media = call.service.media.find(call.node)
    if media is not None and not call.edge and world.numbers[media.number_id].account.admits(call.token):
        if call.query("phone_number_id", media.number_id) != media.number_id:
            raise UnknownObject(call.node, call.request.method.lower())
        if call.request.method == "DELETE":
            call.service.media.delete(media.id)
            return {"success": True}
        return call.service.media.described(media)
    raise UnknownObject(call.node, call.request.method.lower())


def _example(call: Call) -> Json:
    """A resumable upload, as examples of template headers come: a session of the app, then its bytes in one piece."""
    media = call.service.media
    if call.edge == "uploads":
        if call.node not in {account.app_id for account in call.service.world.accounts.values()}:
            raise UnknownObject(call.node, call.request.method.lower())
        return {"id": media.expect(int(call.query("file_length", "0")), call.query("file_type"))}
    return {"h": media.take(call.node, call.body)}


def debug_token(call: Call) -> Json:
    """What a token is good for, as the access token debugger says."""
    asked = call.query("input_token")
    owners = [each for each in call.service.world.accounts.values() if asked and each.admits(asked)]
    if not owners:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"is_valid": False, "scopes": [], "error": error}}
    accounts = [each.id for each in owners]
    return {
        "data": {
            "app_id": owners[0].app_id,
            "type": "SYSTEM_USER",
            "application": owners[0].name,
            "data_access_expires_at": 0,
            "expires_at": owners[0].token_expires_at,
            "is_valid": True,
            "issued_at": int(call.service.world.now()) - 86_400,
            "scopes": list(owners[0].scopes),
            "granular_scopes": [{"scope": each, "target_ids": accounts} for each in owners[0].scopes[:2]],
            "user_id": "100000000000042",
        }
    }


async def _number(call: Call, number: Number) -> Json:
    method, edge = call.request.method, call.edge
    if not edge:
        return shown_number(number, call.fields())
    if edge == "media" and method == "POST":
        return await _upload(call, number)
    if edge == "whatsapp_business_profile":
        if method == "POST":
            number.profile |= {key: value for key, value in call.json().items() if key in PROFILE}
            return {"success": True}
        return {"data": [{"messaging_product": "whatsapp", **{k: v for k, v in number.profile.items() if v}}]}
    if edge in ("register", "deregister") and method == "POST":
        number.status = "CONNECTED" if edge == "register" else "DISCONNECTED"
        return {"success": True}
    raise _no_such_edge(edge)


def shown_number(number: Number, fields: list[str]) -> Json:
    """One business number as the API shows it."""
    level = "STANDARD" if number.throughput is not None and number.throughput <= 80 else "HIGH"
    whole: Json = {
        "verified_name": number.verified_name,
        "code_verification_status": "VERIFIED",
        "display_phone_number": number.display_phone_number,
        "quality_rating": number.quality_rating,
        "platform_type": "CLOUD_API",
        "throughput": {"level": level},
        "status": number.status,
        "name_status": number.name_status,
        "is_on_biz_app": number.on_phone,
        "whatsapp_business_manager_messaging_limit": number.account.messaging_limit,
        "messaging_limit_tier": number.account.messaging_limit,
        "webhook_configuration": {"application": number.account.callback_url},
        "id": number.id,
    }
    wanted = set(fields) or set(whole) - {"whatsapp_business_manager_messaging_limit", "messaging_limit_tier", "status"}
    return {key: value for key, value in whole.items() if key in wanted or key == "id"}


async def _upload(call: Call, number: Number) -> Json:
    if call.request.content_type != "multipart/form-data":
        raise invalid("Invalid parameter", "The media endpoint takes multipart/form-data.")
    texts: dict[str, str] = {}
    data, filename, content_type = None, "", ""
    async for part in await call.request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "file":
            data = bytearray()
            while chunk := await part.read_chunk(256 * 1024):
                data += chunk
                if len(data) > LARGEST_UPLOAD:
                    raise GraphError(131053, "The file is larger than 100 MB.")
            filename, content_type = part.filename or "", part.headers.get("Content-Type", "")
        elif part.name:
            texts[part.name] = await part.text()
    if texts.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required.")
    if data is None:
        raise invalid("The parameter file is required.")
    # The file part's own type wins at Meta too; the `type` field is what many clients fill in instead.
    mime_type = content_type if content_type not in ("", "application/octet-stream") else texts.get("type", "")
    return {"id": call.service.media.upload(number.id, mime_type, bytes(data), filename).id}


def _account(call: Call, account: Account) -> Json:
    method, edge = call.request.method, call.edge
    if not edge:
        whole: Json = {"id": account.id, "name": account.name, "timezone_id": "1", "message_template_namespace": "0"}
        if account.portfolio_id:
            whole["owner_business_info"] = {"id": account.portfolio_id, "name": account.name}
        return {key: value for key, value in whole.items() if not call.fields() or key in {*call.fields(), "id"}}
    if edge == "phone_numbers":
        rows = [shown_number(each, call.fields()) for each in account.numbers]
        return {"data": rows, "paging": {"cursors": {"before": "MA", "after": "MA"}}} if rows else {"data": []}
    if edge == "subscribed_apps":
        return _subscriptions(call, account)
    if edge == "message_templates":
        if method == "POST":
            return _create_template(call, account)
        return _delete_templates(call, account) if method == "DELETE" else _list_templates(call, account)
    raise _no_such_edge(edge)


def _subscriptions(call: Call, account: Account) -> Json:
    if call.request.method in ("POST", "DELETE"):
        account.subscribed = call.request.method == "POST"
        return {"success": True}
    app = {"id": account.app_id, "name": account.name, "link": "https://majlis.example/"}
    return {"data": [{"whatsapp_business_api_data": app}] if account.subscribed else []}


def _list_templates(call: Call, account: Account) -> Json:
    rows = [each for each in account.templates.values() if _matches(call, each)]
    try:
        limit = max(1, int(call.query("limit", str(LIST_LIMIT))))
        after = int(call.query("after", "0") or 0)
        before = int(call.query("before", "-1") or -1)
    except ValueError:
        raise invalid("Invalid cursors or limit") from None
    start = max(0, before - limit) if before >= 0 else after
    page = rows[start : before if before >= 0 else start + limit]
    end = start + len(page)
    paging: Json = {"cursors": {"before": str(start), "after": str(end)}}
    query = {key: value for key, value in call.request.query.items() if key not in ("after", "before", "access_token")}
    here = call.request.url.with_query(query)
    base = call.service.media.public_url
    if end < len(rows):
        paging["next"] = base + str(here.update_query(after=str(end)).relative())
    if start > 0:
        paging["previous"] = base + str(here.update_query(before=str(start)).relative())
    answer: Json = {"data": [templates.shown(each, call.fields()) for each in page]}
    return {**answer, "paging": paging} if page else answer


def _matches(call: Call, template: Template) -> bool:
    exact = {"name": template.name, "status": template.status, "category": template.category}
    for name, value in {**exact, "language": template.language}.items():
        if (asked := call.query(name)) and asked.upper() != value.upper():
            return False
    return call.query("name_or_content").lower() in f"{template.name} {template.components}".lower()


def _create_template(call: Call, account: Account) -> Json:
    template = templates.created(call.json())
    review.check(template.components, named=template.parameter_format == "NAMED")
    review.check_name(account, template.name, template.language, call.service.world.now())
    if (template.name, template.language) in account.templates:
        raise GraphError(
            100,
            message="Invalid parameter",
            details=f"There is already {template.language} content for this template.",
            subcode=2388024,
        )
    call.service.world.add_template(account, template)
    call.service.review_later(template)
    return {"id": template.id, "status": template.status, "category": template.category}


def _template(call: Call, template: Template) -> Json:
    service, method = call.service, call.request.method
    if call.edge == "unpause" and method == "POST" and template.status == "PAUSED":
        service.set_template(template, {"status": "APPROVED"})
        return {"success": True}
    if call.edge:
        raise _no_such_edge(call.edge)
    if method == "GET":
        return templates.shown(template, call.fields())
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise invalid("Invalid parameter", f"A template that is {template.status} cannot be edited.")
    request = call.json()
    if "category" in request and template.status == "APPROVED" and request["category"] != template.category:
        raise invalid("Invalid parameter", "The category of an approved template cannot be edited.")
    review.check_edit(template, service.world.now())
    if "components" in request:
        templates.check_components(request["components"])
        review.check(request["components"], named=template.parameter_format == "NAMED")
        template.components = request["components"]
    if template.status == "APPROVED":
        template.edited.append(service.world.now())
    template.category = str(request.get("category", template.category)).upper()
    template.status = "PENDING"
    service.review_later(template)
    return {"success": True}


def _delete_templates(call: Call, account: Account) -> Json:
    name, template_id = call.query("name"), call.query("hsm_id")
    doomed = [
        each for each in account.templates.values() if each.name == name and (not template_id or each.id == template_id)
    ]
    if not doomed:
        raise GraphError(100, "message template not found", message="Invalid parameter", status=404, subcode=2593002)
    for each in doomed:
        call.service.world.remove_template(account, each)
        account.deleted[(each.name, each.language)] = call.service.world.now()
    return {"success": True}


def _no_such_edge(edge: str) -> GraphError:
    return GraphError(2500, message=f"Unknown path components: /{edge}", status=400)
