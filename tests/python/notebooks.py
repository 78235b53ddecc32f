"""What the notebooks of the book keep is what they give: run by nbmake, beside those in docs.

    notebooks.py FOLDER-OF-WHAT-RAN FOLDER-OF-WHAT-IS-KEPT

Times, counters, warnings with places of files, and figures in a second form are left out of both.
With UPDATE_EXPECT=1 the notebooks are written anew: read the change.
"""

import difflib
import json
import os
import sys
from pathlib import Path

#: Characters of an output that is kept: what is larger is not shown in the book.
MOST = 120_000


def text(of):
    return "".join(of) if isinstance(of, list) else of


def kept(output):
    """What is kept of an output; nothing if it says nothing, or is different each time."""
    kind = output["output_type"]
    if kind == "error":
        raise SystemExit(f"{output['ename']}: {output['evalue']}")
    if kind == "stream":
        if output["name"] != "stdout":
            return None
        return {"name": "stdout", "output_type": "stream", "text": text(output["text"])}
    data = {form: text(what) for form, what in output["data"].items()}
    if "image/svg+xml" in data:
        # A figure has its drawing in both.
        data.pop("text/html", None)
    if data.get("text/plain") == data.get("text/html"):
        data.pop("text/plain", None)
    data = {form: what for form, what in data.items() if what.strip() and what != "<pre></pre>"}
    if set(data) <= {"text/plain"} and not data.get("text/plain"):
        return None
    for form, what in data.items():
        if len(what) > MOST:
            raise SystemExit(f"an output of {len(what)} characters ({form}): show less of it")
    lines = {form: what.splitlines(keepends=True) for form, what in sorted(data.items())}
    found = {"data": lines, "metadata": {}, "output_type": kind}
    return found | ({"execution_count": None} if kind == "execute_result" else {})


def stripped(path):
    """A notebook with what is kept of it, as text."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            outputs = [output for output in map(kept, cell["outputs"]) if output is not None]
            for output in outputs:
                if output["output_type"] == "stream":
                    output["text"] = output["text"].splitlines(keepends=True)
            cell["outputs"] = outputs
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main():
    ran, book = map(Path, sys.argv[1:])
    paths = sorted(book.glob("*.ipynb"))
    assert paths, f"no notebooks in {book}"
    is_different = False
    for path in paths:
        found, stands = stripped(ran / path.name), path.read_text("utf-8")
        if found == stands:
            continue
        if os.environ.get("UPDATE_EXPECT"):
            path.write_text(found, "utf-8")
            print(f"{path}: written anew")
            continue
        is_different = True
        lines = difflib.unified_diff(
            stands.splitlines(), found.splitlines(), str(path), "what it gives", lineterm="", n=2
        )
        print(*(line[:200] for line in list(lines)[:80]), sep="\n")
    if is_different:
        raise SystemExit("notebooks give other than what is kept: UPDATE_EXPECT=1, and read the change")
    print(f"{len(paths)} notebooks give what is kept in them")


if __name__ == "__main__":
    main()
