//! Texts of SQL with what their heads say: tables and checks of a pipeline.

use lake::Severity;
use std::path::PathBuf;

/// A text file of the pipeline: a table's SQL, or a check's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// The file.
    pub path: PathBuf,
    /// Its name without `.sql`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl SqlFile {
    /// A line `-- name: text` at the head of the file.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .take_while(|line| line.starts_with("--"))
            .find_map(|line| {
                line.trim_start_matches("--").trim().strip_prefix(name)?.strip_prefix(':')
            })
            .map(str::trim)
    }

    /// The header `each`: `name in query`, or `name, other in query` of as many columns.
    pub fn each(&self) -> Option<SqlEach<'_>> {
        let said = self.header("each")?;
        let at = said.to_ascii_lowercase().find(" in ")?;
        let mut names = said[..at].split(',').map(str::trim);
        let name = names.next()?;
        Some(SqlEach { name, others: names.collect(), query: said[at + 4..].trim() })
    }

    /// A line at the head of the file that looks like a header and is none, with what it may mean.
    ///
    /// # Errors
    ///
    /// The first, in words.
    pub fn heads(&self) -> Result<(), String> {
        const KNOWN: [&str; 6] = ["key", "about", "each", "reads", "part", "severity"];
        let lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let said = lines.take_while(|line| line.starts_with("--"));
        let is_head = |line: &str| {
            self.text.lines().take_while(|l| l.starts_with("--")).any(|l| l.trim_end() == line)
        };
        for line in said {
            let Some((name, _)) = line.trim_start_matches("--").split_once(':') else { continue };
            let plain = name.trim().to_lowercase();
            let meant = KNOWN.iter().find(|known| {
                plain == **known
                    || format!("{plain}s") == **known
                    || plain.strip_suffix('s') == Some(**known)
            });
            if let Some(meant) = meant
                && (name.trim_start() != *meant || !is_head(line))
            {
                return Err(format!(
                    "`{line}` is no header: write `-- {meant}: ...` at the head of the file, with \
                     nothing before it"
                ));
            }
        }
        Ok(())
    }

    /// Whether the names of the header `each` can stand for something.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub fn names(&self) -> Result<(), String> {
        let Some(each) = self.each() else { return Ok(()) };
        let mut names = std::collections::BTreeSet::new();
        for name in each.names() {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!(
                    "`each` has the name `{name}`: expected letters, digits and _, as in \
                     `-- each: year in select ...`"
                ));
            }
            if name == "from" {
                return Err("`each` has the name `from`, which stands for the first part: take \
                            another"
                    .to_owned());
            }
            if !names.insert(name) {
                return Err(format!("`each` has the name `{name}` twice"));
            }
        }
        Ok(())
    }

    /// The lines `-- name: text` at the head of the file, as one text with commas.
    fn headers(&self, name: &str) -> String {
        let lines = self.text.lines().take_while(|line| line.starts_with("--"));
        let said = lines.filter_map(|line| {
            line.trim_start_matches("--").trim().strip_prefix(name)?.strip_prefix(':')
        });
        said.map(str::trim).collect::<Vec<_>>().join(", ")
    }

    /// What each value of the header `each` reads, as the headers `reads` say:
    /// `schema.table`, or `schema.table of year - 1 to year`. Nothing where there are none: each
    /// value reads all.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub fn reads(&self) -> Result<Vec<SqlReads>, String> {
        match self.each() {
            Some(each) => self.reads_of(&each),
            None if self.headers("reads").is_empty() => Ok(Vec::new()),
            None => Err("`reads` says what each value of `each` reads, and there is no `each`: \
                         take it out, or add `-- each: name in select ...`"
                .to_owned()),
        }
    }

    /// What the headers `reads` say, counted from `each`.
    fn reads_of(&self, each: &SqlEach<'_>) -> Result<Vec<SqlReads>, String> {
        let said = self.headers("reads");
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let reads: Vec<SqlReads> = said
            .split(',')
            .map(|part| SqlReads::of(part.trim(), each))
            .collect::<Result<_, _>>()?;
        let mut names = std::collections::BTreeSet::new();
        match reads.iter().find(|of| !names.insert(of.table.as_str())) {
            None => Ok(reads),
            Some(of) => {
                Err(format!("`reads` names `{}` twice: say all its years at once", of.table))
            }
        }
    }

    /// The header `each` of a check, `year`, `episode` or `source_file`: it is a claim on each of
    /// them by itself.
    /// Headers `reads` say what each reads, as in tables of SQL; without them it reads its own part of
    /// all tables. `None` where the claim is on all at once.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub fn check_parts(&self) -> Result<Option<CheckParts>, String> {
        let Some(said) = self.header("each") else {
            if self.headers("reads").is_empty() {
                return Ok(None);
            }
            let why = "`reads` says what each part reads, and there is no `each`: take it out, or \
                       add `-- each: year`";
            return Err(why.to_owned());
        };
        self.heads()?;
        let Some(each) = PartOf::of(said) else {
            return Err(format!(
                "`each` is `{said}`: a check has `-- each: year`, `-- each: episode` or \
                 `-- each: source_file`"
            ));
        };
        let named = SqlEach { name: each.name(), others: Vec::new(), query: "" };
        let reads = self.reads_of(&named)?;
        if let Some(of) = reads.iter().find(|of| of.up_to.is_some()) {
            return Err(format!("`reads` of a check knows no `up to`: say `{}` alone", of.table));
        }
        let is_off = |of: &&SqlReads| of.of.is_some_and(|span| span.years != (0, 0));
        match reads.iter().find(is_off).filter(|_| each != PartOf::Year) {
            Some(of) => Err(format!(
                "`reads` counts from `{name}`, and only years have one before or after: say \
                 `{} of {name}`",
                of.table,
                name = each.name()
            )),
            None => Ok(Some(CheckParts { each, reads })),
        }
    }

    /// What follows when it finds rows, if it is a check.
    pub fn severity(&self) -> Severity {
        self.header("severity").and_then(Severity::of).unwrap_or_default()
    }

    /// The header `part`: `column`, or `column of schema.table`. Rows are in a file for each value of
    /// the column; of a table that is so divided, each of those files is read by one part alone.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn part(&self) -> Result<Option<SqlPart>, String> {
        let Some(said) = self.header("part") else { return Ok(None) };
        let (column, of) = match said.split_once(" of ") {
            Some((column, of)) => (column.trim(), Some(of.trim().to_owned())),
            None => (said, None),
        };
        let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        if !is_name(column) || of.as_deref().is_some_and(|of| !is_name(of)) {
            return Err(format!(
                "`part` is `{said}`: expected `column`, or `column of schema.table`"
            ));
        }
        match (self.each().is_some(), &of) {
            (true, None) => Err(format!(
                "`part: {column}` divides what is made at once, and there is `each`: say \
                 `part: {column} of schema.table`, of a table with `part: {column}`"
            )),
            (false, Some(of)) => Err(format!(
                "`part: {column} of {of}` divides what `each` makes, and there is none: say \
                 `part: {column}`, or add `-- each: name in select ...`"
            )),
            _ => Ok(Some(SqlPart { column: column.to_owned(), of })),
        }
    }

    /// What its table depends on: all but how it is laid out and other comments.
    pub fn meaning(&self) -> String {
        let headers = ["key", "about", "each"].map(|name| self.header(name).unwrap_or_default());
        let mut headers = headers.join("\n");
        for name in ["reads", "part"] {
            let said = self.headers(name);
            if !said.is_empty() {
                headers = format!("{headers}\n{name} {said}");
            }
        }
        format!("{headers}\n{}", query::meaning(&self.text))
    }
}

