"""What the tests share. PYTHONPATH names a folder with the package and the built library."""

import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def fixtures() -> pathlib.Path:
    """The tests' data."""
    return ROOT / "tests" / "fixtures"


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as where nothing says a width. The line editor that pytest loads says one, past `os.environ`."""
    monkeypatch.setenv("COLUMNS", "100")
