// What changed since another run.
(function () {
  "use strict";
  const { key, own, say } = charts;
  const { data, el } = page;
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
    if (rows.length) {
      var columns = [];
      rows.forEach(function (row) {
        Object.keys(row).forEach(function (column) { if (columns.indexOf(column) < 0) columns.push(column); });
      });
      var cells = rows.map(function (row) { return columns.map(function (column) { return row[column]; }); });
      box.appendChild(page.tableOf(columns, cells, heading.id, columns.map(headOf), cells.map(function (row) {
        return row.map(function (v, i) { return cellOf(columns[i], v); });
      })));
    }
    return box;
  }
  function changed() {
    var into = document.querySelector("#changed .changes"), of = data.changed;
    if (!into || !of) return;
    into.appendChild(el("p", say("From run {since} to run {run}.", { since: of.since, run: of.run }), "soft"));
    lists.forEach(function (list) {
      if ((of[list[0]] || []).length) into.appendChild(listed(list[0], say(list[1]), of[list[0]]));
    });
  }
  Object.assign(page, { changed });
})();
