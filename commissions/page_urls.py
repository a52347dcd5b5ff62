"""Addresses of money, under /o/<organisation>/."""

from django.urls import path

from commissions.pages import (
    approvals,
    books,
    client_money,
    commission,
    files,
    forecast,
    lists,
    mine,
    payouts,
    statement,
    team,
)  # fmt: skip

urlpatterns = [
    path("commissions/", mine.my_commissions, name="my-commissions"),
    path("commissions/parts/", lists.parts, name="commission-parts"),
    path("commissions/payments/", lists.payments, name="commission-payments"),
    path("commissions/parts/file/", lists.list_file, {"what": "parts"}, name="commission-parts-file"),
    path("commissions/payments/file/", lists.list_file, {"what": "payments"}, name="commission-payments-file"),
    path("commissions/statement/", statement.statement, name="commission-statement"),
    path("commissions/approvals/", approvals.approvals, name="commission-approvals"),
    path("commissions/approvals/file/", lists.list_file, {"what": "approvals"}, name="commission-approvals-file"),
    path("commissions/exceptions/", team.exceptions, name="commission-exceptions"),
    path("commissions/team/", team.team, name="commission-team"),
    path("commissions/forecast/", forecast.forecast, name="commission-forecast"),
    path("commissions/payables/", books.payables, name="commission-payables"),
    path("commissions/period/", books.period, name="commission-period"),
    path("commissions/trial-balance/", books.trial_balance, name="commission-trial-balance"),
    path("commissions/accounts/", books.accounts, name="commission-accounts"),
    path("commissions/accounts/<int:account_id>/", books.account, name="commission-account"),
    path("commissions/reports/<slug:report>/", files.report_file, name="commission-report-file"),
    path("commissions/payouts/", payouts.payouts, name="commission-payouts"),
    path("commissions/payouts/file/", lists.list_file, {"what": "payouts"}, name="commission-payouts-file"),
    path("commissions/payouts/<int:payout_id>/", payouts.payout, name="commission-payout"),
    path("commissions/payouts/<int:payout_id>/approval/", payouts.approval, name="commission-payout-approval"),
    path(
        "commissions/payouts/<int:payout_id>/cancellation/", payouts.cancellation, name="commission-payout-cancellation"
    ),
    path("commissions/payouts/<int:payout_id>/bank-file/", payouts.bank_file, name="commission-payout-bank-file"),
    path("commissions/payouts/<int:payout_id>/answers/", payouts.answers, name="commission-payout-answers"),
    path("commissions/<int:commission_id>/", commission.commission, name="commission"),
    path("commissions/<int:commission_id>/dispute/", commission.dispute, name="commission-dispute"),
    path("commissions/<int:commission_id>/messages/", commission.message, name="commission-message"),
    path("commissions/<int:commission_id>/resolution/", commission.resolution, name="commission-resolution"),
    path("commissions/<int:commission_id>/approval/", commission.approval, name="commission-approval"),
    path("commissions/<int:commission_id>/cancellation/", commission.cancellation, name="commission-cancellation"),
    path("commissions/<int:commission_id>/instalments/", client_money.instalments, name="commission-instalments"),
    path("commissions/<int:commission_id>/receipts/", client_money.receipt, name="commission-receipt"),
    path("commissions/<int:commission_id>/receipts/bounced/", client_money.bounced, name="commission-receipt-bounced"),
    path("commissions/<int:commission_id>/hold-back/", client_money.hold_back, name="commission-hold-back"),
    path("commissions/<int:commission_id>/hold-back/release/", client_money.release, name="commission-release"),
]
