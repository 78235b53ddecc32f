"""The Python blocks of README.md and the book, run as they stand.

The blocks of a page are run one after the other in one namespace, in a folder with the files of the
sample, its lake and the fixtures that pages name. What a block prints stands in a block of text
below it. With UPDATE_EXPECT=1 pages are written anew where they are others: read the change.
"""

import contextlib
import io
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
import rebound_trade as rb

ROOT = Path(__file__).resolve().parents[2]
FENCE = "```"


@dataclass
class Block:
    """A block of Python: its lines, where it begins and ends, and the output that stands below."""

    line: int  # of its first line of code, counted from 0
    end: int  # of the line that ends it
    code: str
    text: str | None  # what stands below it, if anything does
    text_lines: tuple[int, int] | None  # the lines of that, without its fences


def blocks(lines):
    found = []
    at = 0
    while at < len(lines):
        if lines[at].strip() != FENCE + "python":
            at += 1
            continue
        end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == FENCE)
        below = next((i for i in range(end + 1, len(lines)) if lines[i].strip()), len(lines))
        text = where = None
        if below < len(lines) and lines[below].strip() == FENCE + "text":
            last = next(i for i in range(below + 1, len(lines)) if lines[i].strip() == FENCE)
            text = "\n".join(lines[below + 1 : last])
            where = (below + 1, last)
        found.append(Block(at + 1, end, "\n".join(lines[at + 1 : end]), text, where))
        at = end + 1
    return found


def pages():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if blocks(page.read_text(encoding="utf-8").split("\n")):
            yield page.relative_to(ROOT).as_posix()


PAGES = list(pages())


@pytest.fixture(scope="module")
def sample(tmp_path_factory, ran):
    """The sample with its lake, and the fixtures that pages read."""
    folder = tmp_path_factory.mktemp("docs")
    for part in ["config", "pipelines", "samples"]:
        shutil.copytree(ROOT / part, folder / part)
    for fixture in ["resilience", "small-cases"]:
        files = ROOT / "tests/fixtures" / fixture
        shutil.copytree(files, folder, dirs_exist_ok=True)
        shutil.copytree(files, folder / "tests/fixtures" / fixture)
    shutil.copytree(ran.summary["lake"], folder / "lake")
    return folder


def test_there_are_pages():
    assert "README.md" in PAGES
    assert "docs/python.md" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_page(page, sample, monkeypatch):
    monkeypatch.chdir(sample)
    monkeypatch.setenv("COLUMNS", "100")
    path = ROOT / page
    lines = path.read_text(encoding="utf-8").split("\n")
    namespace = {"__name__": "page"}
    differences = []
    found = blocks(lines)
    # From the last to the first, so that lines above stay where they are; but run in their order.
    changes = []
    for block in found:
        printed = io.StringIO()
        # Lines of the code are those of the page in a traceback.
        code = compile("\n" * block.line + block.code, str(path), "exec")
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore", rb.ReboundWarning)
            exec(code, namespace)
        output = "\n".join(line.rstrip() for line in printed.getvalue().rstrip("\n").split("\n"))
        if output != (block.text or ""):
            differences.append(f"{page}:{block.line}: printed\n{output}\nbut there stands\n{block.text}")
            changes.append((block, output))
    if differences and os.environ.get("UPDATE_EXPECT"):
        for block, output in reversed(changes):
            if block.text_lines:
                first, last = block.text_lines
                lines[first:last] = output.split("\n")
            else:
                at = block.end + 1
                lines[at:at] = ["", FENCE + "text", *output.split("\n"), FENCE]
        path.write_text("\n".join(lines), encoding="utf-8")
    assert not differences, "run with UPDATE_EXPECT=1 and read the change:\n" + "\n".join(differences)
