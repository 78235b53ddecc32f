// The table of all regions, and the table of what their paths are made of.
(function () {
  "use strict";
  const { hundredths, key, money, number, own, reasonOf, say, sayMany } = charts;
  const { button, data, el } = page;
  var columns = [
    ["region_name", key("Region"), null],
    ["base_value", key("Base"), function (v) { return money(v); }],
    ["resistance", key("Resistance"), number],
    ["resistance_low", key("low"), number],
    ["resistance_high", key("high"), number],
    ["recovery", key("Recovery"), number],
    ["upgrading", key("Upgrading"), function (v) { return number(v, 3); }],
    ["level_recovery", key("End / base"), number],
    ["related_variety", key("Related variety"), number],
    ["eci", key("ECI"), number],
    ["type", key("Type"), function (v) { return v ? say((own(charts.kinds, v) || [null, v.replace(/_/g, ", ")])[1]) : "–"; }]
  ];
  var texts = ["region_name", "type"];
  var sort = ["resistance", -1], query = "";
  function headOf(table) { return document.querySelector("#" + table + " thead tr"); }
  function bodyOf(table) { return document.querySelector("#" + table + " tbody"); }
  // The first cell of a row: a region, whose page it opens.
  function nameOf(name, code) {
    var th = el("th"), link = button(name, function () { page.region(code); }, "link");
    th.scope = "row";
    th.appendChild(link);
    return th;
  }
  function compared(x, y) {
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return (x < y ? -1 : x > y ? 1 : 0) * sort[1];
  }
  function regions() {
    var body = bodyOf("regions");
    if (!body) return;
    var rows = data.regions.filter(function (r) {
      return r.episode === page.episode && (r.region_name + " " + r.region_code).toLowerCase().indexOf(query) >= 0;
    });
    rows.sort(function (a, b) { return compared(a[sort[0]], b[sort[0]]); });
    body.replaceChildren.apply(body, rows.map(function (r) {
      var tr = el("tr");
      tr.dataset.code = r.region_code;
      tr.appendChild(nameOf(r.region_name, r.region_code));
      columns.slice(1).forEach(function (column) {
        var v = r[column[0]], td = el("td", column[2](v), texts.indexOf(column[0]) < 0 ? null : "text");
        if (typeof v === "number") td.dataset.value = v;
        tr.appendChild(td);
      });
      return tr;
    }));
    document.getElementById("found").textContent = sayMany(rows.length, "{n} region", "{n} regions");
    document.querySelectorAll("#regions thead th").forEach(function (th) {
      var isSorted = th.dataset.key === sort[0];
      th.setAttribute("aria-sort", isSorted ? (sort[1] > 0 ? "ascending" : "descending") : "none");
    });
  }
  function begin() {
    var head = headOf("regions");
    if (!head) return;
    columns.forEach(function (column) {
      var isText = texts.indexOf(column[0]) >= 0, th = el("th", null, isText ? "text" : null);
      th.scope = "col";
      th.dataset.key = column[0];
      th.appendChild(button(say(column[1]), function () {
        sort = [column[0], sort[0] === column[0] ? -sort[1] : isText ? 1 : -1];
        regions();
      }, "sort"));
      head.appendChild(th);
    });
    document.getElementById("search").addEventListener("input", function (event) {
      query = event.target.value.toLowerCase();
      regions();
    });
  }
  function why(reason) { return reason ? "– (" + reasonOf(reason) + ")" : "–"; }
  function share(v) { return hundredths(number(Math.abs(100 * v), 1)); }
  // How long a region took, by the frequency of its periods.
  var after = {
    year: [key("{n} year after the trough"), key("{n} years after the trough")],
    quarter: [key("{n} quarter after the trough"), key("{n} quarters after the trough")],
    month: [key("{n} month after the trough"), key("{n} months after the trough")]
  };
  // What the path of each region is made of, in words.
  var ofPath = [
    ["region_code", key("Region"), null],
    ["largest_gap_relative", key("Deepest below the expected path"), function (c, v) {
      if (v === null) return why(c.null_reason || c.relative_null_reason);
      return v > 0 ? say("{share} in {period}", { share: share(v), period: c.largest_gap_period }) : say("never below");
    }],
    ["gross_loss", key("Lost by the end"), function (c, v) {
      return v === null ? why(c.null_reason) : v > 0 ? money(v, data.meta.unit) : say("nothing");
    }],
    ["n_periods_to_recover", key("Back on the expected path"), function (c, v, e) {
      if (v === null) return c.recover_null_reason === "not_recovered" ? say("not by {period}", { period: e.end }) : why(c.recover_null_reason);
      var of = own(after, e.frequency) || after.year;
      return v === 0 ? say("not off it at the trough") : sayMany(v, of[0], of[1]);
    }],
    ["end_relative", key("At the end"), function (c, v) {
      if (v === null) return why(c.null_reason || c.relative_null_reason);
      if (v === 0) return say("on it");
      return v > 0 ? say("{share} above", { share: share(v) }) : say("{share} below", { share: share(v) });
    }]
  ];
  // Gives the number of its rows.
  function components() {
    var head = headOf("components"), body = bodyOf("components");
    if (!head) return 0;
    var rows = ((own(data.certainty, page.episode) || {}).components || []).slice();
    var e = charts.episodeOf(data, page.episode);
    head.replaceChildren.apply(head, ofPath.map(function (column) {
      var th = el("th", say(column[1]));
      th.scope = "col";
      return th;
    }));
    rows.sort(function (a, b) {
      var x = a.largest_gap_relative, y = b.largest_gap_relative;
      return x === y ? 0 : x === null ? 1 : y === null ? -1 : x - y;
    });
    body.replaceChildren.apply(body, rows.map(function (r) {
      var tr = el("tr");
      tr.dataset.code = r.region_code;
      tr.appendChild(nameOf(own(data.names, r.region_code) || r.region_code, r.region_code));
      ofPath.slice(1).forEach(function (column) {
        var v = r[column[0]], td = el("td", column[2](r, v, e));
        if (v !== null) td.dataset.value = v;
        tr.appendChild(td);
      });
      return tr;
    }));
    [document.getElementById("components").parentNode, document.getElementById("components-caption")].forEach(function (x) {
      x.hidden = !rows.length;
    });
    return rows.length;
  }
  Object.assign(page, { beginTables: begin, components, regions });
})();
