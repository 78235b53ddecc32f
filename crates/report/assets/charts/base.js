// What figures share: colours, words, numbers, axes, rows of regions.
var charts = {};
(function () {
  "use strict";
  const { all } = charts;
  // A figure: `id`, `title` (its one message), `subtitle` (what is drawn, its unit and period), `note` (how to read it),
  // `aside` (what is so of all figures of its section), `source` (tables), `height`, `option` (of ECharts); its data as `columns` and `rows`, and the `sql` that gives these.
  //
  // Texts are said in English, or as `words` has them: a dictionary from the English text, whose {names} are filled in.
  var words = null;
  function speak(dictionary) { words = dictionary || null; }
  function say(text, values) {
    var of = (words && own(words, text)) || text;
    return of.replace(/\{(\w+)\}/g, function (whole, name) { return values && has(own(values, name)) ? String(values[name]) : whole; });
  }
  // Marks a text that is said elsewhere, so that dictionaries are known to need it.
  function key(text) { return text; }
  // A text of one thing, or of several, both with {n}.
  function sayMany(n, one, more, values) { return say(n === 1 ? one : more, put({ n: n }, values)); }
  // Named, and not the system's own: a browser may measure that as another font than it draws, and cut texts.
  var FONT = "DejaVu Sans, Droid Sans Fallback, Verdana, sans-serif";
  var kinds = {
    resistant_recovering: ["#2166ac", key("resistant, recovering")],
    resistant_lagging: ["#92c5de", key("resistant, lagging")],
    vulnerable_recovering: ["#fdb863", key("vulnerable, recovering")],
    vulnerable_lagging: ["#b35806", key("vulnerable, lagging")]
  };
  // Powers of ten that have a name, the largest first: languages count by thousands, or by ten thousands.
  var AMOUNTS = key("1e12 tn, 1e9 bn, 1e6 m, 1e3 k");
  function amounts() {
    function read(text) { return text.split(", ").map(function (of) { var at = of.indexOf(" "); return [Number(of.slice(0, at)), of.slice(at + 1)]; }); }
    var said = read(say(AMOUNTS));
    return said.every(function (of) { return of[0] > 1; }) ? said : read(AMOUNTS);
  }
  function money(v, unit) {
    if (v === null || v === undefined) return "–";
    var a = Math.abs(v), s = v < 0 ? "−" : "", behind = unit ? " " + unit : "";
    var step = amounts().filter(function (of) { return a >= of[0]; })[0];
    if (!step) return s + a.toFixed(0) + behind;
    var n = a / step[0];
    return s + (n < 999.5 ? Number(n.toPrecision(3)) : n.toFixed(0)) + " " + step[1] + behind;
  }
  function number(v, digits) {
    if (v === null || v === undefined) return "–";
    var said = Math.abs(v).toFixed(digits === undefined ? 2 : digits);
    return (v < 0 && Number(said) !== 0 ? "−" : "") + said;
  }
  // A number of hundredths: some languages have a space before the sign.
  function hundredths(text) { return say("{n} %", { n: text }); }
  function percent(v) {
    return v === null || v === undefined ? "–" : (v > 0 ? "+" : v < 0 ? "−" : "") + hundredths(Math.abs(100 * v).toFixed(1));
  }
  // Of what is text, too: what is better or worse than expected, what is not told apart, and what
  // the own past says.
  function theme(dark) {
    return dark
      ? { text: "#e6e6e6", soft: "#a6abb5", line: "#3a3f49", bg: "#15181d", none: "#22262d", hatch: "#4a505b", better: "#7fb8e6", worse: "#f0a35e", unsure: "#a6abb5", past: "#c9a9de" }
      : { text: "#1f2328", soft: "#5b6270", line: "#e2e5ea", bg: "#ffffff", none: "#f3f4f6", hatch: "#c3c8d0", better: "#2166ac", worse: "#b35806", unsure: "#5b6270", past: "#7b4d94" };
  }
  function luminance(color) {
    var part = [1, 3, 5].map(function (i) { var v = parseInt(color.slice(i, i + 2), 16) / 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  }
  // A colour of marks as it is seen on the ground: on a dark one it is brought nearer to white until it is told from it.
  function seenOn(t, color) {
    var ground = luminance(t.bg), of = color;
    for (var i = 1; i <= 10 && ground < 0.2 && (luminance(of) + 0.05) / (ground + 0.05) < 3.5; i++) {
      of = "#" + [1, 3, 5].map(function (at) { var v = parseInt(color.slice(at, at + 2), 16); return (256 + Math.round(v + (255 - v) * i / 10)).toString(16).slice(1); }).join("");
    }
    return of;
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
  function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }
  // What an object has by that name, and not what all objects have.
  function own(of, name) { return of && Object.prototype.hasOwnProperty.call(of, name) ? of[name] : undefined; }
  // A text of SQL.
  function literal(text) { return "'" + String(text).replace(/'/g, "''") + "'"; }
  // A label as it is: texts for a label are templates.
  function plain(text) { return function () { return text; }; }
  function many(n, one, more) { return n + " " + (n === 1 ? one : more); }
  function put(into, from) { for (var k in from) into[k] = from[k]; return into; }
  function regionsOf(data, ep) { return data.regions.filter(function (r) { return r.episode === ep; }); }
  function episodeOf(data, ep) { return data.episodes.filter(function (e) { return e.episode === ep; })[0]; }
  function has(v) { return v !== null && v !== undefined; }
  // What is measured, and by which periods, in words.
  var flows = { exports: key("exports"), imports: key("imports") };
  var frequencies = { year: key("year"), quarter: key("quarter"), month: key("month") };
  function measureOf(data) { return say(own(flows, data.meta.measure) || String(data.meta.measure)); }
  function frequencyOf(e) { return say(own(frequencies, e.frequency) || String(e.frequency)); }
  // The words of an index at the head of something, and in a sentence, which is its column, too.
  var measures = {
    resistance: [key("Resistance"), key("resistance"), "resistance_low", "resistance_high"],
    recovery: [key("Recovery"), key("recovery"), "recovery_low", "recovery_high"],
    upgrading: [key("Upgrading of the product structure"), "upgrading", null, null]
  };
  // Why there is no number: the codes that tables have, in words.
  var reasons = {
    benchmark_near_zero: key("expected growth is too near zero to divide by"),
    is_benchmark: key("it is what it would be compared with"),
    no_base: key("nothing at the base"),
    no_benchmark: key("nothing to compare with"),
    no_boundaries: key("no boundaries"),
    no_complexity_covered: key("none of its products has a complexity"),
    no_convergence: key("the iterations did not converge"),
    no_donors: key("no region with all periods to compare with"),
    no_exports: key("no exports"),
    no_interval: key("no interval"),
    no_loss: key("nothing was lost"),
    no_neighbours: key("no neighbours"),
    no_replicates: key("nothing is drawn anew"),
    no_spread: key("all values are equal"),
    no_variation: key("no variation before"),
    not_converged: key("the iterations did not converge"),
    not_recovered: key("not recovered by the end"),
    not_unique: key("the complexity is not unique"),
    nothing_expected: key("nothing was expected"),
    one_benchmark: key("one benchmark only"),
    one_product: key("one product only"),
    region_changed: key("its borders changed"),
    small_base: key("too little at the base"),
    too_few_periods: key("too few periods"),
    too_few_regions: key("too few regions"),
    trough_zero: key("nothing at the trough"),
    year_missing: key("a period without records"),
    zero_level: key("a period with nothing")
  };
  // A code without words is said as it is.
  function reasonOf(code) { var of = own(reasons, code); return of ? say(of) : code.replace(/_/g, " "); }
  function listed(texts) { return texts.join(say(", ")); }
  // Marks about two lines at zero. An axis has a `name`, its least and greatest value, and `say`, which makes texts of its numbers.
  function crossed(o, t, x, y, marks) {
    function scale(a, gap) { return axis(t, { name: a.name, nameLocation: "middle", nameGap: gap, min: a.min, max: a.max, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: a.say } }); }
    o.xAxis = scale(x, 28); o.yAxis = scale(y, y.gap || 40);
    o.series = [{ type: "scatter", clip: true, data: marks.map(function (m) { return { value: [Math.max(x.min, Math.min(x.max, m.x)), Math.max(y.min, Math.min(y.max, m.y))], row: m.row, symbol: m.symbol || "circle", symbolRotate: m.rotate || 0, symbolSize: m.size, itemStyle: { color: m.color, opacity: 0.8, borderColor: t.bg }, label: m.label || { show: false } }; }), labelLayout: { hideOverlap: true },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }, { yAxis: 0 }] } }];
  }
  function sizeOf(value, largest) { return 7 + 33 * Math.sqrt(Math.max(0, value) / (largest || 1)); }
  // So far from zero that all but the outermost are nearer.
  function reach(values) { var v = values.map(Math.abs).sort(function (a, b) { return a - b; }); return v[Math.min(v.length - 1, Math.floor(v.length * 0.97))] * 1.1; }
  // What a region is compared with: in words, by a colour of where it comes from, and a mark, which is filled or a ring.
  var benchmarks = {
    aggregate: [key("all regions"), "#2166ac", "circle", true],
    aggregate_loo: [key("all other regions"), "#2166ac", "circle", false],
    mix: [key("its products in all regions"), "#35978f", "diamond", true],
    mix_loo: [key("its products in the other regions"), "#35978f", "diamond", false],
    own_trend: [key("its trend before"), "#e08214", "triangle", true],
    own_mean: [key("its mean before"), "#e08214", "triangle", false],
    own_linear: [key("its line before"), "#b35806", "rect", true],
    own_log_linear: [key("its line of logs before"), "#b35806", "rect", false],
    own_ar1: [key("its autoregression"), "#b35806", "arrow", true],
    synthetic: [key("synthetic control"), "#9970ab", "roundRect", true],
    matrix_completion: [key("matrix completion"), "#9970ab", "roundRect", false],
    reference: [key("the reference economy"), "#8c8c8c", "circle", true],
    reference_mix: [key("its products in the reference economy"), "#8c8c8c", "diamond", true]
  };
  function benchmarkOf(name) {
    var of = own(benchmarks, name);
    return of ? [say(of[0])].concat(of.slice(1)) : [name, "#8c8c8c", "circle", false];
  }
  function certain(data, ep, list) { return (own(data.certainty, ep) || {})[list] || []; }
  function points(v) { return (v < 0 ? "−" : "") + +Math.abs(100 * v).toFixed(2); }
  function greatest(values) { return values.reduce(function (a, b) { return Math.max(a, b); }, 0); }
  // The first and the last of many rows, and between them none.
  function ends(rows, n) { return n > 30 ? rows.slice(0, 15).concat([null], rows.slice(-15)) : rows; }
  function cut(n) { return n > 30 ? " " + say("Shown: the first 15 and the last 15 of {n} regions.", { n: n }) : ""; }
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
    var named = shown.map(function (r) { return r ? own(data.names, r.region_code) || r.region_code : ""; });
    var room = Math.max(70, Math.min(130, data.room / 4 - 8), widestWord(named, 11, data.room / 3));
    var names = shown.map(function (r, i) { return r ? fitted(named[i], room, 11) : [say("{n} more", { n: left })]; });
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
  function widthOf(text, size, bold) { return echarts.format.getTextRect(text, (bold ? "bold " : "") + size + "px " + FONT).width; }
  // Where a text may break: at blanks that are no ties, and between the letters of scripts that have none, but not before what closes or behind what opens.
  var PIECES = /[^\S\u00a0\u202f]*[（「『《【〈]*(?:[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]|(?:[^\s\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]|[\u00a0\u202f])+)[、。，．：；！？）」』》】〉]*/g;
  // A text in lines that are at most `room` pixels wide, and no letter less.
  function fitted(text, room, size, bold) {
    var out = [];
    (String(text).trim().match(PIECES) || [""]).forEach(function (piece) {
      var last = out.length - 1, behind = piece.replace(/^\s+/, " ");
      if (last >= 0 && widthOf(out[last] + behind, size, bold) <= room) { out[last] += behind; return; }
      var whole = piece.trim();
      if (widthOf(whole, size, bold) <= room) { out.push(whole); return; }
      out.push("");
      Array.from(whole).forEach(function (letter) {
        var at = out.length - 1;
        if (out[at] && widthOf(out[at] + letter, size, bold) > room) out.push(letter); else out[at] += letter;
      });
    });
    return out;
  }
  // The widest word of texts, but no more than `most`: in less room it would be broken.
  function widestWord(texts, size, most) {
    return Math.min(most, greatest(texts.join(" ").split(/\s+/).map(function (word) { return widthOf(word, size); })));
  }
  // A count with separators of thousands.
  function whole(n) { return String(n).replace(/\B(?=(\d{3})+$)/g, ","); }
  // Even numbers about `low` and `high`, some `n` steps apart.
  function even(low, high, n) {
    var raw = (high - low || Math.abs(high) || 1) / n, power = Math.pow(10, Math.floor(Math.log10(raw))), of = raw / power;
    var step = power * (of <= 1 ? 1 : of <= 2 ? 2 : of <= 2.5 ? 2.5 : of <= 5 ? 5 : 10);
    var from = Math.floor(low / step + 1e-9), to = Math.ceil(high / step - 1e-9), all = [];
    if (to === from) to++;
    for (var i = from; i <= to; i++) all.push(+(i * step).toPrecision(12));
    return { min: all[0], max: all[all.length - 1], interval: step, all: all };
  }
  // Where things that are `h` high stand, as near to their `y` as none over another lets them,
  // between two heights.
  function apart(items, top, bottom) {
    var order = items.map(function (x, i) { return i; }).sort(function (a, b) { return items[a].y - items[b].y || a - b; }), at = [];
    order.forEach(function (i, k) { var before = order[k - 1]; at[i] = Math.max(items[i].y, k ? at[before] + (items[before].h + items[i].h) / 2 : top + items[i].h / 2); });
    // What is too low goes up again, and moves those above it.
    for (var k = order.length - 1, floor = bottom; k >= 0; k--) { var i = order[k]; at[i] = Math.min(at[i], floor - items[i].h / 2); floor = at[i] - items[i].h / 2; }
    return at;
  }
  // What marks mean, in lines as wide as a figure: an entry has a `text`, a `color`, and a `mark`
  // (line, dashed, dotted, box, upright, or a symbol of ECharts).
  function keyed(t, entries, wide, top) {
    // Letters are a little higher than their lines.
    var x = 0, y = top + 4, out = [];
    entries.forEach(function (entry) {
      var lines = fitted(entry.text, wide - 26, 12), size = 24 + greatest(lines.map(function (line) { return widthOf(line, 12); }));
      if (x && x + size > wide) { x = 0; y += 20; }
      out.push(mark(entry, x, y));
      lines.forEach(function (line, i) { out.push({ type: "text", silent: true, x: x + 24, y: y + 16 * i, style: { text: line, fontSize: 12, fill: t.text, fontFamily: FONT, verticalAlign: "top" } }); });
      y += 16 * (lines.length - 1); x += size + 16;
    });
    return { graphic: out, height: y - top + (entries.length ? 26 : 0) };
  }
  function mark(entry, x, y) {
    var dashes = { dashed: [5, 4], dotted: [2, 3] };
    if (entry.mark === "box") return { type: "rect", silent: true, shape: { x: x, y: y + 1, width: 18, height: 12 }, style: { fill: entry.color, opacity: entry.opacity || 1 } };
    if (entry.mark === "upright") return { type: "line", silent: true, shape: { x1: x + 9, y1: y, x2: x + 9, y2: y + 14 }, style: { stroke: entry.color, lineWidth: 2 } };
    if (entry.mark === "line" || own(dashes, entry.mark)) return { type: "line", silent: true, shape: { x1: x, y1: y + 7, x2: x + 18, y2: y + 7 }, style: { stroke: entry.color, lineWidth: entry.mark === "line" ? 3 : 2, lineDash: own(dashes, entry.mark) } };
    return put({ silent: true }, dot(entry.mark, x + 9, y + 7, 5, entry.color, entry.ground));
  }
  // A mark of a specification: filled, or with `ground` a ring.
  function dot(shape, x, y, r, color, ground) {
    var style = ground ? { fill: ground, stroke: color, lineWidth: 1.8 } : { fill: color, stroke: color, lineWidth: 1 };
    var corners = { diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]], triangle: [[0, -1.2], [1.15, 0.9], [-1.15, 0.9]], rect: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]] }[shape];
    if (!corners) return { type: "circle", shape: { cx: x, cy: y, r: r }, style: style };
    return { type: "polygon", shape: { points: corners.map(function (c) { return [x + r * c[0], y + r * c[1]]; }) }, style: style };
  }
  Object.assign(charts, { FONT, amounts, apart, axis, bars, base, benchmarkOf, benchmarks, capital, certain, crossed, cut, dot, ends,
    episodeOf, esc, even, fitted, frequencyOf, greatest, has, hatch, hundredths, key, keyed, kinds, legendLines, listed, literal, luminance, many, measureOf, measures, money, number, own, percent,
    plain, points, put, reach, reasonOf, regionsOf, rowsOf, say, sayMany, seenOn, sizeOf, speak, theme,
    whole, widestWord, widthOf });
})();
