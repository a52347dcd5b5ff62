"""Google's door: tokens, who may, quotas, faults, the record, and which operation a path means."""

import asyncio
import gzip
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson
from aiohttp import web

from sandbox.lines import JSON, broken, page

from . import a1, describe, drive, metadata, people, requests, structure, values
from .accounts import DRIVE_SCOPES, READ_SCOPES, WRITE_SCOPES, Account
from .book import File
from .errors import GoogleError, TokenError, invalid
from .faults import WRONG_JSON, Fault, answered, error_of, token_error_of
from .journal import Entry
from .service import Service

Json = dict[str, Any]

log = logging.getLogger(__name__)

SERVICE = web.AppKey("sheets", Service)
WORTH_ZIPPING = 1024
KEPT_BODIES = 12
ANONYMOUS = Account("anyone with the link", "anonymous", "0")


class Call:
    """One request: the operation that its path means, and what came with it."""

    __slots__ = ("account", "body", "entry", "file_id", "operation", "place", "query", "rest", "service")

    def __init__(self, service: Service, entry: Entry, query: Json, rest: str) -> None:
        self.service = service
        self.entry = entry
        self.operation = entry.operation
        self.place = entry.place
        self.file_id = entry.spreadsheet
        self.query = query
        self.rest = rest
        self.body: Json = {}
        self.account = ANONYMOUS

    def file(self, least: int) -> File:
        """The spreadsheet, if this account may do as much with it."""
        file = self.service.file(self.file_id)
        if file.role(self.account.email) < least:
            raise GoogleError(403)
        return file


# What follows the id, the method, what it is called, and whether it reads, writes or looks.
OPERATIONS = (
    ("GET", "", "get", "meta"),
    ("POST", ":batchUpdate", "batchUpdate", "write"),
    ("POST", ":getByDataFilter", "getByDataFilter", "meta"),
    ("GET", "/values:batchGet", "values.batchGet", "read"),
    ("POST", "/values:batchGetByDataFilter", "values.batchGetByDataFilter", "read"),
    ("POST", "/values:batchUpdate", "values.batchUpdate", "write"),
    ("POST", "/values:batchUpdateByDataFilter", "values.batchUpdateByDataFilter", "write"),
    ("POST", "/values:batchClear", "values.batchClear", "write"),
    ("POST", "/values:batchClearByDataFilter", "values.batchClearByDataFilter", "write"),
    ("POST", "/developerMetadata:search", "developerMetadata.search", "meta"),
)


def operation_of(method: str, path: str) -> tuple[str, str, str, str]:
    """The operation, its place, the file id and what is left of a raw path (a range, an id)."""
    if path.startswith("/drive/v3/files"):
        return _drive_operation(method, path[len("/drive/v3/files") :].strip("/"))
    rest = path.removeprefix("/v4/spreadsheets").removeprefix("/")
    if not rest:
        return ("create", "write", "", "") if method == "POST" else ("", "meta", "", "")
    cut = min((rest.find(mark) for mark in "/:" if mark in rest), default=len(rest))
    file_id, tail = unquote(rest[:cut]), rest[cut:]
    for wanted, ending, name, place in OPERATIONS:
        if method == wanted and tail == ending:
            return name, place, file_id, ""
    if tail.startswith("/values/"):
        text = tail[len("/values/") :]
        if method == "GET":
            return "values.get", "read", file_id, unquote(text)
        if method == "PUT":
            return "values.update", "write", file_id, unquote(text)
        for verb in (":append", ":clear"):
            if method == "POST" and text.endswith(verb):
                return f"values.{verb[1:]}", "write", file_id, unquote(text[: -len(verb)])
    if method == "GET" and tail.startswith("/developerMetadata/"):
        return "developerMetadata.get", "meta", file_id, unquote(tail.rsplit("/", 1)[1])
    if method == "POST" and tail.startswith("/sheets/") and tail.endswith(":copyTo"):
        return "sheets.copyTo", "write", file_id, unquote(tail[len("/sheets/") : -len(":copyTo")])
    return "", "meta", file_id, ""


