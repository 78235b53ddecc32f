//! The parameters of prepared statements: their types, and the values that clients bind.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ParamValues};
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::arrow_pg::datatypes::{field_into_pg_type, into_pg_type};
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::api::stmt::StoredStatement;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of a parameter.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The column or value that it is compared with.
    field: Option<FieldRef>,
    /// What it is cast to.
    cast: Option<DataType>,
}

impl Known {
    fn arrow(&self) -> Option<DataType> {
        self.field.as_ref().map(|field| field.data_type().clone()).or_else(|| self.cast.clone())
    }

    fn wire(&self) -> PgWireResult<Type> {
        match (&self.field, &self.cast) {
            (Some(field), _) if field.data_type() == &DataType::Int32 => field_into_pg_type(field),
            (Some(field), _) => into_pg_type(field.data_type()),
            (None, Some(cast)) => into_pg_type(cast),
            (None, None) => Ok(Type::UNKNOWN),
        }
    }
}

/// The parameter that is an array one of whose values is looked for, `a = any($1)`, and their type:
/// that of what is compared with them. The engine does not tell it, and would look into a text.
fn any_of<'e>(expr: &'e Expr, inputs: &DFSchema) -> Option<(&'e str, DataType)> {
    let array = |expr: &'e Expr, names: &[&str]| match expr {
        Expr::ScalarFunction(call) if names.contains(&call.name()) => match call.args.first() {
            Some(Expr::Placeholder(parameter)) => Some((parameter.id.as_str(), call.args.get(1))),
            _ => None,
        },
        _ => None,
    };
    let (id, value) = match expr {
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => {
            let ends = ["array_max", "array_min"];
            let of = |array_of: &'e Expr, other: &'e Expr| Some((array(array_of, &ends)?.0, other));
            of(right, left).or_else(|| of(left, right))?
        }
        _ => array(expr, &["array_has"]).and_then(|(id, value)| Some((id, value?)))?,
    };
    let element = value.get_type(inputs).ok()?;
    (!element.is_null()).then_some((id, element))
}

