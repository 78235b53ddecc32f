//! How long and how deep a text may be, and where it is planned.
//!
//! Parsing, planning and dropping a plan go down level by level, and the stack of a thread is
//! finite. So texts are measured first. What passes runs on a stack that is large enough for the
//! deepest text that passes.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, ObjectName, Query, SetExpr, Statement, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;

/// Bytes of a text.
pub const MOST_BYTES: usize = 1 << 20;
/// Words, numbers and signs of a text.
pub const MOST_TOKENS: usize = 100_000;
/// Levels of a query. Each operator in a chain is one level, and one of arithmetic three. So is
/// each query in a query, each set that is united and each table that is joined.
pub const MOST_LEVELS: usize = 500;
/// Parts of a query with each of its `with` queries put where it is named.
pub const MOST_PARTS: usize = 100_000;

/// Levels that an operator of arithmetic counts for. The time to find the type of a chain of
/// decimals grows by the cube of its length.
const ARITHMETIC: usize = 3;

/// Brackets inside each other.
const MOST_BRACKETS: usize = 50;
/// Functions, `case` and forms like `cast(...)` inside each other. Parsers try some of them first as
/// a word of the language and then as a name, so each is tried twice for each that it is in.
const MOST_WORDS: usize = 12;
/// Queries as values inside each other: the planner takes each of them several times.
const MOST_SUBQUERIES: usize = 10;
/// How deep the parser may go, which is deeper than what is let through.
const PARSER_LEVELS: usize = 400;
/// Tokens of a text that cannot be parsed in the dialect it is measured in.
const MOST_UNPARSED: usize = 2_000;

/// Bytes of the stack that a query is planned on. With the deepest queries that pass, the whole
/// program grows by 21 MiB.
const STACK: usize = 128 << 20;

/// Bytes of the stack of threads that run what is planned.
pub(crate) const WORKER_STACK: usize = 32 << 20;

/// A text that is not planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooComplex {
    /// Too many bytes.
    #[error(
        "the query has {0} bytes, and at most {MOST_BYTES} are taken: read long lists from a table"
    )]
    Bytes(usize),
    /// Too many tokens.
    #[error(
        "the query has {0} words and signs, and at most {MOST_TOKENS} are taken: read long lists from a table"
    )]
    Tokens(usize),
    /// Too many levels.
    #[error(
        "the query is {0} levels deep, and at most {MOST_LEVELS} are taken: write `x in (...)` for a chain of `or`, and read long lists from a table"
    )]
    Levels(usize),
    /// Too many brackets.
    #[error(
        "the query has more than {MOST_BRACKETS} brackets or queries inside each other: name some of them by `with`"
    )]
    Brackets,
    /// Too many of what is tried twice.
    #[error(
        "the query has more than {MOST_WORDS} functions and `case` inside each other: name some of them in a query of `with`"
    )]
    Words,
    /// Too many queries in queries.
    #[error(
        "the query has more than {MOST_SUBQUERIES} queries as values inside each other: join some of them"
    )]
    Subqueries,
    /// Too many parts.
    #[error(
        "the query has more than {MOST_PARTS} parts once its `with` queries stand where they are named: name each of them fewer times"
    )]
    Parts,
    /// Not to be measured.
    #[error(
        "the query is not of a form that can be measured, and too long ({0} words and signs) to be tried"
    )]
    Unknown(usize),
    /// There is nothing to measure it on.
    #[error(transparent)]
    NoThread(#[from] NoThread),
}

impl TooComplex {
    /// Whether the text is at fault, and not the machine.
    pub fn is_users(&self) -> bool {
        !matches!(self, Self::NoThread(_))
    }
}

/// Says whether `sql` is short and shallow enough to be planned. A short text that cannot be parsed
/// passes: the planner says what is wrong with it.
///
/// # Errors
///
/// [`TooComplex`] if it is not.
pub fn check<D: Dialect + Sync>(sql: &str, dialect: &D) -> Result<(), TooComplex> {
    if sql.len() > MOST_BYTES {
        return Err(TooComplex::Bytes(sql.len()));
    }
    let Ok(tokens) = Tokenizer::new(dialect, sql).tokenize_with_location() else {
        let n = sql.split_whitespace().count();
        return if sql.len() <= 16 * MOST_UNPARSED { Ok(()) } else { Err(TooComplex::Unknown(n)) };
    };
    let n = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if n > MOST_TOKENS {
        return Err(TooComplex::Tokens(n));
    }
    nested(tokens.iter().map(|token| &token.token))?;
    on_large_stack(move || match parsed(tokens, dialect) {
        Ok(statements) => statements.iter().try_for_each(measured),
        Err(ParserError::RecursionLimitExceeded) => Err(TooComplex::Brackets),
        Err(_) if n <= MOST_UNPARSED => Ok(()),
        Err(_) => Err(TooComplex::Unknown(n)),
    })
    .unwrap_or(Err(TooComplex::NoThread(NoThread)))
}

