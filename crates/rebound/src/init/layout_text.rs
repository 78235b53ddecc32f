//! A draft as the text of a layout file.

use super::draft::{Condition, Draft, FieldDraft, Origin, Test};
use super::header::HeaderRows;
use super::wide::escaped;
use super::words::is_year;
use project::printable::printable;
use std::fmt::Write as _;
use trade::layout::Field;

/// Characters of a comment.
const COMMENT_CHARACTERS: usize = 300;

/// Words of a form that was tried, or not.
const TRIED: &str = "tried on files of the source";

/// A text as YAML has it, whatever is in it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn list<'t>(texts: impl Iterator<Item = &'t String>) -> String {
    let texts: Vec<String> = texts.map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A text in a comment.
fn comment(text: &str) -> String {
    printable(text, COMMENT_CHARACTERS)
}

/// The lines above a layout: what it is of, and whether it was tried.
pub(super) fn head(draft: &Draft, files: &[String]) -> String {
    let what = draft.known.map_or("A layout", |form| form.title);
    let mut text = format!(
        "# {}. Written by `rebound init` for {}.\n",
        comment(what),
        comment(&files.join(", "))
    );
    text += match draft.known {
        Some(form) if form.is_tried => "# This form was ",
        Some(_) => "# This form was NOT ",
        None => "",
    };
    if draft.known.is_some() {
        text += TRIED;
        text += ": `rebound preview` shows how it reads yours.\n";
    }
    text + "# What only you can know has a comment `choose:`.\n"
}

/// The layout that comes with the program, for these files.
fn shipped(draft: &Draft, layout: &str, files: &[String]) -> String {
    let mut text = layout.replace("../codes/books/", "books/");
    // The name of a file may not say the flow.
    let says = |file: &String| {
        ["EXP_", "IMP_", "出口", "进口", "export", "import"].iter().any(|word| file.contains(word))
    };
    if let Some(at) = text.find("  flow:\n    file_name:")
        && !files.iter().all(says)
    {
        let rest = &text[at + "  flow:\n".len()..];
        let n: usize =
            rest.lines().take_while(|line| line.starts_with("    ")).map(|l| l.len() + 1).sum();
        let flow = draft.fields.get(&Field::Flow).map_or("export", |field| match &field.from {
            Origin::Constant(flow) => flow.as_str(),
            _ => "export",
        });
        let own = format!("  flow:\n    constant: {flow}  # choose: export or import\n");
        text = format!("{}{own}{}", &text[..at], &rest[n..]);
    }
    text
}

/// One field.
fn field(text: &mut String, draft: &Draft, of: Field, spec: &FieldDraft) -> std::fmt::Result {
    let choose = spec
        .choose
        .as_ref()
        .map_or_else(String::new, |candidates| format!("  # choose: {}", comment(candidates)));
    writeln!(text, "  {of}:")?;
    match &spec.from {
        Origin::Column(at) => {
            let name = &draft.header[*at];
            let is_alone = draft.header.iter().filter(|other| *other == name).count() == 1;
            match is_alone && !name.is_empty() {
                true => writeln!(text, "    column: [{}]{choose}", quoted(name))?,
                false => writeln!(text, "    position: {}{choose}", at + 1)?,
            }
        }
        Origin::Constant(constant) => writeln!(text, "    constant: {}{choose}", quoted(constant))?,
        Origin::FileName(pattern) => writeln!(text, "    file_name: {}{choose}", quoted(pattern))?,
        Origin::Sheet(pattern) => writeln!(text, "    sheet: {}{choose}", quoted(pattern))?,
        Origin::Header => writeln!(text, "    unpivoted: true{choose}")?,
    }
    if let Some((first, last)) = spec.characters {
        writeln!(text, "    characters: [{first}, {last}]")?;
    }
    if let Some(date) = &spec.date {
        writeln!(text, "    date: {}", quoted(&date.form))?;
        if !date.names.is_empty() {
            let pairs: Vec<String> = date
                .names
                .iter()
                .map(|(name, month)| format!("{}: \"{month}\"", quoted(name)))
                .collect();
            writeln!(text, "    map: {{{}}}", pairs.join(", "))?;
        }
    }
    if spec.map.iter().any(|(raw, code)| raw != code) {
        let pairs: Vec<String> = spec
            .map
            .iter()
            .map(|(raw, code)| format!("{}: {}", quoted(raw), quoted(code)))
            .collect();
        writeln!(text, "    map: {{{}}}", pairs.join(", "))?;
    }
    Ok(())
}

