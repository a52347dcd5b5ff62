"""Addresses of imports and linked sheets, under /o/<organisation>/."""

from django.urls import path

from sheets.pages import conflicts, imports, linked, linking, reversal, run, syncs

urlpatterns = [
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.upload, name="import-upload"),
    path("imports/<int:run_id>/", run.run_page, name="import"),
    path("imports/<int:run_id>/progress/", run.run_progress, name="import-progress"),
    path("imports/<int:run_id>/mapping/", run.run_mapping, name="import-mapping"),
    path("imports/<int:run_id>/reading/", run.run_reading, name="import-reading"),
    path("imports/<int:run_id>/commit/", run.run_commit, name="import-commit"),
    path("imports/<int:run_id>/stop/", run.run_stop, name="import-stop"),
    path("imports/<int:run_id>/rows/", run.run_rows, name="import-rows"),
    path("imports/<int:run_id>/error-file/", run.run_error_file, name="import-error-file"),
    path("imports/<int:run_id>/reversal/", reversal.run_reversal, name="import-reversal"),
    path("sheets/", linked.linked_sheets, name="linked-sheets"),
    path("sheets/new/", linking.link, name="link-sheet"),
    path("sheets/accounts/", linking.google_accounts, name="google-accounts"),
    path("sheets/accounts/<int:account_id>/removal/", linking.account_removal, name="google-account-removal"),
    path("sheets/<int:sheet_id>/", linked.linked_sheet, name="linked-sheet"),
    path("sheets/<int:sheet_id>/mapping/", linking.linked_mapping, name="linked-sheet-mapping"),
    path("sheets/<int:sheet_id>/pause/", linked.pause, name="linked-sheet-pause"),
    path("sheets/<int:sheet_id>/unlinking/", linking.unlinking, name="linked-sheet-unlinking"),
    path("sheets/<int:sheet_id>/syncs/", linked.sync, name="linked-sheet-sync"),
    path("sheets/<int:sheet_id>/syncs/<int:run_id>/", syncs.sheet_sync, name="sheet-sync"),
    path("conflicts/", conflicts.conflicts, name="conflicts"),
    path("conflicts/decisions/", conflicts.decide, name="conflict-decisions"),
    path("conflicts/decisions/matching/", conflicts.decide_all, name="conflict-decisions-matching"),
]
