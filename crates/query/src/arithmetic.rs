//! Arithmetic that is right or an error.
//!
//! DataFusion keeps six decimals where money is divided, and lets integers that pass the largest
//! begin again at the smallest. Here money becomes a double where it is divided. An overflow of
//! integers is an error.

use arrow::array::AsArray;
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::{NamePreserver, coerce_plan_expr_for_schema};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator,
    ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Union, Volatility,
};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

/// Makes doubles of decimals that are divided, that are compared with doubles, or that stand beside
/// doubles in one expression.
///
/// As a planner it changes the divisions of a text. So the types of a plan are right before it is
/// analysed: servers describe what they have only planned. As a rule of the analyzer it changes all
/// else, such as divisions of parameters.
///
/// It must come before types are made to agree: DataFusion lets decimals and doubles agree on 15
/// decimals.
#[derive(Debug)]
pub(crate) struct Doubles;

impl ExprPlanner for Doubles {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if !matches!(expr.op, BinaryOperator::Divide)
            || !(is_decimal(&expr.left, schema) || is_decimal(&expr.right, schema))
        {
            return Ok(PlannerResult::Original(expr));
        }
        Ok(PlannerResult::Planned(quotient(expr.left, expr.right, schema)))
    }
}

impl AnalyzerRule for Doubles {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewritten(plan, with_doubles)?
            .transform_up_with_subqueries(|plan| match plan {
                LogicalPlan::Union(union) => united(union).map(Transformed::yes),
                plan => Ok(Transformed::no(plan)),
            })
            .data()
    }

    fn name(&self) -> &'static str {
        "doubles"
    }
}

fn with_doubles(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right })
            if is_decimal(&left, schema) || is_decimal(&right, schema) =>
        {
            Transformed::yes(quotient(*left, *right, schema))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if compares(op) && are_mixed([&*left, &*right], schema) =>
        {
            let (left, right) = (double(*left, schema), double(*right, schema));
            let compared = BinaryExpr::new(Box::new(left), op, Box::new(right));
            Transformed::yes(Expr::BinaryExpr(compared))
        }
        Expr::Between(Between { expr, negated, low, high })
            if are_mixed([&*expr, &*low, &*high], schema) =>
        {
            let [expr, low, high] = [expr, low, high].map(|expr| Box::new(double(*expr, schema)));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::Case(mut case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            if !are_mixed(results.map(AsRef::as_ref), schema) {
                return Ok(Transformed::no(Expr::Case(case)));
            }
            for (_, then) in &mut case.when_then_expr {
                **then = double(std::mem::take(&mut **then), schema);
            }
            if let Some(otherwise) = &mut case.else_expr {
                **otherwise = double(std::mem::take(&mut **otherwise), schema);
            }
            Transformed::yes(Expr::Case(case))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if are_mixed(&args, schema) => {
            let args = args.into_iter().map(|arg| double(arg, schema)).collect();
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args }))
        }
        expr => Transformed::no(expr),
    })
}

fn compares(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// A union whose columns are doubles where some of its inputs have decimals and some doubles.
fn united(union: Union) -> Result<LogicalPlan> {
    let are_mixed: Vec<bool> = (0..union.schema.fields().len())
        .map(|at| {
            let has = |is: fn(&DataType) -> bool| {
                let columns =
                    union.inputs.iter().filter_map(|input| input.schema().fields().get(at));
                columns.map(|column| column.data_type()).any(is)
            };
            has(DataType::is_decimal) && has(DataType::is_floating)
        })
        .collect();
    if !are_mixed.contains(&true) {
        return Ok(LogicalPlan::Union(union));
    }
    let with_doubles = |schema: &DFSchema| {
        let columns = schema.iter().zip(&are_mixed).map(|((table, column), is_mixed)| {
            let column = if *is_mixed && column.data_type().is_decimal() {
                Arc::new(column.as_ref().clone().with_data_type(DataType::Float64))
            } else {
                Arc::clone(column)
            };
            (table.cloned(), column)
        });
        DFSchema::new_with_metadata(columns.collect(), schema.metadata().clone())
    };
    let schema = Arc::new(with_doubles(&union.schema)?);
    let inputs = union.inputs.into_iter().map(|input| {
        let schema = with_doubles(input.schema())?;
        Ok::<_, DataFusionError>(Arc::new(coerce_plan_expr_for_schema(
            Arc::unwrap_or_clone(input),
            &schema,
        )?))
    });
    Ok(LogicalPlan::Union(Union { inputs: inputs.collect::<Result<_>>()?, schema }))
}

fn is_decimal(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|found| found.is_decimal())
}

