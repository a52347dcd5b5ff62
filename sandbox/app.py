"""The sandbox as one web application: Meta's and Google's APIs for clients, /_sandbox for this machine, pages for people."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import understanding
from .sheets import admin as sheets_admin
from .sheets import door as sheets
from .sheets.service import Service as Google
from .whatsapp import admin, graph
from .whatsapp.service import Service
from .workbook import http as workbook

PAGE = Path(__file__).parent / "page"
SHEETS_PAGE = Path(__file__).parent / "sheets" / "page"
LARGEST_BODY = 128 * 1024 * 1024


def build(public_url: str) -> web.Application:
    """The application. `public_url` is how clients reach it: media and paging links are made from it."""
    app = web.Application(client_max_size=LARGEST_BODY)
    service = Service(public_url.rstrip("/"))
    app[graph.SERVICE] = service
    app[sheets.SERVICE] = Google(public_url.rstrip("/"), service.world.now)
    app.cleanup_ctx.append(_mailer)
    inside = web.Application(middlewares=[admin.loopback_only], client_max_size=LARGEST_BODY)
    inside[graph.SERVICE] = service
    app[understanding.MODEL] = inside[understanding.MODEL] = understanding.Model()
    app.router.add_post("/understanding", understanding.read)
    inside.router.add_get("/understanding", understanding.show)
    inside.router.add_post("/understanding", understanding.change)
    inside.add_routes(admin.routes())
    inside.add_routes(workbook.routes())
    inside.add_routes(sheets_admin.routes())
    inside.router.add_static("/page/", PAGE)
    inside.router.add_static("/sheets/page/", SHEETS_PAGE)
    app.add_subapp("/_sandbox", inside)
    app.router.add_get("/", _page)
    app.router.add_get("/whatsapp_business/attachments/", graph.attachment)
    app.add_routes(sheets.routes())
    app.router.add_get("/sheets", _sheet)
    app.router.add_get("/sheets/{id:.*}", _sheet)
    # One catch-all: the versions and ids of Graph paths are told apart by splitting, not by matching patterns.
    app.router.add_route("*", "/{path:.+}", graph.handle)
    return app


async def _mailer(app: web.Application) -> AsyncIterator[None]:
    service = app[graph.SERVICE]
    await service.mailer.start()
    yield
    service.agenda.forget()
    await service.mailer.stop()


async def _page(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-store"})


async def _sheet(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(SHEETS_PAGE / "index.html", headers={"Cache-Control": "no-store"})
