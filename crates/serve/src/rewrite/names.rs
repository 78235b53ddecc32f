//! Names and expressions that the engine knows by others: tables without a schema, functions with
//! one, casts, operators.

use super::ast::{
    arguments, array, as_select, as_text, call, cast, derived, elements, expr_of, last,
    last_folded, select, text, value,
};
use super::types;
use crate::errors::error;
use crate::facts::folded;
use crate::known::{Found, Known};
use crate::relations::PG_CATALOG;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Cte, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, TableAlias,
    TableAliasColumnDef, TableFactor, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_postgres::pgwire::error::PgWireError;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Columns of PostgreSQL's own tables that name functions: no function is `-` there, and in queries
/// it is 0.
const OF_FUNCTIONS: [&str; 12] = [
    "amhandler",
    "oprcode",
    "typanalyze",
    "typinput",
    "typmodin",
    "typmodout",
    "typoutput",
    "typreceive",
    "typsend",
    "typsubscript",
    "conproc",
    "tmplinit",
];

/// Tables that functions give and that have no rows here, as queries of their columns.
const WITHOUT_ROWS: [(&str, &str); 9] = [
    ("pg_options_to_table", "SELECT '' AS option_name, '' AS option_value WHERE false"),
    (
        "aclexplode",
        "SELECT 0 AS grantor, 0 AS grantee, '' AS privilege_type, false AS is_grantable WHERE false",
    ),
    ("pg_partition_ancestors", "SELECT 0 AS relid WHERE false"),
    (
        "pg_partition_tree",
        "SELECT 0 AS relid, 0 AS parentrelid, true AS isleaf, 0 AS level WHERE false",
    ),
    ("ts_token_type", "SELECT 0 AS tokid, '' AS alias, '' AS description WHERE false"),
    ("pg_listening_channels", "SELECT '' AS pg_listening_channels WHERE false"),
    ("pg_get_publication_tables", "SELECT 0 AS relid WHERE false"),
    ("pg_prepared_statement", "SELECT '' AS name, '' AS statement WHERE false"),
    ("pg_ls_dir", "SELECT '' AS pg_ls_dir WHERE false"),
];

/// Tables that functions of the engine give.
const SERIES: [&str; 2] = ["generate_series", "range"];

/// The names that `with` gives.
pub(super) fn ctes(statement: &impl Visit) -> BTreeSet<String> {
    struct Finds(BTreeSet<String>);

    impl Visitor for Finds {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let tables = query.with.iter().flat_map(|with| &with.cte_tables);
            self.0.extend(tables.map(|Cte { alias, .. }| folded(&alias.name)));
            ControlFlow::Continue(())
        }
    }

    let mut finds = Finds(BTreeSet::new());
    let _ = statement.visit(&mut finds);
    finds.0
}

/// Changes names.
pub(super) struct Naming<'k> {
    pub(super) known: &'k Known,
    pub(super) path: &'k [String],
    pub(super) ctes: BTreeSet<String>,
    /// Of each `select` that is looked at, the tables of `pg_catalog` by their aliases.
    scopes: Vec<BTreeMap<String, String>>,
    /// Whether the next series that is looked at is one that was just put into a query of its own.
    is_in_place: IsInPlace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsInPlace {
    Yes,
    No,
}

impl<'k> Naming<'k> {
    pub(super) fn new(known: &'k Known, path: &'k [String], ctes: BTreeSet<String>) -> Self {
        Self { known, path, ctes, scopes: Vec::new(), is_in_place: IsInPlace::No }
    }