/// The first `n` parameters of a plan and all that it has, in their order. A plan may lack some that
/// its text has: what cannot have rows is not planned.
fn known(plan: &LogicalPlan, n: usize) -> Result<Vec<Known>> {
    let mut found: BTreeMap<u32, Known> = BTreeMap::new();
    let number = |id: &str| id.trim_start_matches('$').parse::<u32>().unwrap_or(u32::MAX);
    for (id, field) in plan.get_parameter_fields()? {
        found.entry(number(&id)).or_default().field = field;
    }
    plan.apply_with_subqueries(|node| {
        let inputs = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some((id, element)) = any_of(expr, &inputs) {
                    let known = found.entry(number(id)).or_default();
                    known.cast.get_or_insert_with(|| DataType::new_list(element, true));
                }
                if let Expr::Cast(cast) = expr
                    && let Expr::Placeholder(parameter) = &*cast.expr
                {
                    let known = found.entry(number(&parameter.id)).or_default();
                    known.cast.get_or_insert_with(|| cast.field.data_type().clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let last = found.keys().filter(|number| **number < u32::from(u16::MAX)).max();
    let last = last.and_then(|last| u32::try_from(n).ok().map(|n| n.max(*last)));
    let last = last.or_else(|| u32::try_from(n).ok()).unwrap_or(0);
    Ok((1..=last).map(|number| found.remove(&number).unwrap_or_default()).collect())
}

/// The highest number of a parameter of a text.
fn highest(sql: &str) -> usize {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().unwrap_or_default();
    let numbers = tokens.iter().filter_map(|token| match token {
        Token::Placeholder(name) => name.trim_start_matches('$').parse::<u16>().ok(),
        _ => None,
    });
    numbers.max().map_or(0, usize::from)
}

fn failed(error: datafusion::error::DataFusionError) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
}

/// The types of the parameters of a plan and of its text, as a client is told of them.
pub(crate) fn types(plan: &LogicalPlan, sql: &str) -> PgWireResult<Vec<Type>> {
    known(plan, highest(sql)).map_err(failed)?.iter().map(Known::wire).collect()
}

/// The values that a client has bound.
pub(crate) fn values<S: Clone>(
    portal: &Portal<S>,
    plan: &LogicalPlan,
) -> PgWireResult<ParamValues> {
    let known = known(plan, portal.parameter_len()).map_err(failed)?;
    let arrow: Vec<Option<DataType>> = known.iter().map(Known::arrow).collect();
    let arrow: Vec<Option<&DataType>> = arrow.iter().map(Option::as_ref).collect();
    let wire = known.iter().map(Known::wire).collect::<PgWireResult<Vec<Type>>>()?;
    let wire: Vec<Option<&Type>> = wire.iter().map(Some).collect();
    deserialize_parameters_with_server_types(&mended(portal, &wire), &arrow, &wire)
}

/// The portal as the protocol's crate reads it right: nulls of no type are texts, as it forgets them
/// otherwise, and arrays have no blanks around their elements, which it would take for parts of them.
fn mended<S: Clone>(portal: &Portal<S>, wire: &[Option<&Type>]) -> Portal<S> {
    let stored = &portal.statement;
    let mut types = stored.parameter_types.clone();
    types.resize(portal.parameters.len().max(types.len()), None);
    let mut parameters = portal.parameters.clone();
    for (at, (kind, value)) in types.iter_mut().zip(&mut parameters).enumerate() {
        let own = kind.as_ref().filter(|kind| **kind != Type::UNKNOWN);
        let of_server = wire.get(at).copied().flatten();
        match value {
            None if own.is_none() => *kind = Some(Type::TEXT),
            Some(bytes)
                // Arrays are named so.
                if portal.parameter_format.is_text(at)
                    && own.or(of_server).is_some_and(|kind| kind.name().starts_with('_')) =>
            {
                if let Ok(text) = std::str::from_utf8(bytes) {
                    *bytes = without_blanks(text).into();
                }
            }
            _ => {}
        }
    }
    let statement = StoredStatement::new(stored.id.clone(), stored.statement.clone(), types);
    let mut made = Portal::new_cursor(portal.name.clone(), Arc::new(statement));
    made.parameter_format = portal.parameter_format.clone();
    made.parameters = parameters;
    made.result_column_format = portal.result_column_format.clone();
    made
}

/// An array as PostgreSQL writes it, `{a,"b c"}`, without blanks around its elements.
fn without_blanks(array: &str) -> String {
    let (mut text, mut blanks) = (String::with_capacity(array.len()), String::new());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in array.chars() {
        if !is_quoted && !is_escaped && c.is_ascii_whitespace() {
            blanks.push(c);
            continue;
        }
        let is_between = |c: char| matches!(c, ',' | '{' | '}');
        if !is_between(c) && !text.chars().next_back().is_none_or(is_between) {
            text.push_str(&blanks);
        }
        blanks.clear();
        text.push(c);
        if !is_escaped && c == '"' {
            is_quoted = !is_quoted;
        }
        is_escaped = !is_escaped && c == '\\';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::functions_nested::expr_fn::array_has;
    use datafusion::logical_expr::{LogicalPlanBuilder, col, placeholder, table_scan};

    #[test]
    fn parameters_that_are_not_planned_keep_their_places() {
        assert_eq!(highest("select $2, '$9' from a where b = $11"), 11);
        assert_eq!(highest("select 1"), 0);
        let plan = LogicalPlanBuilder::empty(true).project([placeholder("$3")]).expect("a plan");
        let plan = plan.build().expect("a plan");
        let found = types(&plan, "select $1, $3, $4").expect("types");
        assert_eq!(found, vec![Type::UNKNOWN; 4]);
    }

    #[test]
    fn what_an_array_is_compared_with_has_the_type_of_its_elements() {
        let column = Field::new("n", DataType::Int64, true);
        let schema = Schema::new(vec![column]);
        let scan = table_scan(Some("t"), &schema, None).expect("a table");
        let looked_for = array_has(placeholder("$2"), col("t.n"));
        let plan = scan.filter(looked_for).and_then(LogicalPlanBuilder::build).expect("a plan");
        assert_eq!(types(&plan, "").expect("types"), vec![Type::UNKNOWN, Type::INT8_ARRAY]);
    }

    #[test]
    fn blanks_around_elements_are_no_part_of_them() {
        for (array, expected) in [
            (r#"{"p", "f"}"#, r#"{"p","f"}"#),
            ("{ a b , c }", "{a b,c}"),
            (r#"{" a, {" , "\"  b" }"#, r#"{" a, {","\"  b"}"#),
            (r"{a\ b,\ c}", r"{a\ b,\ c}"),
            ("{{1, 2}, {3, 4}}", "{{1,2},{3,4}}"),
            ("{}", "{}"),
        ] {
            assert_eq!(without_blanks(array), expected);
        }
    }
}
