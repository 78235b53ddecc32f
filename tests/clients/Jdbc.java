// The SQL server by PostgreSQL's JDBC driver: all that DatabaseMetaData asks, queries, cursors.
//
//     java -cp /usr/share/java/postgresql.jar tests/clients/Jdbc.java PORT
import java.sql.*;
import java.util.*;

public class Jdbc {
    static int n = 0;

    static List<Map<String, String>> rows(ResultSet found) throws SQLException {
        var names = found.getMetaData();
        var rows = new ArrayList<Map<String, String>>();
        while (found.next()) {
            var row = new LinkedHashMap<String, String>();
            for (int at = 1; at <= names.getColumnCount(); at++) {
                row.put(names.getColumnName(at).toUpperCase(), found.getString(at));
            }
            rows.add(row);
        }
        found.close();
        n++;
        return rows;
    }

    static void holds(boolean is, Object said) {
        if (!is) throw new AssertionError(said);
    }

    static List<String> of(List<Map<String, String>> rows, String column) {
        return rows.stream().map(row -> row.get(column)).toList();
    }

    public static void main(String[] args) throws Exception {
        var url = "jdbc:postgresql://127.0.0.1:" + args[0] + "/rebound?user=ada";
        try (var connection = DriverManager.getConnection(url)) {
            var about = connection.getMetaData();
            holds(about.getDatabaseProductVersion().startsWith("16"), about.getDatabaseProductVersion());
            holds(of(rows(about.getSchemas()), "TABLE_SCHEM").contains("panel"), "schemas");
            holds(of(rows(about.getCatalogs()), "TABLE_CAT").contains("rebound"), "catalogs");
            holds(of(rows(about.getTableTypes()), "TABLE_TYPE").contains("TABLE"), "table types");
            var tables = rows(about.getTables(null, "panel", "%", new String[] {"TABLE"}));
            holds(of(tables, "TABLE_NAME").contains("region"), tables);
            holds(tables.get(0).get("REMARKS") != null, tables.get(0));
            holds(!rows(about.getTables(null, null, "%", null)).isEmpty(), "all tables");
            var columns = rows(about.getColumns(null, "panel", "region", "%"));
            holds(of(columns, "COLUMN_NAME").contains("resistance"), columns);
            for (var column : columns) {
                switch (column.get("COLUMN_NAME")) {
                    case "base_value" -> holds(column.get("TYPE_NAME").equals("numeric") && column.get("COLUMN_SIZE").equals("20")
                        && column.get("DECIMAL_DIGITS").equals("2"), column);
                    case "resistance" -> holds(column.get("TYPE_NAME").equals("float8") && column.get("IS_NULLABLE").equals("YES"), column);
                    case "episode" -> holds(column.get("TYPE_NAME").equals("text") && column.get("IS_NULLABLE").equals("NO"), column);
                    default -> holds(Integer.parseInt(column.get("ORDINAL_POSITION")) > 0, column);
                }
            }
            var keys = rows(about.getPrimaryKeys(null, "panel", "region"));
            holds(of(keys, "COLUMN_NAME").containsAll(List.of("episode", "region_code")) && keys.size() == 2, keys);
            var indexes = rows(about.getIndexInfo(null, "panel", "region", true, false));
            holds(of(indexes, "INDEX_NAME").contains("region_pkey"), indexes);
            holds(rows(about.getImportedKeys(null, "panel", "region")).isEmpty(), "imported keys");
            holds(rows(about.getExportedKeys(null, "panel", "region")).isEmpty(), "exported keys");
            holds(rows(about.getCrossReference(null, "panel", "region", null, "panel", "region")).isEmpty(), "references");
            holds(rows(about.getBestRowIdentifier(null, "panel", "region", 0, true)).size() == 2, "row identifier");
            rows(about.getVersionColumns(null, "panel", "region"));
            rows(about.getTablePrivileges(null, "panel", "region"));
            rows(about.getColumnPrivileges(null, "panel", "region", "%"));
            holds(!rows(about.getTypeInfo()).isEmpty(), "types");
            rows(about.getUDTs(null, null, "%", null));
            holds(rows(about.getProcedures(null, "panel", "%")).isEmpty(), "procedures");
            rows(about.getProcedureColumns(null, "panel", "%", "%"));
            holds(rows(about.getFunctions(null, "panel", "%")).isEmpty(), "functions");
            rows(about.getFunctionColumns(null, "panel", "%", "%"));
            rows(about.getClientInfoProperties());
            holds(about.getSQLKeywords().length() > 0 && about.getNumericFunctions().length() > 0, "keywords");
            holds(about.getMaxColumnNameLength() > 0 && about.getUserName().equals("ada"), "names");

            try (var asked = connection.prepareStatement("select count(*), max(resistance) from panel.region where episode = ? and base_value > ?")) {
                asked.setString(1, "crisis_2008");
                asked.setBigDecimal(2, new java.math.BigDecimal("0.00"));
                for (int time = 0; time < 8; time++) { // prepared on the server from the fifth time on, then in binary
                    var found = asked.executeQuery();
                    holds(found.next() && found.getLong(1) == 8 && found.getDouble(2) > 0, "parameters");
                    holds(found.getMetaData().getColumnName(1).equals("count"), "names of columns");
                }
            }
            connection.setAutoCommit(false);
            try (var cursor = connection.createStatement()) {
                cursor.setFetchSize(500);
                var found = cursor.executeQuery("select region_code, year, fob_value from trade.region_product_year");
                int seen = 0;
                while (found.next()) {
                    holds(found.getBigDecimal(3).scale() == 2 && found.getInt(2) > 1900, "values");
                    seen++;
                }
                holds(seen > 2000, seen);
                n++;
            }
            connection.commit();
            try (var statement = connection.createStatement()) {
                statement.executeQuery("select nothing from panel.region");
                throw new AssertionError("a column that is not there");
            } catch (SQLException error) {
                holds(error.getSQLState().equals("42703"), error);
            }
            connection.rollback();
        }
        try (var connection = DriverManager.getConnection(url + "&currentSchema=panel"); var statement = connection.createStatement()) {
            holds(connection.getSchema().equals("panel"), connection.getSchema());
            var found = statement.executeQuery("select count(*) from region");
            holds(found.next() && found.getInt(1) == 16, "currentSchema");
        }
        System.out.println("JDBC: " + n + " questions of DatabaseMetaData and queries");
    }
}