/// The rows that are meant.
fn conditions(text: &mut String, draft: &Draft) -> std::fmt::Result {
    if draft.conditions.is_empty() {
        return Ok(());
    }
    writeln!(text, "# Rows that are meant: the others are left out, counted and valued.\nwhere:")?;
    for Condition { column, test, why } in &draft.conditions {
        writeln!(text, "  # {}", comment(why))?;
        let column = quoted(&draft.header[*column]);
        match test {
            Test::In(texts) => {
                writeln!(text, "  - {{column: {column}, in: {}}}", list(texts.iter()))?
            }
            Test::NotIn(texts) => {
                writeln!(text, "  - {{column: {column}, not_in: {}}}", list(texts.iter()))?;
            }
            Test::Digits(lengths) => {
                let (first, last) = (lengths.first().unwrap_or(&1), lengths.last().unwrap_or(&12));
                // A data frame may have made numbers of codes.
                writeln!(
                    text,
                    "  - {{column: {column}, matches: '^[0-9]{{{first},{last}}}(\\.0)?$'}}"
                )?;
            }
        }
    }
    Ok(())
}

fn unpivot(text: &mut String, draft: &Draft) -> std::fmt::Result {
    let Some(wide) = &draft.unpivot else { return Ok(()) };
    let choose = wide
        .choose
        .as_ref()
        .map_or_else(String::new, |candidates| format!("  # choose: {}", comment(candidates)));
    writeln!(text, "unpivot:{choose}\n  field: {}", wide.field)?;
    if let Some(pattern) = &wide.pattern {
        return writeln!(text, "  pattern: {}", quoted(pattern));
    }
    writeln!(text, "  columns:")?;
    for (at, code) in &wide.columns {
        writeln!(text, "    {}: {}", quoted(&draft.header[*at]), quoted(code))?;
    }
    Ok(())
}

/// The lines of products that are of another classification than the HS.
fn other_products(text: &mut String, draft: &Draft, name: &str, labels: &str) -> std::fmt::Result {
    let product = &draft.product;
    let choose = product
        .choose
        .as_ref()
        .map_or_else(String::new, |candidates| format!("  # choose: {}", comment(candidates)));
    writeln!(text, "  classification: {}{choose}", quoted(name))?;
    if let Some(digits) = product.digits {
        writeln!(text, "  digits: {digits}\n  restore_leading_zero: {}", product.restore)?;
    }
    let levels = match product.digits {
        Some(2) => Some("[1]"),
        Some(3) if name == "naics" => Some("[2]"),
        Some(3) => Some("[1, 2]"),
        Some(4..) => Some("[2, 3]"),
        _ => None,
    };
    if let Some(levels) = levels {
        writeln!(
            text,
            "  # The digits of a group and of a subgroup.\n  hierarchy: {{digits: {levels}}}"
        )?;
    }
    if !product.labels.is_empty() {
        writeln!(text, "  labels: {{file: {labels}, columns: {{code: code, name: name}}}}")?;
    }
    Ok(())
}

fn product(text: &mut String, draft: &Draft, labels: &str) -> std::fmt::Result {
    let product = &draft.product;
    writeln!(text, "product:")?;
    if !product.why.is_empty() {
        writeln!(text, "  # {}", comment(&product.why))?;
    }
    if let Some(name) = &product.classification {
        return other_products(text, draft, name, labels);
    }
    writeln!(text, "  digits: {}", product.digits.unwrap_or(6))?;
    writeln!(text, "  # Whether a code with one digit less has lost its leading zero.")?;
    writeln!(text, "  restore_leading_zero: {}", product.restore)?;
    writeln!(text, "  revisions:")?;
    for years in &product.revisions {
        writeln!(
            text,
            "    - {{from: {}, to: {}, revision: {}}}",
            years.first, years.last, years.revision
        )?;
    }
    Ok(())
}

