// What changed since another run.
(function () {
  "use strict";
  const { key, own, say } = charts;
  const { data, el, option } = page;
  var lists = [["why", key("Why")], ["tables", key("Tables")], ["regions", key("Regions")], ["products", key("Products")]];
  // Columns, and the codes in them, in words.
  var heads = {
    table: key("table"), fate: key("fate"), rows: key("rows"), added: key("added"), removed: key("removed"), changed: key("changed"),
    measure: key("measured by"), code: key("code"), moved: key("moved, without signs"), change: key("change"), kind: key("kind"), stages: key("stages")
  };
  var codes = {
    fate: { added: key("added"), gone: key("gone"), changed: key("changed") },
    kind: { file: key("file"), config: key("config"), sql: key("SQL"), code: key("code of a stage"), stage: key("stages"), unknown: key("unknown") }
  };
  function headOf(column) { return say(own(heads, column) || column.replace(/_/g, " ")); }
  function cellOf(column, v) {
    var of = own(own(codes, column), v);
    return of ? say(of) : page.shownAs(v, column);
  }
  // Columns as they are read: what it is, and then what became of it.
  var order = ["code", "table", "fate", "rows", "added", "removed", "changed", "measure", "change", "moved", "kind", "stages"];
  // Texts as a list, rows as a table of all their columns.
  function listed(id, title, items) {
    var box = el("div", null, "changes-" + id), heading = el("h3", title), texts = items.filter(function (x) { return typeof x !== "object"; });
    var rows = items.filter(function (x) { return x && typeof x === "object"; });
    heading.id = "changed-" + id;
    box.appendChild(heading);
    if (texts.length) {
      var ul = el("ul");
      texts.forEach(function (text) { ul.appendChild(el("li", text)); });
      box.appendChild(ul);
    }
    if (rows.length) box.appendChild(tabled(id, title, rows, heading));
    return box;
  }
  // What a column is called that rows are measured by.
  function measureOf(name) { var of = own(charts.measures, name); return of ? say(of[0]) : name; }
  // Rows as a table; those that are measured by several columns are shown by the one that is chosen.
  function tabled(id, title, rows, heading) {
    var measures = rows.map(function (row) { return row.measure; }).filter(function (m, i, all) { return m && all.indexOf(m) === i; });
    if (measures.length < 2) return tableOf(rows, heading);
    var box = el("div"), label = el("label", say("measured by") + " "), select = el("select"), into = el("div"), tools = el("div", null, "tools");
    select.appendChild(option("", say("all columns")));
    measures.forEach(function (m) { select.appendChild(option(m, measureOf(m))); });
    select.setAttribute("aria-label", title + ": " + say("measured by"));
    function show() { into.replaceChildren(tableOf(rows.filter(function (row) { return !select.value || row.measure === select.value; }), heading)); }
    select.addEventListener("change", show);
    label.appendChild(select);
    tools.appendChild(label);
    box.append(tools, into);
    show();
    return box;
  }
  function tableOf(rows, heading) {
    var columns = order.filter(function (column) { return rows.some(function (row) { return row[column] !== undefined; }); });
    var cells = rows.map(function (row) { return columns.map(function (column) { return row[column]; }); });
    return page.tableOf(columns, cells, heading.id, columns.map(headOf), cells.map(function (row) {
      return row.map(function (v, i) { return cellOf(columns[i], v); });
    }));
  }
  function changed() {
    var into = document.querySelector("#changed .changes"), of = data.changed;
    if (!into || !of) return;
    into.appendChild(el("p", say("From run {since} to run {run}.", { since: of.since, run: of.run }), "soft"));
    if (!lists.some(function (list) { return (of[list[0]] || []).length; })) into.appendChild(el("p", say("Both published the same tables.")));
    lists.forEach(function (list) {
      if ((of[list[0]] || []).length) into.appendChild(listed(list[0], say(list[1]), of[list[0]]));
    });
  }
  Object.assign(page, { changed });
})();
