"""The endpoints under /_sandbox/sheets: accounts, spreadsheets, the people who edit them, faults, and the record."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.workbook import inventory, layout

from . import a1, cells, drive, faults, metadata, people
from .book import File
from .door import SERVICE
from .errors import GoogleError
from .grid import COLUMNS, ROWS, Formula, Tab
from .quotas import Limits
from .service import Service

Json = dict[str, Any]

MOST = 1000
MOST_WORKBOOK_ROWS = 200_000


class BadRequest(Exception):
    """An admin request that nothing can be done with."""


class Unknown(Exception):
    """Something that is not there."""


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
            return reply(await handler(request.config_dict[SERVICE], request))
        except Unknown as error:
            return reply({"error": str(error)}, 404)
        except (BadRequest, GoogleError, ValueError, TypeError, LookupError, AttributeError) as error:
            return reply({"error": f"{type(error).__name__}: {error}"}, 400)

    return answer


def _file(service: Service, request: web.Request) -> File:
    found = service.files.get(request.match_info["id"])
    if found is None:
        raise Unknown(f"no spreadsheet {request.match_info['id']}")
    return found


async def add_account(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    account = service.accounts.make(str(wanted.get("email") or ""), str(wanted.get("project") or ""))
    return await asyncio.to_thread(service.accounts.key, account)


async def list_accounts(service: Service, request: web.Request) -> Json:
    now = service.now()
    return {
        "accounts": [
            {**each, "left": service.quotas.left(service.accounts.known[each["email"]], now)}
            for each in service.accounts.shown(now)
        ]
    }


async def revoke(service: Service, request: web.Request) -> Json:
    account = service.accounts.known.get(request.match_info["email"])
    if account is None:
        raise Unknown(f"no account {request.match_info['email']}")
    account.revoked = request.match_info["what"] == "revoke"
    return {"email": account.email, "revoked": account.revoked}


async def expire(service: Service, request: web.Request) -> Json:
    """End every token that is about, as if its hour were over."""
    count = len(service.accounts.tokens)
    service.accounts.tokens.clear()
    return {"expired": count}


async def configure(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    if unknown := set(wanted) - {"quota", "public_url"}:
        raise BadRequest(f"unknown: {', '.join(unknown)}; known: quota, public_url")
    if "quota" in wanted:
        given = wanted["quota"]
        off = dict.fromkeys((each.name for each in dataclasses.fields(Limits)), None)
        service.quotas.limits = Limits(**off) if given is None else Limits(**given)
        service.quotas.forget()
    if wanted.get("public_url"):
        service.accounts.token_uri = f"{str(wanted['public_url']).rstrip('/')}/token"
    return {"quota": dataclasses.asdict(service.quotas.limits), "token_uri": service.accounts.token_uri}


async def add_spreadsheet(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    known = {"id", "title", "tabs", "shared_with", "workbook", "owner", "locale", "time_zone"}
    if unknown := set(wanted) - known:
        raise BadRequest(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    tabs = list(wanted.get("tabs") or [])
    if book := wanted.get("workbook"):
        tabs.append(await asyncio.to_thread(_workbook, book))
    file = service.create(
        str(wanted.get("title") or "Inventory"),
        owner=str(wanted.get("owner") or "office@sandbox.example"),
        file_id=str(wanted.get("id") or ""),
        tabs=tabs or None,
        locale=str(wanted.get("locale") or "en_US"),
        time_zone=str(wanted.get("time_zone") or "Asia/Dubai"),
    )
    for email, role in (wanted.get("shared_with") or {}).items():
        people.edit(service, file, [{"op": "share", "email": email, "role": role}])
    return {
        "id": file.id,
        "url": f"https://docs.google.com/spreadsheets/d/{file.id}/edit",
        "page": f"{service.public_url}/sheets/{file.id}",
        "tabs": [{"id": each.sheet_id, "title": each.title} for each in file.content.tabs],
    }


def _workbook(wanted: Json) -> Json:
    """A tab filled by the generator of dirty workbooks."""
    if unknown := set(wanted) - {"rows", "seed", "layout", "title"}:
        raise BadRequest(f"unknown: {', '.join(unknown)}; known: rows, seed, layout, title")
    rows, names = int(wanted.get("rows", 200)), layout.LAYOUTS[str(wanted.get("layout", "master"))]
    if not 1 <= rows <= MOST_WORKBOOK_ROWS:
        raise BadRequest(f"rows from 1 to {MOST_WORKBOOK_ROWS}")
    book = inventory.build(rows, int(wanted.get("seed", 7)))
    lines: list[list[object]] = [list(names.values())]
    lines += [[row.cells[name] for name in names] for row in book]
    return {"title": wanted.get("title", "Sheet1"), "rows": lines}


async def list_spreadsheets(service: Service, request: web.Request) -> Json:
    return {"spreadsheets": [_summary(each) for each in service.files.values()]}


def _summary(file: File) -> Json:
    return {
        "id": file.id,
        "title": file.content.title,
        "deleted": file.deleted,
        "version": file.version,
        "modified": drive.moment(file.modified),
        "shared_with": file.roles,
        "tabs": [_outline(each) for each in file.content.tabs],
    }


def _outline(tab: Tab) -> Json:
    return {
        "id": tab.sheet_id,
        "title": tab.title,
        "rows": tab.row_count,
        "columns": tab.column_count,
        "hidden": tab.is_hidden,
        "hidden_columns": [a1.column_letters(each) for each in sorted(tab.hidden[COLUMNS])],
        "hidden_rows": [each + 1 for each in sorted(tab.hidden[ROWS])],
    }


async def show(service: Service, request: web.Request) -> Json:
    """The whole state. `values` are as shown; formulas are listed by cell; `?values=raw` gives typed ones."""
    file = _file(service, request)
    content = file.content
    render = cells.UNFORMATTED if request.query.get("values") == "raw" else cells.FORMATTED
    shown = _summary(file)
    for each, tab in zip(shown["tabs"], content.tabs, strict=True):
        each["values"] = cells.matrix(content, tab, tab.box(a1.WHOLE), render, cells.SERIAL)
        each["formulas"] = {
            a1.cell(row, column): value.text
            for row, line in enumerate(tab.rows)
            for column, value in enumerate(line.cells)
            if isinstance(value, Formula)
        }
    shown["metadata"] = [metadata.shown(content, each) for each in content.metadata.values()]
    since = int(request.query.get("since", 0))
    shown["log"] = [each for each in file.log if each["version"] > since]
    return shown


async def window(service: Service, request: web.Request) -> Json:
    """A part of one tab for the page: what cells show, what was typed, who changed them last."""
    file, query = _file(service, request), request.query
    content = file.content
    if query.get("version") == str(file.version):
        return {"unchanged": True}
    tab = content.tab(int(query["tab"])) if query.get("tab") else content.tabs[0]
    if tab is None:
        raise Unknown("no such tab")
    top, count = int(query.get("from", 1)) - 1, min(int(query.get("rows", 200)), MOST)
    bottom = min(top + count, tab.row_count)
    right = min(tab.column_count, 200)
    lines = []
    for row in range(top, bottom):
        line = tab.row(row)
        shown = [cells.rendered(content, tab, row, column, cells.FORMATTED, cells.SERIAL) for column in range(right)]
        while shown and shown[-1] == "":
            shown.pop()
        marks = {str(column): [each.who, each.at] for column, each in (line.marks or {}).items()}
        typed = {str(column): each.text for column, each in enumerate(line.cells) if isinstance(each, Formula)}
        numeric = [
            column
            for column, each in enumerate(line.cells)
            if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        lines.append({"shown": shown, "marks": marks, "typed": typed, "numbers": numeric})
    return {
        **_summary(file),
        "tab": tab.sheet_id,
        "from": top + 1,
        "width": min(tab.used().right, right),
        "lines": lines,
        "log": file.log[-20:],
        "now": service.now(),
    }


async def edit(service: Service, request: web.Request) -> Json:
    wanted = await read(request)
    ops = wanted.get("ops") or [{key: each for key, each in wanted.items() if key != "by"}]
    return people.edit(service, _file(service, request), ops, str(wanted.get("by") or ""))


async def remove_spreadsheet(service: Service, request: web.Request) -> Json:
    del service.files[_file(service, request).id]
    return {"ok": True}


async def list_faults(service: Service, request: web.Request) -> Json:
    return {"faults": [each.shown() for each in service.faults.active], "kinds": faults.describe()}


async def add_fault(service: Service, request: web.Request) -> Json:
    return service.faults.add(await read(request), service.now()).shown()


async def remove_faults(service: Service, request: web.Request) -> Json:
    fault_id = request.match_info.get("fault")
    return {"removed": service.faults.remove(None if fault_id is None else int(fault_id))}


async def received(service: Service, request: web.Request) -> Json:
    query = request.query
    since = int(query.get("since", 0))
    entries = service.journal.select(
        since=since,
        limit=int(query.get("limit", MOST)),
        place=query.get("where", ""),
        spreadsheet=query.get("spreadsheet", ""),
    )
    return {"received": [each.shown() for each in entries], "next": entries[-1].seq if entries else since}


async def summary(service: Service, request: web.Request) -> Json:
    return {
        **service.journal.summary(),
        "over_quota": service.quotas.refused,
        "spreadsheets": len(service.files),
        "accounts": len(service.accounts.known),
    }


async def forget(service: Service, request: web.Request) -> Json:
    service.journal.forget()
    return {"ok": True}


async def reset(service: Service, request: web.Request) -> Json:
    service.reset(everything=bool((await read(request)).get("everything", False)))
    return {"ok": True}


def routes() -> list[web.RouteDef]:
    """Every admin route, relative to /_sandbox."""
    return [
        web.get("/sheets/accounts", route(list_accounts)),
        web.post("/sheets/accounts", route(add_account)),
        web.post("/sheets/accounts/{email}/{what:revoke|restore}", route(revoke)),
        web.post("/sheets/tokens/expire", route(expire)),
        web.post("/sheets/configure", route(configure)),
        web.get("/sheets/spreadsheets", route(list_spreadsheets)),
        web.post("/sheets/spreadsheets", route(add_spreadsheet)),
        web.get("/sheets/spreadsheets/{id}", route(show)),
        web.delete("/sheets/spreadsheets/{id}", route(remove_spreadsheet)),
        web.get("/sheets/spreadsheets/{id}/window", route(window)),
        web.post("/sheets/spreadsheets/{id}/people", route(edit)),
        web.get("/sheets/faults", route(list_faults)),
        web.post("/sheets/faults", route(add_fault)),
        web.delete("/sheets/faults", route(remove_faults)),
        web.delete("/sheets/faults/{fault}", route(remove_faults)),
        web.get("/sheets/received", route(received)),
        web.get("/sheets/summary", route(summary)),
        web.delete("/sheets/received", route(forget)),
        web.delete("/sheets/summary", route(forget)),
        web.post("/sheets/reset", route(reset)),
    ]