def _drive_operation(method: str, rest: str) -> tuple[str, str, str, str]:
    file_id, _, tail = rest.partition("/")
    file_id, collection = unquote(file_id), tail.partition("/")[0]
    known = {
        ("GET", False, ""): ("files.list", "meta"),
        ("POST", False, ""): ("files.create", "write"),
        ("GET", True, ""): ("files.get", "meta"),
        ("DELETE", True, ""): ("files.delete", "write"),
        ("PATCH", True, ""): ("files.update", "write"),
        ("GET", True, "permissions"): ("permissions.list", "meta"),
        ("POST", True, "permissions"): ("permissions.create", "write"),
        ("DELETE", True, "permissions"): ("permissions.delete", "write"),
    }
    name, place = known.get((method, bool(file_id), collection), ("", "meta"))
    return name, place, file_id, unquote(tail.partition("/")[2])


async def handle(request: web.Request) -> web.StreamResponse:
    """Everything under /v4/spreadsheets and /drive/v3/files."""
    service = request.app[SERVICE]
    path, _, query_text = request.raw_path.partition("?")
    operation, place, file_id, rest = operation_of(request.method, path)
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
    call = Call(service, entry, query, rest)
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


def _authorise(call: Call, request: web.Request, *, is_drive: bool) -> None:
    """Who calls, with a token for such a thing, and within the minute's quota."""
    header = request.headers.get("Authorization", "")
    if not header and call.query.get("key") and call.place != "write":
        call.account = ANONYMOUS
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


async def _answered(call: Call, *, is_drive: bool, zipped: bool) -> tuple[int, bytes, dict[str, str]]:
    """The body of the answer. Reads are kept as long as nobody writes."""
    if call.entry.body and call.operation not in ("values.clear",):
        try:
            call.body = orjson.loads(call.entry.body)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid JSON payload received. {error}") from None
        if not isinstance(call.body, dict):
            raise invalid("Invalid JSON payload received. Root element must be a message.")
    if is_drive:
        return _drive(call)
    if call.operation == "create":
        return 200, orjson.dumps(_create(call)), {}
    if call.place == "write":
        return 200, orjson.dumps(_write(call)), {}
    file = call.file(1)
    key, kept = (call.entry.path, call.entry.body, call.account.project, zipped), file.bodies
    body = kept.get(key)
    if body is None:
        body = orjson.dumps(READS[call.operation](call, file))
        if zipped and len(body) >= WORTH_ZIPPING:
            body = await asyncio.to_thread(_zip, body)  # a large sheet takes a while, and others wait
        if len(kept) >= KEPT_BODIES:
            kept.pop(next(iter(kept)))
        kept[key] = body
    return 200, body, {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}


def _zip(plain: bytes) -> bytes:
    return gzip.compress(plain, compresslevel=1, mtime=0)


def _get(call: Call, file: File) -> Json:
    return describe.spreadsheet(
        file,
        file.content,
        grid=call.query.get("includeGridData", "").lower() == "true",
        fields=call.query.get("fields", ""),
        ranges=call.query["ranges"],
        project=call.account.project,
    )


def _get_by_filter(call: Call, file: File) -> Json:
    boxes = [
        place
        for each in call.body.get("dataFilters") or []
        for place in metadata.places(file.content, each, call.account.project)
    ]
    ranges = [a1.written(tab.title, box) for tab, box in boxes]
    return describe.spreadsheet(
        file,
        file.content,
        grid=bool(call.body.get("includeGridData")),
        fields=call.query.get("fields", ""),
        ranges=ranges,
        project=call.account.project,
    )


READS: dict[str, Callable[[Call, File], Json]] = {
    "get": _get,
    "getByDataFilter": _get_by_filter,
    "values.get": lambda call, file: values.get(file.content, call.rest, call.query),
    "values.batchGet": lambda call, file: values.batch_get(file.content, file.id, call.query["ranges"], call.query),
    "values.batchGetByDataFilter": lambda call, file: values.batch_get_by_filter(
        file.content, file.id, call.body, call.account.project
    ),
    "developerMetadata.search": lambda call, file: metadata.search(file.content, call.body, call.account.project),
    "developerMetadata.get": lambda call, file: metadata.shown(
        file.content, metadata.by_id(file.content, call.rest, call.account.project)
    ),
}


