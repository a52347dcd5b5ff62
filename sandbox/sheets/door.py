"""Google's door: tokens, who may, quotas, faults, and the record."""

import asyncio
import gzip
import logging
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson
from aiohttp import web

from sandbox.lines import JSON, broken, page

from . import describe, operations, people
from .accounts import DRIVE_SCOPES, READ_SCOPES, WRITE_SCOPES
from .errors import GoogleError, TokenError, invalid
from .faults import WRONG_JSON, Fault, answered, error_of, token_error_of
from .journal import Entry
from .service import Service

Json = dict[str, Any]

log = logging.getLogger(__name__)

SERVICE = web.AppKey("sheets", Service)
WORTH_ZIPPING = 1024
KEPT_BODIES = 12


async def handle(request: web.Request) -> web.StreamResponse:
    """Everything under /v4/spreadsheets and /drive/v3/files."""
    service = request.app[SERVICE]
    path, _, query_text = request.raw_path.partition("?")
    operation, place, file_id, rest = operations.operation_of(request.method, path)
    entry = service.journal.begin(
        at=service.now(),
        method=request.method,
        path=unquote(path) + (f"?{unquote(query_text)}" if query_text else ""),
        place=place,
        operation=operation or "unknown",
        spreadsheet=file_id,
    )
    parsed = parse_qs(query_text, keep_blank_values=True)
    query: Json = {name: given[-1] for name, given in parsed.items()}
    query["ranges"] = parsed.get("ranges", [])
    call = operations.Call(service, entry, query, rest)
    entry.body = await request.read()
    is_drive = path.startswith("/drive/")
    spoiler: Fault | None = None
    headers: dict[str, str] = {}
    status, body = 200, b""
    try:
        if not operation:
            return _finish_plain(service, entry, web.Response(status=404, text="Not Found"))
        _authorise(call, request, is_drive=is_drive)
        entry.account = call.account.email
        spoiler, helpers = service.faults.strike(place, file_id, entry.account, entry.path, service.now())
        entry.fault = spoiler.kind if spoiler is not None else helpers[0].kind if helpers else None
        _let_edit(service, file_id, helpers, "before")
        if spoiler is None or spoiler.taken:
            status, body, headers = await _answered(call, is_drive=is_drive, zipped=_takes_gzip(request))
            entry.taken = True
            _let_edit(service, file_id, helpers, "after")
        elif spoiler.kind in ("slow", "drip"):
            raise GoogleError(503)
        else:
            body = WRONG_JSON  # what a broken line shows of an answer that there never was
        if spoiler is not None and spoiler.kind == "error":
            raise error_of(spoiler, place)
    except GoogleError as error:
        status, headers = error.code, error.headers
        envelope = error.drive_envelope() if is_drive and error.code not in (401, 429) else error.envelope()
        body, entry.message = orjson.dumps(envelope), error.message
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        # A string where an object belongs, and the like: Google has a message for each, a client needs the code.
        log.info("malformed request %s", entry.path, exc_info=True)
        status, body = 400, orjson.dumps(invalid(f"Invalid JSON payload received. {error}").envelope())
        entry.message = str(error)
    return await _finish(request, service, entry, spoiler, status, body, headers)


async def token(request: web.Request) -> web.StreamResponse:
    """POST /token: a signed assertion for a bearer token."""
    service = request.app[SERVICE]
    entry = service.journal.begin(
        at=service.now(), method=request.method, path="/token", place="token", operation="token"
    )
    form = dict(parse_qsl((await request.read()).decode(errors="replace")))
    spoiler: Fault | None = None
    try:
        spoiler, _ = service.faults.strike("token", "", "", entry.path, service.now())
        entry.fault = spoiler.kind if spoiler else None
        if spoiler is not None and spoiler.kind == "error":
            raise token_error_of(spoiler)
        grant = service.accounts.exchange(form.get("grant_type", ""), form.get("assertion", ""), service.now())
        entry.account = service.accounts.tokens[grant["access_token"]].account.email
        status, body, entry.taken = 200, orjson.dumps(grant), True
    except TokenError as error:
        status, body, entry.message = error.status, orjson.dumps(error.body), str(error)
    return await _finish(request, service, entry, spoiler, status, body, {})


def _finish_plain(service: Service, entry: Entry, response: web.Response) -> web.Response:
    entry.status = response.status
    service.journal.add(entry)
    return response


