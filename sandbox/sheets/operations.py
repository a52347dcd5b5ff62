"""Google's operations: which one a path means, and what carries it out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import orjson

from . import a1, describe, drive, metadata, requests, structure, values
from .accounts import Account
from .book import File
from .errors import GoogleError
from .journal import Entry
from .service import Service

Json = dict[str, Any]

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


def write(call: Call) -> Json:
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


def create(call: Call) -> Json:
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


def at_drive(call: Call) -> tuple[int, bytes, dict[str, str]]:
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
