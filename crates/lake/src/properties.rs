//! How the files of a version are written, whichever writer writes them.

use crate::contract::Kind;
use crate::version::TableVersion;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Rows of a row group.
pub const GROUP_ROWS: usize = 262_144;

/// Columns that rows are looked for by, beside those of the key.
const SOUGHT: [&str; 3] = ["year", "region_code", "product"];

/// Whether rows are looked for by this column of `version`.
pub(crate) fn is_sought(version: &TableVersion, column: &str) -> bool {
    SOUGHT.contains(&column) || version.key.iter().any(|key| key == column)
}

/// How the files of `version` are written.
pub(crate) fn properties(version: &TableVersion) -> Result<WriterProperties, ParquetError> {
    let mut said = vec![
        KeyValue::new("rebound.table".to_owned(), version.table.clone()),
        KeyValue::new("rebound.about".to_owned(), version.about.clone()),
        KeyValue::new("rebound.key".to_owned(), version.key.join(",")),
    ];
    let beside = version.metadata.iter();
    said.extend(beside.map(|(key, value)| KeyValue::new(format!("rebound.{key}"), value.clone())));
    let mut properties = WriterProperties::builder()
        .set_created_by("rebound".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(said));
    for column in &version.columns {
        let path = ColumnPath::from(column.name.as_str());
        // Bounds are kept of what rows are looked for by; the rest are only computed with.
        if is_sought(version, &column.name) {
            properties =
                properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::Chunk);
        }
        // A dictionary of numbers that hardly repeat costs time and no less room.
        properties = match column.kind {
            Kind::Count => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Kind::Money | Kind::Float => properties.set_column_dictionary_enabled(path, false),
            _ => properties,
        };
    }
    Ok(properties.build())
}
