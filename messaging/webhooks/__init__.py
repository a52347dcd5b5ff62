"""Where WhatsApp calls us: /webhooks/whatsapp/<organisation>/. Verify, store, answer 200; thinking comes later.

An ASGI application of its own beside Django's (config/asgi.py), because one transaction a webhook is too slow:
`door` speaks HTTP, `clerk` stores everything that waits in one transaction, `waker` tells the workers once for all of it.
"""

from messaging.webhooks.door import PREFIX, Door

__all__ = ["PREFIX", "Door"]
