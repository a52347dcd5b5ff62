"""Whom a campaign is for: from the target and its filter to one row per person, each with an address or a reason.

Pre-flight and start run this same code, so what was shown is what is frozen (unless the stock changed in between).
"""

from campaigns.audience.filters import checked_filter
from campaigns.audience.recipients import AT_A_TIME, Recipient, recipient_of, recipients_of, summed

__all__ = ["AT_A_TIME", "Recipient", "checked_filter", "recipient_of", "recipients_of", "summed"]
