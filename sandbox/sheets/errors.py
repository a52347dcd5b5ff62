"""What Google refuses, in Google's own envelopes: one for Sheets, another for Drive, a third for tokens."""

from typing import Any

Json = dict[str, Any]

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user' of service "
    "'sheets.googleapis.com' for consumer 'project_number:100000000000'.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}
REASONS = {  # Drive's old style names the reason
    400: "badRequest",
    401: "authError",
    403: "insufficientFilePermissions",
    404: "notFound",
    429: "rateLimitExceeded",
    500: "internalError",
    503: "backendError",
}


class GoogleError(Exception):
    """A refusal with Google's code, status and message."""

    def __init__(
        self,
        code: int,
        message: str = "",
        *,
        details: list[Json] | None = None,
        reason: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message or MESSAGES.get(code, "Unknown error.")
        self.details = details
        self.reason = reason or REASONS.get(code, "unknown")
        self.headers = headers or {}

    def envelope(self) -> Json:
        """The body as the Sheets API writes it."""
        error: Json = {"code": self.code, "message": self.message, "status": STATUSES.get(self.code, "UNKNOWN")}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def drive_envelope(self) -> Json:
        """The body as the Drive API writes it."""
        first: Json = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.code == 404:
            first |= {"location": "fileId", "locationType": "parameter"}
        return {"error": {"code": self.code, "message": self.message, "errors": [first]}}


class TokenError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


def invalid(message: str) -> GoogleError:
    """400 INVALID_ARGUMENT."""
    return GoogleError(400, message)
