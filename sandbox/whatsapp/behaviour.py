"""What each recipient does with a message, drawn from the seed, so that a run can be repeated."""

from hashlib import blake2b
from typing import NamedTuple

from .settings import Behaviours, Reaction


class Destiny(NamedTuple):
    """How far a message gets, and what comes back."""

    fail: int | None = None
    delivered: bool = True
    skips_delivered: bool = False  # the chat is open on the phone: Meta sends `read` alone
    read: bool = False
    answers: tuple[tuple[str, str, float], ...] = ()  # (reply | stop | stop_button, text, seconds after reading)
    luck: float = 0.0


def draws(seed: int, *parts: str) -> list[float]:
    """Eight numbers between 0 and 1 that depend on nothing but these words."""
    digest = blake2b("|".join((str(seed), *parts)).encode(), digest_size=32).digest()
    return [int.from_bytes(digest[i : i + 4], "little") / 2**32 for i in range(0, 32, 4)]


def destiny(behaviours: Behaviours, seed: int, person: str, campaign: str, *, is_template: bool) -> Destiny:
    """Decide for one person and one campaign. Failing comes first; whoever answers has read."""
    fail, delivered, read, open_chat, reply, stop, button, luck = draws(seed, person, campaign)
    for code, share in behaviours.fail.items():
        if fail < share:
            return Destiny(fail=int(code), delivered=False, luck=luck)
        fail -= share
    answers: list[tuple[str, str, float]] = []
    if is_template or behaviours.answer == "all":
        for kind, draw, reaction in (
            ("reply", reply, behaviours.reply),
            ("stop", stop, behaviours.stop),
            ("stop_button", button, behaviours.stop_button),
        ):
            if draw < reaction.share:
                answers.append((kind, _text(reaction, draw), reaction.after))
    is_delivered = bool(answers) or delivered < behaviours.delivered
    is_read = bool(answers) or (is_delivered and read < behaviours.read)
    return Destiny(
        delivered=is_delivered,
        skips_delivered=is_read and open_chat < behaviours.chat_open,
        read=is_read,
        answers=tuple(answers),
        luck=luck,
    )


def _text(reaction: Reaction, draw: float) -> str:
    if isinstance(reaction.text, str) or not reaction.text:
        return str(reaction.text or "")
    # `draw` is uniform below the share, so stretched over the texts it picks each equally often.
    return reaction.text[min(int(draw / reaction.share * len(reaction.text)), len(reaction.text) - 1)]
