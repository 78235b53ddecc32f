"""Running and planning pipelines."""

from __future__ import annotations

import html
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from . import _errors, _rebound
from ._results import give_records, library

if TYPE_CHECKING:
    from ._lake import Lake

_LOG = logging.getLogger("rebound_trade")

#: Seconds that a program has to end when it is told to.
_PATIENCE = 5.0


class CheckFailed(_errors.Error):
    """A check of the data failed, so nothing was published.

    ``failed`` has a record of each check that found rows: ``check``, ``rows`` (how many) and
    ``first_rows`` (the first of them, as text).
    """

    failed: Sequence[Mapping[str, Any]] = ()


def path_text(name: str, value: str | os.PathLike[str]) -> str:
    """The text of a path."""
    try:
        return os.fspath(value)
    except TypeError:
        found = type(value).__name__
        raise _errors.InputError(f"{name}: expected a path, found {found}") from None


def several(value: str | Iterable[str] | None) -> list[str]:
    """The names that a name, or some of them, stand for."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


class _Progress:
    """How far a run is: a line that is drawn again, in a notebook or at a terminal."""

    _WIDTH = 24

    def __init__(self, is_shown: bool | None) -> None:
        self._began = time.monotonic()
        self._length = 0
        self._handle: Any = None
        self._is_terminal = False
        if is_shown is False:
            return
        if "IPython" in sys.modules:
            from IPython import get_ipython

            if getattr(get_ipython(), "kernel", None) is not None:
                from IPython.display import display

                data = {"text/plain": "rebound run"}
                self._handle = display(data, raw=True, display_id=True)
        if self._handle is None:
            self._is_terminal = bool(is_shown) or sys.stderr.isatty()

    def tell(self, fields: Mapping[str, Any]) -> None:
        """Takes a line of the log."""
        if fields.get("message") != "stage started":
            return
        step, of, stage = fields.get("step"), fields.get("of"), fields.get("stage", "")
        if not isinstance(step, int) or not isinstance(of, int) or of < 1:
            return
        n = min(self._WIDTH, self._WIDTH * (step - 1) // of)
        bar = "#" * n + "-" * (self._WIDTH - n)
        self._draw(f"[{bar}] {step}/{of}  {time.monotonic() - self._began:.0f} s  {stage}")

    def end(self, text: str = "") -> None:
        """Takes the line away, or leaves ``text`` in its place."""
        if self._handle is not None:
            self._draw(text)
        elif self._is_terminal and self._length:
            sys.stderr.write("\r" + " " * self._length + "\r")
            sys.stderr.flush()

    def _draw(self, line: str) -> None:
        if self._handle is not None:
            data = {"text/plain": line, "text/html": f"<pre>{html.escape(line)}</pre>"}
            self._handle.update(data, raw=True)
        elif self._is_terminal:
            sys.stderr.write("\r" + line.ljust(self._length))
            sys.stderr.flush()
            self._length = len(line)


def _environment() -> dict[str, str]:
    """That of this process, in which the package is found as it was here."""
    found = dict(os.environ)
    paths = [str(Path(__file__).resolve().parent.parent), found.get("PYTHONPATH", "")]
    found["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # A file of the working folder is no module.
    found["PYTHONSAFEPATH"] = "1"
    found["PYTHONUTF8"] = "1"
    return found


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _said(fields: Mapping[str, Any]) -> str:
    """A line of the log in words."""
    rest = ", ".join(f"{name}={value}" for name, value in fields.items() if name != "message")
    text = str(fields.get("message", ""))
    return f"{text} ({rest})" if rest else text


def program(
    arguments: Sequence[str], listen: Callable[[Mapping[str, Any]], None] | None = None
) -> str:
    """What the program of this package prints.

    It is a process of its own, which ends with an interrupt. What it logs goes to
    ``logging.getLogger("rebound_trade")``, its warnings are ``ReboundWarning``.

    Raises ``InputError`` where it ends with 2, ``CheckFailed`` with 3, ``Error`` with any other
    code than 0. ``exit_code`` of the exception has it.
    """
    if not sys.executable:
        raise _errors.Error("there is no Python to run the program with: sys.executable is empty")
    command = [sys.executable, "-m", "rebound_trade", "--log-format", "json", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    printed: list[str] = []
    stdout, stderr = process.stdout, process.stderr
    assert stdout is not None and stderr is not None
    # Both are read at once, so that neither fills up.
    reader = threading.Thread(target=lambda: printed.append(stdout.read()), daemon=True)
    reader.start()
    errors: list[str] = []
    others: list[str] = []
    try:
        for line in stderr:
            _take(line.rstrip("\n"), listen, errors, others)
        code = process.wait()
        reader.join()
    finally:
        _end(process)
        stderr.close()
    if code != 0:
        raise _failure(code, errors or others)
    return "".join(printed)


def _take(
    line: str,
    listen: Callable[[Mapping[str, Any]], None] | None,
    errors: list[str],
    others: list[str],
) -> None:
    """Takes a line of standard error."""
    try:
        said = json.loads(line)
        level, fields = said["level"], said["fields"]
    except (ValueError, KeyError, TypeError):
        # Not of the log: what clap refuses, or what Python says.
        others.append(line)
        return
    if level == "ERROR":
        causes = fields.get("causes")
        message = str(fields.get("message", ""))
        errors.append(f"{message}: {causes}" if causes else message)
    elif level == "WARN":
        import rebound_trade

        warnings.warn(_rebound.keywords(_said(fields)), rebound_trade.ReboundWarning, stacklevel=4)
    else:
        _LOG.info("%s", _said(fields))
    if listen is not None:
        listen(fields)


def _failure(code: int, lines: Sequence[str]) -> Exception:
    text = re.sub(r"^error: ", "", "\n".join(lines).strip())
    text = text.split("\n\nUsage:")[0].split("\n\nFor more information")[0]
    text = _rebound.keywords(text)
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        text = f"the program was ended by the signal {name}" + (f": {text}" if text else "")
    kind: type[Exception] = {2: _errors.InputError, 3: CheckFailed}.get(code, _errors.Error)
    error = kind(text or f"the program ended with {code}")
    error.exit_code = code  # type: ignore[attr-defined]
    return error


_STAGES = {
    "name": pa.string(),
    "action": pa.string(),
    "rows": pa.int64(),
    "seconds": pa.float64(),
    "why": pa.string(),
}


class Run:
    """What a run came to.

    Attributes:
        id: the name of the run, by which ``Lake.at`` finds what it published.
        status: ``published``, ``unchanged``, or ``held`` (a part was made and not published).
        pipeline: the name of the pipeline.
        seconds: how long it took.
        n_checks: how many checks held.
        text: what ``rebound run`` prints.
        summary: all of it, as ``rebound run --summary`` writes it.
    """

    def __init__(self, summary: Mapping[str, Any], text: str, as_: str | None = None) -> None:
        self.summary = summary
        self.text = text
        self.id: str = summary["run"]
        self.status: str = summary["status"]
        self.pipeline: str = summary["pipeline"]
        self.seconds: float = summary["seconds"]
        self.n_checks: int | None = summary["checks"]["held"]
        self._as = as_

    @property
    def stages(self) -> Any:
        """A row a stage: ``name``, ``action`` (``built`` or ``reused``), ``rows`` of its tables,
        ``seconds``, and ``why`` it was made or not."""
        return give_records(self.summary["stages"], _STAGES, self._as)

    @property
    def tables(self) -> Any:
        """A row a table that the run made or used: ``name``, ``rows``."""
        records = [{"name": name, "rows": n} for name, n in self.summary["tables"].items()]
        return give_records(records, {"name": pa.string(), "rows": pa.int64()}, self._as)

    @property
    def lake(self) -> Lake:
        """The lake that has the tables."""
        from ._lake import open

        return open(self.summary["lake"], as_=self._as)

    def __repr__(self) -> str:
        built = sum(stage["action"] == "built" for stage in self.summary["stages"])
        return (
            f"Run({self.id!r}, {self.status}, {len(self.summary['tables'])} tables, "
            f"{built} stages built, {self.seconds:.2f} s)"
        )

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _plan_arguments(
    pipeline: str | os.PathLike[str],
    select: str | Iterable[str] | None,
    exclude: str | Iterable[str] | None,
    full: bool,
    lake: str | os.PathLike[str] | None,
    records: bool,
    rehash: bool,
) -> list[str]:
    found = [f"--select={name}" for name in several(select)]
    found += [f"--exclude={name}" for name in several(exclude)]
    found += ["--full"] * full + ["--no-records"] * (not records) + ["--rehash"] * rehash
    if lake is not None:
        found.append(f"--lake={path_text('lake', lake)}")
    return [*found, "--", path_text("pipeline", pipeline)]


def run(
    pipeline: str | os.PathLike[str],
    *,
    select: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
    full: bool = False,
    lake: str | os.PathLike[str] | None = None,
    records: bool = True,
    rehash: bool = False,
    threads: int | None = None,
    wait: bool = True,
    keep_going: bool = False,
    accept_changes: bool = False,
    metrics: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    as_: str | None = None,
) -> Run:
    """Makes what is not up to date of a pipeline, checks it, and publishes it.

    The program of this package does it in a process of its own. An interrupt ends that at once, and
    the lake keeps what was published before.

    Args:
        pipeline: the pipeline file.
        select: stages or tables; ``+x`` with what it needs, ``x+`` with what follows, ``x@2016``
            one unit of it.
        exclude: stages or tables to leave out of what is selected.
        full: make all of what is selected, whatever is there. Never changes a byte.
        lake: another lake than the pipeline's.
        records: keep ``customs.records``; without it there is less on disk.
        rehash: read every raw file through to see what changed.
        threads: threads; one a core if not given. Never changes a number.
        wait: wait while another run holds the lake.
        keep_going: if a stage fails, make all that does not follow from it.
        accept_changes: publish also where totals moved by more than the pipeline expects.
        metrics: a file to write what the run did to, for Prometheus.
        progress: show how far it is; without a word in notebooks and at terminals.
        as_: library of the tables of the result: ``pandas``, ``polars`` or ``pyarrow``.

    Raises:
        InputError: the pipeline, its config or its files are at fault.
        CheckFailed: a check of the data failed; nothing was published.
        Error: all else.
    """
    if as_ is not None:
        library(as_)
    shown = _Progress(progress)
    with tempfile.TemporaryDirectory(prefix="rebound-") as folder:
        file = Path(folder) / "summary.json"
        options = [f"--summary={file}"]
        options += [] if threads is None else [f"--threads={threads}"]
        options += [] if metrics is None else [f"--metrics={path_text('metrics', metrics)}"]
        options += ["--no-wait"] * (not wait) + ["--keep-going"] * keep_going
        options += ["--accept-changes"] * accept_changes
        asked = _plan_arguments(pipeline, select, exclude, full, lake, records, rehash)
        try:
            text = program(["run", *options, *asked], shown.tell)
        except CheckFailed as error:
            if file.exists():
                error.failed = json.loads(file.read_text("utf-8"))["checks"]["failed"]
            raise
        finally:
            shown.end()
        summary = json.loads(file.read_text("utf-8"))
    return Run(summary, text, as_)


_STEPS = {
    "stage": pa.string(),
    "action": pa.string(),
    "n_new": pa.int64(),
    "n_changed": pa.int64(),
    "n_again": pa.int64(),
    "n_reused": pa.int64(),
    "seconds": pa.float64(),
    "is_most": pa.bool_(),
    "why": pa.string(),
    "tables": pa.list_(pa.string()),
}


class Plan:
    """What a run would do.

    Attributes:
        text: what ``rebound plan`` prints.
        steps: all of it, as ``rebound plan --format json`` has it.
        n_to_build: how many stages would be made.
        n_to_publish: tables that are there and others than those published.
    """

    def __init__(self, found: Mapping[str, Any], text: str, as_: str | None = None) -> None:
        self.steps: Sequence[Mapping[str, Any]] = found["steps"]
        self.n_to_build: int = found["n_to_build"]
        self.n_to_publish: int = found["n_to_publish"]
        self.pipeline: str = found["pipeline"]
        self.text = text
        self._as = as_

    @property
    def stages(self) -> Any:
        """A row a stage, in their order.

        ``stage``, ``action`` (``build``, ``reuse`` or ``skip``), the units of its work that are new
        (``n_new``), made of something else than before (``n_changed``), made again of the same
        (``n_again``) and used again (``n_reused``; null where that is decided in the run),
        ``seconds`` that it may take by earlier runs (``is_most``: at most), ``why``, ``tables``.
        """
        return give_records(map(_step, self.steps), _STEPS, self._as)

    def __repr__(self) -> str:
        return f"Plan({self.pipeline!r}, {self.n_to_build} of {len(self.steps)} stages to build)"

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    units, estimate = step["units"] or {}, step["time"] or {}
    found = {name: step[name] for name in ("stage", "action", "why", "tables")}
    if units.get("known") == "each":
        for name in ("new", "changed", "again"):
            found[f"n_{name}"] = len(units[name])
        found["n_reused"] = units["reused"]
    elif units.get("known") == "whole":
        is_reused = bool(units["is_reused"])
        found |= {"n_new": int(not is_reused), "n_changed": 0, "n_again": 0}
        found["n_reused"] = int(is_reused)
    if "millis" in estimate:
        found |= {"seconds": estimate["millis"] / 1000, "is_most": estimate["is_most"]}
    return found


def plan(
    pipeline: str | os.PathLike[str],
    *,
    select: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
    full: bool = False,
    lake: str | os.PathLike[str] | None = None,
    records: bool = True,
    rehash: bool = False,
    as_: str | None = None,
) -> Plan:
    """Says what :func:`run` would do with the same arguments, why, and how long it may take.

    ``.stages`` is a table of it, ``.text`` is for reading.
    """
    asked = _plan_arguments(pipeline, select, exclude, full, lake, records, rehash)
    found, text = _rebound.in_both_forms(["plan", *asked])
    return Plan(json.loads(found), text, as_)
