"""The shell of `rebound sql` at a terminal.

    python tests/python/shell.py REBOUND LAKE

LAKE is the Australian sample's."""

import os
import pathlib
import stat
import sys
import tempfile
import time

import pexpect

PROMPT = "rebound> "


def look(ask):
    """Numbers, null, and rows that are too wide."""
    ask("select 1 as number union all select 200 order by 1;", "|      1 |", "|    200 |")
    ask("select null as a, 'NULL' as b, '' as c;", '| null | "NULL" |   |')
    ask(r"\pset null n/a", "null is shown as `n/a`")
    ask("select null as a, 'null' as b;", "| n/a | null |")
    ask(r"\pset null 'null'", "null is shown as `null`")
    ask(r"\pset nul x", "did you mean `null`?")
    ask(r"\x auto", "one column a line is auto")
    ask("select * from panel.region limit 1;", "-- row 1", "(1 row)")
    ask("select 1 as narrow;", "| narrow |")
    ask(r"\x sideways", "expected on, off or auto")
    ask(r"\f markdown")
    ask("select 'a|b' as t, 1 as n;", "| t | n |", "| --- | ---: |", r"| a\|b | 1 |")
    ask(r"\f jsonl")
    ask("select 'a' as t, null as n;", '{"t":"a","n":null}')
    ask(r"\f parquet", "parquet is not for a terminal")
    ask(r"\f table")
    ask(r"\?", r"\run [RUN]", r"\watch [SECONDS]", r"\copy (QUERY) to FILE")
    ask(r"\wach", r"did you mean \watch?")


def complete(shell, ask):
    """Columns of the tables of the statement, by alias."""
    shell.send("select count(*) as n from panel.region r where r.resistance_nat\t")
    shell.expect_exact("resistance_national")
    ask(" is null or true;", "(1 row)")
    shell.send("\\wat\t")
    shell.expect_exact("\\watch")
    shell.sendcontrol("c")
    shell.expect_exact(PROMPT)


def run_again(shell, ask):
    """Editing and watching."""
    ask("select 'one' as a;", "| one |")
    ask(r"\e", "select 'two' as a;", "| two |")
    ask(r"\e", "nothing is run")
    shell.sendline("select 'one' as open")
    shell.sendline(r"\e")
    shell.expect_exact("select 'two' as open")
    # It is open still.
    shell.expect_exact("select 'two' as open")
    ask(";", "| two  |")
    shell.sendline(r"\watch 0.2")
    for _ in range(3):
        shell.expect_exact("(every 0.2 s; Ctrl-C ends it)")
        shell.expect_exact("| two  |")
    shell.sendintr()
    shell.expect_exact(PROMPT)
    ask(r"\watch never", "expected seconds from 0.1 to 86400")


def write(ask, folder):
    """Files and commands that rows go to."""
    ask(r"\o |sed s/7/8/ > piped.txt")
    ask("select 7 as a;")
    ask(r"\o")
    assert "| 8 |" in pathlib.Path(folder, "piped.txt").read_text()
    ask(r"\o |exit 3")
    ask(r"\o", "`exit 3` failed: exit status: 3")
    ask(r"\o no/such/file.txt", "there is no folder `no/such`")
    ask(r"\copy (select 1 as a, make_array(1, 2) as l) to copied.csv", "1 row written to `copied.csv`")
    assert pathlib.Path(folder, "copied.csv").read_text() == 'a,l\n1,"[1,2]"\n'
    ask(r"\copy panel.region to 'two words.jsonl'", "16 rows written")
    assert len(pathlib.Path(folder, "two words.jsonl").read_text().splitlines()) == 16
    ask(r"\copy panel.region to copied.parquet", "16 rows written")
    assert pathlib.Path(folder, "copied.parquet").read_bytes()[:4] == b"PAR1"
    ask(r"\copy panel.region from copied.csv", "only read here")
    ask(r"\copy panel.region to copied.xlsb", "nothing is written as .xlsb")
    ask(r"\copy panel.regoin to x.csv", "did you mean `panel.region`?")
    ask(r"\copy panel.region to no/such.csv", "there is no folder `no`")


def read_kept(shell):
    """What a kept run published, which the prompt says."""
    shell.sendline(r"\run published")
    shell.expect(r"66 tables of run \d+")
    shell.expect(r"rebound@\d+> ")
    shell.sendline("select count(*) as n from panel.region;")
    shell.expect_exact("| 16 |")
    shell.expect(r"rebound@\d+> ")
    shell.sendline(r"\run nonsense")
    shell.expect_exact("no run `nonsense`")
    shell.expect(r"rebound@\d+> ")
    shell.sendline(r"\run")
    shell.expect_exact("what is published: run ")
    shell.expect_exact(PROMPT)


