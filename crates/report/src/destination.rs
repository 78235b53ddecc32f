//! Where a command writes to: a file or a folder that the user names, and the form that the name
//! says.

use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Endings of names that say a form of files which no command writes, or few of them do.
const OTHERS: [&str; 26] = [
    "7z", "avro", "bz2", "db", "dta", "gz", "jsonl", "ndjson", "ods", "orc", "pdf", "rar", "rds",
    "sas7bdat", "sav", "sqlite", "tab", "tar", "tsv", "xls", "xlsb", "xlsm", "xlsx", "xz", "zip",
    "zst",
];

/// Endings of names of files where a folder is meant.
const FILES: [&str; 12] = [
    "arrow",
    "csv",
    "feather",
    "geojson",
    "geoparquet",
    "htm",
    "html",
    "json",
    "parquet",
    "png",
    "svg",
    "txt",
];

/// A name that a command cannot write to.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The name says a form that the command does not write.
    #[error(
        "`{path}`: nothing is written as .{ending}: expected a name that ends in {known}, or another name with --format{hint}"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Its ending.
        ending: String,
        /// The endings that there are forms for.
        known: String,
        /// What else writes such files, if anything does.
        hint: &'static str,
    },
    /// The name says another form than the one that is asked for.
    #[error(
        "`{path}` is no name for --format {asked}: end it in .{expected}, or ask for the form that it says"
    )]
    OtherForm {
        /// The file.
        path: PathBuf,
        /// The form that is asked for.
        asked: String,
        /// How names of this form end.
        expected: &'static str,
    },
    /// The command reads the file.
    #[error("`{path}` is read by this command, which would replace it: write to another file")]
    Input {
        /// The file.
        path: PathBuf,
    },
    /// A file has the name of a folder.
    #[error("`{path}` is a folder, and one file is written: name a file, as in `{path}/rows.csv`")]
    Folder {
        /// The folder, without a slash behind it.
        path: String,
    },
    /// The folder of a file is not there.
    #[error("`{path}` cannot be written: there is no folder `{folder}`: make it first")]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// It is among the files of the lake.
    #[error(
        "`{path}` is in the lake `{lake}`, whose files are written by `rebound run` alone: write to another folder"
    )]
    Lake {
        /// The file or folder.
        path: PathBuf,
        /// The folder of the lake.
        lake: PathBuf,
    },
    /// It is a place on the network.
    #[error(
        "`{path}` is no folder of this machine: name one, and copy from there what others are to have"
    )]
    Network {
        /// What is named.
        path: PathBuf,
    },
    /// A folder has the name of a file.
    #[error("`{path}` is the name of a file, and several files are written: name a folder")]
    File {
        /// The folder.
        path: PathBuf,
    },
}

/// A form of files, which their names say by the ending.
pub trait FileForm: ValueEnum + PartialEq {
    /// The endings of names of this form, in small letters, the usual one first.
    fn endings(&self) -> &'static [&'static str];

    /// The usual ending.
    fn ending(&self) -> &'static str {
        self.endings().first().copied().unwrap_or("txt")
    }
}

