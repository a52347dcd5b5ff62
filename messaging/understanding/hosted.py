"""A model that somebody hosts, asked over HTTP: in our words, with a timeout, and never the only one who knows.

POST {UNDERSTANDING_URL} {"text": ..., "intents": [...], "sentiments": [...]} with the token as bearer is answered by
{"language": "en", "sentiment": "neutral", "intent": "price"}. The sandbox has a stand-in (sandbox/understanding.py).
"""

from __future__ import annotations

import requests
from django.conf import settings

from messaging.models.meanings import Intent, Sentiment
from messaging.understanding.meaning import Meaning, Understanding, UnderstandingDown
from messaging.understanding.offline import OfflineUnderstanding

LONGEST = 4_000


class HostedUnderstanding:
    """See Understanding."""

    name = "hosted"

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.url, self.token, self.timeout = url, token, timeout

    def read(self, text: str) -> Meaning:
        """One request. Raises UnderstandingDown for whatever is not an answer in our words, within the time."""
        body = {"text": text[:LONGEST], "intents": list(Intent.values), "sentiments": list(Sentiment.values)}
        try:
            answer = requests.post(
                self.url, json=body, timeout=self.timeout, headers={"Authorization": f"Bearer {self.token}"}
            )
            answer.raise_for_status()
            said = answer.json()
            return Meaning(str(said["language"])[:5], Sentiment(said["sentiment"]), Intent(said["intent"]))
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise UnderstandingDown(str(error)[:200]) from error


def understanding() -> Understanding:
    """The one that the settings name: hosted when there is an address, else offline."""
    if not settings.UNDERSTANDING_URL:
        return OfflineUnderstanding()
    return HostedUnderstanding(settings.UNDERSTANDING_URL, settings.UNDERSTANDING_TOKEN, settings.UNDERSTANDING_TIMEOUT)