    /// A table without a schema gets that which it is in.
    fn qualify(&self, name: &mut ObjectName) -> Result<(), PgWireError> {
        let [ObjectNamePart::Identifier(ident)] = &name.0[..] else { return Ok(()) };
        let table = folded(ident);
        if self.ctes.contains(&table) {
            return Ok(());
        }
        match self.known.found(&table, self.path) {
            Found::In(schema) => {
                let schema = Ident::with_quote('"', schema);
                name.0.insert(0, ObjectNamePart::Identifier(schema));
                Ok(())
            }
            Found::InSeveral(schemas) => Err(error(
                "42P01",
                format!(
                    "relation \"{table}\" is in several schemas, none of which is in the search path: {}. Write one of them before it, or `set search_path`",
                    schemas.join(", ")
                ),
            )),
            Found::Nowhere => Ok(()),
        }
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<(), PgWireError> {
        let series = match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                SERIES.contains(&last_folded(name).as_str())
            }
            _ => false,
        };
        // What is put in place of a series has it within, which is looked at next.
        if series && std::mem::replace(&mut self.is_in_place, IsInPlace::No) == IsInPlace::Yes {
            return Ok(());
        }
        match factor {
            TableFactor::Table { name, args: None, .. } => self.qualify(name),
            TableFactor::Table {
                name, args: Some(args), with_ordinality: false, alias, ..
            } => {
                let given: Option<Vec<Expr>> = args.args.iter().map(expr_of_argument).collect();
                let made =
                    given.and_then(|given| of_function(&last_folded(name), given, alias.as_ref()));
                if let Some(made) = made {
                    *factor = made;
                    self.is_in_place = if series { IsInPlace::Yes } else { IsInPlace::No };
                } else if let Some(own) = last(name).cloned() {
                    // Functions of the engine have no schema.
                    *name = ObjectName::from(vec![own]);
                }
                Ok(())
            }
            TableFactor::UNNEST { alias: Some(alias), array_exprs, .. }
                if alias.columns.is_empty() && array_exprs.len() == 1 =>
            {
                // A function of one column gives the column the name of the table.
                let name = alias.name.clone();
                alias.columns.push(TableAliasColumnDef { name, data_type: None });
                Ok(())
            }
            TableFactor::Function { name, args, with_ordinality: false, alias, .. } => {
                let given: Option<Vec<Expr>> = args.iter().map(expr_of_argument).collect();
                if let Some(given) = given
                    && let Some(made) = of_function(&last_folded(name), given, alias.as_ref())
                {
                    *factor = made;
                    self.is_in_place = if series { IsInPlace::Yes } else { IsInPlace::No };
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The number of the table that `tableoid` is of.
    fn table_number(&self, alias: Option<&str>) -> Option<i32> {
        self.scopes.iter().rev().find_map(|scope| {
            let table = match alias {
                Some(alias) => scope.get(alias)?,
                None => scope.values().next().filter(|_| scope.len() == 1)?,
            };
            self.known.number(table)
        })
    }

    fn expr(&self, expr: &mut Expr) {
        match expr {
            Expr::Identifier(ident) if ident.quote_style.is_none() => {
                match ident.value.to_lowercase().as_str() {
                    "current_schema" => *expr = call("current_schema", Vec::new()),
                    "current_role" => *expr = call("session_user", Vec::new()),
                    "tableoid" => {
                        if let Some(number) = self.table_number(None) {
                            *expr = number_of(number);
                        }
                    }
                    _ => {}
                }
            }
            Expr::CompoundIdentifier(parts) => {
                if let [.., table, column] = &parts[..]
                    && folded(column) == "tableoid"
                    && let Some(number) = self.table_number(Some(&folded(table)))
                {
                    *expr = number_of(number);
                }
            }
            Expr::Collate { expr: inner, .. } => *expr = (**inner).clone(),
            Expr::Function(function) => {
                if let Some(made) = of_call(function) {
                    *expr = made;
                }
            }
            Expr::BinaryOp { left, op, right } => {
                if let BinaryOperator::PGCustomBinaryOperator(name) = op
                    && let Some(known) = name.last().and_then(|name| operator(name))
                {
                    *op = known;
                }
                if is_of_functions(left) {
                    name_function(right);
                } else if is_of_functions(right) {
                    name_function(left);
                }
            }
            Expr::AnyOp { left, compare_op, right, .. } => {
                if let Some(all) = as_text(right).and_then(elements) {
                    **right = array(all.iter().map(|element| text(element)).collect());
                }
                if let (BinaryOperator::Eq, Expr::Array(all)) = (&*compare_op, &**right)
                    && !all.elem.is_empty()
                {
                    let (expr_, list) = (left.clone(), all.elem.clone());
                    *expr = Expr::InList { expr: expr_, list, negated: false };
                }
            }
            Expr::AllOp { right, .. } => {
                if let Some(all) = as_text(right).and_then(elements) {
                    **right = array(all.iter().map(|element| text(element)).collect());
                }
            }
            Expr::Cast { .. } => of_cast(expr),
            Expr::TypedString(typed) => types::mend(&mut typed.data_type),
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let [AccessExpr::Dot(Expr::Identifier(field))] = &access_chain[..] {
                    let (root, field) = ((**root).clone(), folded(field));
                    *expr = call("get_field", vec![root, text(&field)]);
                }
            }
            _ => {}
        }
    }
}

fn number_of(number: i32) -> Expr {
    value(Value::Number(number.to_string(), false))
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) if number == "0")
}