def _write(call: Call) -> Json:
    """One write: all of it, or none if it is refused."""
    file, query, body = call.file(2), call.query, call.body
    with file.change(call.account.email, call.operation, call.service.now(), call.account.project) as change:
        match call.operation:
            case "batchUpdate":
                answer: Json = {"spreadsheetId": file.id, "replies": requests.batch_update(change, body)}
                if body.get("includeSpreadsheetInResponse"):
                    answer["updatedSpreadsheet"] = describe.spreadsheet(
                        file, change.content, grid=bool(body.get("responseIncludeGridData")), fields="",
                        ranges=body.get("responseRanges") or [], project=call.account.project,
                    )  # fmt: skip
            case "values.update":
                answer = values.update(change, file.id, call.rest, body, query)
            case "values.append":
                answer = values.append(change, file.id, call.rest, body, query)
            case "values.clear":
                answer = {"spreadsheetId": file.id, "clearedRange": values.clear(change, call.rest)}
            case "values.batchUpdate":
                answer = values.batch_update(change, file.id, body)
            case "values.batchUpdateByDataFilter":
                answer = values.batch_update_by_filter(change, file.id, body)
            case "values.batchClear":
                cleared = [values.clear(change, str(each)) for each in body.get("ranges") or []]
                answer = {"spreadsheetId": file.id} | ({"clearedRanges": cleared} if cleared else {})
            case "values.batchClearByDataFilter":
                cleared = [
                    values.clear_box(change, *place)
                    for each in body.get("dataFilters") or []
                    for place in metadata.places(change.content, each, call.account.project)
                ]
                answer = {"spreadsheetId": file.id} | ({"clearedRanges": cleared} if cleared else {})
            case _:
                answer = _copy_to(call, file)
    return answer


def _copy_to(call: Call, file: File) -> Json:
    """POST sheets/ID:copyTo: a tab into another spreadsheet."""
    target = call.service.file(str(call.body.get("destinationSpreadsheetId") or ""))
    if target.role(call.account.email) < 2:
        raise GoogleError(403)
    source = metadata.sheet(file.content, int(call.rest))
    with target.change(call.account.email, "sheets.copyTo", call.service.now()) as change:
        twin = source.copy()
        fresh = structure.new_tab(change.content, {"title": f"Copy of {source.title}"})
        twin.sheet_id, twin.title = fresh.sheet_id, fresh.title
        structure.place(change.content, twin, None)
    return structure.properties(target.content, twin)


def _create(call: Call) -> Json:
    """POST spreadsheets."""
    wanted = call.body.get("properties") or {}
    file = call.service.create(
        str(wanted.get("title") or "Untitled spreadsheet"),
        owner=call.account.email,
        locale=str(wanted.get("locale") or "en_US"),
        time_zone=str(wanted.get("timeZone") or "Etc/GMT"),
    )
    if sheets := call.body.get("sheets"):
        file.content.tabs.clear()
        for each in sheets:
            tab = structure.new_tab(file.content, each.get("properties") or {})
            structure.place(file.content, tab, None)
    call.entry.spreadsheet = file.id
    return describe.spreadsheet(file, file.content, grid=False, fields="", ranges=[], project=call.account.project)


def _drive(call: Call) -> tuple[int, bytes, dict[str, str]]:
    service, email, fields = call.service, call.account.email, call.query.get("fields", "")
    match call.operation:
        case "files.list":
            return 200, orjson.dumps(drive.listed(service, email, call.query)), {}
        case "files.create":
            file = drive.create(service, email, call.body)
            call.entry.spreadsheet = file.id
            return 200, orjson.dumps(drive.masked(file, email, fields)), {}
        case "files.get":
            return 200, orjson.dumps(drive.masked(drive.find(service, call.file_id, email), email, fields)), {}
        case "files.update":
            file = drive.find(service, call.file_id, email, 2)
            with file.change(email, "files.update", service.now()) as change:
                change.content.title = str(call.body.get("name") or change.content.title)
            file.deleted = bool(call.body.get("trashed"))
            return 200, orjson.dumps(drive.masked(file, email, fields)), {}
        case "files.delete":
            drive.find(service, call.file_id, email, 3).deleted = True
            return 204, b"", {}
        case "permissions.list":
            file = drive.find(service, call.file_id, email)
            return 200, orjson.dumps({"kind": "drive#permissionList", "permissions": drive.permissions(file)}), {}
        case "permissions.create":
            return 200, orjson.dumps(drive.share(drive.find(service, call.file_id, email, 2), call.body)), {}
        case _:
            drive.unshare(drive.find(service, call.file_id, email, 2), call.rest)
            return 204, b"", {}


def routes() -> list[web.RouteDef]:
    """The paths that are Google's."""
    return [
        web.post("/token", token),
        web.route("*", "/v4/spreadsheets", handle),
        web.route("*", "/v4/spreadsheets/{rest:.*}", handle),
        web.route("*", "/drive/v3/files", handle),
        web.route("*", "/drive/v3/files/{rest:.*}", handle),
    ]
