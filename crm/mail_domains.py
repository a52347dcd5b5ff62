"""Whether a domain takes mail: asked of DNS by email-validator, kept for a day, and never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import dns.exception
import dns.resolver
import structlog
from django.conf import settings
from django.core.cache import cache
from email_validator import EmailUndeliverableError
from email_validator.deliverability import validate_email_deliverability
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

KEPT = 24 * 3600  # seconds
AT_ONCE = 32
# Where this many did not get an answer in a row, the server is away: asking on would only take time.
PATIENCE = AT_ONCE * 2


class Mail(StrEnum):
    TAKES = "takes"
    MISSING = "missing"  # there is no such domain
    REFUSES = "refuses"  # there is, and it takes no mail
    UNASKED = "unasked"  # no answer: says nothing about the domain


def ask(domains: Iterable[str]) -> dict[str, Mail]:
    """What becomes of mail to each domain. What DNS said within a day is not asked again."""
    wanted = sorted(set(domains))
    found = {domain: Mail(said) for domain, said in _kept(wanted).items()}
    open_ones = [domain for domain in wanted if domain not in found]
    silent = 0
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for start in range(0, len(open_ones), AT_ONCE):
            some = open_ones[start : start + AT_ONCE]
            if silent >= PATIENCE:
                found |= dict.fromkeys(some, Mail.UNASKED)
                continue
            answers = dict(zip(some, pool.map(_ask, some), strict=True))
            silent = silent + len(some) if set(answers.values()) == {Mail.UNASKED} else 0
            found |= answers
    _keep({domain: found[domain] for domain in open_ones if found[domain] is not Mail.UNASKED})
    return found


def _ask(domain: str) -> Mail:
    try:
        info = validate_email_deliverability(domain, domain, dns_resolver=_resolver())
    except EmailUndeliverableError as refusal:
        if isinstance(refusal.__cause__, dns.resolver.NXDOMAIN):
            return Mail.MISSING
        # The library says the same of whatever else went wrong on the way: that is no answer.
        said = refusal.__cause__ is None or isinstance(refusal.__cause__, dns.resolver.NoAnswer)
        return Mail.REFUSES if said else Mail.UNASKED
    except dns.exception.DNSException:  # there is no server to ask
        return Mail.UNASKED
    return Mail.UNASKED if "unknown-deliverability" in info else Mail.TAKES


def _resolver() -> dns.resolver.Resolver:
    address, _, port = settings.EMAIL_DNS_SERVER.rpartition(":") if settings.EMAIL_DNS_SERVER.count(":") == 1 else (
        settings.EMAIL_DNS_SERVER, "", "53"
    )  # fmt: skip
    resolver = dns.resolver.Resolver(configure=not address)
    if address:
        resolver.nameservers, resolver.port = [address], int(port)
    resolver.timeout = resolver.lifetime = settings.EMAIL_DNS_TIMEOUT
    return resolver


def _kept(domains: list[str]) -> dict[str, str]:
    try:
        said = cache.get_many([_key(domain) for domain in domains])
    except (RedisError, OSError):
        return {}
    return {domain: said[_key(domain)] for domain in domains if _key(domain) in said}


def _keep(found: dict[str, Mail]) -> None:
    try:
        cache.set_many({_key(domain): str(mail) for domain, mail in found.items()}, KEPT)
    except (RedisError, OSError):
        log.warning("domains_not_kept", count=len(found))


def _key(domain: str) -> str:
    return f"crm:mail:{settings.EMAIL_DNS_SERVER}:{domain}"
