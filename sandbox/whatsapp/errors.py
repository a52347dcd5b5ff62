"""Every refusal the Cloud API is known for, with the HTTP status and the road by which it reaches the business."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Road = Literal["http", "webhook"]

HELP = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A known error code: its title, its HTTP status, and whether the answer or a `failed` status carries it."""

    title: str
    status: int = 400
    road: Road = "http"
    details: str = ""


# Meta advises to read `code` only: HTTP statuses differ between its own pages. 130429 and 131056 are 400 in the
# answers people quote, so they are 400 here; `rate_limit_status` in the settings turns them into 429.
REFUSALS: dict[int, Refusal] = {
    0: Refusal("AuthException", 401),
    1: Refusal("API Unknown", 500),
    2: Refusal("API Service", 503),
    3: Refusal("API Method", 500),
    4: Refusal("Application request limit reached", 429),
    10: Refusal("Permission Denied", 403),
    33: Refusal("Parameter value is not valid"),
    100: Refusal("Invalid parameter"),
    190: Refusal("Error validating access token", 401),
    200: Refusal("API Permission", 403),
    368: Refusal("Temporarily blocked for policies violations", 403),
    80007: Refusal("Rate limit issues"),
    130429: Refusal("Rate limit hit", details="Cloud API message throughput has been reached."),
    130472: Refusal("User's number is part of an experiment", road="webhook"),
    130497: Refusal("Business account is restricted from messaging users in this country.", 403),
    131000: Refusal("Something went wrong", 500),
    131005: Refusal("Access denied", 403),
    131008: Refusal("Required parameter is missing"),
    131009: Refusal("Parameter value is not valid"),
    131016: Refusal("Service unavailable", 503),
    131021: Refusal("Recipient cannot be sender", details="Sender and recipient phone number is the same."),
    131026: Refusal("Message undeliverable", road="webhook", details="Message Undeliverable."),
    131030: Refusal("Recipient phone number not in allowed list"),
    131031: Refusal("Business Account locked", 403),
    131037: Refusal("WhatsApp provided number needs display name approval before message can be sent."),
    131042: Refusal(
        "Business eligibility payment issue",
        road="webhook",
        details="Message failed to send because there were one or more errors related to your payment method.",
    ),
    131045: Refusal("Incorrect certificate", 500),
    131047: Refusal(
        "Re-engagement message",
        details="Message failed to send because more than 24 hours have passed since the customer last replied.",
    ),
    131048: Refusal("Spam rate limit hit", road="webhook"),
    131049: Refusal(
        "This message was not delivered to maintain healthy ecosystem engagement.",
        road="webhook",
        details="In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    131050: Refusal(
        "User has stopped receiving marketing messages from this business.",
        road="webhook",
        details="The recipient has chosen to stop receiving marketing messages on WhatsApp from your business.",
    ),
    131051: Refusal("Unsupported message type"),
    131052: Refusal("Media download error", road="webhook"),
    131053: Refusal("Media upload error", road="webhook", details="Unable to upload the media used in the message."),
    131056: Refusal(
        "(Business Account, Consumer Account) pair rate limit hit",
        details="Too many messages sent from the sender phone number to the same recipient in a short period of time.",
    ),
    131057: Refusal("Account in maintenance mode", 503),
    131062: Refusal("Authentication templates cannot be sent to a business-scoped user ID"),
    132000: Refusal("Number of parameters does not match the expected number of params"),
    132001: Refusal("Template name does not exist in the translation", 404),
    132005: Refusal("Template Hydrated Text Too Long"),
    132007: Refusal("Template Format Character Policy Violated"),
    132012: Refusal("Template Parameter Format Mismatch"),
    132015: Refusal("Template is Paused"),
    132016: Refusal("Template is Disabled"),
    132018: Refusal("There's an issue with the parameters in your template"),
    132068: Refusal("Flow is blocked"),
    133000: Refusal("Incomplete Deregistration", 500),
    133004: Refusal("Server Temporarily Unavailable", 503),
    133006: Refusal("Phone number re-verification needed"),
    133010: Refusal("Phone number Not Registered"),
    133016: Refusal("Account register deregister rate limit exceeded"),
    134011: Refusal("WhatsApp Payments terms of service has not been accepted"),
    135000: Refusal("Generic user error"),
}

# A recipient whose number ends with one of these six digits fails with that code, whatever else is configured.
MAGIC_ENDINGS: dict[str, int] = {str(code): code for code in REFUSALS if code >= 100_000}


class GraphError(Exception):
    """A refusal on its way out as Meta's error envelope."""

    def __init__(
        self,
        code: int,
        details: str = "",
        *,
        message: str = "",
        status: int | None = None,
        subcode: int | None = None,
        kind: str = "OAuthException",
        headers: dict[str, str] | None = None,
        user_title: str = "",
        user_message: str = "",
    ) -> None:
        refusal = REFUSALS.get(code, Refusal("Unknown error"))
        self.code = code
        self.status = status or refusal.status
        self.details = details or refusal.details
        self.message = message or f"(#{code}) {refusal.title}"
        self.subcode = subcode
        self.kind = kind
        self.headers = headers or {}
        self.user_title, self.user_message = user_title, user_message
        super().__init__(self.message)

    def envelope(self, trace_id: str) -> Json:
        """The body Meta answers with. `error_data` and `error_subcode` are there only when they say something."""
        error: Json = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.user_message:
            error |= {"error_user_title": self.user_title, "error_user_msg": self.user_message}
        error["fbtrace_id"] = trace_id
        return {"error": error}


class UnknownObject(GraphError):
    """Meta answers 400 / 100 / 33 for what does not exist and for what this token may not see, never 404."""

    def __init__(self, object_id: str, verb: str = "get") -> None:
        super().__init__(
            100,
            message=(
                f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
                "missing permissions, or does not support this operation. Please read the Graph API documentation "
                "at https://developers.facebook.com/docs/graph-api"
            ),
            subcode=33,
            kind="GraphMethodException",
        )


def invalid(message: str, details: str = "") -> GraphError:
    """The plain `(#100)` for a request that is not shaped as documented."""
    return GraphError(100, details, message=f"(#100) {message}")


def status_error(code: int) -> Json:
    """The same refusal as an item of `errors[]` in a `failed` status."""
    refusal = REFUSALS.get(code, Refusal("Unknown error"))
    return {
        "code": code,
        "title": refusal.title,
        "message": refusal.title,
        "error_data": {"details": refusal.details or refusal.title},
        "href": HELP,
    }
