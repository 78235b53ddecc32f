//! Tables: one declaration gives the contract and a struct with a named field for each column.

use super::row_cells::RowCells;
use lake::{Column, Contract, Kind};

/// A table that a stage writes.
pub trait Table: 'static {
    /// `schema.table`.
    const NAME: &'static str;

    /// A row of it.
    type Row<'a>: FillRow;

    /// Its columns and key.
    fn contract() -> &'static Contract;
}

/// A row, or some columns of one.
pub trait FillRow {
    /// Puts its cells into their columns.
    fn fill(self, cells: &mut RowCells);
}

/// The unit of values.
pub(crate) const UNITS: &str = "currency units";

/// The unit of shares.
pub(crate) const SHARE: &str = "share, 0..1";

/// A column; a trailing `?` on the name allows nulls.
pub(crate) fn column(name: &str, kind: Kind, unit: &str, about: &str) -> Column {
    Column {
        name: name.trim_end_matches('?').to_owned(),
        kind,
        is_nullable: name.ends_with('?'),
        unit: unit.to_owned(),
        about: about.to_owned(),
    }
}

/// The region of a row.
pub(crate) fn region() -> Column {
    column("region_code", Kind::Text, "", "region")
}

/// The product of a row. Its classification and revision are in the table's metadata.
pub(crate) fn product() -> Column {
    let about = "product: its code in the target revision (a family: its largest member)";
    column("product", Kind::Text, "", about)
}

/// The year of a row.
pub(crate) fn year() -> Column {
    column("year", Kind::Int, "", "calendar year")
}

/// The episode of a row.
pub(crate) fn episode() -> Column {
    column("episode", Kind::Text, "", "episode of the config")
}

