"""What the tests share. PYTHONPATH names a folder with the package and the built library."""

import pathlib

import pytest
import rebound_trade as rb

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def fixtures() -> pathlib.Path:
    """The tests' data."""
    return ROOT / "tests" / "fixtures"


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> rb.Run:
    """The sample, run into a lake of these tests alone: others may be at those of the checkout."""
    lake = tmp_path_factory.mktemp("sample") / "lake"
    return rb.run(ROOT / "pipelines" / "australia.yaml", lake=lake, as_="pyarrow")


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as where nothing says a width. The line editor that pytest loads says one, past `os.environ`."""
    monkeypatch.setenv("COLUMNS", "100")
