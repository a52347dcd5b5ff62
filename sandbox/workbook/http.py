"""Generated workbooks over HTTP, for demos and tests that want a file to upload."""

import asyncio
import io
import json

from aiohttp import web

from . import layout, writing
from .inventory import build
from .truth import truth

MOST_ROWS = 200_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def routes() -> list[web.RouteDef]:
    """Routes relative to /_sandbox: workbook.xlsx, workbook.csv, workbook.json (its truth), workbook.phones.csv."""
    return [web.get("/workbook.{kind}", _workbook)]


async def _workbook(request: web.Request) -> web.Response:
    kind = request.match_info["kind"]
    try:
        rows, seed = int(request.query.get("rows", layout.MEASURED_ROWS)), int(request.query.get("seed", 7))
    except ValueError:
        return web.json_response({"error": "rows and seed are numbers"}, status=400)
    columns = request.query.get("layout", "master")
    if columns not in layout.LAYOUTS or not 1 <= rows <= MOST_ROWS or kind not in ("xlsx", "csv", "json", "phones.csv"):
        problem = f"rows from 1 to {MOST_ROWS}; layout one of {', '.join(layout.LAYOUTS)}; .xlsx .csv .json .phones.csv"
        return web.json_response({"error": problem}, status=400)
    # In a thread: a large book takes seconds, and webhooks must not wait for it.
    data, content_type = await asyncio.to_thread(_file, kind, rows, seed, columns)
    name = f"inventory-{columns}-{rows}-{seed}.{kind}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=data, content_type=content_type, headers=disposition)


def _file(kind: str, rows: int, seed: int, columns: str) -> tuple[bytes, str]:
    book = build(rows, seed)
    if kind == "xlsx":
        return writing.xlsx(book, columns), XLSX
    if kind == "json":
        return json.dumps(truth(book, seed=seed, columns=columns), ensure_ascii=False).encode(), "application/json"
    text = io.StringIO()
    if kind == "csv":
        writing.write_csv(book, text, columns)
    else:
        writing.write_phone_cells(book, text)
    return text.getvalue().encode(), "text/csv"
