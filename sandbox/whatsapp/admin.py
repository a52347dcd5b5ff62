"""The endpoints under /_sandbox: configure, look, write as a customer, break things. Loopback only."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from . import faults
from .customers import BadMessage
from .graph import SERVICE
from .service import Service
from .settings import BadSetting
from .views import shown_chat, shown_chats, shown_state
from .world import Json, Number

MOST = 1000


class BadRequest(Exception):
    """An admin request that nothing can be done with."""


async def read(request: web.Request) -> Json:
    """The JSON object of an admin request; nothing at all counts as an empty one."""
    data = await request.read()
    try:
        parsed = orjson.loads(data) if data else {}
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise BadRequest("the body must be a JSON object")
    return parsed


def reply(payload: Any, status: int = 200) -> web.Response:
    """An admin answer."""
    return web.Response(body=orjson.dumps(payload), status=status, content_type="application/json")


def route(
    handler: Callable[[Service, web.Request], Awaitable[Json]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An admin endpoint: what is wrong with the request comes back as 400 with the reason."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return reply(await handler(request.app[SERVICE], request))
        except (BadRequest, BadSetting, BadMessage, ValueError, TypeError, KeyError) as error:
            return reply({"error": f"{type(error).__name__}: {error}"}, 400)

    return answer


def _int(request: web.Request, name: str, default: int) -> int:
    return int(request.query.get(name, default))


def _number(service: Service, number_id: object) -> Number:
    """The number asked for, or the first one there is."""
    if number_id:
        if (number := service.world.numbers.get(str(number_id))) is None:
            raise BadRequest(f"no phone number {number_id}")
        return number
    first = next(iter(service.world.numbers.values()), None)
    if first is None:
        raise BadRequest("no phone number is configured yet")
    return first


async def healthz(service: Service, request: web.Request) -> Json:
    return {"ok": True, "accounts": len(service.world.accounts), "numbers": len(service.world.numbers)}


async def configure(service: Service, request: web.Request) -> Json:
    return await service.configure(await read(request))


async def state(service: Service, request: web.Request) -> Json:
    return shown_state(service)


async def reset(service: Service, request: web.Request) -> Json:
    service.reset(accounts=(await read(request)).get("accounts", False))
    return {"ok": True}


async def clock(service: Service, request: web.Request) -> Json:
    service.world.ahead += float((await read(request)).get("advance", 0))
    service.live.touch_all()
    return {"now": service.world.now(), "ahead": service.world.ahead}


async def received(service: Service, request: web.Request) -> Json:
    query = request.query
    entries = service.journal.select(
        since=_int(request, "since", 0),
        limit=_int(request, "limit", MOST),
        kind=query.get("kind", ""),
        number_id=query.get("phone_number_id", ""),
        to=query.get("to", ""),
    )
    return {
        "received": [each.shown() for each in entries],
        "next": entries[-1].seq if entries else _int(request, "since", 0),
    }


async def forget_received(service: Service, request: web.Request) -> Json:
    service.journal.forget()
    service.ladder.counts.clear()
    return {"ok": True}


async def summary(service: Service, request: web.Request) -> Json:
    counts = service.journal.summary(people="people" in request.query, most=_int(request, "most", 20))
    mailer = service.mailer
    webhooks = {**mailer.counts, "pending": mailer.pending, "held": mailer.held}
    return {**counts, "statuses": dict(service.ladder.counts), "planned": len(service.agenda), "webhooks": webhooks}


async def write(service: Service, request: web.Request) -> Json:
    message = await read(request)
    number = _number(service, message.get("phone_number_id"))
    return {"id": service.customers.write(number, request.match_info["who"], message), "phone_number_id": number.id}


async def echo(service: Service, request: web.Request) -> Json:
    number = _number(service, request.match_info["id"])
    return {"id": service.phone.write(number, await read(request))}


async def history(service: Service, request: web.Request) -> Json:
    number = _number(service, request.match_info["id"])
    return {"messages": service.phone.share_history(number, await read(request))}


async def ring(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    number = _number(service, wanted.get("phone_number_id"))
    return {"id": service.phone.ring(number, request.match_info["who"], wanted)}


async def open_chat(service: Service, request: web.Request) -> Json:
    number = _number(service, (await read(request)).get("phone_number_id"))
    return {"read": service.customers.read(number, request.match_info["who"])}


async def statuses(service: Service, request: web.Request) -> Json:
    """Move one message by hand: {"status": "read"} or {"status": "failed", "code": 131026}."""
    wanted = await read(request)
    message = service.world.messages.get(request.match_info["wamid"])
    if message is None or message.inbound:
        raise BadRequest("no outbound message with this wamid")
    step = str(wanted.get("status"))
    code = int(wanted.get("code", 131026)) if step == "failed" else None
    return {"changed": service.ladder.advance(message, step, code)}


async def chats(service: Service, request: web.Request) -> Json:
    return {"chats": shown_chats(service, request.query.get("phone_number_id", ""), _int(request, "limit", 100))}


async def chat(service: Service, request: web.Request) -> Json:
    number = _number(service, request.query.get("phone_number_id"))
    return shown_chat(service, service.world.chat(number, service.world.customer(request.match_info["who"])))


async def list_faults(service: Service, request: web.Request) -> Json:
    return {"faults": [each.shown() for each in service.faults.active], "kinds": faults.describe()}


async def add_fault(service: Service, request: web.Request) -> Json:
    fault = service.faults.add(await read(request), service.world.now())
    service.live.touch_all()
    return fault.shown()


async def remove_faults(service: Service, request: web.Request) -> Json:
    fault_id = request.match_info.get("id")
    removed = service.faults.remove(None if fault_id is None else int(fault_id))
    service.live.touch_all()
    return {"removed": removed}


async def webhooks(service: Service, request: web.Request) -> Json:
    since, limit = _int(request, "since", 0), _int(request, "limit", 100)
    found = (each for each in service.mailer.log if each.seq > since)
    return {"webhooks": [each.shown() for each in itertools.islice(found, limit)]}


async def replay(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    seqs, since = wanted.get("seqs"), int(wanted.get("since", 0))
    chosen = [each for each in service.mailer.log if (each.seq in seqs if seqs else each.seq > since)]
    copies, shuffle, seed = int(wanted.get("copies", 1)), bool(wanted.get("shuffle")), int(wanted.get("seed", 7))
    return service.mailer.replay(chosen, copies=copies, shuffle=shuffle, seed=seed)


async def release(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    rules = service.world.settings.webhooks
    order, copies = wanted.get("order", rules.order), int(wanted.get("copies", rules.copies))
    return service.mailer.release(order=order, copies=copies, batch=int(wanted.get("batch", rules.batch)))


async def raw_webhook(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    account = service.world.accounts[str(wanted["account"])]
    service.announce(account, str(wanted["field"]), wanted["value"])
    return {"ok": True}


async def handshake(service: Service, request: web.Request) -> Json:
    account = service.world.accounts[str((await read(request))["account"])]
    return await service.mailer.handshake(account)


async def set_template(service: Service, request: web.Request) -> Json:
    service.set_template(service.world.templates[request.match_info["id"]], await read(request))
    return {"ok": True}


async def set_number(service: Service, request: web.Request) -> Json:
    service.set_number(_number(service, request.match_info["id"]), await read(request))
    return {"ok": True}


async def media(request: web.Request) -> web.StreamResponse:
    """A file for the page, which has no bearer token."""
    found = request.app[SERVICE].media.find(request.match_info["id"])
    if found is None:
        return reply({"error": "no such media"}, 404)
    headers = {"Content-Type": found.mime_type, "Content-Security-Policy": "sandbox", "Cache-Control": "max-age=3600"}
    return web.Response(body=found.data, headers=headers)


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events for the page: which chats have changed."""
    service = request.app[SERVICE]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    queue = service.live.subscribe()
    try:
        await response.write(b"retry: 1000\n\n")
        while True:
            try:
                changed = await asyncio.wait_for(queue.get(), timeout=15)
                await response.write(b"data: " + orjson.dumps(changed) + b"\n\n")
            except TimeoutError:
                await response.write(b": still here\n\n")
    except ConnectionResetError:
        return response
    finally:
        service.live.unsubscribe(queue)


