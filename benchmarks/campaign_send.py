"""How fast a campaign goes out, against what the same HTTP client can do with no database at all.

    python -m benchmarks.campaign_send [--sizes 500 5000] [--rounds 3] [--pace 80 1000] [--latency 0.1] [--rival 2000]

One run, one machine, one sandbox: the engine (rows claimed, messages written, sent, outcomes written) and a bare aiohttp
client that posts the very same bodies take turns; on request also with WhatsApp that takes its time, and against one Celery
task a message (benchmarks/campaign_rival.py). Prints JSON with all sides, their ratios and the growth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.ground import own_servers

CONNECTIONS = 256
NUMBERS = 10  # a number may send 1,000 a second at most, so several take turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pace", type=int, nargs="*", default=[80], help="messages a second of the pacing runs")
    parser.add_argument("--latency", type=float, default=0, help="seconds that WhatsApp takes to answer, in a run more")
    parser.add_argument(
        "--rival", type=int, default=0, help="people to whom one Celery task each is sent; 0 leaves it out"
    )
    parser.add_argument("--pace-seconds", type=int, default=15)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        bench = stack.enter_context(_Bench(home))
        report: dict[str, Any] = {
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "rounds": options.rounds,
            "sizes": {},
        }
        for size in options.sizes:
            report["sizes"][size] = bench.compare(size, options.rounds)
        _note_growth(report)
        if options.pace:
            report["pace"] = [bench.keep_pace(pace, options.pace_seconds) for pace in options.pace]
        if options.latency:
            bench.sandbox("POST", "/_sandbox/faults", {"kind": "slow", "delay": options.latency})
            report["latency"] = {"seconds": options.latency, **bench.compare(options.sizes[-1], options.rounds)}
            bench.sandbox("DELETE", "/_sandbox/faults")
        if options.rival:
            report["rival"] = bench.compare_rival(options.rival)
        print(json.dumps(report, indent=2))


class _Bench:
    """The stage: a database with one organisation, and a sandbox process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._people = 0

    def __enter__(self) -> _Bench:
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        from config import processes

        port = processes.free_port()
        self.url = os.environ["WHATSAPP_API_URL"] = f"http://127.0.0.1:{port}"
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self._stack = ExitStack()
        env = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "WHATSAPP_API_URL", "MAJLIS_ENV")}
        self.programs = self._stack.enter_context(processes.Supervisor(logs=self.home / "logs", env=env))
        self.programs.start("sandbox", processes.sandbox(port)).wait_for_port(port)
        self._found()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _found(self) -> None:
        from core.actors import Actor
        from core.models import Membership, Organization, User
        from core.roles import Role
        from core.tenancy import organization_scope
        from tests.campaigns import factories

        self.organization = Organization.objects.create(slug="bench", name="Bench")
        self._stack.enter_context(organization_scope(self.organization.pk))
        people = [User.objects.create_user(f"{name}@bench.example", None, name=name) for name in ("ann", "bob")]
        self.author, self.approver = (
            Actor(
                self.organization,
                Membership.objects.create(organization=self.organization, user=user, role=Role.MANAGER),
            )
            for user in people
        )
        self.channels = [
            factories.channel(
                self.organization, number, phone_number_id=str(900000000 + number), messaging_limit=999_999
            )  # more than all rounds together, or the engine waits for the next day
            for number in range(1, NUMBERS + 1)
        ]
        self.template = factories.template(self.channels[0])
        account = factories.sandbox_account(1)
        account["numbers"] = [
            {"id": each.phone_number_id, "display_phone_number": f"+97140000{each.pk:04}", "throughput": None}
            for each in self.channels
        ]
        self.sandbox("POST", "/_sandbox/configure", {"reset": True, "magic_numbers": False, "accounts": [account]})

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, method=method, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def campaign(self, size: int, **fields: Any) -> Any:
        """A started campaign to so many new people; seconds that the start took, audience and all."""
        from django.utils import timezone

        from campaigns import services
        from tests.campaigns import factories

        project = factories.project(self.organization, self._people + 1)
        factories.owners(project, size, start=self._people)
        self._people += size
        campaign = factories.draft(self.author, project, self.channels, template=self.template, **fields)
        factories.approved(self.author, self.approver, campaign)
        began = time.perf_counter()
        services.start_campaign(actor=self.author, campaign=campaign, at=timezone.now())
        return campaign, time.perf_counter() - began

    def engine(self, size: int) -> dict[str, float]:
        """One campaign from frozen audience to completed; messages a second, and how the figures tie out."""
        from campaigns.models import CampaignMessage

        campaign, start_seconds = self.campaign(size)
        self.sandbox("DELETE", "/_sandbox/received")
        began, cpu = time.perf_counter(), time.process_time()
        verdict = self.run(campaign.pk)
        seconds = time.perf_counter() - began
        cpu = time.process_time() - cpu
        rows = CampaignMessage.objects.filter(campaign=campaign, status="accepted", message__status="accepted").count()
        summary = self.sandbox("GET", "/_sandbox/summary")
        assert verdict == "done", verdict
        assert rows == size == summary["messages"]["accepted"], (rows, summary["messages"])
        assert summary["to"]["accepted_more_than_once"]["count"] == 0
        return {"per_second": size / seconds, "start_seconds": start_seconds, "cpu_us": 1e6 * cpu / size}

    def run(self, campaign_id: int) -> str:
        import redis
        import uvloop

        from campaigns.engine import run_slice
        from campaigns.engine.slots import QUEUE

        # The nudge of the start: nobody takes it here, and an engine that sees others wait ends its slice.
        redis.Redis.from_url(os.environ["REDIS_URL"]).delete(QUEUE)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return str(runner.run(run_slice(self.organization.pk, campaign_id, seconds=600)))

    def ceiling(self, size: int) -> dict[str, float]:
        """The same bodies from a bare aiohttp client: messages a second."""
        import uvloop

        bodies = self._bodies(size)
        self.sandbox("DELETE", "/_sandbox/received")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            cpu = time.process_time()
            seconds = runner.run(_post_all(self.url, bodies))
            cpu = time.process_time() - cpu
        assert self.sandbox("GET", "/_sandbox/summary")["messages"]["accepted"] == size
        return {"per_second": size / seconds, "cpu_us": 1e6 * cpu / size}

    def _bodies(self, size: int) -> list[tuple[str, bytes]]:
        import orjson

        from messaging.templates import render

        bodies = []
        for index in range(size):
            components = render(self.template.components, {"1": f"Owner{index}", "2": str(index)}).components
            body = {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": f"97155{1_000_000 + index}",
                "type": "template",
                "template": {"name": "unit_available", "language": {"code": "en"}, "components": components},
                "biz_opaque_callback_data": f"m{index}.1",
            }
            bodies.append((self.channels[index % NUMBERS].phone_number_id, orjson.dumps(body)))
        return bodies

    def compare(self, size: int, rounds: int) -> dict[str, Any]:
        """Engine and ceiling, taking turns; medians."""
        engines, ceilings = [], []
        for number in range(rounds + 1):
            ceiling, engine = self.ceiling(size), self.engine(size)
            if number or rounds == 0:  # the first round warms up
                ceilings.append(ceiling)
                engines.append(engine)
            print(f"{size}: ceiling {ceiling} engine {engine}", file=sys.stderr)
        ratios = [e["per_second"] / c["per_second"] for e, c in zip(engines, ceilings, strict=True)]
        return {
            "engine": {key: round(statistics.median(each[key] for each in engines), 2) for key in engines[0]},
            "bare_client": {key: round(statistics.median(each[key] for each in ceilings), 2) for key in ceilings[0]},
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }

    def compare_rival(self, size: int) -> dict[str, float]:
        """One Celery task a message on as many workers as there are cores, and the engine, one after the other."""
        from benchmarks.campaign_rival import app, send
        from campaigns.models import CampaignMessage

        cores = os.cpu_count() or 1
        worker = ["celery", "-A", "benchmarks.campaign_rival", "worker", "--queues", "rival", "-c", str(cores)]
        process = self.programs.start("rival", [sys.executable, "-m", *worker, "--without-mingle", "--without-gossip"])
        process.wait_for_line("ready.")
        app.conf.broker_url = os.environ["REDIS_URL"]
        campaign, _ = self.campaign(size)
        rows = CampaignMessage.objects.filter(campaign=campaign)
        self.sandbox("DELETE", "/_sandbox/received")
        began = time.perf_counter()
        for row_id in rows.values_list("pk", flat=True):
            send.delay(self.organization.pk, row_id)
        while (left := rows.exclude(status="accepted").count()) and time.perf_counter() - began < 600:
            time.sleep(0.1)
        assert not left, f"{left} of {size} were not sent"
        rival = size / (time.perf_counter() - began)
        assert self.sandbox("GET", "/_sandbox/summary")["messages"]["accepted"] == size
        process.stop()
        engine = self.engine(size)["per_second"]
        return {"people": size, "rival": round(rival, 1), "engine": round(engine, 1), "times": round(engine / rival, 1)}

    def keep_pace(self, pace: int, seconds: int) -> dict[str, Any]:
        """One campaign at a set pace: what was reached, and the most in any one second of the sandbox's record."""
        campaign, _ = self.campaign(pace * seconds, messages_per_second=pace)
        self.sandbox("DELETE", "/_sandbox/received")
        began, cpu = time.perf_counter(), time.process_time()
        self.run(campaign.pk)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        moments: list[float] = []
        since = 0
        while found := self.sandbox("GET", f"/_sandbox/received?since={since}&kind=messages"):
            if not found["received"]:
                break
            moments += [each["at"] for each in found["received"]]
            since = found["next"]
        moments.sort()
        reached = (len(moments) - 1) / (moments[-1] - moments[0])
        most = max(sum(1 for other in moments if at <= other < at + 1) for at in moments[::7])
        return {
            "asked": pace,
            "reached": round(reached, 2),
            "off_by_percent": round(100 * (reached / pace - 1), 2),
            "most_in_a_second": most,
            "core_share_percent": round(100 * cpu / wall, 1),
        }


async def _post_all(url: str, bodies: list[tuple[str, bytes]]) -> float:
    import aiohttp
    import orjson

    headers = {"Authorization": "Bearer sandbox-token", "Content-Type": "application/json"}
    waiting = iter(bodies)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), headers=headers) as session:

        async def work() -> None:
            for number, body in waiting:
                async with session.post(f"{url}/v25.0/{number}/messages", data=body) as answer:
                    assert orjson.loads(await answer.read())["messages"][0]["id"]

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return time.perf_counter() - began


def _note_growth(report: dict[str, Any]) -> None:
    sizes = sorted(report["sizes"])
    if len(sizes) > 1:
        few, many = sizes[0], sizes[-1]
        seconds = {size: size / report["sizes"][size]["engine"]["per_second"] for size in (few, many)}
        report["growth"] = {"people": many / few, "seconds": round(seconds[many] / seconds[few], 2)}


if __name__ == "__main__":
    main()
