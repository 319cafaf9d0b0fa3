"""The browser of the other browser tests."""

from tests.browser.conftest import chromium

__all__ = ["chromium"]