fn value(text: &mut String, draft: &Draft) -> std::fmt::Result {
    let value = &draft.value;
    let choose = value
        .other_currencies
        .as_ref()
        .map_or_else(String::new, |candidates| format!("  # choose: {}", comment(candidates)));
    match value.measure {
        Some((measure, unit)) => writeln!(text, "value:\n  measure: {measure}\n  unit: {unit}")?,
        None => writeln!(text, "value:\n  currency: {}{choose}", value.currency)?,
    }
    if let Some((decimal, thousands)) = value.marks {
        let unclear = value
            .unclear
            .as_ref()
            .map_or_else(String::new, |why| format!("  # choose: {}", comment(why)));
        writeln!(text, "  decimal: {}{unclear}", quoted(&decimal.to_string()))?;
        match thousands {
            None => writeln!(text, "  thousands: null")?,
            Some(' ') => writeln!(text, "  thousands: space")?,
            Some(mark) => writeln!(text, "  thousands: {}", quoted(&mark.to_string()))?,
        }
    }
    let negative = if value.has_negative { "keep" } else { "reject" };
    let zero = if draft.unpivot.is_some() { "skip" } else { "keep" };
    let times = match (&value.other_multipliers, &value.multiplier_by) {
        (Some(others), _) => format!("  # choose: {}", comment(others)),
        (None, Some(by)) => format!("  # as {} says", comment(by)),
        (None, None) => String::new(),
    };
    writeln!(
        text,
        "  multiplier: {}{times}\n  negative: {negative}\n  zero: {zero}",
        value.multiplier
    )?;
    if value.is_fine {
        writeln!(
            text,
            "  # Values are finer than a hundredth: what rounding takes is accounted for."
        )?;
        writeln!(text, "  round: half_even")?;
    }
    if value.has_empty {
        writeln!(text, "  # Rows without a value are no records.\n  empty: missing")?;
    }
    Ok(())
}

/// Encodings that a text may have which looks like one of another.
fn other_encodings(encoding: &str) -> &'static str {
    match encoding {
        "windows-1252" => "windows-1250 (Central Europe), windows-1254 (Turkey), macintosh",
        "windows-1250" | "iso-8859-2" => "windows-1252 (Western Europe), windows-1257 (Baltic)",
        "windows-1251" | "koi8-r" | "koi8-u" | "iso-8859-5" => "windows-1251, koi8-r, macintosh",
        "gb18030" | "gbk" => "big5, shift_jis, euc-kr",
        "big5" | "shift_jis" | "euc-jp" | "euc-kr" => "gb18030, big5, shift_jis, euc-kr",
        _ => "windows-1252, windows-1250, gb18030",
    }
}

/// The sheets that a layout reads, as YAML has them: of several workbooks those of any.
fn chosen(names: &[String], n_files: usize) -> String {
    if names.iter().all(|name| is_year(name)) {
        return quoted("^(?:19|20)[0-9]{2}$");
    }
    if n_files > 1 {
        let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
        return quoted(&format!("^(?:{})$", names.join("|")));
    }
    list(names.iter())
}

