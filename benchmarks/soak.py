"""An hour of an agency's traffic in minutes, while worker, broker and database connections keep dying: what is lost?

    python -m benchmarks.soak [--inbound 3000] [--sends 2000] [--people 400] [--seconds 300] [--deaths-every 6]

Real processes (web, worker, scheduler, broker, a durable PostgreSQL, the sandbox as WhatsApp), every webhook twice and
shuffled. At the end, by the sandbox's own record: every inbound message is kept exactly once, no outbound message was
taken twice, and every message stands where it stands on the customer's phone. Prints JSON; fails when one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from benchmarks.ground import own_servers, set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inbound", type=int, default=3000, help="messages that customers write, of every kind")
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--deaths-every", type=float, default=6, help="seconds, more or less")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        set_up()
        from config.processes import Supervisor
        from core.tenancy import organization_scope
        from tests.live import Live
        from tests.messaging.soak import Plan, Soak

        names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAJLIS_ENV", "MEDIA_ROOT")
        env = {name: os.environ[name] for name in names}
        programs = stack.enter_context(Supervisor(logs=home / "logs", env=env))
        database = urlsplit(os.environ["DATABASE_URL"]).path.strip("/")
        plan = Plan(
            inbound=options.inbound,
            sends=options.sends,
            people=options.people,
            seconds=options.seconds,
            seconds_between_deaths=options.deaths_every,
            settle_seconds=900,
            seed=options.seed,
        )
        soak = Soak(Live(programs, database, os.environ["REDIS_URL"]), plan)
        soak.prepare()
        with organization_scope(soak.organization.pk):
            began = time.perf_counter()
            soak.run()
            ran = time.perf_counter() - began
            print(f"the traffic is over after {ran:.0f} s; deaths: {dict(soak.deaths)}", file=sys.stderr)
            soak.settle()
            report = {
                "load_average": os.getloadavg()[0],
                "seconds_of_traffic": round(ran),
                "seconds_to_rest": round(time.perf_counter() - began - ran),
                **soak.verify(),
            }
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
