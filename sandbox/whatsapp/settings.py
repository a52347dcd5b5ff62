"""What `POST /_sandbox/configure` may change about Meta's behaviour. Unknown keys are refused, so a typo is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class BadSetting(ValueError):
    """A configuration key or value that nothing reads."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from acceptance to each status. `jitter` adds up to that share, drawn from the seed."""

    sent: float = 0.05
    delivered: float = 0.5
    read: float = 2.0
    failed: float = 0.3
    jitter: float = 0.2


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How changes are gathered into bodies and posted.

    `order` shuffled mixes whatever was gathered within `gather` seconds; `copies` posts every body that often at
    once; `mode` held keeps changes until /_sandbox/webhooks/release. One connection (`concurrency` 1) keeps order.
    """

    mode: str = "auto"
    order: str = "ladder"
    batch: int = 100
    copies: int = 1
    gather: float = 0.02
    delay: float = 0.0
    concurrency: int = 4
    timeout: float = 10.0
    first_retry: float = 1.0
    slowest_retry: float = 300.0
    retry_for: float = 7 * 86_400.0
    profile_in_statuses: bool = True


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a share of the recipients does with a message. Several texts: the seed picks one for each person."""

    share: float = 0.0
    text: str | list[str] = ""
    after: float = 2.0


@dataclass(frozen=True, slots=True)
class Behaviours:
    """What recipients do, decided for each person by the seed, so that the same run has the same outcome.

    Replies, STOPs and preferences answer templates only, or everything when `answer` is "all".
    `fail` maps an error code to the share of recipients who fail with it in a status webhook.
    """

    answer: str = "templates"
    delivered: float = 1.0
    read: float = 0.7
    chat_open: float = 0.0
    fail: dict[str, float] = field(default_factory=dict)
    reply: Reaction = field(default_factory=lambda: Reaction(text="Yes, please call me"))
    stop: Reaction = field(default_factory=lambda: Reaction(text="STOP"))
    stop_button: Reaction = field(default_factory=lambda: Reaction(text="stop"))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is not an account, a number or a template."""

    seed: int = 7
    window: str = "http"  # where a free text after 24 h is refused: http, webhook, or off
    magic_numbers: bool = True
    rate_limit_status: int = 400
    pair_interval: float = 6.0
    pair_burst: int = 45
    template_review: float | None = 2.0  # seconds until a created template is approved; null: by hand
    record: int = 100_000
    pace: Pace = field(default_factory=Pace)
    webhooks: Webhooks = field(default_factory=Webhooks)
    behaviours: Behaviours = field(default_factory=Behaviours)


CHOICES = {
    "mode": ("auto", "held"),
    "order": ("ladder", "shuffled"),
    "answer": ("templates", "all"),
    "window": ("http", "webhook", "off"),
}


def merge(settings: T, changes: Mapping[str, Any], path: str = "") -> T:
    """The settings with these changes laid over them, group by group."""
    known = {each.name: getattr(settings, each.name) for each in fields(settings)}
    merged: dict[str, Any] = {}
    for name, value in changes.items():
        where = f"{path}{name}"
        if name not in known:
            raise BadSetting(f"unknown setting {where}; known here: {', '.join(known)}")
        if name in CHOICES and value not in CHOICES[name]:
            raise BadSetting(f"{where} must be one of {', '.join(CHOICES[name])}")
        current = known[name]
        if is_dataclass(current) and not isinstance(current, type):
            if not isinstance(value, dict):
                raise BadSetting(f"{where} must be an object")
            value = merge(current, value, f"{where}.")
        elif isinstance(current, int | float) and not isinstance(value, int | float | None):
            raise BadSetting(f"{where} must be a number")
        merged[name] = value
    return replace(settings, **merged)