/// What is open where a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Bracket,
    /// A bracket after the name of a function.
    OfWord,
    Case,
}

/// Says whether brackets and words are not too deep inside each other. It is asked before the
/// parser goes down into them.
fn nested<'t>(tokens: impl Iterator<Item = &'t Token>) -> Result<(), TooComplex> {
    let (mut open, mut before) = (Vec::new(), None);
    for token in tokens.filter(|token| !matches!(token, Token::Whitespace(_))) {
        let word = match token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        };
        match token {
            _ if word == Some(Keyword::CASE) => open.push(Open::Case),
            _ if word == Some(Keyword::END) && open.last() == Some(&Open::Case) => {
                open.pop();
            }
            Token::LParen | Token::LBracket | Token::LBrace => {
                let is_of_word = before.is_some_and(|word| !CONNECTIVES.contains(&word));
                open.push(if is_of_word { Open::OfWord } else { Open::Bracket });
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                // A case that was not ended ends with its bracket.
                while open.pop() == Some(Open::Case) {}
            }
            _ => {}
        }
        before = word;
        if open.len() > MOST_BRACKETS {
            return Err(TooComplex::Brackets);
        }
        if open.iter().filter(|open| **open != Open::Bracket).count() > MOST_WORDS {
            return Err(TooComplex::Words);
        }
    }
    Ok(())
}

/// Words that a bracket may follow without being what they are called with.
const CONNECTIVES: [Keyword; 31] = [
    Keyword::ALL,
    Keyword::AND,
    Keyword::ANY,
    Keyword::AS,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::EXCEPT,
    Keyword::FILTER,
    Keyword::FROM,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::LATERAL,
    Keyword::LIKE,
    Keyword::NOT,
    Keyword::ON,
    Keyword::OR,
    Keyword::OVER,
    Keyword::SELECT,
    Keyword::SOME,
    Keyword::THEN,
    Keyword::UNION,
    Keyword::USING,
    Keyword::VALUES,
    Keyword::WHEN,
    Keyword::WHERE,
];

fn parsed(
    tokens: Vec<TokenWithSpan>,
    dialect: &dyn Dialect,
) -> Result<Vec<Statement>, ParserError> {
    Parser::new(dialect)
        .with_recursion_limit(PARSER_LEVELS)
        .with_tokens_with_locations(tokens)
        .parse_statements()
}

fn measured(statement: &Statement) -> Result<(), TooComplex> {
    let mut measure = Measure { scopes: vec![Scope::default()], ..Measure::default() };
    if let ControlFlow::Break(found) = statement.visit(&mut measure) {
        return Err(found);
    }
    Ok(())
}

/// Levels and parts.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    levels: usize,
    parts: usize,
}

/// A query that is being measured.
#[derive(Debug, Default)]
struct Scope {
    /// The level that the visit is at.
    level: usize,
    size: Size,
}

fn levels_of_operator(expr: &Expr) -> usize {
    match expr {
        Expr::BinaryOp {
            op:
                BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo,
            ..
        } => ARITHMETIC,
        _ => 1,
    }
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. })
}

