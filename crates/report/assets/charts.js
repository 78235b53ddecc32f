// Options of ECharts from the data of a report: the same for the page and for the figures.
var charts = (function () {
  "use strict";
  // Named, and not the system's own: a browser may measure that as another font than it draws, and cut texts.
  var FONT = "DejaVu Sans, Verdana, sans-serif";
  // Colour-blind safe: blue is better than expected, orange worse (after ColorBrewer's PuOr and Okabe & Ito).
  var better = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac"];
  var worse = ["#fee0b6", "#fdb863", "#e08214", "#b35806"];
  var kinds = {
    resistant_recovering: ["#2166ac", "resistant, recovering"],
    resistant_lagging: ["#92c5de", "resistant, lagging"],
    vulnerable_recovering: ["#fdb863", "vulnerable, recovering"],
    vulnerable_lagging: ["#b35806", "vulnerable, lagging"]
  };
  var lisa = {
    high_high: ["#2166ac", "high among high"],
    low_low: ["#b35806", "low among low"],
    high_low: ["#92c5de", "high among low"],
    low_high: ["#fdb863", "low among high"],
    not_significant: ["#cfd3da", "not significant"]
  };
  function money(v, unit) {
    if (v === null || v === undefined) return "–";
    var a = Math.abs(v), s = v < 0 ? "−" : "";
    var steps = [[1e12, "tn"], [1e9, "bn"], [1e6, "m"], [1e3, "k"]];
    for (var i = 0; i < steps.length; i++) if (a >= steps[i][0]) return s + (a / steps[i][0]).toPrecision(3).replace(/\.0+$/, "") + " " + steps[i][1] + (unit ? " " + unit : "");
    return s + a.toFixed(0) + (unit ? " " + unit : "");
  }
  function number(v, digits) {
    if (v === null || v === undefined) return "–";
    return (v < 0 ? "−" : "") + Math.abs(v).toFixed(digits === undefined ? 2 : digits);
  }
  function percent(v) {
    return v === null || v === undefined ? "–" : (v > 0 ? "+" : v < 0 ? "−" : "") + Math.abs(100 * v).toFixed(1) + " %";
  }
  function theme(dark) {
    return dark
      ? { text: "#e6e6e6", soft: "#a6abb5", line: "#3a3f49", bg: "#15181d", none: "#22262d", hatch: "#4a505b" }
      : { text: "#1f2328", soft: "#5b6270", line: "#e2e5ea", bg: "#ffffff", none: "#f3f4f6", hatch: "#c3c8d0" };
  }
  function base(t) {
    return {
      animation: false, backgroundColor: t.bg, textStyle: { color: t.text, fontFamily: FONT },
      tooltip: { confine: true, backgroundColor: t.bg, borderColor: t.line, textStyle: { color: t.text, fontSize: 13 } },
      grid: { left: 12, right: 24, top: 24, bottom: 12, containLabel: true }, aria: { enabled: true }
    };
  }
  function axis(t, more) {
    var a = { axisLine: { lineStyle: { color: t.line } }, axisTick: { show: false }, axisLabel: { color: t.soft }, splitLine: { lineStyle: { color: t.line } }, nameTextStyle: { color: t.soft } };
    for (var k in more) a[k] = more[k];
    // Without a name of its own a label is given the room that it takes in another font.
    a.axisLabel = put({ fontFamily: FONT }, a.axisLabel);
    return a;
  }
  // A place without a value: hatched, so that it is told from a class of colour.
  function hatch(t) {
    return { svgElement: { tag: "g", key: "hatch", attrs: {}, children: [
      { tag: "rect", key: "ground", attrs: { width: 6, height: 6, fill: t.none } },
      { tag: "path", key: "lines", attrs: { d: "M-1,1L1,-1M0,6L6,0M5,7L7,5", stroke: t.hatch, "stroke-width": 1 } }
    ] }, svgWidth: 6, svgHeight: 6 };
  }
  // Tooltips are HTML.
  function esc(v) { return String(v).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;"); }
  // What an object has by that name, and not what all objects have.
  function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }
  function own(of, name) { return of && Object.prototype.hasOwnProperty.call(of, name) ? of[name] : undefined; }
  // A label as it is: texts for a label are templates.
  function plain(text) { return function () { return text; }; }
  function many(n, one, more) { return n + " " + (n === 1 ? one : more); }
  // Where the legend of a map stands: beside it, or below it on a narrow page.
  function legendOf(t) { return { type: "piecewise", left: 8, bottom: 8, padding: 6, backgroundColor: t.bg, textStyle: { color: t.soft }, itemWidth: 16, itemHeight: 12, itemGap: 7 }; }
  function frameOf(data, n) { return data.narrow ? { left: 8, right: 8, top: 4, bottom: 24 + 19 * n } : { left: 150, right: 16, top: 8, bottom: 8 }; }
  function put(into, from) { for (var k in from) into[k] = from[k]; return into; }
  function regionsOf(data, ep) { return data.regions.filter(function (r) { return r.episode === ep; }); }
  function episodeOf(data, ep) { return data.episodes.filter(function (e) { return e.episode === ep; })[0]; }
  function has(v) { return v !== null && v !== undefined; }
  function quantiles(values, n) {
    var s = values.slice().sort(function (a, b) { return a - b; }), out = [];
    for (var i = 1; i < n; i++) out.push(s[Math.min(s.length - 1, Math.floor(i * s.length / n))]);
    return out;
  }
  // Classes on both sides of zero (or of `middle`), each side by its quantiles: as many as there are values for. `say` makes texts of their bounds.
  function classes(values, say, middle) {
    var pieces = [], at = middle || 0;
    say = say || number;
    function said(v) { return say(at + v); }
    var zero = middle ? say(middle) : "0";
    function side(found, colours, sign) {
      if (!found.length) return;
      var n = Math.min(4, Math.max(1, Math.ceil(found.length / 2))), cuts = quantiles(found, n), edges = [0];
      cuts.forEach(function (c) { if (c > edges[edges.length - 1]) edges.push(c); });
      for (var i = 0; i < edges.length; i++) {
        var low = edges[i], high = i + 1 < edges.length ? edges[i + 1] : null;
        var colour = colours[Math.round((i + 1) * colours.length / edges.length) - 1];
        var piece = { color: colour };
        if (sign > 0) { piece.gte = at + low; if (high !== null) piece.lt = at + high; piece.label = high === null ? (low === 0 ? "above " + zero : said(low) + " or more") : said(low) + " to " + said(high); }
        else { if (low > 0) piece.lte = at - low; else piece.lt = at; if (high !== null) piece.gt = at - high; piece.label = high === null ? (low === 0 ? "below " + zero : said(-low) + " or less") : said(-high) + " to " + said(-low); }
        pieces.push(piece);
      }
    }
    values = values.map(function (v) { return v - at; });
    side(values.filter(function (v) { return v < 0; }).map(function (v) { return -v; }), worse, -1);
    pieces.reverse();
    side(values.filter(function (v) { return v >= 0; }), better, 1);
    return pieces;
  }
  var measures = {
    resistance: ["Resistance", "resistance", "resistance_low", "resistance_high"],
    recovery: ["Recovery", "recovery", "recovery_low", "recovery_high"],
    upgrading: ["Upgrading of the product structure", "upgrading", null, null]
  };
  function national(data, ep, dark) {
    var t = theme(dark), e = episodeOf(data, ep), o = base(t), unit = data.meta.unit;
    var path = own(data.national_paths, ep) || [], isTrended = path.some(function (p) { return has(p[2]); });
    var change = e.base_value ? e.trough_value / e.base_value - 1 : null, back = e.trough_value ? e.end_value / e.trough_value - 1 : null;
    var last = e.base.split(", ").pop();
    o.tooltip.trigger = "axis"; o.tooltip.valueFormatter = function (v) { return has(v) ? money(v, unit) : "-"; };
    o.legend = { top: 0, right: 12, itemGap: 24, textStyle: { color: t.soft } }; o.grid.top = 40;
    o.xAxis = axis(t, { type: "category", data: path.map(function (p) { return p[0]; }), boundaryGap: false });
    o.yAxis = axis(t, { type: "value", axisLabel: { color: t.soft, formatter: function (v) { return money(v); } } });
    o.series = [
      { name: data.meta.measure, type: "line", data: path.map(function (p) { return p[1]; }), symbolSize: path.length > 40 ? 0 : 7, lineStyle: { width: 3, color: "#2166ac" }, itemStyle: { color: "#2166ac" },
        markArea: { silent: true, itemStyle: { color: "rgba(224,130,20,0.14)" }, data: [[{ xAxis: last, name: "shock", label: { color: t.soft, position: "insideTop" } }, { xAxis: e.trough }]] } }
    ];
    // The expected path sets out from the base.
    if (isTrended) o.series.push({ name: "trend before the base", type: "line", data: path.map(function (p) { return p[0] === last ? e.base_value : p[2]; }), symbol: "none", connectNulls: true,
      lineStyle: { type: "dashed", width: 2, color: "#e08214" }, itemStyle: { color: "#e08214" } });
    o.series.push({ name: "base", type: "line", symbol: "none", data: path.map(function () { return e.base_value; }), lineStyle: { type: "dotted", color: t.soft, width: 1 }, itemStyle: { color: t.soft } });
    var word = change < 0 ? "fell" : "grew", at = path.filter(function (p) { return p[0] === e.trough; })[0];
    var short = at && has(at[2]) && at[2] > 0 ? 1 - at[1] / at[2] : null;
    return { id: "national-" + ep, title: capital(data.meta.measure) + " " + word + " by " + percent(Math.abs(change)).replace("+", "") + " from " + e.base + " to " + e.trough + ", then " + (back < 0 ? "fell" : "rose") + " by " + percent(Math.abs(back)).replace("+", "") + " to " + e.end,
      note: "Sum of " + many(e.n_regions_compared, "region", "regions") + " reported at base, trough and end, " + unit + ", by " + e.frequency + "." + (isTrended ? " Dashed: the base, grown as in the years before it" + (has(short) ? "; " + e.trough + " was " + percent(Math.abs(short)).replace("+", "") + (short < 0 ? " above" : " below") + " it." : ".") : ""),
      source: "resilience.nation_period, resilience.episode", height: 360, option: o };
  }
  // Shapes shaded by the classes of their values; a mark without a value is hatched.
  function shaded(data, o, t, pieces, marks) {
    o.visualMap = put(legendOf(t), { pieces: pieces, outOfRange: { color: hatch(t) } });
    o.series = [put(frameOf(data, pieces.length), { type: "map", map: "regions", nameProperty: "code", roam: false, preserveAspect: "contain", label: { show: false }, emphasis: { label: { show: false }, itemStyle: { areaColor: null, borderColor: t.text, borderWidth: 2 } }, select: { disabled: true },
      itemStyle: { areaColor: hatch(t), borderColor: t.bg, borderWidth: 0.6 },
      data: marks.map(function (m) { return { name: m.code, value: has(m.value) ? m.value : NaN, row: m.row, itemStyle: has(m.value) ? {} : { areaColor: hatch(t) } }; }) })];
  }
  function map(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], rows = regionsOf(data, ep);
    if (!data.geo || !rows.length) return null;
    var found = rows.filter(function (r) { return has(r[m[1]]); });
    if (!found.length) return null;
    var above = found.filter(function (r) { return r[m[1]] > 0; }).length;
    var pieces = classes(found.map(function (r) { return r[m[1]]; }));
    shaded(data, o, t, pieces, rows.map(function (r) { return { code: r.region_code, value: r[m[1]], row: r }; }));
    o.tooltip.formatter = function (p) {
      var r = p.data && p.data.row;
      if (!r) return esc(p.name) + "<br>no region of these data";
      return "<b>" + esc(r.region_name) + "</b><br>" + m[0] + " " + number(r[m[1]]) + (m[2] && has(r[m[2]]) ? " (" + number(r[m[2]]) + " to " + number(r[m[3]]) + ")" : "") + (has(r[m[1]]) ? "" : "<br>" + esc(r[measure + "_null_reason"] || "no index")) + "<br>base " + esc(money(r.base_value, data.meta.unit));
    };
    var title = measure === "upgrading" ? above + " of " + many(found.length, "region", "regions") + " moved towards more complex products" : above + " of " + many(found.length, "region", "regions") + " " + (measure === "resistance" ? "resisted better" : "recovered better") + " than all regions together";
    return { id: measure + "-map-" + ep, title: title, note: m[0] + (measure === "upgrading" ? ": sum over products of complexity times the change of their share." : ", against the growth of all regions together; blue: better than expected.") + " Hatched: no index.", source: measure === "upgrading" ? "resilience.transformation" : "resilience.region", height: 440, option: o };
  }
  function classed(data, ep, dark, id, field, table, title, note, source) {
    var t = theme(dark), o = base(t), rows = regionsOf(data, ep).filter(function (r) { return has(r[field]); });
    if (!data.geo || !rows.length) return null;
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc((own(table, r[field]) || ["", r[field]])[1]) : esc(p.name); };
    var keys = Object.keys(table);
    var pieces = keys.map(function (k, i) { return { value: i, label: table[k][1], color: table[k][0] }; });
    shaded(data, o, t, pieces, rows.map(function (r) { return { code: r.region_code, value: keys.indexOf(r[field]), row: r }; }));
    return { id: id + "-" + ep, title: title, note: note, source: source, height: 420, option: o };
  }
  // Marks about two lines at zero. An axis has a `name`, its least and greatest value, and `say`, which makes texts of its numbers.
  function crossed(o, t, x, y, marks) {
    function scale(a, gap) { return axis(t, { name: a.name, nameLocation: "middle", nameGap: gap, min: a.min, max: a.max, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: a.say } }); }
    o.xAxis = scale(x, 28); o.yAxis = scale(y, y.gap || 40);
    o.series = [{ type: "scatter", clip: true, data: marks.map(function (m) { return { value: [Math.max(x.min, Math.min(x.max, m.x)), Math.max(y.min, Math.min(y.max, m.y))], row: m.row, symbolSize: m.size, itemStyle: { color: m.color, opacity: 0.8, borderColor: t.bg }, label: m.label || { show: false } }; }), labelLayout: { hideOverlap: true },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }, { yAxis: 0 }] } }];
  }
  function sizeOf(value, largest) { return 7 + 33 * Math.sqrt(Math.max(0, value) / (largest || 1)); }
  // So far from zero that all but the outermost are nearer.
  function reach(values) { var v = values.map(Math.abs).sort(function (a, b) { return a - b; }); return v[Math.min(v.length - 1, Math.floor(v.length * 0.97))] * 1.1; }
  function quadrants(data, ep, dark) {
    var t = theme(dark), o = base(t), rows = regionsOf(data, ep).filter(function (r) { return has(r.resistance) && has(r.recovery); });
    if (!rows.length) return null;
    var largest = Math.max.apply(null, rows.map(function (r) { return r.base_value; }));
    var both = rows.filter(function (r) { return r.resistance > 0 && r.recovery > 0; }).length, neither = rows.filter(function (r) { return r.resistance <= 0 && r.recovery <= 0; }).length;
    function bound(f) { return reach(rows.map(function (r) { return r[f]; })); }
    var bx = bound("resistance"), by = bound("recovery"), names = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 14).map(function (r) { return r.region_code; });
    o.tooltip.formatter = function (p) { var r = p.data.row; return "<b>" + esc(r.region_name) + "</b><br>resistance " + number(r.resistance) + "<br>recovery " + number(r.recovery) + "<br>base " + esc(money(r.base_value, data.meta.unit)); };
    function scale(name, bound) { return { name: name, min: -bound, max: bound, say: function (v) { return number(v, 1); } }; }
    o.grid.left = 30; o.grid.bottom = 30;
    crossed(o, t, scale("resistance", bx), scale("recovery", by), rows.map(function (r) {
      return { x: r.resistance, y: r.recovery, row: r, size: sizeOf(r.base_value, largest), color: (own(kinds, r.type) || ["#999999"])[0],
        label: { show: names.indexOf(r.region_code) >= 0, formatter: plain(r.region_name), position: r.resistance > bx / 2 ? "left" : "right", color: t.text, fontSize: 11 } };
    }));
    return { id: "quadrants-" + ep, title: many(both, "region", "regions") + " both resisted and recovered better than all regions together, " + neither + " did neither", note: "Area: " + data.meta.measure + " at the base. Regions beyond the frame stand on its edge; hover for their values.", source: "resilience.region", height: 480, option: o };
  }
  function ranking(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], rows = regionsOf(data, ep).filter(function (r) { return has(r[m[1]]); });
    if (!rows.length) return null;
    var n = rows.length;
    rows = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 25).sort(function (a, b) { return a[m[1]] - b[m[1]]; });
    var sure = rows.filter(function (r) { return has(r[m[2]]) && (r[m[2]] > 0 || r[m[3]] < 0); }).length;
    o.tooltip.formatter = function (p) { var r = rows[p.dataIndex]; return "<b>" + esc(r.region_name) + "</b><br>" + m[0] + " " + number(r[m[1]]) + "<br>" + (has(r[m[2]]) ? number(r[m[2]]) + " to " + number(r[m[3]]) : "no interval"); };
    var values = rows.map(function (r) { return r[m[1]]; });
    var low = Math.min(0, Math.min.apply(null, values)), high = Math.max(0, Math.max.apply(null, values)), span = (high - low) || 1;
    o.xAxis = axis(t, { type: "value", min: Math.floor((low - 0.5 * span) * 10) / 10, max: Math.ceil((high + 0.5 * span) * 10) / 10, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: function (v) { return number(v, 1); } } });
    o.yAxis = axis(t, { type: "category", data: rows.map(function (r) { return r.region_name; }), splitLine: { show: false }, axisLabel: { color: t.text, interval: 0, fontSize: 11, width: 150, overflow: "truncate" } });
    o.series = [
      { type: "custom", clip: true, renderItem: function (params, api) {
          var a = api.coord([api.value(1), api.value(0)]), b = api.coord([api.value(2), api.value(0)]);
          return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: t.soft, lineWidth: 2 } };
        }, encode: { x: [1, 2], y: 0 }, data: rows.map(function (r, i) { return [i, has(r[m[2]]) ? r[m[2]] : r[m[1]], has(r[m[3]]) ? r[m[3]] : r[m[1]]]; }), z: 1 },
      { type: "scatter", clip: true, symbolSize: 11, data: rows.map(function (r, i) { return { value: [r[m[1]], i], itemStyle: { color: r[m[1]] > 0 ? "#2166ac" : "#e08214" } }; }), z: 2, markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] } }
    ];
    return { id: measure + "-ranking-" + ep, title: m[0] + ": " + sure + " of the " + rows.length + (n > rows.length ? " largest" : "") + " regions differ from all regions together, by intervals of " + number(100 * data.meta.level, 0) + " %", note: "Lines: intervals by bootstrap over products; an interval across zero hangs on single products.", source: "resilience.region", height: 80 + 22 * rows.length, option: o };
  }
  // What a region is compared with: in words, by a colour of where it comes from, and a mark, which is filled or a ring.
  var benchmarks = {
    aggregate: ["all regions", "#2166ac", "circle", true],
    aggregate_loo: ["all other regions", "#2166ac", "circle", false],
    mix: ["its products in all regions", "#35978f", "diamond", true],
    mix_loo: ["its products in the other regions", "#35978f", "diamond", false],
    own_trend: ["its trend before", "#e08214", "triangle", true],
    own_mean: ["its mean before", "#e08214", "triangle", false],
    own_linear: ["its line before", "#b35806", "rect", true],
    own_log_linear: ["its line of logs before", "#b35806", "rect", false],
    own_ar1: ["its autoregression", "#b35806", "arrow", true],
    synthetic: ["synthetic control", "#9970ab", "roundRect", true],
    matrix_completion: ["matrix completion", "#9970ab", "roundRect", false],
    reference: ["the reference economy", "#8c8c8c", "circle", true],
    reference_mix: ["its products in the reference economy", "#8c8c8c", "diamond", true]
  };
  function benchmarkOf(name) { return own(benchmarks, name) || [name, "#8c8c8c", "circle", false]; }
  function certain(data, ep, list) { return (own(data.certainty, ep) || {})[list] || []; }
  function points(v) { return (v < 0 ? "−" : "") + +Math.abs(100 * v).toFixed(2); }
  function greatest(values) { return values.reduce(function (a, b) { return Math.max(a, b); }, 0); }
  // The first and the last of many rows, and between them none.
  function ends(rows, n) { return n > 30 ? rows.slice(0, 15).concat([null], rows.slice(-15)) : rows; }
  function cut(n) { return n > 30 ? " Shown: the first 15 and the last 15 of " + n + " regions." : ""; }
  // Lines that a legend needs in its figure: `marks` is what a name takes beside its text.
  function legendLines(data, names, marks) {
    var room = data.room - 16, n = 1, used = 0;
    names.forEach(function (name) {
      var size = marks + echarts.format.getTextRect(name, "12px " + FONT).width;
      if (used && used + size > room) { n++; used = 0; }
      used += size;
    });
    return n;
  }
  // Regions from the top, a row each with its whole name, and what is said of it at the right; null is what is left out.
  function rowsOf(data, o, t, shown, left, header, said, least) {
    // Labels get a quarter of a figure: what is wider would be cut.
    var room = Math.max(70, Math.min(130, data.room / 4 - 8));
    var names = shown.map(function (r) { return r ? fitted(own(data.names, r.region_code) || r.region_code, room, 11) : [left + " more"]; });
    var height = Math.max(least || 22, 8 + 13 * greatest(names.map(function (of) { return of.length; })));
    function rows(more) { return axis(t, put({ type: "category", inverse: true, splitLine: { show: false } }, more)); }
    o.yAxis = [
      rows({ data: names.map(function (of) { return of.join("\n"); }), axisLabel: { color: t.text, interval: 0, fontSize: 11, lineHeight: 13 } }),
      rows({ position: "right", data: shown.map(function (r) { return r ? said(r) : ""; }), axisLabel: { color: t.soft, interval: 0, fontSize: 11 },
        name: header, nameLocation: "start", nameGap: 8, nameTextStyle: { color: t.soft, fontSize: 11, align: "right", padding: [0, -30, 0, 0] } })
    ];
    return height * shown.length;
  }
  // A line a row, from the second of its values to the third; a wide one has ends, which show where both are one.
  function bars(t, data, width) {
    return { type: "custom", silent: true, clip: true, z: 1, encode: { x: [1, 2], y: 0 }, data: data, renderItem: function (params, api) {
      var a = api.coord([api.value(1), api.value(0)]), b = api.coord([api.value(2), api.value(0)]);
      function line(from, to, up, wide, opacity) { return { type: "line", shape: { x1: from[0], y1: from[1] - up, x2: to[0], y2: to[1] + up }, style: { stroke: t.soft, lineWidth: wide, opacity: opacity } }; }
      if (width <= 2) return line(a, b, 0, width, 1);
      return { type: "group", children: [line(a, b, 0, width, 0.4), line(a, a, 9, 2, 0.8), line(b, b, 9, 2, 0.8)] };
    } };
  }
  // Why regions are not compared with a benchmark; `compared` has those with which some are.
  function notCompared(data, ep, stage, compared) {
    var of = certain(data, ep, "not_compared").filter(function (r) { return r.stage === stage; }), said = Object.create(null);
    of.forEach(function (r) {
      var reason = r.reason ? r.reason.replace(/_/g, " ") : "no growth";
      (said[r.benchmark] = said[r.benchmark] || []).push(compared[r.benchmark] ? reason + " (" + many(r.n_regions, "region", "regions") + ")" : reason);
    });
    return Object.keys(said).map(function (b) {
      return " " + (compared[b] ? "Not all" : "None") + " against " + benchmarkOf(b)[0] + " (" + b + "): " + said[b].join(", ") + ".";
    }).join("");
  }
  function robust(data, ep, stage, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), at = Object.create(null), used = Object.create(null), everUsed = Object.create(null);
    var rows = certain(data, ep, "robustness").filter(function (r) { return r.stage === stage; });
    var compared = rows.filter(function (r) { return r.n_compared > 1; });
    if (!compared.length) return null;
    rows.sort(function (a, b) { return b.diff_median - a.diff_median || (a.region_code < b.region_code ? -1 : 1); });
    var shown = ends(rows, rows.length);
    shown.forEach(function (r, i) { if (r) at[r.region_code] = i; });
    var found = certain(data, ep, "differences").filter(function (d) { return has(d[stage]); });
    found.forEach(function (d) { everUsed[d.benchmark] = true; });
    found = found.filter(function (d) { return has(at[d.region_code]); });
    // A few that are far off do not press the others together.
    var sizes = found.map(function (d) { return Math.abs(d[stage]); }).sort(function (a, b) { return a - b; });
    var usual = sizes[Math.floor(0.95 * (sizes.length - 1))], frame = Math.ceil(30 * usual) / 20, is_cut = usual > 0 && sizes[sizes.length - 1] > Math.max(2 * frame, 3 * usual);
    if (!is_cut) frame = Infinity;
    function inFrame(v) { return Math.max(-frame, Math.min(frame, v)); }
    found.forEach(function (d) { (used[d.benchmark] = used[d.benchmark] || []).push({ value: [inFrame(d[stage]), at[d.region_code]], row: d }); });
    var names = Object.keys(benchmarks).concat(Object.keys(used).sort()).filter(function (b, i, all) { return used[b] && all.indexOf(b) === i; });
    var legend = names.map(function (b) { return benchmarkOf(b)[0]; }), n = legendLines(data, legend, 30);
    o.legend = { data: legend, top: 0, left: 0, itemWidth: 10, itemHeight: 10, itemGap: 12, selectedMode: false, textStyle: { color: t.soft } };
    o.grid.top = 26 + 24 * n; o.grid.bottom = 30;
    var height = rowsOf(data, o, t, shown, rows.length - 30, "as expected or better", function (r) { return r.n_above + " of " + r.n_compared; }, names.length > 3 ? 30 : 22);
    var values = found.map(function (d) { return inFrame(d[stage]); }).concat(0), low = Math.min.apply(null, values), high = greatest(values), span = high - low || 1;
    // So few labels that all have room: none between others is left out.
    o.xAxis = axis(t, { type: "value", min: low - 0.06 * span, max: high + 0.06 * span, splitNumber: data.narrow ? 3 : 6, name: "percentage points", nameLocation: "middle", nameGap: 26,
      axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: points } });
    o.tooltip.formatter = function (p) {
      var d = p.data && p.data.row;
      return d ? "<b>" + esc(own(data.names, d.region_code)) + "</b><br>against " + esc(benchmarkOf(d.benchmark)[0]) + "<br>" + points(d[stage]) + " percentage points" : "";
    };
    var zero = { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] };
    var line = bars(t, shown.map(function (r, i) { return r ? [i, inFrame(r.diff_low), inFrame(r.diff_high)] : null; }).filter(function (x) { return x; }), 1);
    // Marks stand a little above each other, in the order of the legend, so that equal ones do not hide each other.
    o.series = [put(line, { markLine: zero })].concat(names.map(function (b, i) {
      var of = benchmarkOf(b), step = names.length > 3 ? Math.min(4, 18 / (names.length - 1)) : 3;
      return { type: "scatter", name: of[0], symbol: of[2], symbolOffset: [0, step * (i - (names.length - 1) / 2)], symbolSize: of[3] ? 9 : 8, z: of[3] ? 2 : 3, data: used[b], itemStyle: { color: of[3] ? of[1] : "transparent", borderColor: of[1], borderWidth: of[3] ? 0 : 2 } };
    }));
    var above = compared.filter(function (r) { return r.diff_low > 0; }).length, below = compared.filter(function (r) { return r.diff_high < 0; }).length;
    var span = stage === "resistance" ? "from the base (" + e.base + ") to the trough (" + e.trough + ")" : "from the trough (" + e.trough + ") to the end (" + e.end + ")";
    return { id: "robust-" + stage + "-" + ep, title: above + " of " + many(compared.length, "region", "regions") + " " + (stage === "resistance" ? "resisted" : "recovered") + " better than expected against every benchmark, " + below + " worse than expected against each",
      note: "Growth " + span + " less the growth that each benchmark expects, percentage points; episode " + ep + ". Line: lowest to highest. Sorted by the median. At the right: against how many it did as well as expected or better." + notCompared(data, ep, stage, everUsed) + cut(rows.length) + (is_cut ? " What is beyond " + points(frame) + " points is drawn there." : ""),
      source: "resilience.robustness, resilience.region", height: o.grid.top + height + 56, option: o };
  }
  // A probability by draws: none of them shows that something is impossible or sure.
  function chance(p) { return !has(p) ? "–" : p < 0.01 ? "< 1 %" : p > 0.99 ? "> 99 %" : Math.round(100 * p) + " %"; }
  // Whether a region is above the median, or below it, with a probability of 95 %.
  function sideOf(r) { return !has(r.p_above_median) ? 0 : r.p_above_median >= 0.95 ? 1 : r.p_above_median <= 0.05 ? -1 : 0; }
  var drawn = { products: "products drawn anew in each region", counterfactual: "residuals of the expected path drawn anew", both: "products and residuals of the expected path drawn anew" };
  // The benchmarks against which regions are ranked: the first is the one to begin with.
  function rankedAgainst(data, ep) {
    var used = Object.create(null);
    certain(data, ep, "ranks").forEach(function (r) { used[r.benchmark] = true; });
    return Object.keys(benchmarks).concat(Object.keys(used).sort()).filter(function (b, i, all) { return used[b] && all.indexOf(b) === i; }).map(function (b) { return [b, benchmarkOf(b)[0]]; });
  }
  function ranks(data, ep, stage, dark, against) {
    var benchmark = against || (rankedAgainst(data, ep)[0] || [])[0];
    var t = theme(dark), o = base(t), rows = certain(data, ep, "ranks").filter(function (r) { return r.stage === stage && r.benchmark === benchmark; });
    if (rows.length < 2) return null;
    rows.sort(function (a, b) { return a.rank - b.rank || (a.region_code < b.region_code ? -1 : 1); });
    var n = rows[0].n_ranked, shown = ends(rows, n), known = rows.filter(function (r) { return has(r.p_above_median); }), top = rows[0].n_top;
    var reasons = rows.filter(function (r) { return !has(r.rank_low) && r.null_reason; }).map(function (r) { return r.null_reason === "no_interval" ? "see resilience.interval" : r.null_reason.replace(/_/g, " "); }).filter(function (x, i, all) { return all.indexOf(x) === i; });
    o.grid.top = 34; o.grid.bottom = 30;
    var height = rowsOf(data, o, t, shown, n - 30, top === 1 ? "chance to be first" : "chance to be among the first " + top, function (r) { return chance(r.p_top_quarter); });
    var last = greatest(rows.map(function (r) { return has(r.rank_high) ? Math.max(r.rank, r.rank_high) : r.rank; }));
    o.xAxis = axis(t, { type: "value", min: 0.5, max: last + 0.5, minInterval: 1, name: "rank", nameLocation: "middle", nameGap: 26, splitLine: { show: false },
      axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, hideOverlap: true, formatter: function (v) { return v === Math.round(v) ? String(v) : ""; } } });
    o.tooltip.formatter = function (p) {
      var r = p.data && p.data.row;
      return r ? "<b>" + esc(own(data.names, r.region_code)) + "</b><br>rank " + number(r.rank, r.rank % 1 ? 1 : 0) + (has(r.rank_low) ? " (" + number(r.rank_low, r.rank_low % 1 ? 1 : 0) + " to " + number(r.rank_high, r.rank_high % 1 ? 1 : 0) + ")" : r.null_reason ? " (" + esc(r.null_reason.replace(/_/g, " ")) + ")" : "") + "<br>among the first " + top + ": " + chance(r.p_top_quarter) + "<br>above the median: " + chance(r.p_above_median) : "";
    };
    var colours = { "1": "#2166ac", "0": "#8c8c8c", "-1": "#e08214" };
    o.series = [
      bars(t, shown.map(function (r, i) { return r && has(r.rank_low) ? [i, r.rank_low, r.rank_high] : null; }).filter(function (x) { return x; }), 6),
      { type: "scatter", symbolSize: 11, z: 2, data: shown.map(function (r, i) { return r ? { value: [r.rank, i], row: r, itemStyle: { color: colours[sideOf(r)] } } : null; }).filter(function (x) { return x; }) }
    ];
    var how = known.map(function (r) { return own(drawn, r.source); }).filter(function (x, i, all) { return x && all.indexOf(x) === i; }).join("; ");
    return { id: "ranks-" + stage + "-" + ep, title: capital(stage) + ": " + (rows[0].n_known ? rows[0].n_sure + " of " + n + " regions are above the median, or below it, with a probability of 95 % or more" : n + " regions are ranked, and nothing is drawn anew that says how sure that is"),
      note: "Dot: rank of the index against " + (benchmark === "aggregate" ? "all regions together" : benchmarkOf(benchmark)[0]) + " (" + benchmark + "), 1 is the highest; episode " + ep + "." + (known.length ? " Bar: its interval" + (how ? ", " + how : "") + ". Blue: above the median with 95 % or more, orange: below it." : "") + (reasons.length ? " Dots without a bar: " + reasons.join(", ") + "." : "") + cut(n),
      source: "resilience.rank", height: o.grid.top + height + 56, option: o };
  }
  function relation(data, ep, x, name, y, dark) {
    var t = theme(dark), o = base(t), m = measures[y], rows = regionsOf(data, ep).filter(function (r) { return has(r[x]) && has(r[m[1]]); });
    if (rows.length < 4) return null;
    // Tails are pulled in for the line, so that one region does not make it; points stay where they are.
    var n = rows.length, ys = rows.map(function (r) { return r[m[1]]; }).sort(function (a, b) { return a - b; });
    var lo = ys[Math.floor(0.05 * (n - 1))], hi = ys[Math.ceil(0.95 * (n - 1))];
    function pulled(v) { return Math.max(lo, Math.min(hi, v)); }
    var sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    rows.forEach(function (r) { var a = r[x], b = pulled(r[m[1]]); sx += a; sy += b; sxx += a * a; sxy += a * b; syy += b * b; });
    var vx = sxx - sx * sx / n, slope = vx > 0 ? (sxy - sx * sy / n) / vx : 0, level = (sy - slope * sx) / n, vy = syy - sy * sy / n;
    var corr = vx > 0 && vy > 0 ? (sxy - sx * sy / n) / Math.sqrt(vx * vy) : 0;
    var xs = rows.map(function (r) { return r[x]; }), xmin = Math.min.apply(null, xs), xmax = Math.max.apply(null, xs);
    var names = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 12).map(function (r) { return r.region_code; });
    o.tooltip.formatter = function (p) { var r = p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc(name) + " " + number(r[x]) + "<br>" + m[0].toLowerCase() + " " + number(r[m[1]]) : ""; };
    o.xAxis = axis(t, { type: "value", scale: true, name: name, nameLocation: "middle", nameGap: 28 }); o.grid.bottom = 30;
    o.yAxis = axis(t, { type: "value", scale: true, name: m[0].toLowerCase(), nameLocation: "end" });
    o.series = [
      { type: "line", symbol: "none", silent: true, data: [[xmin, level + slope * xmin], [xmax, level + slope * xmax]], lineStyle: { color: "#e08214", width: 2 } },
      { type: "scatter", symbolSize: 9, data: rows.map(function (r) { return { value: [r[x], r[m[1]]], row: r, itemStyle: { color: "#2166ac", opacity: 0.75 }, label: { show: names.indexOf(r.region_code) >= 0, formatter: plain(r.region_name), position: r[x] > xmin + 0.75 * (xmax - xmin) ? "left" : "right", color: t.text, fontSize: 11 } }; }), labelLayout: { hideOverlap: true } }
    ];
    var strength = Math.abs(corr) < 0.1 ? "no relation" : (corr > 0 ? "higher" : "lower");
    return { id: x + "-" + y + "-" + ep, title: strength === "no relation" ? name + " and " + m[0].toLowerCase() + " show no relation across regions" : "Where " + name + " is higher, " + m[0].toLowerCase() + " tends to be " + strength, note: "Correlation " + number(corr) + " over " + n + " regions, the outer tenth of the index pulled in; a description, not an effect.", source: "panel.region", height: 400, option: o };
  }
  // Products, joined by links; those that are not among `on`, a test, have no colour. Where the network stands is `frame`.
  function network(data, o, t, frame, s, on) {
    var largest = greatest(s.nodes.map(function (n) { return n.value; })) || 1;
    o.legend = { data: s.categories.map(function (x) { return x[0]; }), bottom: 0, type: "plain", itemWidth: 10, itemHeight: 10, textStyle: { color: t.soft, fontSize: 11 }, selectedMode: false };
    // The ends of links are brought to halves of a unit, which must be small against the figure.
    o.series = [put({ type: "graph", layout: "none", roam: !data.still, preserveAspect: "contain", categories: s.categories.map(function (x) { return { name: x[0], itemStyle: { color: x[1] } }; }),
      data: s.nodes.map(function (n, i) { return { name: n.product, x: 1000 * n.x, y: 1000 * n.y, category: n.category, symbolSize: nodeSize(n.value, largest), itemStyle: on(i) ? { borderColor: t.bg, borderWidth: 0.5 } : { color: t.none, borderColor: t.line, borderWidth: 0.5 } }; }),
      links: s.links.map(function (l) { return { source: l[0], target: l[1] }; }), lineStyle: { color: t.soft, opacity: 0.3, width: 0.6 }, emphasis: { focus: "adjacency", lineStyle: { width: 1.5 } } }, frame)];
  }
  function nodeSize(value, largest) { return !has(value) ? 12 : 6 + 26 * Math.sqrt(Math.max(0, value) / largest); }
  function space(data, dark, region, after) {
    var t = theme(dark), o = base(t), s = data.space;
    if (!s || !s.nodes.length) return null;
    var list = region !== undefined ? own(after ? s.after : s.before, region) || [] : null, on = {};
    if (list) list.forEach(function (i) { on[i] = true; });
    o.tooltip.formatter = function (p) { if (p.dataType !== "node") return ""; var n = s.nodes[p.dataIndex]; return "<b>" + esc(n.product) + "</b> " + esc(n.name || "") + "<br>" + esc(s.categories[n.category][0]) + ", " + esc(money(n.value, data.meta.unit)) + (list ? "<br>" + (on[p.dataIndex] ? "specialised" : "not specialised") : ""); };
    network(data, o, t, { left: 24, right: 24, top: 24, bottom: 90 }, s, function (i) { return !list || on[i]; });
    var name = list && own(data.names, region), about = list ? name + (after ? ", " + s.after_year : ", " + s.before_year) : s.before_year;
    return { id: "space" + (list ? "-" + region : ""), title: list ? name + " is specialised in " + list.length + " of these " + s.nodes.length + " products (" + (after ? s.after_year : s.before_year) + ")" : "The product space: " + s.nodes.length + " products, joined where the same " + s.joined + " specialise in both",
      note: "The largest products (" + about + "), sized by value; links of the maximum spanning tree and the strongest ones.", source: "space.proximity, trade.region_product_year", height: 620, option: o };
  }
  // Estimates with their intervals on one scale: a row each, from the top, and a line at zero. `to` brings a number of a row to the scale.
  function intervals(o, t, rows, labels, to) {
    o.xAxis = axis(t, { type: "value", axisLabel: { color: t.soft } });
    o.yAxis = axis(t, { type: "category", inverse: true, splitLine: { show: false }, axisLabel: { color: t.text, interval: 0, fontSize: 11 }, data: labels });
    o.series = [{ type: "custom", clip: true, encode: { x: [1, 2, 3], y: 0 },
      data: rows.map(function (c, i) { return [i, to(c, c.low), to(c, c.estimate), to(c, c.high)]; }),
      renderItem: function (params, api) {
        var c = rows[params.dataIndex], colour = isSure(c) ? "#2166ac" : "#8c8c8c", y = api.value(0);
        var a = api.coord([api.value(1), y]), at = api.coord([api.value(2), y]), b = api.coord([api.value(3), y]);
        return { type: "group", children: [
          { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: colour, lineWidth: 2 } },
          { type: "circle", shape: { cx: at[0], cy: at[1], r: 4.5 }, style: { fill: colour } }
        ] };
      },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid" }, data: [{ xAxis: 0 }] } }];
  }
  function isSure(c) { return c.low > 0 || c.high < 0; }
  function ofIntervals(level) { return "Lines: " + +(100 * level).toPrecision(6) + " % intervals. Blue: zero is outside."; }
  function coefficients(data, dark) {
    var t = theme(dark), o = base(t), rows = data.coefficients.filter(function (c) { return has(c.estimate) && has(c.low) && c.term !== "(intercept)"; }).slice(0, 40);
    if (!rows.length) return null;
    // Regressors have units of their own: what is compared is the estimate in standard errors.
    intervals(o, t, rows, rows.map(function (c) { return c.term + " → " + c.outcome + (c.specification ? " · " + c.specification : ""); }), function (c, v) { return v / c.se; });
    o.tooltip.formatter = function (p) { var c = rows[p.dataIndex]; return "<b>" + esc(c.term) + "</b> on " + esc(c.outcome) + "<br>" + esc(c.model) + (c.specification ? ", " + esc(c.specification) : "") + "<br>" + c.estimate.toPrecision(4) + " (" + c.low.toPrecision(3) + " to " + c.high.toPrecision(3) + ")"; };
    put(o.xAxis, { name: "estimate, in standard errors", nameLocation: "middle", nameGap: 28 }); o.grid.bottom = 30;
    put(o.yAxis.axisLabel, { width: 300, overflow: "truncate" });
    return { id: "coefficients", title: rows.filter(isSure).length + " of " + rows.length + " coefficients differ from zero", note: ofIntervals(0.95), source: "model.coefficients", height: 80 + 22 * rows.length, option: o };
  }
  // Coefficients of one unit, with their numbers beside them: in a figure as wide as their labels need, or in one of `data.width`, where labels are broken into lines.
  function plot(data, dark) {
    var t = theme(dark), o = base(t), rows = data.marks, wide = data.width;
    var labels = rows.map(function (c) { return wide ? fitted(c.label, 0.4 * wide, 11) : [c.label]; });
    function widest(lines) { return greatest(lines.map(function (line) { return widthOf(line, 11); })); }
    // Where lines would have less than a quarter of the figure, numbers stand below their labels.
    var is_narrow = wide && wide - widest([].concat.apply([], labels)) - widest(rows.map(function (c) { return c.said; })) - 50 < wide / 4;
    if (is_narrow) labels = rows.map(function (c) { return fitted(c.label, 0.5 * wide, 11).concat(fitted(c.said, 0.5 * wide, 11)); });
    var high = Math.max(22, 8 + 13 * greatest(labels.map(function (of) { return of.length; }))), longest = greatest(rows.map(function (c) { return c.label.length; }));
    intervals(o, t, rows, labels.map(function (of) { return of.join("\n"); }), function (c, v) { return v; });
    put(o.yAxis.axisLabel, { lineHeight: 13 });
    if (wide) { put(o.xAxis, { name: data.unit || "", nameLocation: "middle", nameGap: 26, splitNumber: 3 }); put(o.xAxis.axisLabel, { hideOverlap: true, formatter: data.say }); o.grid.top = 8; o.grid.bottom = data.unit ? 30 : 12; }
    if (is_narrow) o.grid.right = 20;
    else o.yAxis = [o.yAxis, put(put({}, o.yAxis), { position: "right", axisLabel: { fontFamily: FONT, color: t.soft, interval: 0, fontSize: 11 }, data: rows.map(function (c) { return c.said; }) })];
    return [[null, { id: "plot", title: data.title, note: [ofIntervals(data.level || 0.95), data.note].filter(Boolean).join(" "), width: 600 + 8 * longest, height: Math.max(data.height || 0, (!wide ? 60 : data.unit ? 58 : 40) + high * rows.length), option: o }]];
  }
  // A text in lines that are at most `room` pixels wide, and no letter less.
  function widthOf(text, size, bold) { return echarts.format.getTextRect(text, (bold ? "bold " : "") + size + "px " + FONT).width; }
  function fitted(text, room, size, bold) {
    var out = [];
    String(text).split(/\s+/).forEach(function (word) {
      var last = out.length - 1;
      if (last >= 0 && widthOf(out[last] + " " + word, size, bold) <= room) { out[last] += " " + word; return; }
      out.push("");
      Array.from(word).forEach(function (letter) {
        var at = out.length - 1;
        if (out[at] && widthOf(out[at] + letter, size, bold) > room) out.push(letter); else out[at] += letter;
      });
    });
    return out;
  }
  // What a legend has of these lines: marks and dashes as in the figure, and a box for the interval.
  function keys(names) {
    return names.map(function (name, i) { return i === 3 ? { name: name, icon: "rect" } : i ? { name: name, itemStyle: { opacity: 0 } } : { name: name }; }).filter(function (key) { return key.name; });
  }
  // What was, what was expected of it, and between what it may be: lines over periods. A name that is not there has no line.
  function along(names, points, more) {
    var out = [
      { name: names[0], type: "line", data: points.map(function (x) { return x[0]; }), symbolSize: 6, lineStyle: { width: 3, color: "#2166ac" }, itemStyle: { color: "#2166ac" } }
    ];
    if (names[1]) out.push({ name: names[1], type: "line", data: points.map(function (x) { return x[1]; }), symbol: "none", lineStyle: { type: "dashed", width: 2, color: "#e08214" }, itemStyle: { color: "#e08214" } });
    var colour = "#9970ab", hidden = { lineStyle: { opacity: 0 }, itemStyle: { color: colour, opacity: 0.35 }, type: "line", stack: "interval", stackStrategy: "all", symbol: "none", silent: true, z: 1 };
    if (names[2]) out.push({ name: names[2], type: "line", data: points.map(function (x) { return x[2]; }), symbol: "none", lineStyle: { type: "dotted", width: 2, color: colour }, itemStyle: { color: colour } });
    // The interval stands on its lower end, which is not drawn.
    if (names[3]) {
      out.push(put({ name: "low", data: points.map(function (x) { return x[3]; }) }, hidden));
      out.push(put({ name: names[3], data: points.map(function (x) { return has(x[3]) && has(x[4]) ? x[4] - x[3] : null; }), areaStyle: { color: colour, opacity: 0.2 } }, hidden));
    }
    return out.map(function (series) { return put(series, more); });
  }
  function path(data, ep, region, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), p = own(own(data.paths, ep), region) || [];
    var model = own(own(data.own_paths, ep), region), unit = data.meta.unit, level = number(100 * data.meta.level, 0) + " %";
    function expected(period) { return model && own(model.periods, period) || [null, null, null]; }
    var names = [data.meta.measure, "as all regions grew"].concat(model ? ["as " + benchmarkOf(model.model)[0], level + " interval"] : []);
    o.tooltip.trigger = "axis";
    o.tooltip.formatter = function (of) {
      var x = p[(of[0] || of).dataIndex], m = expected(x[0]);
      return "<b>" + esc(x[0]) + "</b><br>" + esc(names[0]) + " " + esc(money(x[1], unit)) + "<br>" + esc(names[1]) + " " + esc(money(x[2], unit)) +
        (has(m[0]) ? "<br>" + esc(names[2]) + " " + esc(money(m[0], unit)) + " (" + esc(money(m[1])) + " to " + esc(money(m[2], unit)) + ")" : "");
    };
    o.legend = { data: keys(names), top: 0, left: 0, textStyle: { color: t.soft } }; o.grid.top = 14 + 22 * legendLines(data, names, 40);
    o.xAxis = axis(t, { type: "category", boundaryGap: false, data: p.map(function (x) { return x[0]; }) });
    o.yAxis = axis(t, { type: "value", axisLabel: { color: t.soft, formatter: function (v) { return money(v); } } });
    o.series = along(names, p.map(function (x) { return [x[1], x[2]].concat(expected(x[0])); }));
    return { id: "path-" + region, title: own(data.names, region) + ", " + e.base + " to " + e.end, note: "Dashed: the base, grown as all regions together." + (model ? " Dotted: as the model of its own past expects (" + model.model + "), in its prediction interval of " + level + "." : ""), source: "resilience.region_period", height: 320, option: o };
  }
  function all(data, dark) {
    var out = [];
    data.episodes.forEach(function (e) {
      var ep = e.episode;
      out.push([ep, national(data, ep, dark)]);
      ["resistance", "recovery", "upgrading"].forEach(function (m) { out.push([ep, map(data, ep, m, dark)]); });
      var n = {}; regionsOf(data, ep).forEach(function (r) { if (r.type) n[r.type] = (n[r.type] || 0) + 1; });
      out.push([ep, quadrants(data, ep, dark)]);
      out.push([ep, classed(data, ep, dark, "types", "type", kinds, many(n.resistant_recovering || 0, "region", "regions") + " resisted and recovered, " + (n.vulnerable_lagging || 0) + " fell and lagged", "Type of each region, by the signs of both indices.", "resilience.region")]);
      var clusters = regionsOf(data, ep).filter(function (r) { return r.lisa && r.lisa !== "not_significant"; }).length;
      out.push([ep, classed(data, ep, dark, "lisa", "lisa", lisa, clusters ? many(clusters, "region", "regions") + " in a cluster, or against the neighbours" : "Resistance shows no clusters of neighbours", "Local Moran's I of resistance, by permutation.", "spatial.region")]);
      ["resistance", "recovery"].forEach(function (m) { out.push([ep, ranking(data, ep, m, dark)]); });
      [robust, ranks].forEach(function (figure) { ["resistance", "recovery"].forEach(function (stage) { out.push([ep, figure(data, ep, stage, dark)]); }); });
      out.push([ep, relation(data, ep, "related_variety", "related variety", "resistance", dark)]);
      out.push([ep, relation(data, ep, "mean_density", "mean density", "recovery", dark)]);
    });
    out.push([null, space(data, dark)]);
    out.push([null, coefficients(data, dark)]);
    return out.filter(function (x) { return x[1]; });
  }
  return { all: all, path: path, ranks: ranks, rankedAgainst: rankedAgainst, plot: plot, space: space,
    parts: { kinds: kinds, theme: theme, base: base, axis: axis, put: put, has: has, hatch: hatch, classes: classes, shaded: shaded, crossed: crossed, sizeOf: sizeOf, reach: reach, network: network, nodeSize: nodeSize, legendLines: legendLines, widthOf: widthOf, fitted: fitted, along: along, keys: keys, greatest: greatest, many: many },
    own: own, money: money, number: number, percent: percent };
})();
