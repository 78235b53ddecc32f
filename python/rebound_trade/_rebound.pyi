"""The native part of the package. What users call is in `rebound_trade`."""

from typing import Any, Protocol

class NativeTable(Protocol):
    """A table that speaks Arrow's C interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

# command.rs
def main(argv: list[str]) -> int: ...

# tables.rs
def measure(arguments: list[str], rows: Any | None = None, threads: int = 0) -> NativeTable: ...
def resilience(
    arguments: list[str], rows: Any | None = None, episodes: Any | None = None, threads: int = 0
) -> list[tuple[str, NativeTable]]: ...
def convert(
    arguments: list[str], rows: Any | None = None, weights: Any | None = None
) -> tuple[NativeTable, NativeTable, NativeTable]: ...
def options(function: str) -> list[str]: ...
