"""`python -m sandbox --port 9100`: run the stand-ins until interrupted."""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import sys
from pathlib import Path

from aiohttp import web

from .app import build
from .whatsapp.graph import SERVICE


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--public-url", help="how clients reach it (default: http://HOST:PORT)")
    parser.add_argument("--configure", type=Path, metavar="FILE.json", help="a document for /_sandbox/configure")
    parser.add_argument("--verbose", action="store_true", help="log webhooks that were not accepted")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    if sys.platform == "win32":
        asyncio.run(serve(options))
        return
    import uvloop  # no wheel for Windows

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(options))


async def serve(options: argparse.Namespace) -> None:
    """Listen, apply the first configuration, and stay until cancelled."""
    url = options.public_url or f"http://{options.host}:{options.port}"
    app = build(url)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
    if options.configure:
        report = await app[SERVICE].configure(json.loads(options.configure.read_text()))
        print(json.dumps(report))
    print(f"sandbox ready on {url}", flush=True)
    # Long-lived records by the hundred thousand: full collections would stop the loop for nothing.
    gc.set_threshold(100_000, 50, 1_000)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    main()
