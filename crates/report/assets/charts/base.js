// What figures share: colours, words, numbers, axes, rows of regions.
var charts = {};
(function () {
  "use strict";
  const { all } = charts;
  // A figure: `id`, `title` (its one message), `subtitle` (what is drawn, its unit and period), `note` (how to read it),
  // `source` (tables), `height`, `option` (of ECharts); its data as `columns` and `rows`, and the `sql` that gives these.
  //
  // Texts are said in English, or as `words` has them: a dictionary from the English text, whose {names} are filled in.
  var words = null;
  function speak(dictionary) { words = dictionary || null; }
  function say(text, values) {
    var of = (words && own(words, text)) || text;
    return of.replace(/\{(\w+)\}/g, function (whole, name) { return values && has(own(values, name)) ? String(values[name]) : whole; });
  }
  // A text of one thing, or of several, both with {n}.
  function sayMany(n, one, more, values) { return say(n === 1 ? one : more, put({ n: n }, values)); }
  // Named, and not the system's own: a browser may measure that as another font than it draws, and cut texts.
  var FONT = "DejaVu Sans, Verdana, sans-serif";
  var kinds = {
    resistant_recovering: ["#2166ac", "resistant, recovering"],
    resistant_lagging: ["#92c5de", "resistant, lagging"],
    vulnerable_recovering: ["#fdb863", "vulnerable, recovering"],
    vulnerable_lagging: ["#b35806", "vulnerable, lagging"]
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
  // A text in a statement of SQL.
  function literal(text) { return "'" + String(text).replace(/'/g, "''") + "'"; }
  // A label as it is: texts for a label are templates.
  function plain(text) { return function () { return text; }; }
  function many(n, one, more) { return n + " " + (n === 1 ? one : more); }
  function put(into, from) { for (var k in from) into[k] = from[k]; return into; }
  function regionsOf(data, ep) { return data.regions.filter(function (r) { return r.episode === ep; }); }
  function episodeOf(data, ep) { return data.episodes.filter(function (e) { return e.episode === ep; })[0]; }
  function has(v) { return v !== null && v !== undefined; }
  var measures = {
    resistance: ["Resistance", "resistance", "resistance_low", "resistance_high"],
    recovery: ["Recovery", "recovery", "recovery_low", "recovery_high"],
    upgrading: ["Upgrading of the product structure", "upgrading", null, null]
  };
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
  Object.assign(charts, { FONT, axis, bars, base, benchmarkOf, benchmarks, capital, certain, crossed, cut, ends,
    episodeOf, esc, fitted, greatest, has, hatch, kinds, legendLines, literal, many, measures, money, number, own, percent,
    plain, points, put, reach, regionsOf, rowsOf, say, sayMany, sizeOf, speak, theme,
    widthOf });
})();