/// Which sheets of workbooks and which lines of files are rows.
fn rows(text: &mut String, draft: &Draft) -> std::fmt::Result {
    if let Some(sheet) = &draft.sheet {
        writeln!(text, "# The first sheet that has a table.\nexcel: {{sheet: {}}}", quoted(sheet))?;
    }
    if !draft.sheets.is_empty() {
        writeln!(
            text,
            "# These sheets have the same columns, and are read one after the other.\nexcel:\n  sheets: {}  \
             # choose: these, or fewer if some say the same again",
            chosen(&draft.sheets, draft.n_files)
        )?;
    }
    if let Some(encoding) = &draft.encoding {
        writeln!(
            text,
            "# The letters look like this encoding; look at names with accents.\ncsv: {{encoding: {encoding}}}  \
             # choose: or {}",
            other_encodings(encoding)
        )?;
    }
    if draft.footer.is_none() && draft.fill_down.is_empty() && draft.header_rows.is_none() {
        return Ok(());
    }
    writeln!(text, "rows:")?;
    if let Some(HeaderRows { line, n }) = draft.header_rows {
        writeln!(text, "  # The header has {n} rows.\n  header: {{line: {line}, lines: {n}}}")?;
    }
    if !draft.fill_down.is_empty() {
        let names: Vec<String> =
            draft.fill_down.iter().map(|&at| draft.header[at].clone()).collect();
        writeln!(
            text,
            "  # An empty cell takes the text above.\n  fill_down: {}",
            list(names.iter())
        )?;
    }
    if let Some(footer) = &draft.footer {
        writeln!(text, "  # From this line on nothing is a row.\n  footer: {}", quoted(footer))?;
    }
    Ok(())
}

/// What stands for a missing value, and the names of regions.
fn texts(text: &mut String, draft: &Draft) -> std::fmt::Result {
    let counts: Vec<String> =
        draft.value.stand_ins.iter().map(|(word, n)| format!("{word} in {n} cells")).collect();
    let choose = match counts.is_empty() {
        true => String::new(),
        false => format!(
            "  # choose: a number is missing, or confidential, where there is {}",
            comment(&counts.join(", "))
        ),
    };
    writeln!(text, "missing: {}{choose}", list(draft.missing.iter()))?;
    if !draft.regions.is_empty() {
        writeln!(text, "# Names of the codes of regions.\nregions:")?;
        for (code, name) in &draft.regions {
            writeln!(text, "  {}: {}", quoted(code), quoted(name))?;
        }
    }
    Ok(())
}

fn written(draft: &Draft, name: &str, labels: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "name: {name}")?;
    rows(&mut text, draft)?;
    conditions(&mut text, draft)?;
    writeln!(text, "fields:")?;
    for (of, spec) in &draft.fields {
        if let (Field::Flow, Some((measure, _)), Origin::Constant(_)) =
            (of, draft.value.measure, &spec.from)
        {
            writeln!(text, "  # What is analysed has a flow; {measure} has only one.")?;
            let said = FieldDraft { choose: None, ..spec.clone() };
            field(&mut text, draft, *of, &said)?;
            continue;
        }
        field(&mut text, draft, *of, spec)?;
    }
    unpivot(&mut text, draft)?;
    product(&mut text, draft, labels)?;
    value(&mut text, draft)?;
    texts(&mut text, draft)?;
    for note in &draft.notes {
        writeln!(text, "# {}", comment(note))?;
    }
    Ok(text)
}

/// The names of products as the table that the layout names.
pub(super) fn labels_text(draft: &Draft) -> Option<String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows = draft.product.labels.iter();
    let rows: Vec<String> =
        rows.map(|(code, name)| format!("{},{}\n", quoted(code), quoted(name))).collect();
    let is_written = draft.known.is_none_or(|form| form.layout.is_none());
    (is_written && !rows.is_empty()).then(|| format!("code,name\n{}", rows.concat()))
}

/// The text of the layout, beside which the names of products are in the file `labels`.
pub(super) fn layout_text(draft: &Draft, name: &str, files: &[String], labels: &str) -> String {
    let head = head(draft, files);
    match draft.known.and_then(|form| form.layout) {
        Some(layout) => head + &shipped(draft, layout, files),
        // A string takes all that is written to it.
        None => head + &written(draft, name, labels).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_chosen_by_year_by_name_or_by_any_of_the_names() {
        let names = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&names(&["2008", "2009"]), 2), "\"^(?:19|20)[0-9]{2}$\"");
        let regions = names(&["North", "São Paulo (SP)"]);
        assert_eq!(chosen(&regions, 1), "[\"North\", \"São Paulo (SP)\"]");
        assert_eq!(chosen(&regions, 2), "\"^(?:North|São Paulo \\\\(SP\\\\))$\"");
    }
}
