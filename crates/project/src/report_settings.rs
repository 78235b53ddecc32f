//! What a report shows, and in which words: the key `report` of a pipeline. It changes no table.

use crate::fault::{Fault, Faults, Step};
use crate::paths::resolve_path;
use crate::suggest::suggest;
use crate::yaml;
use clap::ValueEnum;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A section of the report: what the pipeline and the page call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Numbers of the whole, and the nation's path.
    Overview,
    /// What changed since another run, if that is asked for.
    Changed,
    /// Maps.
    Maps,
    /// Regions compared.
    Places,
    /// How sure this is.
    Sure,
    /// The table of all regions.
    List,
    /// A page for each region.
    Pages,
    /// The product space.
    Space,
    /// What goes together with the indices.
    Relations,
    /// Regression tables.
    Models,
    /// What became of the raw files.
    Quality,
}

/// The words of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
    /// French.
    French,
    /// The words of a file.
    File(PathBuf),
}

/// A region in focus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFocus {
    /// Its code.
    pub code: String,
    /// The line that names it.
    line: Option<usize>,
}

/// What the report shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// The sections, in their order.
    pub sections: Vec<Section>,
    /// The regions in focus.
    pub regions: Vec<InFocus>,
    /// The words.
    pub language: Language,
    /// The title, if it is not the usual one.
    pub title: Option<String>,
    /// Paragraphs that stand below the title.
    pub notes: Vec<String>,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            sections: Section::value_variants().to_vec(),
            regions: Vec::new(),
            language: Language::default(),
            title: None,
            notes: Vec::new(),
        }
    }
}

/// Codes that a message lists.
const MOST_LISTED: usize = 12;

impl ReportSettings {
    /// What is wrong with the regions in focus, where the data have the regions of `names`, from
    /// code to name; `file` is the pipeline.
    ///
    /// # Errors
    ///
    /// [`Faults`] with every region that the data do not have.
    pub fn check_regions(
        &self,
        file: &Path,
        names: &BTreeMap<String, String>,
    ) -> Result<(), Faults> {
        let is_unknown = |(_, region): &(usize, &InFocus)| !names.contains_key(&region.code);
        let unknown = self.regions.iter().enumerate().filter(is_unknown);
        let faults = unknown.map(|(at, region)| {
            let steps = [Step::from("report"), Step::from("regions"), Step::from(at)];
            Fault::invalid(file, region.line, &steps, no_region(&region.code, names))
        });
        let faults = Faults(faults.collect());
        if faults.0.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// That the data have no region of this code, and which was meant.
fn no_region(code: &str, names: &BTreeMap<String, String>) -> String {
    let of_name = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(code));
    let meant = match of_name {
        Some((code, _)) => format!(" (did you mean `{code}`?)"),
        None => suggest(code, names.keys().map(String::as_str)),
    };
    let listed: Vec<&str> = names.keys().take(MOST_LISTED).map(String::as_str).collect();
    let more = match names.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more, which panel.region has"),
    };
    format!(
        "no region of the report has the code {code:?}{meant}: expected one of {}{more}",
        listed.join(", ")
    )
}

/// The key as it is written: a folder, or keys with values.
#[derive(Debug, Default)]
pub(crate) struct ReportText(Keys);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    folder: Option<String>,
    sections: Option<Vec<Section>>,
    regions: Option<Vec<String>>,
    language: Option<String>,
    title: Option<String>,
    notes: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for ReportText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FolderOrKeys)
    }
}

struct FolderOrKeys;

