"""What runs by the clock. Every entry is a nudge: run twice or late, it changes nothing that was right.

The clock remembers nothing when it starts anew, so what runs seldom is bound to an hour and not to an interval.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "heartbeat": {"task": "core.beat", "schedule": 10.0, "options": {"expires": 10}},
    "webhooks": {"task": "messaging.sweep_webhooks", "schedule": 15.0, "options": {"expires": 15}},
    "messages": {"task": "messaging.sweep_messages", "schedule": 30.0, "options": {"expires": 30}},
    "tokens": {
        "task": "messaging.watch_tokens",
        "schedule": crontab(minute="17", hour="*/6"),
        "options": {"expires": 3600},
    },
    "assistant": {"task": "messaging.sweep_turns", "schedule": 30.0, "options": {"expires": 30}},
    "meanings": {"task": "messaging.sweep_meanings", "schedule": 30.0, "options": {"expires": 30}},
    "campaigns": {"task": "campaigns.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "sequences": {"task": "campaigns.run_sequences", "schedule": 15.0, "options": {"expires": 15}},
    "exports": {"task": "core.sweep_exports", "schedule": 60.0, "options": {"expires": 60}},
    "hooks": {"task": "core.sweep_hooks", "schedule": 15.0, "options": {"expires": 15}},
    "letters": {"task": "core.sweep_letters", "schedule": 60.0, "options": {"expires": 60}},
    "sessions": {
        "task": "core.sweep_sessions",
        "schedule": crontab(minute="41", hour="2"),
        "options": {"expires": 3600},
    },
    "idempotency keys": {"task": "core.sweep_idempotency_keys", "schedule": 900.0, "options": {"expires": 900}},
    "sheets": {"task": "sheets.sync_due", "schedule": 20.0, "options": {"expires": 20}},
    "imports": {"task": "sheets.sweep_imports", "schedule": 30.0, "options": {"expires": 30}},
    "validations": {"task": "crm.sweep_validations", "schedule": 60.0, "options": {"expires": 60}},
    "bulk changes": {"task": "crm.sweep_bulk_changes", "schedule": 60.0, "options": {"expires": 60}},
    "books": {"task": "ledger.check_due", "schedule": 3600.0, "options": {"expires": 3600}},
    "duplicates": {"task": "crm.sweep_duplicates", "schedule": 300.0, "options": {"expires": 300}},
}
