"""What a user of Superset does with the SQL server, by Superset's API within its own process.

    superset's python tests/clients/superset_api.py PORT"""

import json
import sys

from superset.app import create_app

app = create_app()
port = sys.argv[1]


def done(answer, what):
    assert answer.status_code in (200, 201), (what, answer.status_code, answer.get_data(as_text=True)[:2000])
    return answer.get_json()


with app.test_client() as client:
    token = done(client.post("/api/v1/security/login", json={"username": "admin", "password": "admin", "provider": "db"}), "login")["access_token"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    uri = f"postgresql+psycopg2://ada@127.0.0.1:{port}/rebound"
    done(client.post("/api/v1/database/test_connection/", json={"database_name": "lake", "sqlalchemy_uri": uri, "impersonate_user": False}), "test of the connection")
    database = done(client.post("/api/v1/database/", json={"database_name": "lake", "sqlalchemy_uri": uri, "expose_in_sqllab": True}), "database")["id"]
    schemas = done(client.get(f"/api/v1/database/{database}/schemas/"), "schemas")["result"]
    assert {"panel", "trade", "customs"} <= set(schemas), schemas
    tables = done(client.get(f"/api/v1/database/{database}/tables/?q=(schema_name:panel)"), "tables")["result"]
    assert "region" in [table["value"] for table in tables], tables
    about = done(client.get(f"/api/v1/database/{database}/table_metadata/?name=region&schema=panel"), "a table")
    assert "resistance" in [column["name"] for column in about["columns"]] and about["comment"], about
    dataset = done(client.post("/api/v1/dataset/", json={"database": database, "schema": "panel", "table_name": "region"}), "dataset")["id"]
    columns = done(client.get(f"/api/v1/dataset/{dataset}"), "dataset")["result"]["columns"]
    types = {column["column_name"]: column["type"] for column in columns}
    assert types["resistance"].startswith("DOUBLE PRECISION") and types["episode"] == "TEXT", types
    metric = {"expressionType": "SQL", "sqlExpression": "AVG(resistance)", "label": "resistance"}
    query = {"columns": ["region_name"], "metrics": [metric], "filters": [{"col": "episode", "op": "==", "val": "crisis_2008"}],
             "orderby": [[metric, False]], "row_limit": 5}
    chart = done(client.post("/api/v1/chart/data", json={"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_format": "json", "result_type": "full"}), "chart")
    rows = chart["result"][0]["data"]
    assert len(rows) == 5 and rows[0]["resistance"] >= rows[-1]["resistance"], rows
    ran = done(client.post("/api/v1/sqllab/execute/", json={"database_id": database, "schema": "panel", "sql": "select * from region", "queryLimit": 3, "runAsync": False, "client_id": "abcdefghij"}), "SQL Lab")
    assert len(ran["data"]) == 3, (len(ran["data"]), json.dumps(ran["query"])[:1500])
print("Superset: a database, its schemas and tables, a dataset, a chart's data, SQL Lab")
