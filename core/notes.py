"""Notes of the models that are for whoever reads the code or the API, and not for the pages of the office."""

from __future__ import annotations


class ForTheCode(str):
    """To migrations and to the document of the API what it says (`note`); on a page of the back office, nothing."""

    @property
    def note(self) -> str:
        return str.__str__(self)

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    __html__ = __str__
