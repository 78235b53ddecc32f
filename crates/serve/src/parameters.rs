//! The parameters of prepared statements: their types, and the values that clients bind.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
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

/// The first `n` parameters of a plan and all that it has, in their order. A plan may lack some that
/// its text has: what cannot have rows is not planned.
fn known(plan: &LogicalPlan, n: usize) -> Result<Vec<Known>> {
    let mut found: BTreeMap<u32, Known> = BTreeMap::new();
    let number = |id: &str| id.trim_start_matches('$').parse::<u32>().unwrap_or(u32::MAX);
    for (id, field) in plan.get_parameter_fields()? {
        found.entry(number(&id)).or_default().field = field;
    }
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
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
    deserialize_parameters_with_server_types(&with_nulls(portal), &arrow, &wire)
}

/// The portal with nulls of no type as texts: the protocol's crate forgets them otherwise.
fn with_nulls<S: Clone>(portal: &Portal<S>) -> Portal<S> {
    let stored = &portal.statement;
    let mut types = stored.parameter_types.clone();
    types.resize(portal.parameters.len().max(types.len()), None);
    for (kind, value) in types.iter_mut().zip(&portal.parameters) {
        if value.is_none() && kind.as_ref().is_none_or(|kind| *kind == Type::UNKNOWN) {
            *kind = Some(Type::TEXT);
        }
    }
    let statement = StoredStatement::new(stored.id.clone(), stored.statement.clone(), types);
    let mut made = Portal::new_cursor(portal.name.clone(), Arc::new(statement));
    made.parameter_format = portal.parameter_format.clone();
    made.parameters.clone_from(&portal.parameters);
    made.result_column_format = portal.result_column_format.clone();
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{LogicalPlanBuilder, placeholder};

    #[test]
    fn parameters_that_are_not_planned_keep_their_places() {
        assert_eq!(highest("select $2, '$9' from a where b = $11"), 11);
        assert_eq!(highest("select 1"), 0);
        let plan = LogicalPlanBuilder::empty(true).project([placeholder("$3")]).expect("a plan");
        let plan = plan.build().expect("a plan");
        let found = types(&plan, "select $1, $3, $4").expect("types");
        assert_eq!(found, vec![Type::UNKNOWN; 4]);
    }
}
