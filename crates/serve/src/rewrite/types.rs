//! The types that a statement names, as the engine knows them.

use super::ast::last_folded;
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, TimezoneInfo};

/// The types whose values are numbers of objects and whose texts are their names.
const OF_OBJECTS: [(&str, &str); 11] = [
    ("regclass", "regclass"),
    ("regcollation", "regproc"),
    ("regconfig", "regproc"),
    ("regdictionary", "regproc"),
    ("regnamespace", "regnamespace"),
    ("regoper", "regproc"),
    ("regoperator", "regproc"),
    ("regproc", "regproc"),
    ("regprocedure", "regproc"),
    ("regrole", "regrole"),
    ("regtype", "regtype"),
];

/// The function that a cast to a type of objects is written as.
pub(super) fn of_objects(to: &DataType) -> Option<&'static str> {
    let name = match to {
        DataType::Regclass => "regclass".to_owned(),
        DataType::Custom(name, _) => last_folded(name),
        _ => return None,
    };
    OF_OBJECTS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// Whether values of the type are texts.
pub(super) fn is_text(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Text
            | DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Character(_)
            | DataType::CharacterVarying(_)
            | DataType::String(_)
    )
}

/// Gives the type the name that the engine knows.
pub(super) fn mend(of: &mut DataType) {
    match of {
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => mend(element),
        DataType::JSON | DataType::JSONB | DataType::Uuid => *of = DataType::Text,
        DataType::Custom(name, args) => {
            let number = |at: usize| args.get(at).and_then(|arg| arg.trim().parse::<u64>().ok());
            let known = match last_folded(name).as_str() {
                "text" | "name" | "char" | "bpchar" | "varchar" | "cstring" | "citext" | "json"
                | "jsonb" | "uuid" | "xml" | "inet" | "cidr" | "macaddr" | "aclitem"
                | "pg_node_tree" | "unknown" | "sql_identifier" | "character_data"
                | "yes_or_no" | "int2vector" | "oidvector" | "anyarray" | "refcursor"
                | "regcollation" => DataType::Text,
                "bool" => DataType::Boolean,
                "int2" => DataType::SmallInt(None),
                "int4" | "int" | "integer" | "oid" | "xid" | "cid" | "cardinal_number" => {
                    DataType::Int(None)
                }
                "int8" | "bigint" | "xid8" => DataType::BigInt(None),
                "float4" => DataType::Real,
                "float8" => DataType::DoublePrecision,
                "numeric" | "decimal" => DataType::Numeric(match (number(0), number(1)) {
                    (Some(precision), Some(scale)) => ExactNumberInfo::PrecisionAndScale(
                        precision,
                        i64::try_from(scale).unwrap_or_default(),
                    ),
                    (Some(precision), None) => ExactNumberInfo::Precision(precision),
                    _ => ExactNumberInfo::None,
                }),
                "date" => DataType::Date,
                "time" => DataType::Time(None, TimezoneInfo::None),
                "timestamp" => DataType::Timestamp(None, TimezoneInfo::None),
                "timestamptz" | "time_stamp" => {
                    DataType::Timestamp(None, TimezoneInfo::WithTimeZone)
                }
                "interval" => DataType::Interval { fields: None, precision: None },
                "bytea" => DataType::Bytea,
                _ => return,
            };
            *of = known;
        }
        _ => {}
    }
}