#[derive(Debug, Default)]
struct Measure {
    scopes: Vec<Scope>,
    /// Queries as values that the visit is in.
    n_subqueries: usize,
    /// `with` queries whose end was not seen yet, by where they are, and their names.
    begun: BTreeMap<usize, String>,
    /// Those that were measured, by name. One of another scope by the same name is none the smaller
    /// for it.
    with: BTreeMap<String, Size>,
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

/// Sets that are united and tables that are joined make a plan as deep as there are of them.
fn levels_of(body: &SetExpr) -> usize {
    let mut deepest = 0;
    let mut left = vec![(body, 1)];
    while let Some((body, level)) = left.pop() {
        deepest = deepest.max(level);
        match body {
            SetExpr::SetOperation { left: first, right: second, .. } => {
                left.push((first, level + 1));
                left.push((second, level + 1));
            }
            SetExpr::Select(select) => {
                let joined: usize = select.from.iter().map(|from| 1 + from.joins.len()).sum();
                deepest = deepest.max(level + joined);
            }
            _ => {}
        }
    }
    deepest
}

impl Measure {
    fn add(&mut self, levels: usize, parts: usize) -> ControlFlow<TooComplex> {
        let Some(Scope { level, size }) = self.scopes.last_mut() else {
            return ControlFlow::Continue(());
        };
        size.levels = size.levels.max(*level + levels);
        size.parts = size.parts.saturating_add(parts);
        if size.levels > MOST_LEVELS {
            return ControlFlow::Break(TooComplex::Levels(size.levels));
        }
        if size.parts > MOST_PARTS {
            return ControlFlow::Break(TooComplex::Parts);
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Measure {
    type Break = TooComplex;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<TooComplex> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.begun.insert(place(&table.query), table.alias.name.value.to_lowercase());
        }
        self.scopes.push(Scope { level: levels_of(&query.body), ..Scope::default() });
        self.add(0, 1)
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<TooComplex> {
        let Some(Scope { size, .. }) = self.scopes.pop() else { return ControlFlow::Continue(()) };
        match self.begun.remove(&place(query)) {
            Some(name) => {
                let known = self.with.entry(name).or_default();
                known.levels = known.levels.max(size.levels);
                known.parts = known.parts.max(size.parts);
                ControlFlow::Continue(())
            }
            None => self.add(size.levels, size.parts),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<TooComplex> {
        let with = self.with.get(&relation.to_string().to_lowercase()).copied();
        let Size { levels, parts } = with.unwrap_or_default();
        self.add(levels, parts + 1)
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<TooComplex> {
        self.n_subqueries += usize::from(is_subquery(expr));
        if self.n_subqueries > MOST_SUBQUERIES {
            return ControlFlow::Break(TooComplex::Subqueries);
        }
        let levels = levels_of_operator(expr);
        let added = self.add(levels, 1);
        if let Some(scope) = self.scopes.last_mut() {
            scope.level += levels;
        }
        added
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<TooComplex> {
        self.n_subqueries -= usize::from(is_subquery(expr));
        if let Some(scope) = self.scopes.last_mut() {
            scope.level = scope.level.saturating_sub(levels_of_operator(expr));
        }
        ControlFlow::Continue(())
    }
}

/// What `work` gives, on a stack that is large enough for the deepest query that passes. `None` if
/// no thread can be had.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("planner".to_owned()).stack_size(STACK);
        let thread = builder.spawn_scoped(scope, work).ok()?;
        match thread.join() {
            Ok(done) => Some(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

thread_local! {
    static IS_PLANNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread plans a query, and does not run it.
pub(crate) fn is_planning() -> bool {
    IS_PLANNING.get()
}

/// A future that plans, wherever it is polled, on a stack that is large enough.
pub struct Planning<F> {
    work: Pin<Box<F>>,
    runtime: Option<Handle>,
}

impl<F> std::fmt::Debug for Planning<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planning").finish_non_exhaustive()
    }
}

/// A thread to plan on cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no thread with {} MiB of stack can be had to plan the query on: allow more threads or address space (`ulimit -u`, `ulimit -v`)",
    STACK >> 20
)]
pub struct NoThread;

/// Does `work` on a stack that is large enough for the deepest query that [`check`] lets pass. Its
/// tasks go to the runtime of `runtime`. Without one they go to the runtime that polls.
pub fn planning<F: Future>(work: F, runtime: Option<Handle>) -> Planning<F> {
    Planning { work: Box::pin(work), runtime }
}

impl<F> Future for Planning<F>
where
    F: Future + Send,
    F::Output: Send,
{
    type Output = Result<F::Output, NoThread>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let runtime = self.runtime.clone().or_else(|| Handle::try_current().ok());
        let waker: &Waker = context.waker();
        let work = &mut self.work;
        // The rows of the plan are for the call that this thread works for.
        let call = cancel::token();
        let polled = on_large_stack(|| {
            let _guard = runtime.as_ref().map(Handle::enter);
            IS_PLANNING.set(true);
            let mut poll = || work.as_mut().poll(&mut Context::from_waker(waker));
            match call {
                Some(call) => call.within(poll),
                None => poll(),
            }
        });
        match polled {
            Some(polled) => polled.map(Ok),
            None => Poll::Ready(Err(NoThread)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::{GenericDialect, PostgreSqlDialect};

    fn check_both(sql: &str, expected: Result<(), fn(TooComplex) -> bool>) {
        for found in [check(sql, &GenericDialect {}), check(sql, &PostgreSqlDialect {})] {
            match (found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(is)) if is(found) => {}
                (found, _) => panic!("{found:?}: {}", &sql[..sql.len().min(80)]),
            }
        }
    }

    fn many(part: &str, n: usize) -> String {
        part.repeat(n)
    }

    #[test]
    fn what_people_and_programs_write_passes() {
        for sql in [
            "select 1; select 2".to_owned(),
            format!("select * from t where x in (0{})", many(", 1", 40_000)),
            format!("values (1, 'a'){}", many(", (2, 'b')", 10_000)),
            format!("select 1{}", many(" + 1", 160)),
            format!("select * from t where x = 0{}", many(" or x = 1", 450)),
            format!("select 1{}", many(" union all select 1", 450)),
            format!("select case x {} end from t", many("when 1 then 2 ", 9_000)),
            format!(
                "with a as (select 1) select * from a{}",
                many(" union all select * from a", 200)
            ),
            "select ((((((((((1))))))))))".to_owned(),
            "not sql at all".to_owned(),
            "select 'open".to_owned(),
        ] {
            check_both(&sql, Ok(()));
        }
    }

    #[test]
    fn what_is_too_long_or_deep_is_refused() {
        let levels: fn(TooComplex) -> bool = |found| matches!(found, TooComplex::Levels(_));
        for sql in [
            format!("select * from t where x = 0{}", many(" or x = 1", 2_000)),
            format!("select 1{}", many(" + 1", 20_000)),
            format!("select 1{}", many(" union all select 1", 3_200)),
            format!("select 1{}", many(" union all (select 1)", 1_100)),
            format!("select * from t{}", many(" cross join t", 1_100)),
            format!("select * from t{}", many(", t", 1_100)),
            format!("select x{} from t", many("::int", 1_100)),
            format!("select 'a'{}", many(" || 'b'", 1_100)),
            format!("select * from t where x = 1{}", many(" is not null", 1_100)),
        ] {
            check_both(&sql, Err(levels));
        }
        let chain: String =
            (1..1_000).map(|at| format!(", a{at} as (select * from a{})", at - 1)).collect();
        check_both(&format!("with a0 as (select 1){chain} select * from a999"), Err(levels));
        let doubled: String = (1..40)
            .map(|at| {
                format!(", a{at} as (select * from a{0} union all select * from A{0})", at - 1)
            })
            .collect();
        let doubled = format!("with a0 as (select 1){doubled} select * from a39");
        check_both(&doubled, Err(|found| found == TooComplex::Parts));
        let nested = format!("select {}1{}", many("(", 5_000), many(")", 5_000));
        check_both(&nested, Err(|found| found == TooComplex::Brackets));
        let nested = format!("select {}1{}", many("(select ", 5_000), many(")", 5_000));
        check_both(&nested, Err(|found| found == TooComplex::Brackets));
        let negated = format!("select {}1", many("- ", 1_100));
        check_both(&negated, Err(|found| found == TooComplex::Brackets));
        for (before, after) in [
            ("case when true then ", " end"),
            ("cast(", " as int)"),
            ("abs(", ")"),
            ("array[", "]"),
            ("substring(", " from 1)"),
            ("exists (select ", ")"),
        ] {
            let sql = |n| format!("select {}1{}", many(before, n), many(after, n));
            check_both(&sql(9), Ok(()));
            check_both(&sql(13), Err(|found| found == TooComplex::Words));
            check_both(&sql(3_000), Err(|found| found == TooComplex::Words));
            check_both(&sql(9).replace('1', "1 1 ##"), Ok(()));
        }
        let nested = |n| format!("select {}1{}", many("(select ", n), many(")", n));
        check_both(&nested(10), Ok(()));
        check_both(&nested(11), Err(|found| found == TooComplex::Subqueries));
        let long = format!("select * from t where x in (0{})", many(", 1", 60_000));
        check_both(&long, Err(|found| matches!(found, TooComplex::Tokens(_))));
        check_both(&many(" ", 2 << 20), Err(|found| matches!(found, TooComplex::Bytes(_))));
        let broken = format!("select from where {}", many("1 + ", 20_000));
        check_both(&broken, Err(|found| matches!(found, TooComplex::Unknown(_))));
        check_both(
            &format!("'{}", many("a", 100_000)),
            Err(|found| matches!(found, TooComplex::Unknown(_))),
        );
    }
}
