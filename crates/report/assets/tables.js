// Regression tables in panels, each as wide as its place at the most: what stands in them is the one table of the page's HTML.
(function () {
  "use strict";
  const { say } = charts;
  // Below this a place is a phone's.
  const NARROW = 600;
  function el(tag, text, cls) { const e = document.createElement(tag); if (text) e.textContent = text; if (cls) e.className = cls; return e; }
  function cellOf(cell) { return { text: cell.textContent.replace(/^([[(]?)-/, "$1−").replace("e-", "e−"), before: minus(cell.dataset.before), after: minus(cell.dataset.after) }; }
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
      labelsOf(of, row, is_joined).forEach(function (cell) { tr.appendChild(label(cell, "col", room.label)); });
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
      group.forEach(function (row) {
        // A row without a value in this panel is not of it.
        if (!columns.some(function (c) { return row[c].text; })) return;
        const tr = el("tr"), labels = labelsOf(of, row, is_joined);
        if (labels.some(function (l) { return l.text; })) tr.className = "estimate";
        labels.forEach(function (cell) { tr.appendChild(label(cell, "row", room.label)); });
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
    return { labels: widths.slice(0, n).reduce(function (a, b) { return a + b; }, 0), values: widths.slice(n) };
  }
  // Columns of values by panel: as many as fit, and those of one heading together where they do.
  function divided(of, columns, widths, room) {
    const panels = [];
    const runs = runsOf(of, columns, function (run) { return run.reduce(function (sum, i) { return sum + widths[i]; }, 0) <= room; });
    let panel = [], used = 0;
    runs.forEach(function (run) {
      const wide = run.reduce(function (sum, i) { return sum + widths[i]; }, 0);
      if (panel.length && used + wide > room) { panels.push(panel); panel = []; used = 0; }
      panel = panel.concat(run); used += wide;
    });
    panels.push(panel);
    return panels.map(function (p) { return p.map(function (i) { return columns[i]; }); });
  }
  // Places of columns that one heading is above, of the first row of headings whose runs fit; else each by itself.
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
    const room = { label: Math.floor(is_narrow ? 0.36 * wide : 0.28 * wide / of.n_labels), head: is_narrow ? 96 : 128 };
    let is_joined = false, found = measured(into, of, columns, is_joined, room);
    // Labels that leave no room for two values stand below each other.
    if (of.n_labels > 1 && found.labels + 2 * Math.max.apply(null, found.values.concat(0)) > wide) {
      is_joined = true; room.label = Math.floor(0.4 * wide); found = measured(into, of, columns, is_joined, room);
    }
    const panels = divided(of, columns, found.values, wide - found.labels - 1);
    panels.forEach(function (columns, i) {
      const table = panel(of, columns, is_joined, room);
      if (panels.length > 1) table.insertBefore(el("caption", say("Panel {i} of {n}", { i: i + 1, n: panels.length })), table.firstChild);
      into.appendChild(table);
    });
    const notes = el("div", null, "notes");
    of.notes.forEach(function (note) { notes.appendChild(el("p", note)); });
    into.appendChild(notes);
  }
  const all = Array.from(document.querySelectorAll(".regressions"), function (into) { return { into: into, of: read(into.querySelector("table")), wide: 0 }; });
  function fit() { all.forEach(function (x) { if (x.into.clientWidth !== x.wide) { x.wide = x.into.clientWidth; set(x.into, x.of); } }); }
  document.querySelectorAll("details").forEach(function (details) { details.addEventListener("toggle", fit); });
  window.addEventListener("resize", fit);
  window.matchMedia("print").addEventListener("change", fit);
  fit();
})();
