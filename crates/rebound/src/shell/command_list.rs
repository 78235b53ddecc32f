//! The commands of the shell, as they are listed, completed and suggested.

use project::suggest::suggest;
use std::fmt::Write as _;

/// What a word after a command may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choices {
    /// Nothing that is known beforehand.
    Any,
    /// A table.
    Tables,
    /// One of these.
    Of(&'static [&'static str]),
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    /// Without its backslash.
    pub(super) name: &'static str,
    /// What follows it; empty if nothing does.
    argument: &'static str,
    /// What it does.
    about: &'static str,
    /// What follows it, for completion.
    pub(super) choices: Choices,
}

const ON_OFF: Choices = Choices::Of(&["off", "on"]);

/// Forms that a terminal shows.
const FORMS: Choices = Choices::Of(&["csv", "json", "jsonl", "markdown", "table", "tsv"]);

const fn listed(
    name: &'static str,
    argument: &'static str,
    choices: Choices,
    about: &'static str,
) -> Listed {
    Listed { name, argument, about, choices }
}

/// All of them.
pub(super) const COMMANDS: &[Listed] = &[
    listed("d", "", Choices::Tables, "the published tables"),
    listed("d", "TABLE", Choices::Tables, "a table: its columns, types, units and meaning"),
    listed(
        "run",
        "[RUN]",
        Choices::Of(&["previous", "published"]),
        "read what a kept run published; without RUN, what is published",
    ),
    listed(
        "e",
        "",
        Choices::Any,
        "edit the query that is open, or the last one, in $VISUAL or $EDITOR, and run it",
    ),
    listed(
        "watch",
        "[SECONDS]",
        Choices::Any,
        "run the last query again every 2 seconds, or so many, until Ctrl-C",
    ),
    listed("i", "FILE", Choices::Any, "run the queries of a file"),
    listed(
        "o",
        "[FILE]",
        Choices::Any,
        "write the rows of queries to a file, which is there from the next \\o on; without FILE, to the screen",
    ),
    listed("o", "|COMMAND", Choices::Any, "hand the rows of queries to a command"),
    listed(
        "copy",
        "TABLE to FILE",
        Choices::Tables,
        "write a table to a file, in the form that its name or a word after it says",
    ),
    listed("copy", "(QUERY) to FILE", Choices::Tables, "the same of a query"),
    listed(
        "x",
        "[on|off|auto]",
        Choices::Of(&["auto", "off", "on"]),
        "show rows one column a line; auto: those that are too wide",
    ),
    listed("f", "FORMAT", FORMS, "form of the rows: table, csv, tsv, json, jsonl, markdown"),
    listed(
        "pset",
        "null [TEXT]",
        Choices::Of(&["expanded", "format", "null", "pager"]),
        "what tables show for null (null unless said otherwise); also expanded, format, pager",
    ),
    listed("rows", "N", Choices::Any, "show at most N rows of a query (now {rows}); 0: all"),
    listed("timing", "[on|off]", ON_OFF, "say how long queries take, or no longer"),
    listed("pager", "[on|off]", ON_OFF, "page what is longer than the screen, or no longer"),
    listed("q", "", Choices::Any, "leave"),
    listed("?", "", Choices::Any, "this list"),
];

/// What stands above the list.
const ABOVE: &str = "\
A query ends with `;` and may go over many lines. Tab completes tables, columns and keywords; the arrows go back in
history, Ctrl-R searches it; Ctrl-C stops a query, Ctrl-D leaves. Nothing can be changed here.
";

/// All commands in words; so many rows are shown of a query, 0: all.
pub(super) fn help(rows: usize) -> String {
    let rows = match rows {
        0 => "all".to_owned(),
        n => n.to_string(),
    };
    let mut text = format!("{ABOVE}\n");
    for Listed { name, argument, about, .. } in COMMANDS {
        let called = format!("\\{name} {argument}");
        let _ = writeln!(text, "{called:<22} {}", about.replace("{rows}", &rows));
    }
    text
}

/// What to say of a command that there is not.
pub(super) fn unknown(name: &str) -> String {
    // What others call them is known, too.
    let others = ["quit", "exit", "help", "dt"];
    let known = COMMANDS.iter().map(|command| command.name).chain(others);
    let hint = suggest(name, known).replace('`', "");
    let hint = hint.replace("did you mean ", "did you mean \\");
    format!("no command `\\{name}`{hint}; \\? lists them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_are_listed() {
        let text = help(1000);
        for Listed { name, .. } in COMMANDS {
            assert!(text.contains(&format!("\n\\{name} ")), "{text}");
        }
        assert!(text.contains("(now 1000)") && help(0).contains("(now all)"), "{text}");
    }

    #[test]
    fn the_nearest_command_is_suggested() {
        assert_eq!(unknown("wach"), "no command `\\wach` (did you mean \\watch?); \\? lists them");
        assert_eq!(unknown("nonsense"), "no command `\\nonsense`; \\? lists them");
    }
}