/// Declares rows and tables.
///
/// `struct XRow<'a> { ... }` declares a row, or columns that several rows have; `<'a>` if a column is
/// text. A column is
/// * `name: Kind, "unit", "about";`, with `name?` if it may be null;
/// * `name: Kind = column;`, or `name?: Kind = column;`, where `column` gives name, unit and meaning;
/// * `..name: XColumns, columns;`: columns declared elsewhere.
///
/// The struct has a field for each, and a function `columns` that gives their declarations, with the
/// parameters that stand after the struct's name.
///
/// `table X(XRow<'a>) = "schema.table", "what a row is", ["key"], columns;` declares a table.
macro_rules! tables {
    () => {};
    // Of a row, column by column: fields, then declarations, then what fills them.
    (@row [$(#[$about:meta])* $vis:vis $row:ident $(<$life:lifetime>)? ($($param:ident: $type:ty),*)]
        [$($field:tt)*] [$($declared:tt)*] [$($filled:tt)*] self=$self:ident cells=$cells:ident
        ..$name:ident: $group:ty, $columns:expr; $($rest:tt)*) => {
        tables! { @row [$(#[$about])* $vis $row $(<$life>)? ($($param: $type),*)]
            [$($field)* $name: $group,]
            [$($declared)* ($columns);]
            [$($filled)* $crate::table::FillRow::fill($self.$name, $cells);]
            self=$self cells=$cells $($rest)* }
    };
    (@row [$($head:tt)*] [$($field:tt)*] [$($declared:tt)*] [$($filled:tt)*]
        self=$self:ident cells=$cells:ident
        $name:ident ?: $kind:ident, $unit:expr, $said:expr; $($rest:tt)*) => {
        tables! { @row [$($head)*]
            [$($field)* $name: Option<tables!(@type $kind)>,]
            [$($declared)* (vec![$crate::table::column(
                concat!(stringify!($name), "?"), lake::Kind::$kind, $unit, $said)]);]
            [$($filled)* tables!(@fill $cells, $kind, $self.$name);]
            self=$self cells=$cells $($rest)* }
    };
    (@row [$($head:tt)*] [$($field:tt)*] [$($declared:tt)*] [$($filled:tt)*]
        self=$self:ident cells=$cells:ident
        $name:ident : $kind:ident, $unit:expr, $said:expr; $($rest:tt)*) => {
        tables! { @row [$($head)*]
            [$($field)* $name: tables!(@type $kind),]
            [$($declared)* (vec![$crate::table::column(
                stringify!($name), lake::Kind::$kind, $unit, $said)]);]
            [$($filled)* tables!(@fill $cells, $kind, $self.$name);]
            self=$self cells=$cells $($rest)* }
    };
    (@row [$($head:tt)*] [$($field:tt)*] [$($declared:tt)*] [$($filled:tt)*]
        self=$self:ident cells=$cells:ident
        $name:ident ?: $kind:ident = $column:expr; $($rest:tt)*) => {
        tables! { @row [$($head)*]
            [$($field)* $name: Option<tables!(@type $kind)>,]
            [$($declared)* (vec![$column]);]
            [$($filled)* tables!(@fill $cells, $kind, $self.$name);]
            self=$self cells=$cells $($rest)* }
    };
    (@row [$($head:tt)*] [$($field:tt)*] [$($declared:tt)*] [$($filled:tt)*]
        self=$self:ident cells=$cells:ident
        $name:ident : $kind:ident = $column:expr; $($rest:tt)*) => {
        tables! { @row [$($head)*]
            [$($field)* $name: tables!(@type $kind),]
            [$($declared)* (vec![$column]);]
            [$($filled)* tables!(@fill $cells, $kind, $self.$name);]
            self=$self cells=$cells $($rest)* }
    };
    (@row [$(#[$about:meta])* $vis:vis $row:ident $(<$life:lifetime>)? ($($param:ident: $type:ty),*)]
        [$($field:ident: $field_type:ty,)*] [$(($declared:expr);)*] [$($filled:tt)*]
        self=$self:ident cells=$cells:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone)]
        $vis struct $row $(<$life>)? {
            $($vis $field: $field_type,)*
        }

        impl $(<$life>)? $row $(<$life>)? {
            /// The declarations of its columns.
            $vis fn columns($($param: $type),*) -> Vec<lake::Column> {
                [$($declared,)*].concat()
            }
        }

        impl $(<$life>)? $crate::table::FillRow for $row $(<$life>)? {
            fn fill($self, $cells: &mut $crate::row_cells::RowCells) {
                $($filled)*
            }
        }
    };
    (@type Text) => { &'a str };
    (@type Int) => { i32 };
    (@type Count) => { usize };
    (@type Float) => { f64 };
    (@type Money) => { trade::Money };
    (@type Flag) => { bool };
    (@fill $cells:ident, Text, $value:expr) => { $cells.text($value); };
    (@fill $cells:ident, Int, $value:expr) => { $cells.int($value); };
    (@fill $cells:ident, Count, $value:expr) => { $cells.count($value); };
    (@fill $cells:ident, Float, $value:expr) => { $cells.float($value); };
    (@fill $cells:ident, Money, $value:expr) => { $cells.money($value); };
    (@fill $cells:ident, Flag, $value:expr) => { $cells.flag($value); };
    ($(#[$about:meta])* $vis:vis struct $row:ident $(<$life:lifetime>)?
        $(($($param:ident: $type:ty),*))? { $($column:tt)* } $($rest:tt)*) => {
        tables! { @row [$(#[$about])* $vis $row $(<$life>)? ($($($param: $type),*)?)]
            [] [] [] self=self cells=cells $($column)* }
        tables! { $($rest)* }
    };
    ($(#[$about:meta])* $vis:vis table $table:ident ($row:ident $(<$life:lifetime>)?) = $name:expr,
        $said:expr, [$($key:expr),*], $columns:expr; $($rest:tt)*) => {
        $(#[$about])*
        #[derive(Debug)]
        $vis struct $table;

        impl $crate::table::Table for $table {
            const NAME: &'static str = $name;
            type Row<'a> = $row $(<$life>)?;

            fn contract() -> &'static lake::Contract {
                static CONTRACT: std::sync::LazyLock<lake::Contract> =
                    std::sync::LazyLock::new(|| lake::Contract {
                        table: $name,
                        about: $said,
                        key: &[$($key),*],
                        columns: $columns,
                    });
                &CONTRACT
            }
        }
        tables! { $($rest)* }
    };
}

pub(crate) use tables;
