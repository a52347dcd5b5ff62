"""Addresses of imports, under /o/<organisation>/."""

from django.urls import path

from sheets.pages import imports, reversal, run

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
]