/// A column by whose values a table is divided into files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlPart {
    /// The column.
    pub column: String,
    /// The table that is divided by it, where each part reads its own file of that.
    pub of: Option<String>,
}

/// What a check is a claim on, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOf {
    /// Each year.
    Year,
    /// Each episode.
    Episode,
    /// Each raw file.
    SourceFile,
}

impl PartOf {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Episode => "episode",
            Self::SourceFile => "source_file",
        }
    }

    /// The one of this name.
    fn of(name: &str) -> Option<Self> {
        let all = [Self::Year, Self::Episode, Self::SourceFile];
        all.into_iter().find(|of| of.name() == name)
    }
}

/// The parts of tables that a check looks at, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckParts {
    /// What they are of.
    pub each: PartOf,
    /// What each reads; nothing: its own part of all tables.
    pub reads: Vec<SqlReads>,
}

impl CheckParts {
    /// The first and last year of a table that a part reads, counted from its own, and `(0, 0)` where
    /// it is no year; `None`: all of the table.
    pub fn years(&self, table: &str) -> Option<(i32, i32)> {
        if self.reads.is_empty() {
            return Some((0, 0));
        }
        self.reads.iter().find(|of| of.table == table).and_then(|of| of.of).map(|span| span.years)
    }
}

/// What a table is made of in turn: the values of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlEach<'s> {
    /// `$name` in the text stands for the first column of the query; the table's key begins with it.
    pub name: &'s str,
    /// What stands for the other columns.
    pub others: Vec<&'s str>,
    /// Gives a row for each value.
    pub query: &'s str,
}

