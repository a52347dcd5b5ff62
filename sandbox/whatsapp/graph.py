"""The Graph API's door: authorisation, routing by the shape of the path, the record, and faults."""

import logging
import re
from typing import Any

import orjson
from aiohttp import web

from . import faults, ids, management
from .errors import GraphError, UnknownObject, invalid
from .journal import Entry
from .media import Media
from .service import Service
from .world import Json, Number

JSON = "application/json"
SECRETS_IN_QUERY = re.compile(r"(access_token|input_token)=[^&]*")

log = logging.getLogger(__name__)


class Call:
    """One request on its way through the API."""

    __slots__ = ("_json", "body", "edge", "entry", "node", "request", "service", "token")

    def __init__(self, service: Service, request: web.Request, node: str, edge: str, token: str) -> None:
        self.service = service
        self.request = request
        self.node = node
        self.edge = edge
        self.token = token
        self.body = b""
        self.entry: Entry | None = None
        self._json: Json | None = None

    def json(self) -> Json:
        """The body as an object, parsed once. Meta also takes forms; those are read as flat objects."""
        if self._json is None:
            try:
                parsed = orjson.loads(self.body) if self.body else {}
            except orjson.JSONDecodeError:
                raise invalid("Invalid parameter", "The request body is not valid JSON.") from None
            if not isinstance(parsed, dict):
                raise invalid("Invalid parameter", "The request body must be a JSON object.")
            self._json = parsed
        return self._json

    def query(self, name: str, default: str = "") -> str:
        """One query parameter."""
        return str(self.request.query.get(name, default))

    def fields(self) -> list[str]:
        """The `fields` parameter as a list."""
        return [each for each in self.query("fields").split(",") if each]

    def number(self) -> Number:
        """The business number that the path names, if this token may use it."""
        number = self.service.world.numbers.get(self.node)
        if number is None or not number.account.admits(self.token):
            raise UnknownObject(self.node, self.request.method.lower())
        return number


async def handle(request: web.Request) -> web.StreamResponse:
    """Everything under /<version>/: record it, strike it with a fault if one is on, or answer it."""
    service: Service = request.app[SERVICE]
    parts = request.path.split("/")
    node, edge = (parts[2] if len(parts) > 2 else ""), "/".join(parts[3:])
    call = Call(service, request, node, edge, _token(request))
    call.entry = entry = _entry(service, request, edge or "object", node)
    # Uploads are read by their endpoint, piece by piece; everything else is small.
    if request.content_type != "multipart/form-data":
        call.body = entry.body = await request.read()
    headers = {"x-fb-request-id": entry.id}
    fault = None
    try:
        _address(call, entry)
        fault = _strike(service, entry)
        status, answer = (200, orjson.dumps(await _answer(call))) if fault is None or fault.accept else (503, b"")
        if fault is not None and fault.accept:
            _fail_later(service, entry, fault)
    except GraphError as error:
        status, answer = error.status, orjson.dumps(error.envelope(entry.id))
        entry.code = error.code
        headers |= error.headers
    return await _finish(
        service, request, entry, fault, web.Response(status=status, body=answer, content_type=JSON, headers=headers)
    )


async def attachment(request: web.Request) -> web.StreamResponse:
    """The bytes behind a media URL. The bearer token is needed here too; the URL dies after five minutes."""
    service: Service = request.app[SERVICE]
    entry = _entry(service, request, "attachment", "")
    media = service.media.by_url(dict(request.query))
    entry.number_id = media.number_id if media else ""
    fault = None
    try:
        fault = _strike(service, entry)
        if not _known_token(service, _token(request)):
            response = web.Response(status=401, text="Unauthorized")
        elif media is None:
            response = web.Response(status=404, text="URL signature expired")
        else:
            response = _part(request, media)
    except GraphError as error:
        response = web.Response(status=error.status, text=error.message)
        entry.code = error.code
    return await _finish(service, request, entry, fault, response)


def _part(request: web.Request, media: Media) -> web.Response:
    """The whole file, or the range that was asked for."""
    whole, headers = len(media.data), {"Content-Type": media.mime_type, "Accept-Ranges": "bytes"}
    try:
        part = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{whole}"})
    if part.start is None and part.stop is None:
        return web.Response(body=media.data, headers=headers)
    first, last, _ = part.indices(whole)
    if first >= last:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{whole}"})
    headers["Content-Range"] = f"bytes {first}-{last - 1}/{whole}"
    return web.Response(status=206, body=media.data[first:last], headers=headers)


