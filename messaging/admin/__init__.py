"""Talk in the back office. Each module registers its models as it is loaded."""

from messaging.admin import notices, talk

__all__ = ["notices", "talk"]
