"""Every change to stock, people and deals."""

from crm.services.deals import close_deal, create_deal, lose_deal, move_deal, reopen_deal
from crm.services.senders import contact_for_sender

__all__ = [
    "close_deal",
    "contact_for_sender",
    "create_deal",
    "lose_deal",
    "move_deal",
    "reopen_deal",
]
