"""Reads of commissions, for pages and reports."""

from commissions.selectors.lists import Listing, PartSum, PaymentSum, part_page, parts, payment_page, payments
from commissions.selectors.reasons import Explained, Step, explained, sees_all
from commissions.selectors.running import Month, Running, RunningLine, running_statements
from commissions.selectors.statements import (
    AgentStatement,
    StatementLine,
    StatementPayment,
    TeamRow,
    Totals,
    agent_statement,
    may_see,
    team_totals,
)
from commissions.selectors.waiting import pending_approvals, status_counts

__all__ = [
    "AgentStatement",
    "Explained",
    "Listing",
    "Month",
    "PartSum",
    "PaymentSum",
    "Running",
    "RunningLine",
    "StatementLine",
    "StatementPayment",
    "Step",
    "TeamRow",
    "Totals",
    "agent_statement",
    "explained",
    "may_see",
    "part_page",
    "parts",
    "payment_page",
    "payments",
    "pending_approvals",
    "running_statements",
    "sees_all",
    "status_counts",
    "team_totals",
]
