//! Why a layout does not fit a header.

/// A header that does not fit the layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A field's column is absent.
    #[error(
        "no column for `{field}`: the layout `{layout}` expects {expected}, the header has {found}"
    )]
    NoColumn {
        /// The layout.
        layout: String,
        /// The field or unpivoted column, `where`, or the rule.
        field: String,
        /// The names the layout gives.
        expected: String,
        /// The header.
        found: String,
    },
    /// A field's column is there more than once.
    #[error(
        "column `{column}` for `{field}` stands {n} times in the header: rename those that are not meant, or give the layout `position:`"
    )]
    Repeated {
        /// The field or unpivoted column.
        field: String,
        /// The name.
        column: String,
        /// How often.
        n: usize,
    },
    /// A column position beyond the header.
    #[error("column {position} for `{field}` is beyond the {n_columns} columns of the header")]
    NoPosition {
        /// The field.
        field: String,
        /// The position the layout gives.
        position: usize,
        /// Columns of the header.
        n_columns: usize,
    },
    /// The words that a rule looks for in firms' names are too long to be searched for together.
    #[error("`firm_names` of the rule `{rule}` are too long to be searched for: {why}")]
    Names {
        /// The rule.
        rule: String,
        /// The limit that they pass.
        why: String,
    },
}
