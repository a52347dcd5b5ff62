from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> Path:
    """Where uploaded files are kept, for this test only."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"
