// Options of ECharts from the data of a report: the same for the page and for the figures.
var charts = (function () {
  "use strict";
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
      animation: false, backgroundColor: t.bg, textStyle: { color: t.text, fontFamily: "system-ui, DejaVu Sans, sans-serif" },
      tooltip: { confine: true, backgroundColor: t.bg, borderColor: t.line, textStyle: { color: t.text, fontSize: 13 } },
      grid: { left: 12, right: 24, top: 24, bottom: 12, containLabel: true }, aria: { enabled: true }
    };
  }
  function axis(t, more) {
    var a = { axisLine: { lineStyle: { color: t.line } }, axisTick: { show: false }, axisLabel: { color: t.soft }, splitLine: { lineStyle: { color: t.line } }, nameTextStyle: { color: t.soft } };
    for (var k in more) a[k] = more[k];
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
  // Classes on both sides of zero, each side by its quantiles: as many as there are values for.
  function classes(values) {
    var pieces = [];
    function side(found, colours, sign) {
      if (!found.length) return;
      var n = Math.min(4, Math.max(1, Math.ceil(found.length / 2))), cuts = quantiles(found, n), edges = [0];
      cuts.forEach(function (c) { if (c > edges[edges.length - 1]) edges.push(c); });
      for (var i = 0; i < edges.length; i++) {
        var low = edges[i], high = i + 1 < edges.length ? edges[i + 1] : null;
        var colour = colours[Math.round((i + 1) * colours.length / edges.length) - 1];
        var piece = { color: colour };
        if (sign > 0) { piece.gte = low; if (high !== null) piece.lt = high; piece.label = high === null ? (low === 0 ? "above 0" : number(low) + " or more") : number(low) + " to " + number(high); }
        else { if (low > 0) piece.lte = -low; else piece.lt = 0; if (high !== null) piece.gt = -high; piece.label = high === null ? (low === 0 ? "below 0" : number(-low) + " or less") : number(-high) + " to " + number(-low); }
        pieces.push(piece);
      }
    }
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
  function map(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], rows = regionsOf(data, ep);
    if (!data.geo || !rows.length) return null;
    var found = rows.filter(function (r) { return has(r[m[1]]); });
    if (!found.length) return null;
    var above = found.filter(function (r) { return r[m[1]] > 0; }).length;
    var pieces = classes(found.map(function (r) { return r[m[1]]; }));
    o.visualMap = put(legendOf(t), { pieces: pieces, outOfRange: { color: hatch(t) } });
    o.tooltip.formatter = function (p) {
      var r = p.data && p.data.row;
      if (!r) return esc(p.name) + "<br>no region of these data";
      return "<b>" + esc(r.region_name) + "</b><br>" + m[0] + " " + number(r[m[1]]) + (m[2] && has(r[m[2]]) ? " (" + number(r[m[2]]) + " to " + number(r[m[3]]) + ")" : "") + (has(r[m[1]]) ? "" : "<br>" + esc(r[measure + "_null_reason"] || "no index")) + "<br>base " + esc(money(r.base_value, data.meta.unit));
    };
    o.series = [put(frameOf(data, pieces.length), { type: "map", map: "regions", nameProperty: "code", roam: false, preserveAspect: "contain", label: { show: false }, emphasis: { label: { show: false }, itemStyle: { areaColor: null, borderColor: t.text, borderWidth: 2 } }, select: { disabled: true },
      itemStyle: { areaColor: hatch(t), borderColor: t.bg, borderWidth: 0.6 },
      data: rows.map(function (r) { return { name: r.region_code, value: has(r[m[1]]) ? r[m[1]] : NaN, row: r, itemStyle: has(r[m[1]]) ? {} : { areaColor: hatch(t) } }; }) })];
    var title = measure === "upgrading" ? above + " of " + many(found.length, "region", "regions") + " moved towards more complex products" : above + " of " + many(found.length, "region", "regions") + " " + (measure === "resistance" ? "resisted better" : "recovered better") + " than all regions together";
    return { id: measure + "-map-" + ep, title: title, note: m[0] + (measure === "upgrading" ? ": sum over products of complexity times the change of their share." : ", against the growth of all regions together; blue: better than expected.") + " Hatched: no index.", source: measure === "upgrading" ? "resilience.transformation" : "resilience.region", height: 440, option: o };
  }
  function classed(data, ep, dark, id, field, table, title, note, source) {
    var t = theme(dark), o = base(t), rows = regionsOf(data, ep).filter(function (r) { return has(r[field]); });
    if (!data.geo || !rows.length) return null;
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc((own(table, r[field]) || ["", r[field]])[1]) : esc(p.name); };
    var keys = Object.keys(table);
    o.visualMap = put(legendOf(t), { pieces: keys.map(function (k, i) { return { value: i, label: table[k][1], color: table[k][0] }; }), outOfRange: { color: hatch(t) } });
    o.series = [put(frameOf(data, keys.length), { type: "map", map: "regions", nameProperty: "code", roam: false, preserveAspect: "contain", label: { show: false }, emphasis: { label: { show: false }, itemStyle: { areaColor: null, borderColor: t.text, borderWidth: 2 } }, select: { disabled: true }, itemStyle: { areaColor: hatch(t), borderColor: t.bg, borderWidth: 0.6 },
      data: rows.map(function (r) { return { name: r.region_code, value: keys.indexOf(r[field]), row: r }; }) })];
    return { id: id + "-" + ep, title: title, note: note, source: source, height: 420, option: o };
  }
  function quadrants(data, ep, dark) {
    var t = theme(dark), o = base(t), rows = regionsOf(data, ep).filter(function (r) { return has(r.resistance) && has(r.recovery); });
    if (!rows.length) return null;
    var largest = Math.max.apply(null, rows.map(function (r) { return r.base_value; }));
    var both = rows.filter(function (r) { return r.resistance > 0 && r.recovery > 0; }).length, neither = rows.filter(function (r) { return r.resistance <= 0 && r.recovery <= 0; }).length;
    function bound(f) { var v = rows.map(function (r) { return Math.abs(r[f]); }).sort(function (a, b) { return a - b; }); return v[Math.min(v.length - 1, Math.floor(v.length * 0.97))] * 1.1; }
    var bx = bound("resistance"), by = bound("recovery"), names = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 14).map(function (r) { return r.region_code; });
    o.tooltip.formatter = function (p) { var r = p.data.row; return "<b>" + esc(r.region_name) + "</b><br>resistance " + number(r.resistance) + "<br>recovery " + number(r.recovery) + "<br>base " + esc(money(r.base_value, data.meta.unit)); };
    o.xAxis = axis(t, { name: "resistance", nameLocation: "middle", nameGap: 28, min: -bx, max: bx, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: function (v) { return number(v, 1); } } });
    o.yAxis = axis(t, { name: "recovery", nameLocation: "middle", nameGap: 40, min: -by, max: by, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: function (v) { return number(v, 1); } } });
    o.grid.left = 30; o.grid.bottom = 30;
    o.series = [{ type: "scatter", clip: true, data: rows.map(function (r) { var k = own(kinds, r.type) || ["#999999"]; return { value: [Math.max(-bx, Math.min(bx, r.resistance)), Math.max(-by, Math.min(by, r.recovery))], row: r, symbolSize: 7 + 33 * Math.sqrt(Math.max(0, r.base_value) / largest), itemStyle: { color: k[0], opacity: 0.8, borderColor: t.bg }, label: { show: names.indexOf(r.region_code) >= 0, formatter: plain(r.region_name), position: r.resistance > bx / 2 ? "left" : "right", color: t.text, fontSize: 11 } }; }), labelLayout: { hideOverlap: true },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }, { yAxis: 0 }] } }];
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
    return { id: measure + "-ranking-" + ep, title: m[0] + ": " + sure + " of the " + rows.length + (n > rows.length ? " largest" : "") + " regions differ from all regions together for sure", note: "Lines: intervals by bootstrap over products; an interval across zero hangs on single products.", source: "resilience.region", height: 80 + 22 * rows.length, option: o };
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
  function space(data, dark, region, after) {
    var t = theme(dark), o = base(t), s = data.space;
    if (!s || !s.nodes.length) return null;
    var list = region !== undefined ? own(after ? s.after : s.before, region) || [] : null, on = {};
    if (list) list.forEach(function (i) { on[i] = true; });
    var largest = Math.max.apply(null, s.nodes.map(function (n) { return n.value; })) || 1;
    o.tooltip.formatter = function (p) { if (p.dataType !== "node") return ""; var n = s.nodes[p.dataIndex]; return "<b>" + esc(n.product) + "</b> " + esc(n.name || "") + "<br>" + esc(s.categories[n.category][0]) + ", " + esc(money(n.value, data.meta.unit)) + (list ? "<br>" + (on[p.dataIndex] ? "specialised" : "not specialised") : ""); };
    o.legend = { data: s.categories.map(function (x) { return x[0]; }), bottom: 0, type: "plain", itemWidth: 10, itemHeight: 10, textStyle: { color: t.soft, fontSize: 11 }, selectedMode: false };
    // The ends of links are brought to halves of a unit, which must be small against the figure.
    o.series = [{ type: "graph", layout: "none", roam: !data.still, preserveAspect: "contain", left: 24, right: 24, top: 24, bottom: 90, categories: s.categories.map(function (x) { return { name: x[0], itemStyle: { color: x[1] } }; }),
      data: s.nodes.map(function (n, i) { var is_on = !list || on[i]; return { name: n.product, x: 1000 * n.x, y: 1000 * n.y, category: n.category, symbolSize: 6 + 26 * Math.sqrt(n.value / largest), itemStyle: is_on ? { borderColor: t.bg, borderWidth: 0.5 } : { color: t.none, borderColor: t.line, borderWidth: 0.5 } }; }),
      links: s.links.map(function (l) { return { source: l[0], target: l[1] }; }), lineStyle: { color: t.soft, opacity: 0.3, width: 0.6 }, emphasis: { focus: "adjacency", lineStyle: { width: 1.5 } } }];
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
  var ofIntervals = "Lines: 95 % intervals. Blue: zero is outside.";
  function coefficients(data, dark) {
    var t = theme(dark), o = base(t), rows = data.coefficients.filter(function (c) { return has(c.estimate) && has(c.low) && c.term !== "(intercept)"; }).slice(0, 40);
    if (!rows.length) return null;
    // Regressors have units of their own: what is compared is the estimate in standard errors.
    intervals(o, t, rows, rows.map(function (c) { return c.term + " → " + c.outcome + (c.specification ? " · " + c.specification : ""); }), function (c, v) { return v / c.se; });
    o.tooltip.formatter = function (p) { var c = rows[p.dataIndex]; return "<b>" + esc(c.term) + "</b> on " + esc(c.outcome) + "<br>" + esc(c.model) + (c.specification ? ", " + esc(c.specification) : "") + "<br>" + c.estimate.toPrecision(4) + " (" + c.low.toPrecision(3) + " to " + c.high.toPrecision(3) + ")"; };
    put(o.xAxis, { name: "estimate, in standard errors", nameLocation: "middle", nameGap: 28 }); o.grid.bottom = 30;
    put(o.yAxis.axisLabel, { width: 300, overflow: "truncate" });
    return { id: "coefficients", title: rows.filter(isSure).length + " of " + rows.length + " coefficients differ from zero", note: ofIntervals, source: "model.coefficients", height: 80 + 22 * rows.length, option: o };
  }
  // Coefficients of one unit, as `rebound estimate` draws them, with their numbers beside them.
  function plot(data, dark) {
    var t = theme(dark), o = base(t), rows = data.marks, longest = 0;
    rows.forEach(function (c) { longest = Math.max(longest, c.label.length); });
    intervals(o, t, rows, rows.map(function (c) { return c.label; }), function (c, v) { return v; });
    o.yAxis = [o.yAxis, put(put({}, o.yAxis), { position: "right", axisLabel: { color: t.soft, interval: 0, fontSize: 11 }, data: rows.map(function (c) { return c.said; }) })];
    return [[null, { id: "plot", title: data.title, note: ofIntervals, width: 600 + 8 * longest, height: 60 + 22 * rows.length, option: o }]];
  }
  function path(data, ep, region, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), p = own(own(data.paths, ep), region) || [];
    o.tooltip.trigger = "axis"; o.tooltip.valueFormatter = function (v) { return money(v, data.meta.unit); };
    o.legend = { top: 0, right: 0, textStyle: { color: t.soft } }; o.grid.top = 36;
    o.xAxis = axis(t, { type: "category", boundaryGap: false, data: p.map(function (x) { return x[0]; }) });
    o.yAxis = axis(t, { type: "value", axisLabel: { color: t.soft, formatter: function (v) { return money(v); } } });
    o.series = [
      { name: data.meta.measure, type: "line", data: p.map(function (x) { return x[1]; }), symbolSize: 6, lineStyle: { width: 3, color: "#2166ac" }, itemStyle: { color: "#2166ac" } },
      { name: "as all regions grew", type: "line", data: p.map(function (x) { return x[2]; }), symbol: "none", lineStyle: { type: "dashed", width: 2, color: "#e08214" }, itemStyle: { color: "#e08214" } }
    ];
    return { id: "path-" + region, title: own(data.names, region) + ", " + e.base + " to " + e.end, note: "Dashed: the base, grown as all regions together.", source: "resilience.region_period", height: 320, option: o };
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
      out.push([ep, relation(data, ep, "related_variety", "related variety", "resistance", dark)]);
      out.push([ep, relation(data, ep, "mean_density", "mean density", "recovery", dark)]);
    });
    out.push([null, space(data, dark)]);
    out.push([null, coefficients(data, dark)]);
    return out.filter(function (x) { return x[1]; });
  }
  return { all: all, path: path, plot: plot, space: space, own: own, money: money, number: number, percent: percent };
})();