/// The ending of a name, in small letters.
fn ending_of(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

/// The form that the ending of a name says, if it says one.
pub fn said_form<F: FileForm>(path: &Path) -> Option<F> {
    let ending = ending_of(path)?;
    F::value_variants().iter().find(|form| form.endings().contains(&ending.as_str())).cloned()
}

/// The form that is asked for; else the one that the name of the file says; where nothing is named,
/// or the name has no ending, `unless`.
///
/// # Errors
///
/// [`DestinationError`] if the name says a form that is not written, or another than is asked for.
pub fn form<F: FileForm>(
    path: Option<&Path>,
    asked: Option<F>,
    unless: F,
) -> Result<F, DestinationError> {
    let named = path.and_then(|path| Some((path, ending_of(path)?)));
    let Some((path, ending)) = named else { return Ok(asked.unwrap_or(unless)) };
    let is_of = |form: &F| form.endings().contains(&ending.as_str());
    let said = F::value_variants().iter().find(|form| is_of(form)).cloned();
    match (asked, said) {
        (Some(asked), said) => {
            // Any text may be called so.
            let is_another = match said {
                Some(_) => !is_of(&asked) && ending != "txt",
                None => OTHERS.contains(&ending.as_str()),
            };
            if is_another {
                let name = asked.to_possible_value().map(|value| value.get_name().to_owned());
                return Err(DestinationError::OtherForm {
                    path: path.to_owned(),
                    expected: asked.ending(),
                    asked: name.unwrap_or_default(),
                });
            }
            Ok(asked)
        }
        (None, Some(said)) => Ok(said),
        (None, None) => {
            let known: Vec<String> =
                F::value_variants().iter().map(|form| format!(".{}", form.ending())).collect();
            let hint = match ending.as_str() {
                "dta" => {
                    "; `rebound sql`, `measure`, `resilience`, `convert` and `export` write files for Stata"
                }
                "xlsx" | "geojson" | "geoparquet" => {
                    "; `rebound export --query` writes rows of a query as workbooks, GeoJSON and GeoParquet"
                }
                _ => "",
            };
            Err(DestinationError::Unwritable {
                path: path.to_owned(),
                hint,
                ending,
                known: known.join(", "),
            })
        }
    }
}

/// Whether a file may be written beside those that are read.
///
/// # Errors
///
/// [`DestinationError::Input`] if it is one of them, by whatever name.
pub fn is_no_input<'p>(
    path: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), DestinationError> {
    // What is not there yet is no input; a device is not replaced.
    let Ok(whole) = path.canonicalize() else { return Ok(()) };
    let is_it = |input: &Path| input.canonicalize().is_ok_and(|input| input == whole);
    match whole.is_file() && inputs.into_iter().any(is_it) {
        true => Err(DestinationError::Input { path: path.to_owned() }),
        false => Ok(()),
    }
}

