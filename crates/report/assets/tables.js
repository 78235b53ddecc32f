// Regression tables in panels, each as wide as its place at the most: what stands in them is the
// one table of the page's HTML.
(function () {
  "use strict";
  const { say } = charts;
  // Pixels beside the text of a label, of both sides.
  const PADDING = 20;
  // Below this a place is a phone's.
  const NARROW = 600;
  function sum(list) { return list.reduce(function (a, b) { return a + b; }, 0); }
  function el(tag, text, cls) { const e = document.createElement(tag); if (text) e.textContent = text; if (cls) e.className = cls; return e; }
  // How labels begin that are of several columns.
  const ofColumns = [say("Effects: {effect}", { effect: "" }), say("Clusters: {cluster}", { cluster: "" })];
  // Numbers have a minus, and effects of several columns a cross.
  function said(text) {
    if (ofColumns.some(function (head) { return head && text.indexOf(head) === 0; })) return text.replace(/\^/g, " × ");
    return /^[[(]?-?[0-9]/.test(text) ? text.replace(/^([[(]?)-/, "$1−").replace(/ to -/, " to −").replace(/e-/g, "e−") : text;
  }
  function cellOf(cell) { return { text: said(cell.textContent), before: minus(cell.dataset.before), after: minus(cell.dataset.after) }; }
  function minus(text) { return text === undefined ? undefined : text.replace(/-/g, "−"); }
  function rowsOf(part) { return Array.from(part.rows, function (row) { return Array.from(row.cells, cellOf); }); }
  // What stands in a table.
  function read(table) {
    const head = table.tHead.rows[0];
    return {
      title: table.caption.textContent, header: rowsOf(table.tHead), groups: Array.from(table.tBodies, rowsOf),
      n_labels: head ? head.querySelectorAll("th.label").length : 1,
      notes: table.tFoot.textContent ? Array.from(table.tFoot.rows[0].cells[0].childNodes).filter(function (n) { return n.nodeType === 3; }).map(function (n) { return n.data; }) : []
    };
  }
  // Several labels of a row as one, below each other: the first ones in a line.
  function joined(row, n_labels) {
    const labels = row.slice(0, n_labels).map(function (c) { return c.text; });
    return { text: labels[0], below: labels.slice(1).filter(Boolean) };
  }
  function labelsOf(of, row, is_joined) { return is_joined ? [joined(row, of.n_labels)] : row.slice(0, of.n_labels); }
  function label(cell, scope, room) {
    const th = el("th", null, "label"), span = el("span", cell.text);
    th.scope = scope; if (room) span.style.maxWidth = room + "px";
    (cell.below || []).forEach(function (text) { span.appendChild(el("i", text)); });
    th.appendChild(span);
    return th;
  }
  // A panel of some columns of values. `room` is what a label and a heading may take.
  function panel(of, columns, is_joined, room) {
    const table = el("table", null, "regression"), thead = el("thead");
    table.setAttribute("aria-label", of.title);
    of.header.forEach(function (row, at) {
      const tr = el("tr");
      labelsOf(of, row, is_joined).forEach(function (cell, i) { tr.appendChild(label(cell, "col", room.label[i])); });
      // Neighbours of one heading share it, above their numbers.
      const is_last = at === of.header.length - 1;
      for (let i = 0; i < columns.length;) {
        let n = 1;
        while (!is_last && row[columns[i]].text && i + n < columns.length && row[columns[i + n]].text === row[columns[i]].text) n++;
        const th = el("th"), span = el("span", row[columns[i]].text);
        th.scope = n > 1 ? "colgroup" : "col"; th.colSpan = n; if (n > 1) th.className = "spans";
        if (n === 1) span.style.maxWidth = room.head + "px";
        th.appendChild(span); tr.appendChild(th); i += n;
      }
      thead.appendChild(tr);
    });
    table.appendChild(thead);
    of.groups.forEach(function (group) {
      const body = el("tbody");
      // A row without a value in this panel is not of it.
      const rows = group.filter(function (row) { return columns.some(function (c) { return row[c].text; }); });
      rows.forEach(function (row, at) {
        const tr = el("tr"), labels = labelsOf(of, row, is_joined), is_named = isNamed(row);
        // Errors stand below their estimate: one label is of all of these rows.
        let n = 1;
        while (at + n < rows.length && !isNamed(rows[at + n])) n++;
        if (is_named) tr.className = "estimate";
        if (is_named || at === 0) labels.forEach(function (cell, i) { const th = label(cell, n > 1 ? "rowgroup" : "row", room.label[i]); th.rowSpan = n; tr.appendChild(th); });
        columns.forEach(function (c) {
          const td = el("td", row[c].text);
          if (row[c].before) td.dataset.before = row[c].before;
          if (row[c].after) td.dataset.after = row[c].after;
          tr.appendChild(td);
        });
        body.appendChild(tr);
      });
      if (body.rows.length) table.appendChild(body);
    });
    return table;
    function isNamed(row) { return row.slice(0, of.n_labels).some(function (cell) { return cell.text; }); }
  }
  // Labels that all rows share are said once, below the table; the first tells rows apart.
  function shared(of) {
    const rows = of.groups.flat(), gone = [];
    for (let i = 1; i < of.n_labels && rows.length > 1; i++) if (rows.every(function (row) { return row[i].text === rows[0][i].text; })) gone.push(i);
    function kept(row) { return row.filter(function (cell, i) { return gone.indexOf(i) < 0; }); }
    const notes = gone.map(function (i) { return say("{heading} of all rows: {value}.", { heading: charts.capital(of.header[of.header.length - 1][i].text), value: rows[0][i].text }); });
    return { title: of.title, header: of.header.map(kept), groups: of.groups.map(function (g) { return g.map(kept); }), n_labels: of.n_labels - gone.length, notes: notes.concat(of.notes) };
  }
  // The most that each label may take, so that together they take no more than there is: long ones
  // give first.
  function caps(widths, room) {
    const order = widths.slice().sort(function (a, b) { return a - b; });
    let left = room;
    for (let i = 0; i < order.length; i++) {
      const each = left / (order.length - i);
      if (order[i] > each) return widths.map(function () { return Math.floor(each); });
      left -= order[i];
    }
    return widths.map(function () { return 0; });
  }
  // How wide labels and each column are where nothing breaks but headings.
  function measured(into, of, columns, is_joined, room) {
    const table = panel(of, columns, is_joined, room);
    table.style.width = "max-content"; table.style.position = "absolute"; table.style.visibility = "hidden";
    // Shared headings would hide how wide each of their columns is.
    table.querySelectorAll("th[colspan]").forEach(function (th) { if (th.colSpan > 1) th.firstChild.style.cssText = "display:block;width:0;overflow:hidden;white-space:nowrap"; });
    into.appendChild(table);
    const row = table.tBodies.length ? table.tBodies[0].rows[0] : table.tHead.rows[0], n = is_joined ? 1 : of.n_labels;
    const widths = Array.from(row.cells, function (cell) { return cell.getBoundingClientRect().width; });
    into.removeChild(table);
    return { labels: widths.slice(0, n), values: widths.slice(n) };
  }
  // Columns of values by panel: as many as fit, and those of one heading together where they do.
  function divided(of, columns, widths, room) {
    const panels = [];
    const runs = runsOf(of, columns, function (run) { return sum(run.map(function (i) { return widths[i]; })) <= room; });
    let panel = [], used = 0;
    runs.forEach(function (run) {
      const wide = sum(run.map(function (i) { return widths[i]; }));
      if (panel.length && used + wide > room) { panels.push(panel); panel = []; used = 0; }
      panel = panel.concat(run); used += wide;
    });
    panels.push(panel);
    return panels.map(function (p) { return p.map(function (i) { return columns[i]; }); });
  }
  // Places of columns that one heading is above, of the first row of headings whose runs fit; else
  // each by itself.
  function runsOf(of, columns, fits) {
    for (let at = 0; at < of.header.length - 1; at++) {
      const runs = [];
      columns.forEach(function (c, i) {
        const before = runs[runs.length - 1], text = of.header[at][c].text;
        if (before && text && of.header[at][columns[i - 1]].text === text) before.push(i); else runs.push([i]);
      });
      if (runs.some(function (run) { return run.length > 1; }) && runs.every(fits)) return runs;
    }
    return columns.map(function (c, i) { return [i]; });
  }
  function set(into, of) {
    const wide = into.clientWidth;
    if (!wide) return;
    const is_narrow = wide < NARROW, n = (of.header[0] || of.groups[0][0]).length;
    const columns = Array.from({ length: n - of.n_labels }, function (x, i) { return of.n_labels + i; });
    into.textContent = ""; into.classList.toggle("narrow", is_narrow);
    const room = { label: [], head: is_narrow ? 96 : 128 };
    let is_joined = false, found = measured(into, of, columns, is_joined, room);
    const most = Math.max.apply(null, found.values.concat(0)), beside = wide - sum(found.values) - 1;
    // Labels that would break into many lines beside each other stand below each other.
    if (of.n_labels > 1 && (is_narrow || Math.max(beside, 0.45 * wide) < 0.6 * sum(found.labels))) {
      is_joined = true; found = measured(into, of, columns, is_joined, room);
    }
    const share = Math.max(beside, Math.min(wide - most - 1, (is_narrow ? 0.4 : is_joined || of.n_labels === 1 ? 0.28 : 0.45) * wide));
    if (sum(found.labels) > share) { room.label = caps(found.labels, share).map(function (of) { return Math.max(40, of - PADDING); }); found = measured(into, of, columns, is_joined, room); }
    const panels = divided(of, columns, found.values, wide - sum(found.labels) - 1);
    panels.forEach(function (columns, i) {
      const table = panel(of, columns, is_joined, room);
      if (panels.length > 1) table.insertBefore(el("caption", say("Panel {i} of {n}", { i: i + 1, n: panels.length })), table.firstChild);
      into.appendChild(table);
    });
    const notes = el("div", null, "notes");
    of.notes.forEach(function (note) { notes.appendChild(el("p", note)); });
    into.appendChild(notes);
  }
  const all = Array.from(document.querySelectorAll(".regressions"), function (into) { return { into: into, of: shared(read(into.querySelector("table"))), wide: 0 }; });
  function fit() { all.forEach(function (x) { if (x.into.clientWidth !== x.wide) { x.wide = x.into.clientWidth; set(x.into, x.of); } }); }
  document.querySelectorAll("details").forEach(function (details) { details.addEventListener("toggle", fit); });
  window.addEventListener("resize", fit);
  window.matchMedia("print").addEventListener("change", fit);
  fit();
})();
