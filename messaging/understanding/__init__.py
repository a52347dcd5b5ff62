"""What a person's message means: language, feeling, intent. For marks and filters; nothing is decided by it."""

from messaging.understanding.hosted import HostedUnderstanding, understanding
from messaging.understanding.meaning import Meaning, Understanding, UnderstandingDown
from messaging.understanding.offline import OfflineUnderstanding

__all__ = [
    "HostedUnderstanding",
    "Meaning",
    "OfflineUnderstanding",
    "Understanding",
    "UnderstandingDown",
    "understanding",
]
