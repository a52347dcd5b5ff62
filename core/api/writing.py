"""Writes that may be sent twice, and writes that must not undo what somebody else wrote meanwhile.

`Idempotency-Key` and `If-Match` both need the change and what is known of it in one transaction. So a write that
carries either runs in one: under a key, its answer is kept in the very transaction of the change, and a process that
dies leaves neither. While it runs, an advisory lock says so; PostgreSQL lets go of it when the connection ends.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.db.models import CharField, Model
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework import exceptions, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.errors import problem
from core.deadlocks import tried_twice
from core.errors import Conflict, Invalid
from core.models import IdempotencyKey, TenantModel

KEPT = timedelta(hours=24)
KEY = re.compile(r"[!-~]{1,255}")
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ["Content-Type", "Location", "ETag"]
Handler = Callable[..., HttpResponseBase]


class KeyUnusable(exceptions.APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "idempotency_key_unusable"
    default_detail = "Idempotency-Key is 1 to 255 visible ASCII characters without blanks, such as a UUID."


class BodyTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "A body under an Idempotency-Key has at most 5 MB; files are sent as multipart/form-data."


class KeyUsed(Invalid):
    """The caller gave this key to another request."""

    code = "idempotency_key_used"


class KeyInFlight(Conflict):
    """The first request with this key is still at work."""

    code = "idempotency_key_in_flight"


class Stale(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "stale_version"
    default_detail = "It was changed since you read it, and nothing was done. Read it again and send its new ETag."


def guarded(view: Any, request: Request, handler: Handler) -> Handler:
    """The view's handler of this request, kept to what its headers ask. Raises KeyUnusable."""
    if request.method in SAFE_METHODS:
        return _tagged(view, request, handler) if view.action == "retrieve" and "pk" in view.kwargs else handler
    key, match = request.headers.get("Idempotency-Key"), request.headers.get("If-Match")
    if key is not None and not KEY.fullmatch(key):
        raise KeyUnusable
    if key is None and match is None:
        return handler

    @tried_twice
    def write(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if key is None:
            return _matched(view, request, handler, match)(request, *args, **kwargs)
        return _once(view, request, key, _matched(view, request, handler, match))(request, *args, **kwargs)

    return write


def forget_old(*, at: datetime) -> int:
    """Throw away the keys of the open organisation whose time is over; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=at - KEPT).delete()[0]


def _once(view: Any, request: Request, key: str, handler: Handler) -> Handler:
    actor: Actor = view.actor

    def once(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wanted = _hash_of(request)
        if not _taken(actor, key):
            answer = problem(
                status=409, code=KeyInFlight.code, detail="The same request is still at work; ask again in a second."
            )
            answer["Retry-After"] = "1"
            return answer
        used = IdempotencyKey.objects.filter(
            organization=actor.organization, membership=actor.membership, token=actor.token, key=key
        )
        used.filter(created_at__lte=timezone.now() - KEPT).delete()
        before: IdempotencyKey | None = used.first()
        if before is not None and before.request_hash != wanted:
            raise KeyUsed("This Idempotency-Key was sent with another request. Give every change a key of its own.")
        if before is not None:
            return HttpResponse(before.body, status=before.status, headers={**before.headers, REPLAYED: "true"})
        answered = view.finalize_response(request, handler(request, *args, **kwargs), *args, **kwargs)
        if status.is_success(answered.status_code):
            _keep(actor, key, wanted, answered)
        return answered

    return once


def _taken(actor: Actor, key: str) -> bool:
    """Whether this transaction is the only one at work under the caller's key."""
    caller = actor.token.pk if actor.token else f"m{actor.membership.pk}"  # type: ignore[union-attr]
    name = f"idempotency:{actor.organization.pk}:{caller}:{key}"
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        [taken] = cursor.fetchone()
    return bool(taken)


def _keep(actor: Actor, key: str, wanted: str, answered: Any) -> None:
    if isinstance(answered, Response):
        answered.render()
    IdempotencyKey.objects.create(
        organization=actor.organization,
        membership_id=actor.membership.pk,  # type: ignore[union-attr]  # nobody calls the API without one
        token=actor.token,
        key=key,
        request_hash=wanted,
        status=answered.status_code,
        headers={name: answered[name] for name in KEPT_HEADERS if name in answered},
        body=answered.content.decode(),
    )


def _hash_of(request: Request) -> str:
    """What makes two requests the same: method, address with its query, and body. Raises BodyTooLarge, ParseError."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if (request.content_type or "").startswith("multipart/"):
        # The boundary is another every time; what stands between is not.
        for name, values in sorted(request.data.lists()):  # type: ignore[union-attr]  # a QueryDict
            for value in values:
                digest.update(_measured(name))
                if isinstance(value, UploadedFile):
                    digest.update(_measured(value.name or "") + _measured(_digest_of(value)))
                else:
                    digest.update(_measured(str(value)))
    else:
        try:
            digest.update(request._request.body)
        except RequestDataTooBig:
            raise BodyTooLarge from None
    return digest.hexdigest()


def _digest_of(file: UploadedFile) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _measured(text: str) -> bytes:
    """With its length before it, so that no two forms read alike."""
    raw = text.encode()
    return f"{len(raw)}:".encode() + raw


def _matched(view: Any, request: Request, handler: Handler, match: str | None) -> Handler:
    """The handler, run only while the row is what the caller read. Refusals become answers in here: what a service
    keeps of a refusal (an alert, a count) is committed, as it is without our transaction."""

    def matched(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        pk = view.kwargs.get("pk")
        try:
            if match is not None and pk is not None:
                _compare(view, pk, match)
            answered = handler(request, *args, **kwargs)
        except Exception as error:
            refused: HttpResponseBase = view.handle_exception(error)  # raises what is a bug
            return refused
        if isinstance(answered, Response) and request.method in {"PATCH", "PUT"} and _is_row(answered, pk):
            answered["ETag"] = tag(version_of(view.queryset.model, pk), answered.data)
        return answered

    return matched


def _compare(view: Any, pk: str, match: str) -> None:
    if not view.get_queryset().filter(pk=pk).exists():
        return  # the handler says that it is not there, as it does without the header
    version = version_of(view.queryset.model, pk, lock=True)
    if match.strip() != "*" and version not in {given.partition(".")[0] for given in _named(match)}:
        raise Stale


def _tagged(view: Any, request: Request, handler: Handler) -> Handler:
    """Read with an ETag. The version is read before the row: one that is too old is refused later, never the reverse."""

    def tagged(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        pk = view.kwargs["pk"]
        version = version_of(view.queryset.model, pk)
        answered = handler(request, *args, **kwargs)
        if not isinstance(answered, Response) or version is None or not _is_row(answered, pk):
            return answered
        etag = tag(version, answered.data)
        if etag.strip('"') in _named(request.headers.get("If-None-Match", "")):
            answered = Response(status=status.HTTP_304_NOT_MODIFIED)
        answered["ETag"] = etag
        answered["Cache-Control"] = "private, no-cache"
        return answered

    return tagged


def _named(header: str) -> set[str]:
    """The ETags of a header, bare. A proxy that compresses calls ours weak; they are still ours."""
    return {given.removeprefix("W/").strip('"') for given in parse_etags(header)}


def _is_row(answered: Response, pk: str | None) -> bool:
    """Whether the answer is the row of the address, and not another that it was merged into."""
    return (
        pk is not None
        and status.is_success(answered.status_code)
        and isinstance(answered.data, dict)
        and str(answered.data.get("id")) == pk
    )


def tag(version: str | None, data: Any) -> str:
    """An ETag: the row's version, which If-Match compares, and a digest of all that is shown, for If-None-Match."""
    return f'"{version}.{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:16]}"'


def version_of(model: type[Model], pk: str, *, lock: bool = False) -> str | None:
    """Which transaction wrote the row last (`xmin`): another after every change, whoever makes it and however."""
    rows = model._base_manager.filter(pk=pk).annotate(
        row_version=RawSQL(f'"{model._meta.db_table}".xmin::text', [], output_field=CharField())  # noqa: S611 - a table of ours
    )
    # What the application may never update needs no lock, and PostgreSQL would refuse it.
    if lock and "UPDATE" in getattr(model, "database_privileges", TenantModel.database_privileges):
        rows = rows.select_for_update(of=("self",), no_key=True)
    found: str | None = rows.values_list("row_version", flat=True).first()
    return found
