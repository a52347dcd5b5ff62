"""The words for what a person's message means (messaging/understanding)."""

from __future__ import annotations

from django.db import models


class Sentiment(models.TextChoices):
    POSITIVE = "positive", "Positive"
    NEUTRAL = "neutral", "Neutral"
    NEGATIVE = "negative", "Negative"


class Intent(models.TextChoices):
    """What somebody wants of us, the ones that must not be missed first."""

    STOP = "stop", "Wants no more messages"
    COMPLAINT = "complaint", "Complains"
    NOT_INTERESTED = "not_interested", "Not interested"
    VIEWING = "viewing", "Wants to see it"
    PRICE = "price", "Asks the price"
    SELL = "sell", "Wants to sell or let"
    TAKEN = "taken", "Sold or rented already"
    AVAILABILITY = "availability", "Asks whether it is free"
    CALLBACK = "callback", "Wants to be called"
    ENQUIRY = "enquiry", "Asks about it"
    THANKS = "thanks", "Thanks"
    GREETING = "greeting", "Greets"
    OTHER = "other", "Something else"
