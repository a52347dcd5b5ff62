"""Talk in the back office. Each module registers its models as it is loaded."""

from messaging.admin import assistant, notices, talk, webhooks

__all__ = ["assistant", "notices", "talk", "webhooks"]