def _entry(service: Service, request: web.Request, kind: str, node: str) -> Entry:
    path = request.path_qs
    return Entry(
        seq=service.journal.next_seq(),
        id=ids.trace_id(),
        at=service.world.now(),
        kind=kind,
        method=request.method,
        path=SECRETS_IN_QUERY.sub(r"\1=***", path) if "token=" in path else path,
        headers=request.raw_headers,
        body=b"",
        number_id=node if node in service.world.numbers else "",
    )


def _strike(service: Service, entry: Entry) -> faults.Fault | None:
    """The fault that hits this request. One that is a refusal and nothing else is raised at once."""
    if not service.faults.active:
        return None
    fault = service.faults.find(_place(service, entry), entry.number_id, entry.to, service.world.now())
    if fault is None:
        return None
    entry.fault = fault.kind
    if not fault.accept and (error := faults.error_of(fault)) is not None:
        raise error
    return fault


async def _finish(
    service: Service, request: web.Request, entry: Entry, fault: faults.Fault | None, response: web.Response
) -> web.StreamResponse:
    """Record the answer, then give it, or what the fault makes of it."""
    body = response.body if isinstance(response.body, bytes) else b""
    entry.status, entry.answer = response.status, b"" if entry.kind == "attachment" else body
    spoiled = fault is not None and faults.error_of(fault) is None
    if fault is not None and spoiled:
        entry.status = faults.answered(fault, response.status)
    service.journal.add(entry)
    return await faults.spoil(fault, request, response.status, body) if fault is not None and spoiled else response


async def _answer(call: Call) -> Json:
    _authorise(call)
    try:
        if call.edge == "messages" and call.request.method == "POST":
            return _messages(call)
        return await management.answer(call)
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        # A string where an object belongs, and the like: Meta has a message for each, a client only needs the code.
        log.info("malformed request %s", call.request.path, exc_info=True)
        raise invalid("Invalid parameter", f"The request is malformed: {error}") from None


def _messages(call: Call) -> Json:
    number, request, entry = call.number(), call.json(), call.entry
    if request.get("status") is not None:
        return call.service.sender.mark_read(number, request)
    answer, message = call.service.sender.accept(number, request)
    if entry is not None:
        entry.accepted, entry.callback_data = message.id, message.callback_data
    return answer


def _address(call: Call, entry: Entry) -> None:
    """Note whom a message is for before anything can refuse it."""
    if call.edge != "messages" or call.request.method != "POST":
        return
    request = call.json()
    if request.get("status") is not None:
        entry.kind = "read"
        return
    to: Any = request.get("to") or request.get("recipient") or ""
    entry.to = ids.bare(str(to))
    callback_data = request.get("biz_opaque_callback_data")
    entry.callback_data = None if callback_data is None else str(callback_data)


def _place(service: Service, entry: Entry) -> str:
    if entry.kind in ("messages", "read"):
        return "messages"
    if entry.kind in ("media", "attachment") or service.media.find(entry.path.split("?")[0].rsplit("/", 1)[-1]):
        return "media"
    return "templates" if entry.kind == "message_templates" else "graph"


def _fail_later(service: Service, entry: Entry, fault: faults.Fault) -> None:
    if fault.kind == "error" and entry.accepted is not None:
        message = service.world.messages[entry.accepted]
        service.agenda.after(service.world.settings.pace.sent, service.ladder.advance, message, "failed", fault.code)


def _token(request: web.Request) -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() in ("bearer", "oauth"):  # the second where bytes of a resumable upload come
        return str(token.strip())
    return str(request.query.get("access_token", "")) if "access_token" in request.query_string else ""


def _authorise(call: Call) -> None:
    if not call.token:
        raise GraphError(190, message="An access token is required to request this resource.", subcode=None)
    if not _known_token(call.service, call.token):
        raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token", subcode=None)


def _known_token(service: Service, token: str) -> bool:
    return bool(token) and any(each.admits(token) for each in service.world.accounts.values())


SERVICE = web.AppKey("service", Service)