impl<'de> Visitor<'de> for FolderOrKeys {
    type Value = ReportText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a folder, or keys with values")
    }

    fn visit_str<E: Error>(self, folder: &str) -> Result<ReportText, E> {
        Ok(ReportText(Keys { folder: Some(folder.to_owned()), ..Keys::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<ReportText, A::Error> {
        Keys::deserialize(MapAccessDeserializer::new(keys)).map(ReportText)
    }
}

/// What is wrong with a value of the key: the way to it, and why.
type Wrong = (Vec<Step>, String);

impl ReportText {
    /// The folder that a run draws to.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.0.folder.as_deref()
    }

    /// What it says; the file of words is relative to the pipeline `file`, whose text is `text`.
    pub(crate) fn settings(&self, file: &Path, text: &str) -> Result<ReportSettings, Vec<Wrong>> {
        let keys = &self.0;
        let usual = ReportSettings::default();
        let mut wrong = Vec::new();
        let mut tell = |steps: Vec<Step>, why: String| {
            let steps = std::iter::once(Step::from("report")).chain(steps);
            wrong.push((steps.collect(), why));
        };
        for (steps, why) in keys.unfit().into_iter().chain(keys.twice()) {
            tell(steps, why);
        }
        let language = match keys.language.as_deref().map(|name| language(file, name)) {
            None => usual.language,
            Some(Ok(language)) => language,
            Some(Err(why)) => {
                tell(vec![Step::from("language")], why);
                usual.language
            }
        };
        let region = |(at, code): (usize, &String)| {
            let steps = [Step::from("report"), Step::from("regions"), Step::from(at)];
            InFocus { code: code.clone(), line: yaml::line_at(text, &steps) }
        };
        let settings = ReportSettings {
            sections: keys.sections.clone().unwrap_or(usual.sections),
            regions: keys.regions.iter().flatten().enumerate().map(region).collect(),
            language,
            title: keys.title.clone(),
            notes: keys.notes.clone().unwrap_or_default(),
        };
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    /// The keys that it has, with their values as JSON, in their order.
    pub(crate) fn said(&self) -> Vec<(&'static str, String)> {
        let Keys { folder, sections, regions, language, title, notes } = &self.0;
        let all = [
            ("folder", json(folder.as_ref())),
            ("sections", json(sections.as_ref())),
            ("regions", json(regions.as_ref())),
            ("language", json(language.as_ref())),
            ("title", json(title.as_ref())),
            ("notes", json(notes.as_ref())),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

impl Keys {
    /// Texts and lists that say nothing, or nothing that there is.
    fn unfit(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        if self.sections.as_ref().is_some_and(Vec::is_empty) {
            let why = "expected at least one section; without the key the report has all";
            found.push((vec![Step::from("sections")], why.to_owned()));
        }
        // It would be a folder `s3:` beside the pipeline.
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.contains("://")) {
            let why = format!("{folder:?}: expected a folder of this machine");
            found.push((vec![Step::from("folder")], why));
        }
        let is_empty = |text: &String| text.trim().is_empty();
        for (key, text) in [("folder", &self.folder), ("title", &self.title)] {
            if text.as_ref().is_some_and(is_empty) {
                found.push((vec![Step::from(key)], "it is empty: leave the key out".to_owned()));
            }
        }
        for (key, texts) in [("regions", &self.regions), ("notes", &self.notes)] {
            for (at, text) in texts.iter().flatten().enumerate() {
                if is_empty(text) {
                    let why = "it is empty: leave it out".to_owned();
                    found.push((vec![Step::from(key), Step::from(at)], why));
                }
            }
        }
        found
    }

    /// Sections and regions that are named again.
    fn twice(&self) -> Vec<Wrong> {
        fn again<T: PartialEq>(key: &str, values: &[T]) -> Vec<Wrong> {
            let is_again = |at: &usize| values[..*at].contains(&values[*at]);
            let wrong = |at: usize| {
                let steps = vec![Step::from(key), Step::from(at)];
                (steps, "it is named before: leave one out".to_owned())
            };
            (0..values.len()).filter(is_again).map(wrong).collect()
        }
        let mut found = again("sections", self.sections.as_deref().unwrap_or_default());
        found.extend(again("regions", self.regions.as_deref().unwrap_or_default()));
        found
    }
}

/// A value as JSON, if there is one.
fn json<T: Serialize>(value: Option<&T>) -> Option<String> {
    serde_json::to_string(value?).ok()
}

/// The language of this name, or why there is none.
fn language(file: &Path, name: &str) -> Result<Language, String> {
    let is_file = |name: &str| {
        let ending = Path::new(name).extension();
        ending.is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
    };
    match name {
        "en" => Ok(Language::English),
        "fr" => Ok(Language::French),
        "zh" => Ok(Language::Chinese),
        name if is_file(name) => {
            let path = resolve_path(file, name);
            if path.is_file() {
                Ok(Language::File(path))
            } else {
                Err(format!("{name:?}: no file `{}`: expected a file of words", path.display()))
            }
        }
        _ => Err(format!(
            "{name:?}: expected en, fr, zh or a file of words, PATH.yaml{}",
            suggest(name, ["en", "fr", "zh"])
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::key_path;

    fn read(text: &str) -> Result<ReportSettings, Vec<String>> {
        #[derive(Deserialize)]
        struct File {
            report: ReportText,
        }
        let path = Path::new("pipelines/a.yaml");
        let file: File = yaml::all_of(path, text).map_err(|error| vec![error.to_string()])?;
        file.report.settings(path, text).map_err(|wrong| {
            wrong.iter().map(|(steps, why)| format!("{}: {why}", key_path(steps))).collect()
        })
    }

    #[test]
    fn a_folder_alone_leaves_all_as_it_is() {
        assert_eq!(read("report: ../drawn"), Ok(ReportSettings::default()));
        assert_eq!(read("report: {folder: ../drawn}"), Ok(ReportSettings::default()));
    }

    #[test]
    fn all_that_is_said_is_read() {
        let text = "report:\n  sections: [maps, overview]\n  regions:\n    - A\n    - B\n  \
                    language: zh\n  title: Ports\n  notes: [one, two]\n";
        let found = read(text).expect("settings");
        assert_eq!(found.sections, [Section::Maps, Section::Overview]);
        let codes: Vec<_> = found.regions.iter().map(|of| (of.code.as_str(), of.line)).collect();
        assert_eq!(codes, [("A", Some(4)), ("B", Some(5))]);
        assert_eq!((found.language, found.title.as_deref()), (Language::Chinese, Some("Ports")));
        assert_eq!(found.notes, ["one", "two"]);
    }

    #[test]
    fn all_faults_are_told() {
        let wrong = read("report: {sections: [mapz], notes: 5, hue: 1}").expect_err("faults");
        for part in [
            "invalid `report.sections[0]` in `pipelines/a.yaml`, line 1: unknown choice `mapz`",
            "(did you mean `maps`?)",
            "invalid `report.notes` in `pipelines/a.yaml`, line 1: 5: expected a list",
            "unknown key `report.hue` in `pipelines/a.yaml`, line 1: expected one of folder, sections",
        ] {
            assert!(wrong[0].contains(part), "{part} is not in {wrong:?}");
        }
        let text = "report: {sections: [], regions: [A, A, ' '], language: french, title: ''}";
        let expected = [
            "report.sections: expected at least one section; without the key the report has all",
            "report.title: it is empty: leave the key out",
            "report.regions[2]: it is empty: leave it out",
            "report.regions[1]: it is named before: leave one out",
            "report.language: \"french\": expected en, fr, zh or a file of words, PATH.yaml",
        ];
        assert_eq!(read(text).expect_err("faults"), expected);
        let wrong = read("report: {language: words/fr.yaml}").expect_err("a fault");
        assert!(wrong[0].contains("no file `pipelines/words/fr.yaml`"), "{wrong:?}");
        let wrong = read("report: s3://bucket/out").expect_err("a fault");
        assert_eq!(
            wrong,
            ["report.folder: \"s3://bucket/out\": expected a folder of this machine"]
        );
        let wrong = read("report: 5").expect_err("a fault");
        assert!(wrong[0].contains("5: expected a folder, or keys with values"), "{wrong:?}");
    }

    #[test]
    fn a_region_that_is_not_there_has_the_nearest_code() {
        let settings = read("report:\n  regions: [AU-NSV, Victoria, AU-WA]\n").expect("settings");
        let regions = [("AU-NSW", "New South Wales"), ("AU-VIC", "Victoria"), ("AU-WA", "West")];
        let names: BTreeMap<String, String> =
            regions.map(|(code, name)| (code.to_owned(), name.to_owned())).into();
        let faults = settings.check_regions(Path::new("a.yaml"), &names).expect_err("faults");
        let expected = "2 faults\n  invalid `report.regions[0]` in `a.yaml`, line 2: no region of the report has \
                        the code \"AU-NSV\" (did you mean `AU-NSW`?): expected one of AU-NSW, AU-VIC, AU-WA\n  \
                        invalid `report.regions[1]` in `a.yaml`, line 2: no region of the report has the code \
                        \"Victoria\" (did you mean `AU-VIC`?): expected one of AU-NSW, AU-VIC, AU-WA";
        assert_eq!(faults.to_string(), expected);
    }

    #[test]
    fn what_is_said_is_json() {
        let text = ReportText(Keys {
            sections: Some(vec![Section::Maps]),
            title: Some("a \"b\"".to_owned()),
            ..Keys::default()
        });
        let expected =
            [("sections", "[\"maps\"]".to_owned()), ("title", "\"a \\\"b\\\"\"".to_owned())];
        assert_eq!(text.said(), expected);
    }
}
