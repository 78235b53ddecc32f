//! Texts that are compared with yes or no, `indisprimary = 'f'`: PostgreSQL reads them as such.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// What is meant by such a text.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Reads texts that stand beside a yes or no.
#[derive(Debug)]
pub(crate) struct Truths;

impl ExprPlanner for Truths {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if !matches!(expr.op, BinaryOperator::Eq | BinaryOperator::NotEq) {
            return Ok(PlannerResult::Original(expr));
        }
        let is_truth = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Boolean));
        let read = |expr: &Expr| match expr {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => truth(text).map(lit),
            _ => None,
        };
        if let Some(read) = read(&expr.right).filter(|_| is_truth(&expr.left)) {
            expr.right = read;
        } else if let Some(read) = read(&expr.left).filter(|_| is_truth(&expr.right)) {
            expr.left = read;
        }
        Ok(PlannerResult::Original(expr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::FunctionRegistry;
    use datafusion::prelude::SessionContext;
    use std::sync::Arc;

    #[tokio::test]
    async fn texts_beside_a_truth_are_one() {
        let mut context = SessionContext::new();
        context.register_expr_planner(Arc::new(Truths)).expect("a planner");
        let sql = "select a = 'f', 'YES' = a, a <> 't', 'f' = 'f' from (values (true)) as v(a)";
        let rows = context.sql(sql).await.expect("a plan").collect().await.expect("rows");
        let found: Vec<String> = rows[0]
            .columns()
            .iter()
            .map(|column| datafusion::arrow::util::display::array_value_to_string(column, 0))
            .collect::<std::result::Result<_, _>>()
            .expect("texts");
        assert_eq!(found, ["false", "true", "false", "true"]);
        assert!(context.sql("select a = 'perhaps' from (values (true)) as v(a)").await.is_err());
    }
}