async def _finish(
    request: web.Request,
    service: Service,
    entry: Entry,
    spoiler: Fault | None,
    status: int,
    body: bytes,
    headers: dict[str, str],
) -> web.StreamResponse:
    """Record the answer, then give it, or what the fault makes of it."""
    entry.status, entry.size = status, len(body)
    spoils = spoiler is not None and spoiler.kind != "error"
    if spoiler is not None and spoils:
        entry.status = answered(spoiler, status)
    service.journal.add(entry)
    if spoiler is not None and spoils:
        if spoiler.kind == "http":
            return page(spoiler.status, spoiler.retry_after)
        if headers.get("Content-Encoding"):
            body = gzip.decompress(body)
        wrong = WRONG_JSON if spoiler.kind == "wrong_json" and status == 200 else body
        return await broken(spoiler.kind, request, status=status, answer=wrong, delay=spoiler.delay)
    return web.Response(
        status=status,
        body=body,
        headers={"Content-Type": f"{JSON}; charset=UTF-8", "Cache-Control": "private", "Vary": "Accept-Encoding"}
        | headers,
    )


def _takes_gzip(request: web.Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _let_edit(service: Service, file_id: str, helpers: list[Fault], when: str) -> None:
    """What other people do just now. An edit that cannot be done is told in the list of faults."""
    for each in helpers:
        if each.when != when:
            continue
        file = service.files.get(each.spreadsheet or file_id)
        try:
            if file is None:
                raise ValueError("no such spreadsheet")
            people.edit(service, file, each.ops, each.by)
        except (GoogleError, ValueError, KeyError, TypeError) as error:
            each.failed = f"{type(error).__name__}: {error}"


def _authorise(call: operations.Call, request: web.Request, *, is_drive: bool) -> None:
    """Who calls, with a token for such a thing, and within the minute's quota."""
    header = request.headers.get("Authorization", "")
    if not header and call.query.get("key") and call.place != "write":
        call.account = operations.ANONYMOUS
    else:
        bearer = call.service.accounts.bearer(
            header[7:].strip() if header[:7].lower() == "bearer " else "", call.service.now()
        )
        call.account = bearer.account
        wanted = DRIVE_SCOPES if is_drive else WRITE_SCOPES if call.place == "write" else READ_SCOPES
        if not bearer.allows(wanted):
            raise GoogleError(
                403,
                "Request had insufficient authentication scopes.",
                details=[
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                        "domain": "googleapis.com",
                    }
                ],
                reason="insufficientPermissions",
            )
    if not is_drive:
        call.service.quotas.spend(call.account, "write" if call.place == "write" else "read", call.service.now())


async def _answered(call: operations.Call, *, is_drive: bool, zipped: bool) -> tuple[int, bytes, dict[str, str]]:
    """The body of the answer. Reads are kept as long as nobody writes."""
    if call.entry.body and call.operation not in ("values.clear",):
        try:
            call.body = orjson.loads(call.entry.body)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid JSON payload received. {error}") from None
        if not isinstance(call.body, dict):
            raise invalid("Invalid JSON payload received. Root element must be a message.")
    if is_drive:
        return operations.at_drive(call)
    if call.operation == "create":
        return 200, orjson.dumps(_masked(call, operations.create(call))), {}
    if call.place == "write":
        return 200, orjson.dumps(_masked(call, operations.write(call))), {}
    file = call.file(1)
    key, kept = (call.entry.path, call.entry.body, call.account.project, zipped), file.bodies
    body = kept.get(key)
    if body is None:
        body = orjson.dumps(_masked(call, operations.READS[call.operation](call, file)))
        if zipped and len(body) >= WORTH_ZIPPING:
            body = await asyncio.to_thread(_zip, body)  # a large sheet takes a while, and others wait
        if len(kept) >= KEPT_BODIES:
            kept.pop(next(iter(kept)))
        kept[key] = body
    return 200, body, {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}


def _masked(call: operations.Call, answer: Json) -> Json:
    """The part of an answer that `fields` asks for."""
    fields = call.query.get("fields")
    return describe.cut(answer, describe.parse_mask(fields)) if fields else answer


def _zip(plain: bytes) -> bytes:
    return gzip.compress(plain, compresslevel=1, mtime=0)


def routes() -> list[web.RouteDef]:
    """The paths that are Google's."""
    return [
        web.post("/token", token),
        web.route("*", "/v4/spreadsheets", handle),
        web.route("*", "/v4/spreadsheets/{rest:.*}", handle),
        web.route("*", "/drive/v3/files", handle),
        web.route("*", "/drive/v3/files/{rest:.*}", handle),
    ]