/// Whether some of `exprs` are decimals and some doubles.
fn are_mixed<'e>(exprs: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> bool {
    let (mut has_decimal, mut has_double) = (false, false);
    for found in exprs.into_iter().filter_map(|expr| expr.get_type(schema).ok()) {
        has_decimal |= found.is_decimal();
        has_double |= found.is_floating();
    }
    has_decimal && has_double
}

/// `expr`, as a double if it is a decimal. A column keeps its name, since it is named after what is
/// cast.
fn double(expr: Expr, schema: &DFSchema) -> Expr {
    if is_decimal(&expr, schema) {
        Expr::Cast(Cast::new(Box::new(expr), DataType::Float64))
    } else {
        expr
    }
}

/// `left / right`; what is no decimal becomes a double where types are made to agree.
fn quotient(left: Expr, right: Expr, schema: &DFSchema) -> Expr {
    let (left, right) = (double(left, schema), double(right, schema));
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::Divide, Box::new(right)))
}

/// Makes sums, differences and products of integers and decimals fail where they overflow, also in
/// constants. It must come after types were made to agree.
#[derive(Debug)]
pub(crate) struct CheckedIntegers;

impl AnalyzerRule for CheckedIntegers {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewritten(plan, checked)
    }

    fn name(&self) -> &'static str {
        "checked_integers"
    }
}

fn checked(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_integer = |expr: &Expr| expr.get_type(schema).is_ok_and(|found| found.is_integer());
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::Plus | Operator::Minus | Operator::Multiply),
            right,
        }) if is_integer(&left) && is_integer(&right) => {
            Transformed::yes(Checked::call(*left, op, *right))
        }
        Expr::Negative(value) if is_integer(&value) => Transformed::yes(Checked::negative(*value)),
        Expr::BinaryExpr(BinaryExpr {
            op: Operator::Plus | Operator::Minus | Operator::Multiply,
            ..
        }) if matches!(
            expr.get_type(schema),
            Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, _))
        ) =>
        {
            let function = ScalarUDF::new_from_impl(Fits(Signature::any(1, Volatility::Immutable)));
            let call = ScalarFunction::new_udf(Arc::new(function), vec![once(expr)]);
            Transformed::yes(Expr::ScalarFunction(call))
        }
        expr => Transformed::no(expr),
    })
}

/// Every expression of `plan` and of the queries in it, rewritten; columns keep their names.
pub(crate) fn rewritten(
    plan: LogicalPlan,
    rewrite: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    let is_changed = Cell::new(false);
    plan.transform_up_with_subqueries(|plan| {
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            let table = scan.table_name.clone();
            schema.merge(&DFSchema::try_from_qualified_schema(table, &scan.source.schema())?);
        }
        let names = NamePreserver::new(&plan);
        let plan = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| rewrite(expr, &schema))?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        is_changed.set(is_changed.get() || plan.transformed);
        if !is_changed.get() {
            return Ok(plan);
        }
        // Its types may have changed, and with them those of what reads it.
        Ok(Transformed::yes(plan.data.recompute_schema()?))
    })
    .data()
}

/// A decimal with the most digits that there may be. More are an error. Arrow computes with more,
/// and prints only the first of them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fits(Signature);

