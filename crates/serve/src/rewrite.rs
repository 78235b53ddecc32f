//! What clients write that the engine does not know, written so that it does.
//!
//! A statement is changed as a tree, not as a text: names get the schemas that they are found in,
//! casts to numbers of objects become functions, queries stand as values where the engine does not
//! take them, and what cannot have rows is not asked.

mod ast;
mod empty;
mod names;
mod output;
mod queries;
mod types;
mod unnested;

use crate::known::Known;
use datafusion::sql::sqlparser::ast::{Statement, VisitMut};
use datafusion_postgres::pgwire::error::PgWireResult;

pub(crate) use self::output::without_marks;

/// Changes a statement. Tables without a schema are looked for in `path`.
pub(crate) fn rewrite(
    statement: &mut Statement,
    known: &Known,
    path: &[String],
) -> PgWireResult<()> {
    if let Some(select) = output::outermost(statement) {
        output::name_columns(select);
    }
    for select in output::united(statement) {
        names::show_names(select);
    }
    let _ = statement.visit(&mut unnested::Unnested);
    let ctes = names::ctes(statement);
    names::visit(statement, &mut names::Naming::new(known, path, ctes))?;
    let _ = statement.visit(&mut empty::Emptiness { known });
    let _ = statement.visit(&mut queries::Queries);
    output::tell_apart(statement);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::tests::known;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn rewritten(sql: &str) -> PgWireResult<String> {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql);
        let path = ["public".to_owned(), "panel".to_owned()];
        rewrite(&mut statements[0], &known(), &path)?;
        Ok(statements[0].to_string())
    }

    fn check(sql: &str, expected: &str) {
        assert_eq!(rewritten(sql).expect(sql), expected, "{sql}");
    }

    #[test]
    fn tables_get_the_schema_that_they_are_in() {
        check("select a from region", "SELECT a FROM \"panel\".region");
        check("select a from records r", "SELECT a FROM \"customs\".records r");
        check("select oid from pg_class", "SELECT oid FROM \"pg_catalog\".pg_class");
        check("select a from nothing", "SELECT a FROM nothing");
        check(
            "with region as (select 1 as a) select a from region",
            "WITH region AS (SELECT 1 AS a) SELECT a FROM region",
        );
    }

    #[test]
    fn numbers_of_objects_have_names() {
        check(
            "select 1 from pg_class c where c.oid = 'panel.region'::regclass",
            "SELECT 1 AS \"?column?\" FROM \"pg_catalog\".pg_class c WHERE c.oid = regclass('panel.region')",
        );
        check(
            "select c.oid::pg_catalog.regclass from pg_catalog.pg_class c",
            "SELECT regclass_name(c.oid) AS \"oid\" FROM pg_catalog.pg_class c",
        );
        check(
            "select x from pg_class c order by c.oid::regclass::pg_catalog.text",
            "SELECT x FROM \"pg_catalog\".pg_class c ORDER BY regclass_name(c.oid)",
        );
        check(
            "select c.tableoid from pg_class c",
            "SELECT 1259 AS \"tableoid\" FROM \"pg_catalog\".pg_class c",
        );
    }

    #[test]
    fn what_has_no_rows_is_not_asked() {
        check(
            "select a.attname, (select d.adbin from pg_attrdef d where d.adrelid = a.attrelid) as d from pg_attribute a",
            "SELECT a.attname, NULL AS d FROM \"pg_catalog\".pg_attribute a",
        );
        check(
            "select p.polname, array(select rolname from pg_roles where oid = any (p.polroles)) as r from pg_policy p where p.polrelid = 1",
            "SELECT p.polname, ARRAY[]::TEXT[] AS r FROM \"pg_catalog\".pg_policy p WHERE false",
        );
        check(
            "select 1 as a where not exists (select 1 from pg_policy)",
            "SELECT 1 AS a WHERE true",
        );
        // One row, whatever there is.
        check(
            "select count(*) as n from pg_policy",
            "SELECT count(*) AS n FROM \"pg_catalog\".pg_policy",
        );
        // Outer joins keep the others.
        check(
            "select (select 1 from pg_class c left join pg_policy p on p.polrelid = c.oid limit 1) as a",
            "SELECT (SELECT 1 FROM \"pg_catalog\".pg_class c LEFT JOIN \"pg_catalog\".pg_policy p ON p.polrelid = c.oid LIMIT 1) AS a",
        );
    }

    #[test]
    fn queries_are_values() {
        check(
            "select array(select t.typname from pg_type t where t.oid = c.reltype order by 1) as a from pg_class c",
            "SELECT or_empty((SELECT array_agg(t.typname ORDER BY t.typname) FROM \"pg_catalog\".pg_type t WHERE t.oid = c.reltype)) AS a FROM \"pg_catalog\".pg_class c",
        );
        check(
            "select (select t.typname from pg_type t where t.oid = c.reltype) as a from pg_class c",
            "SELECT single_value((SELECT array_agg(t.typname) FROM \"pg_catalog\".pg_type t WHERE t.oid = c.reltype)) AS a FROM \"pg_catalog\".pg_class c",
        );
        check(
            "select (select t.typname from pg_type t where t.oid = c.reltype order by t.oid desc limit 1) as a from pg_class c",
            "SELECT (SELECT first_value(t.typname ORDER BY t.oid DESC) FROM \"pg_catalog\".pg_type t WHERE t.oid = c.reltype) AS a FROM \"pg_catalog\".pg_class c",
        );
        check(
            "select exists (select 1 from pg_type t where t.oid = c.reltype) from pg_class c",
            "SELECT (SELECT count(1) > 0 FROM \"pg_catalog\".pg_type t WHERE t.oid = c.reltype) AS \"exists\" FROM \"pg_catalog\".pg_class c",
        );
        // As the engine takes them.
        for sql in [
            "SELECT (SELECT max(a) FROM \"panel\".region) AS a",
            "SELECT a FROM \"panel\".region r WHERE EXISTS (SELECT 1 FROM \"customs\".records b WHERE b.a = r.a)",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn columns_have_the_names_of_postgresql() {
        check("select count(*), 1 + 1", "SELECT count(*) AS \"count\", 1 + 1 AS \"?column?\"");
        check(
            "select sum(a), sum(b) from region",
            "SELECT sum(a) AS \"sum\", sum(b) AS \"sum\u{e000}\" FROM \"panel\".region",
        );
        check(
            "select r.a, r.* from region r",
            "SELECT r.a AS \"a\u{e000}\", r.* FROM \"panel\".region r",
        );
        check(
            "select current_schema, current_user",
            "SELECT current_schema() AS \"current_schema\", session_user() AS \"current_user\"",
        );
        check("select '{a,b}'::text[]", "SELECT ARRAY['a', 'b']::TEXT[] AS \"text\"");
        assert_eq!(without_marks("sum\u{e000}"), "sum");
    }

    #[test]
    fn functions_are_tables() {
        check(
            "select i from generate_series(1, 3) as i",
            "SELECT i FROM (SELECT value AS \"i\" FROM generate_series(1, 3)) AS \"i\"",
        );
        check(
            "select s[1] from string_to_array('a,b', ',') s",
            "SELECT s[1] AS \"s\" FROM (SELECT string_to_array('a,b', ',') AS \"s\") AS \"s\"",
        );
        check(
            "select i, k.k from unnest(array[1]) as i, unnest(array[2]) as k",
            "SELECT i, k.k FROM UNNEST(ARRAY[1]) AS i (i), UNNEST(ARRAY[2]) AS k (k)",
        );
    }

    #[test]
    fn arrays_of_a_table_are_taken_apart_within_it() {
        let within = "(SELECT con.*, unnest(con.conkey) AS \"k\" FROM \"pg_catalog\".pg_constraint AS con) AS \"con\"";
        check(
            "select con.conname, k from pg_constraint as con cross join unnest(con.conkey) as k where k > 1",
            &format!("SELECT con.conname, k FROM {within} WHERE k > 1"),
        );
        check(
            "select a.attname from pg_constraint as con, unnest(con.conkey) as u(k) join pg_attribute a on a.attnum = u.k",
            &format!(
                "SELECT a.attname FROM {within} JOIN \"pg_catalog\".pg_attribute a ON a.attnum = con.k"
            ),
        );
    }

    #[test]
    fn operators_and_collations_are_plain() {
        check(
            "select a from region where a operator(pg_catalog.~) '^x' collate pg_catalog.default",
            "SELECT a FROM \"panel\".region WHERE a ~ '^x'",
        );
        check(
            "select a from region where a = any ('{x,y}') and b = any (array[1])",
            "SELECT a FROM \"panel\".region WHERE a IN ('x', 'y') AND b IN (1)",
        );
    }

    #[test]
    fn ambiguous_tables_are_named() {
        let mut statements =
            Parser::parse_sql(&PostgreSqlDialect {}, "select a from region").expect("sql");
        let found = rewrite(&mut statements[0], &known(), &[]);
        assert!(found.is_err_and(|error| error.to_string().contains("panel, spatial")));
    }
}