@web.middleware
async def loopback_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The admin endpoints hold secrets and can break everything: they answer this machine only."""
    if request.remote not in ("127.0.0.1", "::1", None):
        return reply({"error": "admin endpoints answer on loopback only"}, 403)
    return await handler(request)


def routes() -> list[web.RouteDef]:
    """Every admin route, relative to /_sandbox."""
    return [
        web.get("/healthz", route(healthz)),
        web.post("/configure", route(configure)),
        web.get("/state", route(state)),
        web.post("/reset", route(reset)),
        web.post("/clock", route(clock)),
        web.get("/received", route(received)),
        web.delete("/received", route(forget_received)),
        web.get("/summary", route(summary)),
        web.delete("/summary", route(forget_received)),
        web.get("/chats", route(chats)),
        web.get("/customers/{who}/messages", route(chat)),
        web.post("/customers/{who}/messages", route(write)),
        web.post("/customers/{who}/read", route(open_chat)),
        web.post("/customers/{who}/calls", route(ring)),
        web.post("/numbers/{id}/echoes", route(echo)),
        web.post("/numbers/{id}/history", route(history)),
        web.post("/messages/{wamid}/status", route(statuses)),
        web.get("/faults", route(list_faults)),
        web.post("/faults", route(add_fault)),
        web.delete("/faults", route(remove_faults)),
        web.delete("/faults/{id}", route(remove_faults)),
        web.get("/webhooks", route(webhooks)),
        web.post("/webhooks/replay", route(replay)),
        web.post("/webhooks/release", route(release)),
        web.post("/webhooks/raw", route(raw_webhook)),
        web.post("/webhooks/handshake", route(handshake)),
        web.post("/templates/{id}", route(set_template)),
        web.post("/numbers/{id}", route(set_number)),
        web.get("/media/{id}", media),
        web.get("/events", events),
    ]
