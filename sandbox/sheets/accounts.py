"""Service accounts and their tokens: a signed assertion becomes a bearer token for an hour."""

import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions, jwt

from .errors import GoogleError, TokenError

Json = dict[str, Any]

LIVES = 3600
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth names it whatever `token_uri` says
SCOPES = "https://www.googleapis.com/auth/"
READ_SCOPES = ("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly", "drive.file")
WRITE_SCOPES = ("spreadsheets", "drive", "drive.file")
DRIVE_SCOPES = ("drive", "drive.readonly", "drive.file", "drive.metadata.readonly")


@cache
def key_pair() -> tuple[str, str]:
    """One RSA key for every account of this process, as making one takes long: private and public PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@dataclass(slots=True)
class Account:
    """A service account of a cloud project."""

    email: str
    project: str
    number: str
    key_id: str = field(default_factory=lambda: secrets.token_hex(20))
    client_id: str = field(default_factory=lambda: "1" + f"{secrets.randbelow(10**20):020d}")
    revoked: bool = False


@dataclass(slots=True)
class Token:
    """A bearer token: whose, until when, for what."""

    account: Account
    until: float
    scopes: frozenset[str]

    def allows(self, wanted: tuple[str, ...]) -> bool:
        """Whether one of these scopes was granted."""
        return any(SCOPES + each in self.scopes for each in wanted)


class Accounts:
    """Everybody who may ask for a token, and the tokens that are about."""

    def __init__(self, public_url: str) -> None:
        self.token_uri = f"{public_url}/token"
        self.known: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}

    def forget(self) -> None:
        """Forget accounts and tokens."""
        self.known.clear()
        self.tokens.clear()

    def make(self, email: str = "", project: str = "") -> Account:
        """The account with this address, known or new."""
        project = project or "majlis-sandbox"
        email = email or f"sheets-{secrets.token_hex(3)}@{project}.iam.gserviceaccount.com"
        if email not in self.known:
            number = str(100_000_000_000 + sum(map(ord, project)) * 7_919)
            self.known[email] = Account(email, project, number)
        return self.known[email]

    def key(self, account: Account) -> Json:
        """The JSON key file of an account."""
        return {
            "type": "service_account",
            "project_id": account.project,
            "private_key_id": account.key_id,
            "private_key": key_pair()[0],
            "client_email": account.email,
            "client_id": account.client_id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self.token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account.email}",
            "universe_domain": "googleapis.com",
        }

    def exchange(self, grant: str, assertion: str, now: float) -> Json:
        """A token for a signed assertion. Raises TokenError."""
        if grant != GRANT:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {grant}")
        claims = self._claims(assertion)
        account = self.known[claims["iss"]]
        scopes = frozenset(str(claims.get("scope") or "").split())
        if not scopes:
            raise TokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        if claims["exp"] - claims["iat"] > LIVES + 60:
            raise TokenError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim.",
            )
        token = f"ya29.sandbox-{secrets.token_urlsafe(32)}"
        self.tokens[token] = Token(account, now + LIVES, scopes)
        return {"access_token": token, "expires_in": LIVES - 1, "token_type": "Bearer"}

    def _claims(self, assertion: str) -> Json:
        """What the assertion says, once its key, audience and times are right. Times are this machine's, not the
        sandbox's clock: whoever signs reads his own."""
        try:
            header, claims = jwt.decode_header(assertion), jwt.decode(assertion, verify=False)  # type: ignore[no-untyped-call]
        except (ValueError, exceptions.GoogleAuthError):
            raise TokenError("invalid_grant", "Invalid JWT: Failed to parse the assertion.") from None
        account = self.known.get(str(claims.get("iss")))
        if account is None or account.revoked or header.get("kid") not in (None, account.key_id):
            gone = account is None or account.revoked
            raise TokenError("invalid_grant", "Invalid grant: account not found" if gone else "Invalid JWT Signature.")
        audience = GOOGLE_AUDIENCE if claims.get("aud") == GOOGLE_AUDIENCE else self.token_uri
        try:
            verified: Json = dict(jwt.decode(assertion, certs=key_pair()[1], audience=audience))  # type: ignore[no-untyped-call]
        except (ValueError, exceptions.GoogleAuthError) as error:
            text = "Invalid JWT Signature." if "signature" in str(error) else f"Invalid JWT: {error}"
            raise TokenError("invalid_grant", text) from None
        return verified

    def bearer(self, token: str, now: float) -> Token:
        """The token that a request brings. Raises 401 for one that is unknown, over or revoked."""
        found = self.tokens.get(token)
        if found is None or found.until <= now or found.account.revoked:
            details = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "ACCESS_TOKEN_EXPIRED"
                    if found and found.until <= now
                    else "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                    "domain": "googleapis.com",
                    "metadata": {"service": "sheets.googleapis.com"},
                }
            ]
            raise GoogleError(401, details=details, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return found

    def shown(self, now: float) -> list[Json]:
        """The accounts for whoever looks."""
        return [
            {
                "email": each.email,
                "project": each.project,
                "revoked": each.revoked,
                "tokens": sum(token.account is each and token.until > now for token in self.tokens.values()),
            }
            for each in self.known.values()
        ]
