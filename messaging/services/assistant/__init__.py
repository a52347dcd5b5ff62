"""The assistant: members ask by WhatsApp, and are answered what they may know."""

from messaging.services.assistant.answering import answer_turn, sweep_turns
from messaging.services.assistant.hearing import hear
from messaging.services.assistant.lines import close_line, open_line, watch_line
from messaging.services.assistant.numbers import CODE_LIVES, ask_code, forget_number

__all__ = [
    "CODE_LIVES",
    "answer_turn",
    "ask_code",
    "close_line",
    "forget_number",
    "hear",
    "open_line",
    "sweep_turns",
    "watch_line",
]
