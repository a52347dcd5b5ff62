"""What can be said of a number or an address without writing to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from core.phones import read_cell
from crm.mail_domains import Mail, ask
from crm.models import ContactPoint
from crm.models.contacts import PointKind, PointStatus
from crm.models.validation import Finding


@dataclass(frozen=True, slots=True)
class Judgement:
    """`status` is None where nothing can be said, and the point stays as it is."""

    finding: Finding
    status: PointStatus | None
    country: str = ""
    line_type: str = ""


_OF_MAIL = {
    Mail.TAKES: Judgement(Finding.FINE, PointStatus.VALID),
    Mail.MISSING: Judgement(Finding.NO_DOMAIN, PointStatus.INVALID),
    Mail.REFUSES: Judgement(Finding.NO_MAIL, PointStatus.INVALID),
    Mail.UNASKED: Judgement(Finding.NOT_ASKED, None),
}


def judge(points: Iterable[ContactPoint], region: str) -> dict[int, Judgement]:
    """Each point by its id. Numbers by phonenumbers; addresses by their form, and by DNS once for each domain."""
    found: dict[int, Judgement] = {}
    domains: dict[int, str] = {}
    for point in points:
        if point.kind == PointKind.EMAIL:
            domain = _domain(point.value)
            if domain is None:
                found[point.pk] = Judgement(Finding.BAD_FORM, PointStatus.INVALID)
            else:
                domains[point.pk] = domain
        else:
            found[point.pk] = _number(point, region)
    mail = ask(domains.values())
    return found | {pk: _OF_MAIL[mail[domain]] for pk, domain in domains.items()}


def _domain(address: str) -> str | None:
    try:
        return validate_email(address, check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        return None


def _number(point: ContactPoint, region: str) -> Judgement:
    """A number that reads as another than what is kept (it was kept as typed) is for a person to look at."""
    cell = read_cell(point.value, region)
    if len(cell.numbers) == 1 and cell.numbers[0].value == point.value:
        (number,) = cell.numbers
        finding = Finding.FINE if number.line == "mobile" else Finding.LANDLINE
        return Judgement(finding, PointStatus.VALID, number.country, number.line)
    if cell.numbers or cell.line == "review":
        return Judgement(Finding.UNCLEAR, PointStatus.REVIEW)
    return Judgement(Finding.NO_NUMBER, PointStatus.INVALID)
