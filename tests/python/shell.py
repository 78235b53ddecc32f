"""The shell of `rebound sql` at a terminal.

    python tests/python/shell.py REBOUND LAKE

LAKE is the Australian sample's."""

import os
import pathlib
import sys
import tempfile
import time

import pexpect

PROMPT = "rebound> "


def main():
    rebound, lake = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_STATE_HOME": folder, "PAGER": "cat", "TERM": "xterm"}

        def start(**more):
            shell = pexpect.spawn(rebound, ["sql", "--lake", lake], env={**environment, **more}, cwd=folder, encoding="utf-8",
                                  dimensions=(40, 160), timeout=30)
            shell.expect("65 tables of")
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
        ask(r"\f nonsense", "a form is one of table, csv, json")
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
        ask("select 5 as still_there;", "| 5 ")
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
    print("the shell: queries, commands, completion, history, paging, Ctrl-C")


if __name__ == "__main__":
    main()
