"""Every text of the report has words in each shipped language, and no language has others.

    python tests/python/languages.py

A text is what stands in `say("…")`, `sayMany(n, "…", "…")`, `say_with("…")`, `say_many(n, "…", "…")` or `key("…")`, in the
JavaScript and in the Rust of the report: a literal, or a choice of literals. What is no literal is marked where it stands as one,
by `key("…")`."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2] / "crates/report"
SOURCES = [*sorted((ROOT / "assets").rglob("*.js")), *sorted((ROOT / "src").rglob("*.rs"))]
LANGUAGES = sorted((ROOT / "assets/languages").glob("*.yaml"))
# Which of a call's arguments are texts.
TEXTS = {"say": [0], "say_with": [0], "sayMany": [1, 2], "say_many": [1, 2], "key": [0]}
CALL = re.compile(r"(?<![\w])(say|say_with|sayMany|say_many|key)\(")
# Where these are made, they take texts of others.
DEFINED = re.compile(r"(fn|function)\s+$")
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\\n])*\'|`[^`]*`|//[^\n]*|[()\[\]{},?:;]|[^\s()\[\]{},?:;"\'`/]+|\s+|.', re.DOTALL)
CLOSES = {"(": ")", "[": "]", "{": "}"}


def arguments(text, at):
    """The tokens of each argument of the call whose bracket is before `at`."""
    depth, out = [")"], [[]]
    for token in TOKEN.finditer(text, at):
        token = token.group()
        if token.startswith("//") or token.isspace():
            continue
        if token in CLOSES:
            depth.append(CLOSES[token])
        elif token == depth[-1]:
            depth.pop()
            if not depth:
                return [argument for argument in out if argument]
        if token == "," and len(depth) == 1:
            out.append([])
        else:
            out[-1].append(token)
    raise AssertionError("a call that does not end")


def value(literal):
    """What a literal says. A text of Rust may go on in the next line."""
    return json.loads('"' + re.sub(r"\\\n\s*", "", literal[1:-1]).replace("\\'", "'") + '"')


def texts_of(argument):
    """The literals that an argument may be, or none if it may be something else."""
    if "?" in argument:
        # a ? b : c, where c may be such a choice too.
        depth, at = 0, argument.index("?")
        for i in range(at + 1, len(argument)):
            depth += {"?": 1}.get(argument[i], 0)
            if argument[i] == ":":
                if not depth:
                    first, second = texts_of(argument[at + 1 : i]), texts_of(argument[i + 1 :])
                    return first + second if first and second else []
                depth -= 1
        return []
    return [value(argument[0])] if len(argument) == 1 and argument[0].startswith('"') else []


def found():
    """Texts by where they stand, and calls whose texts are marked elsewhere."""
    texts, open_calls = {}, []
    for path in SOURCES:
        if path.name.endswith(".min.js"):
            continue
        source = path.read_text()
        if path.suffix == ".rs":
            source = source.partition("#[cfg(test)]")[0]
        for call in CALL.finditer(source):
            before = source[: call.start()]
            line = before.rpartition("\n")[2]
            if DEFINED.search(before) or re.match(r"\s*//", line):
                continue
            place, given = f"{path.relative_to(ROOT)}:{before.count(chr(10)) + 1}", arguments(source, call.end())
            for i in TEXTS[call.group(1)]:
                said = texts_of(given[i]) if i < len(given) else []
                for text in said:
                    texts.setdefault(text, place)
                if not said:
                    open_calls.append((place, call.group(1)))
    return texts, open_calls


def names(text):
    return set(re.findall(r"\{(\w+)\}", text))


def main():
    texts, open_calls = found()
    assert len(texts) > 50, texts
    marked_by_nobody = [place for place, call in open_calls if call == "key"]
    assert not marked_by_nobody, f"key() marks literals: {marked_by_nobody}"
    wrong = []
    for path in LANGUAGES:
        words = yaml.safe_load(path.read_text())["texts"]
        wrong += [f"{path.name} has no words for {text!r} ({place})" for text, place in texts.items() if text not in words]
        wrong += [f"{path.name} has words for {text!r}, which nothing says" for text in words if text not in texts]
        wrong += [f"{path.name}: {text!r} and {words[text]!r} have other values" for text in texts if text in words and names(text) != names(words[text])]
    assert not wrong, "\n".join(wrong)
    print(f"{len(texts)} texts of the report have words in {len(LANGUAGES)} languages beside English")


if __name__ == "__main__":
    main()
