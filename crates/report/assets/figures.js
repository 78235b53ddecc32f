// Figures of rows that are no report's: the parts of `charts` with titles, names and units of their own, as wide as `data.width`.
var figures = (function () {
  "use strict";
  var p = charts, has = p.has, even = p.even, placed = p.placed, widest = p.widest, written = p.written;
  function isWhole(v) { return v === Math.round(v); }
  // Numbers as texts: whole ones below ten thousand as they are, so that a year is a year; large ones by their thousands; others with so many digits that they differ.
  function sayer(values) {
    var sizes = values.map(Math.abs), most = p.greatest(sizes), low = Math.min.apply(null, values), span = Math.max.apply(null, values) - low || most || 1;
    if (most >= 10000) return function (v) { return Math.abs(v) < 1000 ? plain(+v.toPrecision(3)) : charts.money(v); };
    if (values.every(isWhole)) return function (v) { return charts.number(v, isWhole(v) ? 0 : 1); };
    var digits = Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(span))));
    return function (v) { return charts.number(v, digits); };
  }
  function plain(v) { return String(v).replace("-", "−"); }
  // A number of an axis: all are even, so that few digits tell them.
  function tick(v) { return Math.abs(v) >= 10000 ? charts.money(v).replace(/(\.\d*?)0+(?= )/, "$1").replace(/\.(?= )/, "") : plain(+v.toPrecision(6)); }
  // What values are, where the title does not say it.
  function measure(data) { var said = data.unit ? data.value_name + ", " + data.unit : data.value_name; return said === data.title ? "" : said + "."; }
  function words(parts) { return parts.filter(function (x) { return x; }).join(" "); }
  function one(id, data, note, height, option) { return [[null, { id: id, title: data.title, note: words([note, data.note]), height: Math.ceil(height), option: option }]]; }
  function map(data, dark) {
    var t = p.theme(dark), o = p.base(t);
    var scale = p.classes(data.rows.filter(function (r) { return has(r.value); }).map(function (r) { return r.value; }), data.middle);
    var marks = data.rows.map(function (r) { return { code: r.code, label: r.label, value: r.value }; });
    var key = p.legend(scale, data.width - 20, p.valued(t, scale, marks, "no value ({n})"), null, t);
    var height = p.shaded(data, o, t, marks, key, { width: data.width, height: data.height, most: Math.max(360, data.width) });
    return one("map", data, words([measure(data), data.n_without ? "Hatched: no value." : "", p.lacking(data.geo, {})]), height, o);
  }
  function quadrants(data, dark) {
    var t = p.theme(dark), o = p.base(t), wide = data.width, height = data.height || Math.round(wide * 0.78), rows = data.rows;
    var largest = p.greatest(rows.map(function (r) { return r.size === null ? 0 : r.size; })), colours = ["resistant_recovering", "resistant_lagging", "vulnerable_recovering", "vulnerable_lagging"].map(function (k) { return p.kinds[k][0]; });
    function scale(key, name, beyond) {
      var all = rows.map(function (r) { return r[key]; }), far = p.reach(all), low = Math.max(Math.min.apply(null, all.concat(0)), -far), high = Math.min(Math.max.apply(null, all.concat(0)), far);
      // Each side has room for the names of its quadrants.
      if (low === high) { low = -1; high = 1; }
      low = Math.min(low, -0.4 * high); high = Math.max(high, -0.4 * low);
      var more = beyond * (high - low); low -= more; high += more;
      var steps = even(low, high, 7), inner = steps.all.filter(function (v) { return v > low && v < high; });
      return { name: name, min: low, max: high, say: tick, ticks: inner, interval: steps.interval, n_beyond: all.filter(function (v) { return v < low || v > high; }).length };
    }
    var x = scale("x", data.x_name, 0.05), y = scale("y", data.y_name, 0.12), room = widest(y.ticks.map(tick), 12);
    var inside = { left: Math.ceil(room + 44), right: 20, top: 12, bottom: 46 };
    y.gap = room + 16;
    function mark(r) {
      var size = data.is_sized ? p.sizeOf(r.size, largest) : 11, at = (r.x > 0 ? 0 : 2) + (r.y > 0 ? 0 : 1);
      return { x: r.x, y: r.y, size: size, color: colours[at], label: null, text: r.label };
    }
    var marks = rows.map(mark).sort(function (a, b) { return b.size - a.size; });
    p.crossed(o, t, x, y, marks);
    o.grid = p.put({ containLabel: false, outerBoundsMode: "none" }, inside);
    [[o.xAxis, x], [o.yAxis, y]].forEach(function (of) { p.put(of[0].axisLabel, { customValues: of[1].ticks, showMinLabel: true, showMaxLabel: true }); p.put(of[0], { axisTick: { show: false, customValues: of[1].ticks } }); });
    function px(v) { return inside.left + (Math.max(x.min, Math.min(x.max, v)) - x.min) / (x.max - x.min) * (wide - inside.left - inside.right); }
    function py(v) { return height - inside.bottom - (Math.max(y.min, Math.min(y.max, v)) - y.min) / (y.max - y.min) * (height - inside.top - inside.bottom); }
    // The names stand in the outer corners: at the top right first, then below it, and so at the left.
    var corners = [], taken = [];
    data.corners.forEach(function (name, i) {
      var right = i < 2, top = i % 2 === 0, lines = p.fitted(name, (right ? wide - inside.right - px(0) : px(0) - inside.left) - 12, 11, true), w = p.greatest(lines.map(function (l) { return p.widthOf(l, 11, true); }));
      var edge = right ? wide - inside.right - 5 : inside.left + 5, from = top ? inside.top + 4 : height - inside.bottom - 4 - 13 * lines.length;
      taken.push([right ? edge - w : edge, from, right ? edge : edge + w, from + 13 * lines.length]);
      lines.forEach(function (line, k) { corners.push({ type: "text", silent: true, z: 4, x: edge, y: from + 13 * k, style: { text: line, align: right ? "right" : "left", verticalAlign: "top", fontSize: 11, fontWeight: "bold", fill: t.soft, fontFamily: "DejaVu Sans, Verdana, sans-serif" } }); });
    });
    var at = placed(marks.map(function (m) { return { px: px(m.x), py: py(m.y), r: m.size / 2, label: m.text }; }), [inside.left + 1, inside.top + 1, wide - inside.right - 1, height - inside.bottom - 1], taken);
    o.graphic = corners.concat(written(t, at));
    var n_beyond = x.n_beyond + y.n_beyond;
    return one("quadrants", data, words([data.is_sized ? "Area: " + data.size_name + (data.unit ? ", " + data.unit : "") + "." : "", n_beyond ? "What is beyond the frame stands on its edge." : "",
      at.gone.length ? (at.gone.length > 12 ? "No room for the labels of " + at.gone.length + " of " + rows.length + "." : "No room for the labels of " + at.gone.join(", ") + ".") : ""]), height, o);
  }
  function space(data, dark) {
    var t = p.theme(dark), o = p.base(t), wide = data.width, nodes = data.nodes, margin = 30, n_lines = 0;
    var xs = nodes.map(function (n) { return n.x; }), ys = nodes.map(function (n) { return n.y; }), left = Math.min.apply(null, xs), top = Math.min.apply(null, ys);
    var dx = Math.max.apply(null, xs) - left || 1, dy = Math.max.apply(null, ys) - top || 1, most = data.height ? data.height - 2 * margin - 40 : wide;
    var scale = Math.min((wide - 2 * margin) / dx, Math.max(60, most) / dy), w = dx * scale, h = dy * scale, from = (wide - w) / 2, largest = p.greatest(nodes.map(function (n) { return n.value; })) || 1, gap = data.spacing * scale;
    p.network(data, o, t, { left: from - margin, top: 0, width: w + 2 * margin, height: h + 2 * margin }, nodes.map(function (n) {
      var place = { x: n.x, y: n.y, size: p.nodeSize(n.value, largest, gap) };
      return p.put(place, n.is_on ? { color: data.categories[n.category][1] } : { color: t.none, ring: t.line });
    }), data.links, [margin / w, margin / h]);
    if (data.categories.length > 1) {
      n_lines = p.legendLines(data, data.categories.map(function (c) { return c[0]; }), 30);
      p.keysOf(o, t, data.categories, { bottom: 0 });
    }
    var shown = nodes.map(function (n, i) { return i; }).sort(function (a, b) { return nodes[b].value - nodes[a].value || a - b; }).slice(0, data.labels), named = {};
    shown.forEach(function (i) { named[i] = true; });
    var at = placed(nodes.map(function (n, i) { return { px: from + (n.x - left) * scale, py: margin + (n.y - top) * scale, r: p.nodeSize(n.value, largest, gap) / 2, label: named[i] ? n.label : null }; }), [4, 2, wide - 4, h + 2 * margin - 2], []);
    o.graphic = written(t, at);
    return one("space", data, words([data.is_sized ? "Area: " + data.size_name + (data.unit ? ", " + data.unit : "") + "." : "", data.on ? "In colour: " + data.on + "." : "", "Lines: the maximum spanning tree, and the strongest other pairs.",
      at.gone.length ? "No room for the labels of " + at.gone.join(", ") + "." : ""]), h + 2 * margin + 10 + 22 * n_lines, o);
  }
  function paths(data, dark) {
    var t = p.theme(dark), o = p.base(t), wide = data.width, n = data.panels.length, columns = Math.min(data.columns || Math.max(1, Math.floor(wide / 205)), n);
    var names = [data.value_name, data.expected_name, null, data.interval_name], legend = [names[0], names[1], names[3]].filter(function (x) { return x; });
    function bounds(panels) {
      var all = data.from_zero ? [0] : [];
      panels.forEach(function (panel) { panel.points.forEach(function (x) { [x[1], x[2], x[3], x[4]].forEach(function (v) { if (has(v)) all.push(v); }); }); });
      return all.length ? even(Math.min.apply(null, all), Math.max.apply(null, all), 3) : even(0, 1, 3);
    }
    var shared = data.same_scale ? bounds(data.panels) : null, scales = data.panels.map(function (panel) { return shared || bounds([panel]); });
    var room = p.greatest(scales.map(function (s) { return widest(s.all.map(tick), 10); })) + 10, cell = (wide - 12) / columns, inner = cell - room - 14, rows = Math.ceil(n / columns), tall = data.height ? Math.max(48, Math.floor((data.height - 30) / rows) - 58) : 104;
    var titles = data.panels.map(function (panel) { return p.fitted(panel.label, cell - 16, 12, true); }), at = legend.length > 1 ? 10 + 22 * p.legendLines(data, legend, 40) : 2;
    if (legend.length > 1) o.legend = { data: p.keys(names), top: 0, left: 8, itemGap: 14, selectedMode: false, textStyle: { color: t.soft } };
    o.grid = []; o.xAxis = []; o.yAxis = []; o.series = []; o.graphic = [];
    for (var row = 0; row < n; row += columns) {
      var n_lines = p.greatest(titles.slice(row, row + columns).map(function (of) { return of.length; }));
      for (var i = row; i < Math.min(n, row + columns); i++) add(i, 6 + (i - row) * cell, at, n_lines);
      at += 16 * n_lines + tall + 40;
    }
    function add(i, left, top, n_lines) {
      var panel = data.panels[i], s = scales[i], periods = panel.points.map(function (x) { return x[0]; }), last = periods.length - 1;
      titles[i].forEach(function (line, k) { o.graphic.push({ type: "text", silent: true, x: left + 2, y: top + 16 * k, style: { text: line, fontSize: 12, fontWeight: "bold", fill: t.text, verticalAlign: "top", fontFamily: "DejaVu Sans, Verdana, sans-serif" } }); });
      // The first and the last period are always named; between them as many as have room.
      var step = Math.max(1, Math.ceil((last || 1) / Math.max(1, Math.floor(inner / (1.6 * widest(periods, 10) + 6)))));
      function isNamed(k) { return k === 0 || k === last || (k % step === 0 && last - k >= step); }
      o.grid.push({ left: left + room, width: inner, top: top + 16 * n_lines + 8, height: tall, containLabel: false, outerBoundsMode: "none" });
      o.xAxis.push(p.axis(t, { gridIndex: i, type: "category", boundaryGap: false, data: periods, axisLabel: { color: t.soft, fontSize: 10, interval: isNamed, showMinLabel: true, showMaxLabel: true, alignMinLabel: last ? "left" : "center", alignMaxLabel: last ? "right" : "center" } }));
      o.yAxis.push(p.axis(t, { gridIndex: i, type: "value", min: s.min, max: s.max, interval: s.interval, axisLabel: { color: t.soft, fontSize: 10, formatter: tick } }));
      p.along(names, panel.points.map(function (x) { return [x[1], x[2], null, x[3], x[4]]; }), { xAxisIndex: i, yAxisIndex: i }).forEach(function (series) {
        if (series.stack) series.stack += i;
        if (series.symbol !== "none") { series.symbolSize = periods.length > 30 ? 0 : 4; series.lineStyle = p.put(p.put({}, series.lineStyle), { width: 2 }); }
        o.series.push(series);
      });
    }
    return one("paths", data, words([data.unit ? measure(data) : "", data.same_scale ? "" : n > 1 ? "Each has a scale of its own." : ""]), at, o);
  }
  function coefficients(data, dark) { data.say = tick; return charts.plot(data, dark); }
  return { map: map, quadrants: quadrants, space: space, paths: paths, coefficients: coefficients };
})();
