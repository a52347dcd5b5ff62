"""Every refusal of messaging."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable


class WindowClosed(Conflict):
    """The 24 hours since the person last wrote are over: only an approved template may be sent."""

    code = "window_closed"


class ChannelUnable(Conflict):
    """The number cannot send now: disconnected, blocked or deleted."""

    code = "channel_unable"


class AnswersOnly(Conflict):
    """The number may answer people now, and send no template."""

    code = "answers_only"


class OptedOut(Conflict):
    code = "opted_out"


class RecipientUnknown(Conflict):
    """Neither a number nor a WhatsApp user id is known."""

    code = "recipient_unknown"


class ConversationClosed(Conflict):
    code = "conversation_closed"


class ConversationAlreadyOpen(Conflict):
    code = "conversation_already_open"


class TemplateUnusable(Conflict):
    """Not approved, paused, disabled, or of another account."""

    code = "template_unusable"


class VariableMissing(Invalid):
    code = "variable_missing"


class TextInvalid(Invalid):
    """Empty, or longer than WhatsApp takes."""

    code = "text_invalid"


class MediaInvalid(Invalid):
    code = "media_invalid"


class ShapeInvalid(Invalid):
    """A place, contact card or message with buttons that WhatsApp would refuse; `field` says where."""

    code = "shape_invalid"


class ShortcutTaken(Conflict):
    code = "shortcut_taken"


class HoursInvalid(Invalid):
    """A week, time zone or away text that cannot be used."""

    code = "hours_invalid"


class NotYetSent(Conflict):
    """WhatsApp has not named this message yet, so nothing can refer to it."""

    code = "not_yet_sent"


class NotInDoubt(Conflict):
    """What became of this message is known: nobody has to say it, and it is not sent again."""

    code = "not_in_doubt"


class AnsweredMeanwhile(Conflict):
    """A colleague has answered since this one began to write. Sent all the same when asked to."""

    code = "answered_meanwhile"


class MediaNotFound(NotFound):
    code = "media_not_found"


class QuoteElsewhere(Invalid):
    """The quoted message is not of this conversation."""

    code = "quote_elsewhere"


class RequestIdReused(Conflict):
    """The same client_request_id was used for another message."""

    code = "request_id_reused"


class AssigneeUnable(Invalid):
    code = "assignee_unable"


class AppealPointless(Conflict):
    """The number is not blocked, or WhatsApp was asked already, or was not."""

    code = "appeal_pointless"


class TemplateInvalid(Invalid):
    """Against a rule of WhatsApp's for templates; `field` and `problems` say where and what."""

    code = "template_invalid"


class TemplateLocked(Conflict):
    """WhatsApp does not let it be changed now: in review, disabled, or edited too often."""

    code = "template_locked"


class NumberTaken(Conflict):
    code = "number_taken"


class WhatsAppRefused(Invalid):
    """WhatsApp understood and said no."""

    code = "whatsapp_refused"


class WhatsAppUnavailable(Unavailable):
    """WhatsApp did not answer."""

    code = "whatsapp_unavailable"


class SignatureInvalid(NotAllowed):
    code = "webhook_signature_invalid"


class WebhookMalformed(Invalid):
    code = "webhook_malformed"


class ChannelUnknown(NotFound):
    code = "channel_unknown"


class HouseUnknown(NotFound):
    """No active organisation has this address."""


class IntakeBusy(Unavailable):
    """More webhooks wait to be stored than are allowed to, or the database does not take them now."""

    code = "intake_busy"


class VerifyTokenInvalid(NotAllowed):
    code = "verify_token_invalid"


class WebhookTooLarge(Invalid):
    code = "webhook_too_large"


class WebhookTooSlow(Invalid):
    """Half a body, and then nothing."""

    code = "webhook_too_slow"


class VerbUnknown(Invalid):
    code = "method_not_allowed"


class AssistantThere(Conflict):
    """The number has an assistant already."""

    code = "assistant_there"


class CopyTemplateUnfit(Invalid):
    """Copies stand in the one variable of their template."""

    code = "copy_template_unfit"