impl SqlEach<'_> {
    /// All names, in the order of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name).chain(self.others.iter().copied())
    }

    /// The place of the name that `text` begins with, and what follows it.
    fn named<'t>(&self, text: &'t str) -> Option<(usize, &'t str)> {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest_of = |(at, name): (usize, &str)| Some((at, text.strip_prefix(name)?));
        self.names().enumerate().filter_map(rest_of).find(|(_, rest)| ends(rest))
    }
}

/// A table that a value of `each` reads, or some of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlReads {
    /// `schema.table`.
    pub table: String,
    /// Those that are read; all, if nothing is said.
    pub of: Option<SqlSpan>,
    /// Of a table that is divided once more, the last part that is read: the place of its name in
    /// `each`.
    pub up_to: Option<usize>,
}

/// Units of a table that are read: the one that a value names, or some years around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlSpan {
    /// The place of the value's name in `each`.
    pub name: usize,
    /// The first and last year, counted from the value.
    pub years: (i32, i32),
}

impl SqlReads {
    /// `schema.table`, or `schema.table of each`, `of each - 1`, `of each - 1 to each + 2`, each of
    /// them with `up to each` behind it.
    fn of(text: &str, each: &SqlEach<'_>) -> Result<Self, String> {
        let wrong = || {
            let name = each.name;
            format!(
                "`reads` has `{text}`: expected `schema.table`, `schema.table of {name}`, \
                 `schema.table of {name} - 1 to {name}`, or one of these with `up to {name}` \
                 behind it; {} can be named",
                each.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            )
        };
        let (said, up_to) = match text.split_once(" up to ") {
            None => (text, None),
            Some((said, last)) => match each.named(last.trim()) {
                Some((at, "")) => (said, Some(at)),
                _ => return Err(wrong()),
            },
        };
        let (table, of) = match said.split_once(" of ") {
            None => (said, None),
            Some((table, years)) => {
                let (first, last) = years.split_once(" to ").unwrap_or((years, years));
                let end = |end: &str| -> Option<(usize, i32)> {
                    let (at, rest) = each.named(end.trim())?;
                    let rest: String = rest.split_whitespace().collect();
                    match rest.chars().next() {
                        None => Some((at, 0)),
                        Some('+' | '-') => Some((at, rest.parse().ok()?)),
                        Some(_) => None,
                    }
                };
                let ends = end(first).zip(end(last));
                let ends = ends.filter(|(first, last)| first.0 == last.0 && first.1 <= last.1);
                let (first, last) = ends.ok_or_else(wrong)?;
                (table, Some(SqlSpan { name: first.0, years: (first.1, last.1) }))
            }
        };
        let table = table.trim();
        if table.split('.').filter(|name| !name.is_empty()).count() != 2
            || table.contains(char::is_whitespace)
        {
            return Err(wrong());
        }
        Ok(Self { table: table.to_owned(), of, up_to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(head: &str) -> Result<Vec<SqlReads>, String> {
        let text = format!("{head}\nselect 1");
        SqlFile { path: PathBuf::new(), name: "panel.a".to_owned(), text }.reads()
    }

    #[test]
    fn a_value_reads_what_is_said() {
        let found = reads(
            "-- each: episode, year, end_year in select episode, year, end_year from a.b
-- reads: a.b, a.c of episode, a.d of year - 2 to year up to end_year
-- reads: a.e of year + 1, a.f up to end_year",
        )
        .expect("headers");
        let of = |table: &str, of: Option<(usize, (i32, i32))>, up_to: Option<usize>| SqlReads {
            table: table.to_owned(),
            of: of.map(|(name, years)| SqlSpan { name, years }),
            up_to,
        };
        assert_eq!(
            found,
            [
                of("a.b", None, None),
                of("a.c", Some((0, (0, 0))), None),
                of("a.d", Some((1, (-2, 0))), Some(2)),
                of("a.e", Some((1, (1, 1))), None),
                of("a.f", None, Some(2)),
            ]
        );
    }

    #[test]
    fn what_no_name_of_each_begins_is_refused() {
        for wrong in
            ["a.b of years", "a.b of year - x", "a.b of year to end", "a.b up to 2009", "b of year"]
        {
            let head =
                format!("-- each: year, end in select year, end from a.b\n-- reads: {wrong}");
            let error = reads(&head).expect_err(wrong);
            assert!(error.contains("`year`, `end` can be named"), "{wrong}: {error}");
        }
    }

    fn file(text: &str) -> SqlFile {
        SqlFile { path: "c.sql".into(), name: "c".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_check_is_of_all_or_of_each_part() {
        let parts = |text: &str| file(text).check_parts().expect("right");
        assert_eq!(parts("-- Every year adds up.\nselect 1"), None);
        let own = parts("-- Adds up.\n-- each: year\nselect 1").expect("parts");
        assert_eq!((own.each, own.years("t.x")), (PartOf::Year, Some((0, 0))));
        let wide = "-- each: year\n-- reads: t.x of year - 1 to year, t.y\n-- reads: t.z of year\nselect 1";
        let wide = parts(wide).expect("parts");
        assert_eq!(wide.years("t.x"), Some((-1, 0)));
        assert_eq!((wide.years("t.y"), wide.years("t.z")), (None, Some((0, 0))));
        let episodes = parts("-- each: episode\n-- reads: t.x of episode, t.y\nselect 1");
        assert_eq!(episodes.expect("parts").each, PartOf::Episode);
        let files = parts("-- each: source_file\n-- reads: t.x of source_file, t.y\nselect 1");
        let files = files.expect("parts");
        assert_eq!(files.each, PartOf::SourceFile);
        assert_eq!((files.years("t.x"), files.years("t.y")), (Some((0, 0)), None));
        // What it is asked of is a part of what it says.
        assert_ne!(file("-- each: year\nselect 1").meaning(), file("select 1").meaning());
    }

    #[test]
    fn headers_of_a_check_that_say_nothing_are_told() {
        for (text, expected) in [
            ("-- each: month\nselect 1", "`each` is `month`: a check has `-- each: year`"),
            ("-- each: year in select 2008\nselect 1", "a check has `-- each: year`"),
            ("-- reads: t.x of year\nselect 1", "there is no `each`"),
            ("-- each: year\n-- Reads: t.x\nselect 1", "write `-- reads: ...`"),
            ("-- each: year\n-- reads: t.x of episode\nselect 1", "expected `schema.table`"),
            ("-- each: year\n-- reads: t.x, t.x of year\nselect 1", "names `t.x` twice"),
            ("-- each: episode\n-- reads: t.x of episode - 1\nselect 1", "say `t.x of episode`"),
            ("-- each: source_file\n-- reads: t.x of source_file + 1\nselect 1", "only years have"),
        ] {
            let why = file(text).check_parts().expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
