//! The types of columns as PostgreSQL has them.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion_postgres::arrow_pg::datatypes::field_into_pg_type;
use std::sync::Arc;

/// PostgreSQL's header of what varies in length, which a type's modifier counts too.
const HEADER: i32 = 4;

/// What `pg_attribute` and `information_schema.columns` say of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PgType {
    /// Its number.
    pub(crate) oid: i32,
    /// Its name in `pg_type`.
    pub(crate) name: String,
    /// Its bytes; -1 if they vary.
    pub(crate) length: i16,
    /// Precision and scale of a number, packed; -1 for none.
    pub(crate) modifier: i32,
    /// Its digits, of which how many are behind the point, and the base they are counted in.
    pub(crate) digits: Option<(i32, i32, i32)>,
}

impl PgType {
    /// That of an Arrow column.
    pub(crate) fn of(field: &Field) -> Self {
        let (oid, name) = match field_into_pg_type(&Arc::new(field.clone())) {
            Ok(found) => (found.oid(), found.name().to_owned()),
            // Read as text.
            Err(_) => (25, "text".to_owned()),
        };
        let oid = i32::try_from(oid).unwrap_or(25);
        let length = match oid {
            16 | 18 => 1,
            21 => 2,
            23 | 26 | 700 | 1082 => 4,
            20 | 701 | 1083 | 1114 | 1184 => 8,
            1186 => 16,
            _ => -1,
        };
        let modifier = match field.data_type() {
            DataType::Decimal128(precision, scale) => {
                (i32::from(*precision) << 16 | (i32::from(*scale) & 0x7ff)) + HEADER
            }
            _ => -1,
        };
        let digits = match (oid, field.data_type()) {
            (21, _) => Some((16, 0, 2)),
            (23, _) => Some((32, 0, 2)),
            (20, _) => Some((64, 0, 2)),
            (_, DataType::Decimal128(precision, scale)) => {
                Some((i32::from(*precision), i32::from(*scale), 10))
            }
            _ => None,
        };
        Self { oid, name, length, modifier, digits }
    }

    /// Bits of a binary float.
    pub(crate) fn bits(&self) -> Option<i32> {
        match self.oid {
            700 => Some(24),
            701 => Some(53),
            _ => None,
        }
    }

    /// The name that the SQL standard has for it, as `information_schema.columns` gives it.
    pub(crate) fn standard_name(&self) -> &str {
        if self.name.starts_with('_') {
            return "ARRAY";
        }
        standard(&self.name)
    }
}

/// The name that the SQL standard has for the type of this name in `pg_type`; the same if it has
/// none.
pub(crate) fn standard(name: &str) -> &str {
    match name {
        "bool" => "boolean",
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "float4" => "real",
        "float8" => "double precision",
        "varchar" => "character varying",
        "bpchar" => "character",
        "char" => "\"char\"",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        "varbit" => "bit varying",
        other => other,
    }
}

/// A type with its modifier, as `format_type` writes it.
pub(crate) fn formatted(name: &str, modifier: Option<i32>) -> String {
    if let Some(element) = name.strip_prefix('_') {
        return format!("{}[]", formatted(element, modifier));
    }
    let modifier =
        modifier.filter(|modifier| *modifier >= HEADER).map(|modifier| modifier - HEADER);
    match (name, modifier) {
        ("numeric", Some(packed)) => format!("numeric({},{})", packed >> 16, packed & 0x7ff),
        ("varchar" | "bpchar", Some(length)) => format!("{}({length})", standard(name)),
        _ => standard(name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_tables_have_the_types_of_postgresql() {
        for (found, expected, modifier) in [
            (DataType::Utf8, "text", -1),
            (DataType::Int32, "integer", -1),
            (DataType::Int64, "bigint", -1),
            (DataType::Float64, "double precision", -1),
            (DataType::Boolean, "boolean", -1),
            (DataType::Decimal128(20, 2), "numeric", (20 << 16 | 2) + 4),
        ] {
            let found = PgType::of(&Field::new("a", found, true));
            assert_eq!((found.standard_name(), found.modifier), (expected, modifier));
        }
    }

    #[test]
    fn modifiers_are_written_out() {
        assert_eq!(formatted("numeric", Some((20 << 16 | 2) + 4)), "numeric(20,2)");
        assert_eq!(formatted("numeric", Some(-1)), "numeric");
        assert_eq!(formatted("varchar", Some(14)), "character varying(10)");
        assert_eq!(formatted("_float8", None), "double precision[]");
    }
}