/// Whether a name may be that of one file: it is no folder's, and its folder is there.
///
/// # Errors
///
/// [`DestinationError::Folder`] and [`DestinationError::NoFolder`].
pub fn is_file_name(path: &Path) -> Result<(), DestinationError> {
    if is_told_folder(path) {
        let path = path.display().to_string().trim_end_matches('/').to_owned();
        return Err(DestinationError::Folder { path });
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            Err(DestinationError::NoFolder { path: path.to_owned(), folder: folder.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether a file or a folder is outside the lake, if that is a folder.
///
/// # Errors
///
/// [`DestinationError::Lake`] if it is not, by whatever name.
pub fn is_outside(path: &Path, lake: Option<&Path>) -> Result<(), DestinationError> {
    let Some((lake, root)) = lake.and_then(|lake| Some((lake, lake.canonicalize().ok()?))) else {
        return Ok(());
    };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // What is not there yet is where the folder is that is there.
    let found = whole.ancestors().find_map(|path| path.canonicalize().ok());
    match found.is_some_and(|found| found.starts_with(&root)) {
        true => Err(DestinationError::Lake { path: path.to_owned(), lake: lake.to_owned() }),
        false => Ok(()),
    }
}

/// Whether a name is told to be a folder's: it is one, or ends in a slash.
pub fn is_told_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}

/// Whether a name may be a folder's: one that ends as names of files do is one only if it is there,
/// or ends in a slash.
///
/// # Errors
///
/// [`DestinationError::File`], or [`DestinationError::Network`] for a place such as `s3://bucket/out`,
/// which would be a folder `s3:`.
pub fn is_folder_name(path: &Path) -> Result<(), DestinationError> {
    if path.to_string_lossy().contains("://") {
        return Err(DestinationError::Network { path: path.to_owned() });
    }
    let is_of_file =
        |ending: String| FILES.contains(&ending.as_str()) || OTHERS.contains(&ending.as_str());
    match !is_told_folder(path) && ending_of(path).is_some_and(is_of_file) {
        true => Err(DestinationError::File { path: path.to_owned() }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
    enum Format {
        Table,
        Csv,
        Json,
        Parquet,
    }

    impl FileForm for Format {
        fn endings(&self) -> &'static [&'static str] {
            match self {
                Self::Table => &["txt"],
                Self::Csv => &["csv"],
                Self::Json => &["json"],
                Self::Parquet => &["parquet", "pq"],
            }
        }
    }

    fn said(name: &str, asked: Option<Format>) -> Result<Format, String> {
        form(Some(Path::new(name)), asked, Format::Table).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_says_the_form() {
        for (name, expected) in [
            ("a.csv", Format::Csv),
            ("a.CSV", Format::Csv),
            ("a.b.parquet", Format::Parquet),
            ("a.pq", Format::Parquet),
            ("a.json", Format::Json),
            ("a.txt", Format::Table),
            ("a", Format::Table),
            ("/dev/stdout", Format::Table),
        ] {
            assert_eq!(said(name, None), Ok(expected), "{name}");
        }
        assert_eq!(form(None, None, Format::Csv).expect("a form"), Format::Csv);
        assert_eq!(said("a", Some(Format::Csv)), Ok(Format::Csv));
        assert_eq!(said("a.txt", Some(Format::Csv)), Ok(Format::Csv));
        assert_eq!(said("a.rows", Some(Format::Json)), Ok(Format::Json));
    }

    #[test]
    fn a_name_of_another_form_is_refused() {
        for name in ["a.dta", "a.xlsx", "a.csv.gz", "a.rows"] {
            let error = said(name, None).expect_err(name);
            assert!(error.contains("ends in .txt, .csv, .json, .parquet, or another"), "{error}");
        }
        assert!(said("a.dta", None).expect_err("Stata").contains("and `export` write files"));
        for name in ["a.parquet", "a.dta", "a.csv.gz"] {
            let error = said(name, Some(Format::Csv)).expect_err(name);
            assert!(error.contains("is no name for --format csv: end it in .csv"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_read_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let [read, other] = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
        std::fs::write(&read, "x").expect("written");
        let inputs = [read.as_path()];
        assert!(is_no_input(&other, inputs).is_ok());
        let again = folder.path().join(".").join("a.csv");
        let error = is_no_input(&again, inputs).expect_err("the input").to_string();
        assert!(error.contains("is read by this command"), "{error}");
        std::fs::write(&other, "y").expect("written");
        assert!(is_no_input(&other, inputs).is_ok());
        assert!(is_no_input(Path::new("/dev/null"), [Path::new("/dev/null")]).is_ok());
    }

    #[test]
    fn one_file_is_written_to_a_folder_that_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let said =
            |name: &str| is_file_name(&folder.path().join(name)).map_err(|error| error.to_string());
        assert_eq!(said("x.csv"), Ok(()));
        assert!(is_file_name(Path::new("x.csv")).is_ok());
        assert!(is_file_name(Path::new("/dev/null")).is_ok());
        for name in ["", "new/"] {
            let error = said(name).expect_err(name);
            assert!(error.contains("is a folder") && error.contains("/rows.csv`"), "{error}");
            assert!(!error.contains("//"), "{error}");
        }
        let error = said("no/x.csv").expect_err("no folder");
        assert!(error.contains("there is no folder") && error.contains("no`: make it"), "{error}");
    }

    #[test]
    fn nothing_is_written_among_the_files_of_the_lake() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = folder.path().join("lake");
        std::fs::create_dir_all(lake.join("tables")).expect("made");
        std::fs::write(lake.join("tables/a.parquet"), "x").expect("written");
        let is_refused = |path: &str| is_outside(&folder.path().join(path), Some(&lake)).is_err();
        for path in ["lake", "lake/x.csv", "lake/tables/a.parquet", "lake/new/x.csv"] {
            assert!(is_refused(path), "{path}");
        }
        for path in ["x.csv", "lake2/x.csv", "lake.csv", "lake/../x.csv"] {
            assert!(!is_refused(path), "{path}");
        }
        assert!(is_outside(&lake, None).is_ok());
    }

    #[test]
    fn a_folder_has_no_name_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        assert!(is_folder_name(&path).is_err());
        assert!(is_folder_name(&folder.path().join("x.csv/")).is_ok());
        assert!(is_folder_name(&folder.path().join("v1.2")).is_ok());
        std::fs::create_dir(&path).expect("made");
        assert!(is_folder_name(&path).is_ok());
        for place in ["s3://bucket/out", "s3://bucket/out/", "file:///out"] {
            let error = is_folder_name(Path::new(place)).expect_err(place);
            assert!(error.to_string().contains("no folder of this machine"), "{error}");
        }
    }
}