/// Of what a column of functions is compared with, 0 or `'name'::regproc`, the name.
fn name_function(expr: &mut Expr) {
    if is_zero(expr) {
        *expr = text("-");
        return;
    }
    if let Expr::Cast { .. } = expr {
        of_cast(expr);
    }
    if let Expr::Function(function) = expr
        && last_folded(&function.name) == "regproc"
        && let Some(args) = arguments(function)
    {
        *expr = call("regproc_name", args);
    }
}

fn is_of_functions(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => name,
        Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(name) => name,
            None => return false,
        },
        _ => return false,
    };
    OF_FUNCTIONS.contains(&folded(name).as_str())
}

fn expr_of_argument(arg: &FunctionArg) -> Option<Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

/// The operator that `operator(pg_catalog.NAME)` is.
fn operator(name: &str) -> Option<BinaryOperator> {
    Some(match name {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}

/// The table that a function gives, as a query: a function that gives a value gives one row.
fn of_function(name: &str, args: Vec<Expr>, alias: Option<&TableAlias>) -> Option<TableFactor> {
    let table = alias.map_or_else(|| name.to_owned(), |alias| folded(&alias.name));
    let with_columns = |mut made: TableFactor| {
        if let TableFactor::Derived { alias: Some(made), .. } = &mut made
            && let Some(alias) = alias
        {
            made.columns.clone_from(&alias.columns);
        }
        made
    };
    if let Some((_, sql)) = WITHOUT_ROWS.iter().find(|(known, _)| *known == name) {
        let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).ok()?;
        return Some(with_columns(derived(parser.parse_query().ok()?, &table)));
    }
    // A function of one column gives the column the name of the table.
    let named = alias.and_then(|alias| alias.columns.first()).map(|column| folded(&column.name));
    let column = Ident::with_quote('"', named.unwrap_or_else(|| table.clone()));
    let one = |expr| select(vec![SelectItem::ExprWithAlias { expr, alias: column.clone() }]);
    if name == "pg_get_keywords" {
        return None;
    }
    if SERIES.contains(&name) {
        let mut series = one(Expr::Identifier(Ident::new("value")))?;
        let from_series = format!("SELECT * FROM {name}(1)");
        let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(&from_series).ok()?;
        let mut template = parser.parse_query().ok()?;
        let mut tables = std::mem::take(&mut as_select(&mut template)?.from);
        if let Some(TableFactor::Table { args: Some(given), .. }) =
            tables.first_mut().map(|table| &mut table.relation)
        {
            let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
            given.args = args.collect();
        }
        as_select(&mut series)?.from = tables;
        return Some(derived(series, &table));
    }
    Some(derived(one(call(name, args))?, &table))
}

/// What a call is written as, if otherwise than it is.
fn of_call(function: &mut Function) -> Option<Expr> {
    if function.name.0.len() > 1
        && let Some(name) = last(&function.name).cloned()
    {
        function.name = ObjectName::from(vec![name]);
    }
    let args = arguments(function);
    match (last_folded(&function.name).as_str(), args) {
        ("current_user" | "current_role" | "user", _)
            if matches!(function.args, FunctionArguments::None) =>
        {
            Some(call("session_user", Vec::new()))
        }
        ("session_user", _) if matches!(function.args, FunctionArguments::None) => {
            Some(call("session_user", Vec::new()))
        }
        ("current_catalog", _) => Some(call("current_database", Vec::new())),
        ("generate_subscripts", Some(args)) => Some(call("unnest", vec![call("subscripts", args)])),
        ("_pg_expandarray", Some(args)) => {
            Some(call("unnest", vec![call("pg_expandarray_elements", args)]))
        }
        // Patterns of the engine's own.
        ("to_char", Some(args))
            if args.get(1).and_then(as_text).is_some_and(|text| text.contains('%')) =>
        {
            Some(call("date_format", args))
        }
        _ => None,
    }
}

/// Casts to types that the engine does not know.
fn of_cast(cast_: &mut Expr) {
    let Expr::Cast { expr: inner, data_type, .. } = cast_ else { return };
    if types::is_text(data_type) || matches!(data_type, DataType::Custom(..)) {
        // The text of the number of an object is its name.
        let mut within = &**inner;
        while let Expr::Nested(nested) = within {
            within = nested;
        }
        if let Expr::Cast { expr: object, data_type: of, .. } = within
            && let Some(kind) = types::of_objects(of)
            && types::of_objects(data_type).is_none()
        {
            let mut to = data_type.clone();
            types::mend(&mut to);
            if types::is_text(&to) {
                *cast_ = call(&format!("{kind}_name"), vec![as_named((**object).clone())]);
                return;
            }
        }
    }
    if let Some(kind) = types::of_objects(data_type) {
        *cast_ = call(kind, vec![as_named((**inner).clone())]);
        return;
    }
    types::mend(data_type);
    if let DataType::Array(_) = data_type
        && let Some(all) = as_text(inner).and_then(elements)
    {
        **inner = array(all.iter().map(|element| text(element)).collect());
    }
}

/// A parameter has the type of what it stands for.
fn as_named(expr: Expr) -> Expr {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. }) => {
            cast(expr, DataType::Text)
        }
        other => other,
    }
}