def main():
    rebound, lake = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        editor = pathlib.Path(folder, "editor.sh")
        editor.write_text("#!/bin/sh\nsed -i \"s/one/two/\" \"$1\"\n")
        editor.chmod(0o755)
        environment = {**os.environ, "XDG_STATE_HOME": folder, "PAGER": "cat", "TERM": "xterm", "VISUAL": str(editor)}
        # As wide as the terminal is.
        environment.pop("COLUMNS", None)

        def start(**more):
            shell = pexpect.spawn(rebound, ["sql", "--lake", lake], env={**environment, **more}, cwd=folder, encoding="utf-8",
                                  dimensions=(40, 160), timeout=30)
            shell.expect("66 tables of")
            shell.expect(PROMPT)
            return shell

        shell = start()

        def ask(line, *expected):
            shell.sendline(line)
            for text in expected:
                shell.expect_exact(text)
            shell.expect_exact(PROMPT)

        ask("select count(*) as n from panel.region;", "| 16 |", "(1 row)")
        # A statement goes on until its semicolon.
        shell.sendline("select region_code")
        shell.sendline("from panel.region where region_code = ';'")
        ask("or region_code = 'WA' limit 1;", "| WA ")
        ask("select 1 as a; select 2 as b;", "| 1 |", "| 2 |")
        # A command inside of an open query leaves it open; what fails does not end the rest.
        shell.sendline("select 3 as a")
        shell.sendline(r"\timing")
        shell.expect_exact("timing is on")
        shell.expect_exact("select 3 as a")
        ask(";", "| 3 |")
        ask(r"\timing", "timing is off")
        ask("select nope; select 4 as a;", "No field named nope", "| 4 |")
        ask("select $$a;b$$ as a;", "| a;b |")
        ask("drop table panel.region;", "only read here")
        ask(r"\d", "panel.region_product ")
        ask(r"\d panel.region", "key: episode, region_code", "resistance", "double")
        ask(r"\d panel.regoin", "did you mean `panel.region`?")
        ask("select * from panel.regoin;", "no table `panel.regoin` is published", "`panel.region`")
        ask("select nothing from panel.region;", "No field named nothing")
        ask(r"\nonsense", r"no command `\nonsense`")
        ask(r"\timing", "timing is on")
        ask("select 1 as a;", "| 1 |", "time: 0.0")
        ask(r"\x", "is on")
        ask("select region_code, episode from panel.region limit 1;", "-- row 1", "region_code | ")
        ask(r"\x", "is off")
        ask(r"\f csv")
        ask("select 1 as a, null as b;", "a,b", "1,")
        ask(r"\f nonsense", "a form is one of table, csv, tsv, json, jsonl, markdown")
        ask(r"\f table")
        ask(r"\rows 2")
        ask("select region_code from panel.region;", "(2 rows)", "the first 2 only")
        ask(r"\rows 0")
        ask("select region_code from panel.region;", "(16 rows)")
        # Tab completes.
        shell.send("select count(*) as n from spatial.m\t")
        shell.expect_exact("spatial.measure")
        ask(";", "(1 row)")
        shell.send("select resistance_nat\t")
        shell.expect_exact("resistance_national")
        shell.sendcontrol("c")
        shell.expect_exact(PROMPT)
        # Ctrl-C stops a query and not the shell.
        shell.sendline("select sum(a.fob_value * b.fob_value) from customs.records a join customs.records b on a.flow = b.flow;")
        time.sleep(1)
        begun = time.monotonic()
        shell.sendintr()
        shell.expect_exact("error: stopped")
        shell.expect_exact(PROMPT)
        assert time.monotonic() - begun < 10
        ask("select 5 as still_there;", "|           5 |")
        look(ask)
        complete(shell, ask)
        run_again(shell, ask)
        write(ask, folder)
        read_kept(shell)
        ask(r"\o out.txt")
        ask("select 7 as a;")
        ask(r"\o")
        assert "| 7 |" in pathlib.Path(folder, "out.txt").read_text()
        pathlib.Path(folder, "two.sql").write_text("-- two\nselect 8 as a;\nselect 9 as b")
        ask(r"\i two.sql", "| 8 |", "| 9 |")
        ask(r"\i none.sql", "none.sql")
        shell.sendline(r"\q")
        shell.expect(pexpect.EOF)
        shell.close()
        assert shell.exitstatus == 0, shell.exitstatus

        histories = list(pathlib.Path(folder, "rebound", "sql").glob("*.history"))
        assert len(histories) == 1, histories
        assert stat.S_IMODE(histories[0].stat().st_mode) == 0o600, histories[0].stat()

        # The next shell remembers, and pages.
        shell = start(PAGER="less", LESS="-FRSX")
        shell.send("\x1b[A\x1b[A")
        shell.expect_exact(r"\i none.sql")
        shell.sendcontrol("c")
        shell.expect_exact(PROMPT)
        shell.sendline("select product from trade.product;")
        shell.expect_exact(":\x1b[K")
        shell.send("q")
        shell.expect_exact(PROMPT)
        shell.sendcontrol("d")
        shell.expect(pexpect.EOF)
        shell.close()
        assert shell.exitstatus == 0, shell.exitstatus
        # A query of its own at a terminal looks the same; elsewhere it is as wide as its rows.
        query = [rebound, "sql", "--lake", lake, "select null as a, 'null' as b, 12 as number"]
        alone = pexpect.spawn(query[0], query[1:], env=environment, cwd=folder, encoding="utf-8", dimensions=(40, 160), timeout=30)
        alone.expect_exact('| null | "null" |     12 |')
        alone.expect(pexpect.EOF)
    print("the shell: queries, commands, completion, history, paging, editing, watching, copying, kept runs, Ctrl-C")


if __name__ == "__main__":
    main()
