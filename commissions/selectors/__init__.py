"""Reads of commissions, for pages and reports."""

from commissions.selectors.bars import Bar, Charts, charts
from commissions.selectors.books import (
    AccountLines,
    Family,
    Movement,
    account_lines,
    account_page,
    accounts,
    families,
    movements,
)
from commissions.selectors.lists import Listing, PartSum, PaymentSum, part_page, parts, payment_page, payments
from commissions.selectors.owing import Debt, debts
from commissions.selectors.payables import Payable, Payables, payables
from commissions.selectors.payouts import Payout, payout, payout_page, payouts
from commissions.selectors.reasons import Explained, Step, explained, refusal, sees_all
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
from commissions.selectors.waiting import (
    Exceptions,
    approval_page,
    awaiting,
    exceptions,
    pending_approvals,
    status_counts,
)

__all__ = [
    "AccountLines",
    "AgentStatement",
    "Bar",
    "Charts",
    "Debt",
    "Exceptions",
    "Explained",
    "Family",
    "Listing",
    "Month",
    "Movement",
    "PartSum",
    "Payable",
    "Payables",
    "PaymentSum",
    "Payout",
    "Running",
    "RunningLine",
    "StatementLine",
    "StatementPayment",
    "Step",
    "TeamRow",
    "Totals",
    "account_lines",
    "account_page",
    "accounts",
    "agent_statement",
    "approval_page",
    "awaiting",
    "charts",
    "debts",
    "exceptions",
    "explained",
    "families",
    "may_see",
    "movements",
    "part_page",
    "parts",
    "payables",
    "payment_page",
    "payments",
    "payout",
    "payout_page",
    "payouts",
    "pending_approvals",
    "refusal",
    "running_statements",
    "sees_all",
    "status_counts",
    "team_totals",
]
