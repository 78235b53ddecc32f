//! Arrays of a table beside it, `from t cross join unnest(t.a) as x`, of which the engine knows no
//! plan: they are taken apart within a query of the table.

use super::ast::{call, derived, from, last, select};
use crate::facts::folded;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinOperator, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use std::ops::ControlFlow;

pub(super) struct Unnested;

/// Gives columns of the table `from` the table `to`.
struct Moves {
    from: String,
    to: Ident,
}

impl VisitorMut for Moves {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, _] = &mut parts[..]
            && folded(table) == self.from
        {
            *table = self.to.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The name of a plain table.
fn named(table: &TableFactor) -> Option<Ident> {
    match table {
        TableFactor::Table { name, alias, args: None, .. } => {
            alias.as_ref().map(|alias| &alias.name).or_else(|| last(name)).cloned()
        }
        _ => None,
    }
}

/// A table with one of its arrays taken apart, and how columns of that are named from then on.
fn beside(table: &TableFactor, array: &TableFactor) -> Option<(TableFactor, Moves)> {
    let name = named(table)?;
    let TableFactor::UNNEST {
        alias: Some(alias),
        array_exprs,
        with_offset: false,
        with_ordinality: false,
        ..
    } = array
    else {
        return None;
    };
    let [of] = &array_exprs[..] else { return None };
    match of {
        Expr::Identifier(_) => {}
        Expr::CompoundIdentifier(parts) => match &parts[..] {
            [table, _] if folded(table) == folded(&name) => {}
            _ => return None,
        },
        _ => return None,
    }
    let column = alias.columns.first().map_or(&alias.name, |column| &column.name);
    let all = SelectItem::QualifiedWildcard(
        SelectItemQualifiedWildcardKind::ObjectName(vec![name.clone()].into()),
        WildcardAdditionalOptions::default(),
    );
    let element = SelectItem::ExprWithAlias {
        expr: call("unnest", vec![of.clone()]),
        alias: Ident::with_quote('"', folded(column)),
    };
    let mut within = select(vec![all, element])?;
    if let SetExpr::Select(select) = within.body.as_mut() {
        select.from = from(table.clone());
    }
    let moves = Moves { from: folded(&alias.name), to: name.clone() };
    Some((derived(within, &folded(&name)), moves))
}

/// The first `unnest` beside a table that stands first.
fn first(select: &mut Select) -> Option<Moves> {
    for table in &mut select.from {
        let Some(join) = table.joins.first() else { continue };
        if !matches!(join.join_operator, JoinOperator::CrossJoin(_)) {
            continue;
        }
        if let Some((made, moves)) = beside(&table.relation, &join.relation) {
            table.relation = made;
            table.joins.remove(0);
            return Some(moves);
        }
    }
    let [table, array, ..] = &select.from[..] else { return None };
    if !table.joins.is_empty() {
        return None;
    }
    let (made, moves) = beside(&table.relation, &array.relation)?;
    let array = select.from.remove(1);
    if let Some(table) = select.from.first_mut() {
        table.relation = made;
        table.joins = array.joins;
    }
    Some(moves)
}

impl VisitorMut for Unnested {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let Some(mut moves) = first(select) {
            let _ = select.visit(&mut moves);
        }
        ControlFlow::Continue(())
    }
}
