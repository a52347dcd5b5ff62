"""Drive, as far as spreadsheets need it: list, look, create, share, delete."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from .book import ANYONE, ROLES, File
from .describe import cut, parse_mask
from .errors import GoogleError, invalid
from .service import Service

Json = dict[str, Any]

SPREADSHEET = "application/vnd.google-apps.spreadsheet"
_TERM = re.compile(
    r"""\s*(?P<name>[\w.]+)\s*(?P<sign>=|!=|contains|in|<=|>=|<|>)\s*(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|true|false)\s*""",
    re.IGNORECASE,
)
DEFAULT_FIELDS = "kind,id,name,mimeType"


def moment(at: float) -> str:
    """RFC 3339 with milliseconds, as Drive writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def shown(file: File, email: str = "") -> Json:
    """A file as Drive describes it."""
    last = next((each["who"] for each in reversed(file.log)), file.owner)
    return {
        "kind": "drive#file",
        "id": file.id,
        "name": file.content.title,
        "mimeType": SPREADSHEET,
        "createdTime": moment(file.created),
        "modifiedTime": moment(file.modified),
        "version": str(file.version),
        "trashed": False,
        "ownedByMe": file.roles.get(email) == "owner",
        "shared": len(file.roles) > 1,
        "webViewLink": f"https://docs.google.com/spreadsheets/d/{file.id}/edit",
        "owners": [{"kind": "drive#user", "emailAddress": file.owner, "displayName": file.owner.split("@")[0]}],
        "lastModifyingUser": {"kind": "drive#user", "emailAddress": last, "displayName": last.split("@")[0]},
        "capabilities": {"canEdit": file.role(email) >= 2, "canShare": file.role(email) >= 2},
        "permissions": permissions(file),
    }


def permissions(file: File) -> list[Json]:
    """Whom a file is shared with."""
    return [
        {
            "kind": "drive#permission",
            "id": _permission_id(email),
            "type": "anyone" if email == ANYONE else "user",
            "role": role,
        }
        | ({} if email == ANYONE else {"emailAddress": email})
        for email, role in file.roles.items()
    ]


def _permission_id(email: str) -> str:
    return (
        "anyoneWithLink" if email == ANYONE else str(int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big"))
    )


def find(service: Service, file_id: str, email: str, least: int = 1) -> File:
    """A file that this account may see. Drive does not say of a foreign file that it is there."""
    file = service.files.get(file_id)
    if file is None or file.deleted or file.role(email) < 1:
        raise GoogleError(404, f"File not found: {file_id}.")
    if file.role(email) < least:
        raise GoogleError(403, "The user does not have sufficient permissions for this file.")
    return file


def masked(file: File, email: str, fields: str) -> Json:
    """A file cut to the fields asked for; four if none were."""
    found: Json = cut(shown(file, email), parse_mask(fields or DEFAULT_FIELDS))
    return found


def listed(service: Service, email: str, query: Json) -> Json:
    """GET files: what the account may see, newest change first, in pages."""
    matches = _matcher(str(query.get("q") or ""))
    files = [each for each in service.files.values() if not each.deleted and each.role(email) and each.roles.get(email)]
    chosen = [each for each in files if matches(shown(each, email))]
    chosen.sort(key=lambda each: -each.modified)
    size = min(int(query.get("pageSize") or 100), 1000)
    start = int(query.get("pageToken") or 0)
    whole: Json = {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [shown(each, email) for each in chosen[start : start + size]],
    }
    if start + size < len(chosen):
        whole["nextPageToken"] = str(start + size)
    fields = str(query.get("fields") or "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)")
    found: Json = cut(whole, parse_mask(fields))
    return found


def _matcher(query: str) -> Any:
    """A test for the terms of `q` joined by `and`. Refuses what it cannot read."""
    terms = []
    position = 0
    while position < len(query.rstrip()):
        found = _TERM.match(query, position)
        if found is None:
            raise GoogleError(400, "Invalid Value", reason="invalid")
        value = found["value"]
        text = value[1:-1].replace("\\'", "'").replace('\\"', '"').replace("\\\\", "\\") if value[0] in "'\"" else value
        terms.append((found["name"], found["sign"].lower(), text))
        position = found.end()
        if query[position : position + 3].lower() == "and":
            position += 3
        elif position < len(query.rstrip()):
            raise GoogleError(400, "Invalid Value", reason="invalid")

    def matches(file: Json) -> bool:
        return all(_holds(str(file.get(name, "")), sign, text) for name, sign, text in terms)

    return matches


def _holds(value: str, sign: str, text: str) -> bool:
    if sign == "contains":
        return text.casefold() in value.casefold()
    if value in ("True", "False"):
        value = value.lower()
    return {
        "=": value == text,
        "!=": value != text,
        "<": value < text,
        ">": value > text,
        "<=": value <= text,
        ">=": value >= text,
    }.get(sign, False)


def create(service: Service, email: str, body: Json) -> File:
    """POST files: an empty spreadsheet of the account's own."""
    if body.get("mimeType") != SPREADSHEET:
        raise GoogleError(501, "The sandbox's Drive holds spreadsheets only.")
    return service.create(str(body.get("name") or "Untitled"), owner=email)


def share(file: File, body: Json) -> Json:
    """POST files/ID/permissions."""
    kind, role = body.get("type"), body.get("role")
    if role not in ROLES:
        raise invalid("The specified role is invalid or not supported.")
    if kind not in ("user", "group", "anyone", "domain"):
        raise invalid("The permission type field is required.")
    email = ANYONE if kind == "anyone" else str(body.get("emailAddress") or "")
    if not email:
        raise invalid("The specified emailAddress is invalid or not applicable for the given permission type.")
    file.roles[email] = str(role)
    return {"kind": "drive#permission", "id": _permission_id(email), "type": kind, "role": role}


def unshare(file: File, permission_id: str) -> None:
    """DELETE files/ID/permissions/ID."""
    for email in list(file.roles):
        if _permission_id(email) == permission_id and file.roles[email] != "owner":
            del file.roles[email]
            return
    raise GoogleError(404, f"Permission not found: {permission_id}.")
