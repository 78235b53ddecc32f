//! What all figures can be told.

use super::error::FigureError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// What all figures can be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Look {
    /// The title; none gives one of the columns' names, an empty one no title.
    pub title: Option<String>,
    /// The unit of values.
    pub unit: String,
    /// What is said below the figure, after what it says itself.
    pub note: String,
    /// Pixels from left to right, 240 to 4000.
    pub width: u32,
    /// Pixels of the drawing without title and notes, 120 to 10 000; none is as many as it needs.
    pub height: Option<u32>,
}

impl Default for Look {
    fn default() -> Self {
        Self { title: None, unit: String::new(), note: String::new(), width: 640, height: None }
    }
}

impl Look {
    /// What a figure with so many notes of its own is drawn with; `title` is that of a figure whose
    /// title nobody says.
    pub(super) fn fields(
        &self,
        title: String,
        notes: &[String],
    ) -> Result<Map<String, Value>, FigureError> {
        if !(240..=4000).contains(&self.width) {
            let found = self.width;
            return Err(FigureError::Asked(format!("`width` is {found}: expected 240 to 4000")));
        }
        if let Some(found) = self.height.filter(|height| !(120..=10_000).contains(height)) {
            return Err(FigureError::Asked(format!("`height` is {found}: expected 120 to 10000")));
        }
        let notes: Vec<&str> = notes.iter().map(String::as_str).chain([&*self.note]).collect();
        let fields = [
            ("title", json!(self.title.clone().unwrap_or(title))),
            ("unit", json!(self.unit)),
            ("note", json!(notes.join(" ").trim())),
            ("width", json!(self.width)),
            ("height", json!(self.height)),
        ];
        Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What something is called, with the unit.
    pub(super) fn with_unit(&self, name: &str) -> String {
        if self.unit.is_empty() { name.to_owned() } else { format!("{name}, {}", self.unit) }
    }
}

/// The options of a figure, from JSON.
///
/// # Errors
///
/// [`FigureError::Asked`] if an option is unknown, missing or of another type.
pub fn options<T: DeserializeOwned>(json: &str) -> Result<T, FigureError> {
    serde_json::from_str(json).map_err(|error| FigureError::Asked(format!("an option: {error}")))
}