impl ScalarUDFImpl for Fits {
    fn name(&self) -> &'static str {
        "checked_decimal"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [value] => Ok(value.schema_name().to_string()),
            _ => internal_err!("{} has one argument", self.name()),
        }
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [found] => Ok(found.clone()),
            _ => internal_err!("{} has one argument", self.name()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [field] => Ok(Arc::clone(field)),
            _ => internal_err!("{} has one argument", self.name()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return internal_err!("{} has one argument", self.name());
        };
        let array = value.to_array(args.number_rows)?;
        if let Some(decimals) = array.as_primitive_opt::<Decimal128Type>() {
            decimals.validate_decimal_precision(decimals.precision())?;
        }
        Ok(value.clone())
    }
}

/// The sum, difference or product, whose sides are not checked. They are exact, and the whole is
/// checked. Were each checked, the engine would need time by the cube of the length of a chain.
fn once(expr: Expr) -> Expr {
    let unchecked = |side: Box<Expr>| match *side {
        Expr::ScalarFunction(mut call)
            if call.func.inner().is::<Fits>() && call.args.len() == 1 =>
        {
            Box::new(call.args.remove(0))
        }
        side => Box::new(side),
    };
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            Expr::BinaryExpr(BinaryExpr { left: unchecked(left), op, right: unchecked(right) })
        }
        expr => expr,
    }
}

/// A chain of `+`, `-` and `*` of integers of one type, from left to right, or `-` of one integer.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    /// What is between the arguments.
    ops: Vec<Operator>,
    signature: Signature,
}

impl Checked {
    fn chain(ops: Vec<Operator>, args: Vec<Expr>) -> Expr {
        let signature = Signature::any(args.len(), Volatility::Immutable);
        let function = Arc::new(ScalarUDF::new_from_impl(Self { ops, signature }));
        Expr::ScalarFunction(ScalarFunction::new_udf(function, args))
    }

    fn negative(value: Expr) -> Expr {
        Self::chain(Vec::new(), vec![value])
    }

    /// `left op right`. A chain on the left goes on, so that a long one is not deep.
    fn call(left: Expr, op: Operator, right: Expr) -> Expr {
        if let Expr::ScalarFunction(ScalarFunction { func, args }) = &left
            && let Some(Self { ops, .. }) = func.inner().downcast_ref()
            && !ops.is_empty()
        {
            let mut args = args.clone();
            args.push(right);
            return Self::chain([ops.as_slice(), &[op]].concat(), args);
        }
        Self::chain(vec![op], vec![left, right])
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        "checked"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let Some((first, rest)) = args.split_first() else {
            return internal_err!("{} has arguments", self.name());
        };
        if rest.is_empty() {
            return Ok(format!("(- {})", first.schema_name()));
        }
        let mut name = first.schema_name().to_string();
        for (op, arg) in self.ops.iter().zip(rest) {
            let _ = write!(name, " {op} {}", arg.schema_name());
        }
        Ok(name)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [found, ..] => Ok(found.clone()),
            [] => internal_err!("{} has arguments", self.name()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        match args.arg_fields {
            [field, ..] => {
                Ok(Arc::new(Field::new(self.name(), field.data_type().clone(), is_nullable)))
            }
            [] => internal_err!("{} has arguments", self.name()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut args = args.args.into_iter();
        let Some(mut value) = args.next() else {
            return internal_err!("{} has arguments", self.name());
        };
        if self.ops.is_empty() {
            let zero = ColumnarValue::Scalar(ScalarValue::new_zero(&value.data_type())?);
            return apply(&zero, &value, sub);
        }
        for (op, arg) in self.ops.iter().zip(args) {
            value = match op {
                Operator::Plus => apply(&value, &arg, add),
                Operator::Minus => apply(&value, &arg, sub),
                _ => apply(&value, &arg, mul),
            }?;
        }
        Ok(value)
    }
}
