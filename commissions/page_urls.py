"""Addresses of money, under /o/<organisation>/."""

from django.urls import path

from commissions.pages import commission, files, lists, mine, statement

urlpatterns = [
    path("commissions/", mine.my_commissions, name="my-commissions"),
    path("commissions/parts/", lists.parts, name="commission-parts"),
    path("commissions/payments/", lists.payments, name="commission-payments"),
    path("commissions/parts/file/", lists.list_file, {"what": "parts"}, name="commission-parts-file"),
    path("commissions/payments/file/", lists.list_file, {"what": "payments"}, name="commission-payments-file"),
    path("commissions/statement/", statement.statement, name="commission-statement"),
    path("commissions/reports/<slug:report>/", files.report_file, name="commission-report-file"),
    path("commissions/<int:commission_id>/", commission.commission, name="commission"),
    path("commissions/<int:commission_id>/dispute/", commission.dispute, name="commission-dispute"),
    path("commissions/<int:commission_id>/resolution/", commission.resolution, name="commission-resolution"),
    path("commissions/<int:commission_id>/approval/", commission.approval, name="commission-approval"),
    path("commissions/<int:commission_id>/cancellation/", commission.cancellation, name="commission-cancellation"),
]