/// The tables of `pg_catalog` of a `select`, by their aliases.
fn scope(select: &Select) -> BTreeMap<String, String> {
    let relations = select.from.iter().flat_map(|table| {
        std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
    });
    let own = relations.filter_map(|relation| match relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            let table = last_folded(name);
            let alias = alias.as_ref().map_or_else(|| table.clone(), |alias| folded(&alias.name));
            let is_own = match &name.0[..] {
                [_] => table.starts_with("pg_"),
                [.., schema, _] => schema.as_ident().map(folded).as_deref() == Some(PG_CATALOG),
                [] => false,
            };
            is_own.then_some((alias, table))
        }
        _ => None,
    });
    own.collect()
}

impl VisitorMut for Naming<'_> {
    type Break = PgWireError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<PgWireError> {
        self.scopes.push(scope(select));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<PgWireError> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<PgWireError> {
        match self.factor(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<PgWireError> {
        self.expr(expr);
        ControlFlow::Continue(())
    }
}

/// Shows the names of objects where the items of the outermost `select` are their numbers.
pub(super) fn show_names(select: &mut Select) {
    for item in &mut select.projection {
        let Some(expr) = expr_of(item) else { continue };
        if let Expr::Cast { expr: inner, data_type, .. } = expr
            && let Some(kind) = types::of_objects(data_type)
        {
            *expr = call(&format!("{kind}_name"), vec![as_named((**inner).clone())]);
        }
    }
}

/// Visits all of a statement.
pub(super) fn visit(
    statement: &mut impl VisitMut,
    naming: &mut Naming<'_>,
) -> Result<(), PgWireError> {
    match statement.visit(naming) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}
