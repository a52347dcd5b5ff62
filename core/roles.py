"""Who may do what: the one table of capabilities, and how far each role sees. Deny before allow."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    MANAGER = "manager", "Manager"
    SUPERVISOR = "supervisor", "Supervisor"
    AGENT = "agent", "Agent"
    ACCOUNTANT = "accountant", "Accountant"
    VIEWER = "viewer", "Viewer"


class Reach(StrEnum):
    """How far own-only visibility reaches: one's own rows, those of direct reports too, or the whole organisation."""

    OWN = "own"
    TEAM = "team"
    ORGANIZATION = "organization"


class Capability(StrEnum):
    """`<resource>.<action>`; also the scopes that an API token may carry."""

    BACK_OFFICE = "back_office.enter"
    ORGANIZATION_MANAGE = "organization.manage"
    MEMBERS_MANAGE = "members.manage"
    TOKENS_MANAGE = "tokens.manage"
    AUDIT_READ = "audit.read"

    CRM_READ = "crm.read"
    CRM_WRITE = "crm.write"
    CONTACTS_MERGE = "contacts.merge"
    STOCK_WRITE = "stock.write"
    CRM_DELETE = "crm.delete"
    CRM_EXPORT = "crm.export"
    NUMBERS_READ = "numbers.read"
    NUMBERS_ASK = "numbers.ask"  # for one number at a time, with a reason
    SHEETS_IMPORT = "sheets.import"
    SHEETS_LINK = "sheets.link"
    AGENTS_MANAGE = "agents.manage"
    ASSIGNMENTS_WRITE = "assignments.write"
    BANK_DETAILS_READ = "bank_details.read"

    CONVERSATIONS_READ = "conversations.read"
    CONVERSATIONS_REPLY = "conversations.reply"
    CONVERSATIONS_ASSIGN = "conversations.assign"
    CHANNELS_READ = "channels.read"
    CHANNELS_CHECK = "channels.check"
    CHANNELS_MANAGE = "channels.manage"
    TEMPLATES_WRITE = "templates.write"

    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_WRITE = "campaigns.write"
    CAMPAIGNS_APPROVE = "campaigns.approve"
    CAMPAIGNS_RUN = "campaigns.run"

    DEALS_WRITE = "deals.write"
    COMMISSIONS_READ = "commissions.read"
    COMMISSIONS_WRITE = "commissions.write"
    COMMISSIONS_APPROVE = "commissions.approve"
    COMMISSIONS_PAY = "commissions.pay"
    LEDGER_READ = "ledger.read"
    LEDGER_CLOSE = "ledger.close"


_AGENT = {
    Capability.CRM_READ,
    Capability.CRM_WRITE,
    Capability.NUMBERS_ASK,
    Capability.CONVERSATIONS_READ,
    Capability.CONVERSATIONS_REPLY,
    Capability.CHANNELS_READ,
    Capability.CAMPAIGNS_READ,
    Capability.DEALS_WRITE,
    Capability.COMMISSIONS_READ,
}
_SUPERVISOR = _AGENT | {Capability.ASSIGNMENTS_WRITE, Capability.CONVERSATIONS_ASSIGN, Capability.CAMPAIGNS_WRITE}
_MANAGER = _SUPERVISOR | {
    Capability.BACK_OFFICE,
    Capability.AUDIT_READ,
    Capability.STOCK_WRITE,
    Capability.CONTACTS_MERGE,
    Capability.AGENTS_MANAGE,
    Capability.CRM_DELETE,
    Capability.CRM_EXPORT,
    Capability.NUMBERS_READ,
    Capability.SHEETS_IMPORT,
    Capability.SHEETS_LINK,
    Capability.CHANNELS_CHECK,
    Capability.TEMPLATES_WRITE,
    Capability.CAMPAIGNS_APPROVE,
    Capability.CAMPAIGNS_RUN,
    Capability.COMMISSIONS_WRITE,
    Capability.COMMISSIONS_APPROVE,
    Capability.COMMISSIONS_PAY,
    Capability.LEDGER_READ,
    Capability.LEDGER_CLOSE,
}
_VIEWER = {
    Capability.BACK_OFFICE,
    Capability.CRM_READ,
    Capability.CONVERSATIONS_READ,
    Capability.CHANNELS_READ,
    Capability.CAMPAIGNS_READ,
    Capability.COMMISSIONS_READ,
    Capability.LEDGER_READ,
}
# Money in and out and the books, for everybody. What is owed a manager approves, and stock and talk are not his.
_ACCOUNTANT = {
    Capability.BACK_OFFICE,
    Capability.AUDIT_READ,
    Capability.CRM_READ,
    Capability.CRM_EXPORT,
    Capability.BANK_DETAILS_READ,
    Capability.COMMISSIONS_READ,
    Capability.COMMISSIONS_WRITE,
    Capability.COMMISSIONS_PAY,
    Capability.LEDGER_READ,
    Capability.LEDGER_CLOSE,
}

CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.ADMIN: frozenset(Capability),
    Role.MANAGER: frozenset(_MANAGER),
    Role.SUPERVISOR: frozenset(_SUPERVISOR),
    Role.AGENT: frozenset(_AGENT),
    Role.ACCOUNTANT: frozenset(_ACCOUNTANT),
    Role.VIEWER: frozenset(_VIEWER),
}

# Who stands above whom: a manager suspends agents and supervisors, not other managers.
RANK: dict[Role, int] = {
    Role.ADMIN: 4, Role.MANAGER: 3, Role.SUPERVISOR: 2, Role.AGENT: 1, Role.ACCOUNTANT: 1, Role.VIEWER: 1,
}  # fmt: skip

REACH: dict[Role, Reach] = {
    Role.ADMIN: Reach.ORGANIZATION,
    Role.MANAGER: Reach.ORGANIZATION,
    Role.SUPERVISOR: Reach.TEAM,
    Role.AGENT: Reach.OWN,
    Role.ACCOUNTANT: Reach.ORGANIZATION,
    Role.VIEWER: Reach.ORGANIZATION,
}
