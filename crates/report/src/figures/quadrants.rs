//! Two indices of regions against each other, in four quadrants.

use super::drawn::{Drawn, named, rows};
use super::error::FigureError;
use super::frame::{Frame, REGIONS};
use super::look::Look;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a figure of quadrants is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuadrantOptions {
    /// The column from left to right.
    pub x: String,
    /// The column from below upwards.
    pub y: String,
    /// The column of labels.
    pub label: Option<String>,
    /// The column that areas of marks are by.
    pub size: Option<String>,
    /// The names of the quadrants: both above zero, `x` alone, `y` alone, neither.
    pub quadrants: [String; 4],
    /// What all figures can be told.
    #[serde(default)]
    pub look: Look,
}

/// Draws a mark a row by `x` and `y`, about lines at zero, in quadrants that have names. Rows
/// without either are left out, with a warning.
///
/// # Errors
///
/// [`FigureError`] if a column is not there, or no row has both.
pub fn quadrants(frame: &Frame, options: &QuadrantOptions) -> Result<Drawn, FigureError> {
    let QuadrantOptions { x, y, quadrants, look, .. } = options;
    let label = frame.find(options.label.as_deref(), &REGIONS, "label")?;
    let (labels, xs, ys) = (frame.texts(&label)?, frame.numbers(x)?, frame.numbers(y)?);
    let sizes = match &options.size {
        Some(size) => frame.numbers(size)?,
        None => vec![None; frame.len()],
    };
    let mut marks: Vec<Value> = Vec::new();
    let mut drawn = Vec::new();
    let mut names: Vec<Option<String>> = Vec::new();
    let mut left_out = Vec::new();
    for at in 0..frame.len() {
        let label = labels[at].as_deref();
        if let (Some(x), Some(y)) = (xs[at], ys[at]) {
            let place = usize::from(x <= 0.0) * 2 + usize::from(y <= 0.0);
            marks.push(json!({"label": label, "x": x, "y": y, "size": sizes[at]}));
            names.push(Some(quadrants[place].clone()));
            drawn.push(at);
        } else {
            left_out.push(label.unwrap_or("without a label"));
        }
    }
    if marks.is_empty() {
        return Err(FigureError::Asked(format!("no row has a number in both `{x}` and `{y}`")));
    }
    let mut warnings = Vec::new();
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        let n = left_out.len();
        let list = named(&left_out);
        warnings.push(format!("without `{x}` or `{y}`, and not drawn: {list}"));
        notes.push(format!("Without one of both, and not drawn: {n}."));
    }
    let mut fields = look.fields(format!("{y} against {x}"), &notes)?;
    fields.extend([
        ("x_name".to_owned(), json!(x)),
        ("y_name".to_owned(), json!(y)),
        ("is_sized".to_owned(), json!(options.size.is_some())),
        ("size_name".to_owned(), json!(options.size)),
        ("corners".to_owned(), json!(quadrants)),
        ("rows".to_owned(), json!(marks)),
    ]);
    let mut columns = vec![label.as_str(), x, y];
    columns.extend(options.size.as_deref());
    let table = rows(frame, &columns, &drawn, Some(("quadrant", names)))?;
    Drawn::new("figures.quadrants", fields, warnings, table)
}
