// Regions beside each other: quadrants, rankings, relations.
(function () {
  "use strict";
  const { axis, base, capital, crossed, esc, fitted, framed, greatest, has, key, kinds, literal, measureOf, measures, money, named, number, own, put,
    regionsOf, rowsOf, say, sayMany, seenOn, sizeOf, theme, tick, ticked, usual, widest } = charts;
  // Regions that are so many at most have their intervals drawn, and so many a name each.
  var FEW = 12, NAMED = 60;
  // In a cloud of marks only the largest have a name.
  function nNamed(n) { return n > NAMED ? 15 : n; }
  function cells(rows, columns) { return rows.map(function (r) { return columns.map(function (c) { return has(r[c]) ? r[c] : null; }); }); }
  function least(values) { return values.reduce(function (a, b) { return Math.min(a, b); }, Infinity); }
  // The largest first, so that small ones stand before them.
  function bySize(a, b) { return b.base_value - a.base_value || (a.region_code < b.region_code ? -1 : 1); }
  // A mark that lies beyond a frame: an arrow on its edge that points there.
  function arrow(mark, x, y) {
    var across = mark.x < x.min ? -1 : mark.x > x.max ? 1 : 0, up = mark.y < y.min ? -1 : mark.y > y.max ? 1 : 0;
    mark.at = [Math.max(x.min, Math.min(x.max, mark.x)), Math.max(y.min, Math.min(y.max, mark.y))];
    return across || up ? put(mark, { symbol: "triangle", size: 13, rotate: Math.round(Math.atan2(-across, up) * 180 / Math.PI) }) : mark;
  }
  function indexWords(r, name, f) {
    var said = say(name) + " " + number(r[f]);
    return has(r[f + "_low"]) ? said + " (" + number(r[f + "_low"]) + " – " + number(r[f + "_high"]) + ")" : said;
  }
  // How far the name of an upright axis is from it: beyond its numbers.
  function gapOf(scale) { return widest(scale.ticks.map(tick), 12) + 18; }
  function periods(data, ep) { return data.episodes.filter(function (e) { return e.episode === ep; })[0]; }
  function quadrants(data, ep, dark) {
    var t = theme(dark), o = base(t), e = periods(data, ep), rows = regionsOf(data, ep).filter(function (r) { return has(r.resistance) && has(r.recovery); });
    // One region is all regions, and equals them.
    if (rows.length < 2) return null;
    var largest = greatest(rows.map(function (r) { return r.base_value; })), isFew = rows.length <= FEW;
    var both = rows.filter(function (r) { return r.resistance > 0 && r.recovery > 0; }).length, neither = rows.filter(function (r) { return r.resistance <= 0 && r.recovery <= 0; }).length;
    function scale(f, name, room) {
      var all = rows.map(function (r) { return r[f]; });
      return put(framed(all, usual(all), room, 6), { name: name, say: tick });
    }
    var x = scale("resistance", say("Resistance index"), 0.08), y = scale("recovery", say("Recovery index"), 0.16);
    var marks = rows.slice().sort(bySize).map(function (r) {
      return arrow({ x: r.resistance, y: r.recovery, row: r, text: r.region_name, size: sizeOf(r.base_value, largest), color: seenOn(t, (own(kinds, r.type) || ["#999999"])[0]) }, x, y);
    });
    o.tooltip.formatter = function (p) {
      var r = p.data && p.data.row;
      return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc(indexWords(r, "Resistance", "resistance")) + "<br>" + esc(indexWords(r, "Recovery", "recovery")) + "<br>" + esc(money(r.base_value, data.meta.unit)) : "";
    };
    o.grid = { left: 20, right: 24, top: 20, bottom: 34, containLabel: true };
    y.gap = gapOf(y);
    crossed(o, t, x, y, marks);
    ticked(o.xAxis, x); ticked(o.yAxis, y);
    var crosses = isFew ? marks.filter(function (m) { return has(m.row.resistance_low) && has(m.row.recovery_low); }) : [];
    // Thin, behind the marks, and no longer than the frame.
    o.series.unshift({ type: "custom", silent: true, clip: true, z: 1, encode: { x: 0, y: 1 }, data: crosses.map(function (m) { return m.at; }), renderItem: function (params, api) {
      var m = crosses[params.dataIndex], r = m.row;
      function line(from, to) { return { type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: m.color, lineWidth: 1, opacity: 0.45 } }; }
      function inX(v) { return Math.max(x.min, Math.min(x.max, v)); }
      function inY(v) { return Math.max(y.min, Math.min(y.max, v)); }
      return { type: "group", children: [
        line(api.coord([inX(r.resistance_low), m.at[1]]), api.coord([inX(r.resistance_high), m.at[1]])),
        line(api.coord([m.at[0], inY(r.recovery_low)]), api.coord([m.at[0], inY(r.recovery_high)]))
      ] };
    } });
    o.series.push(named(t, [0, 0], marks.slice(0, nNamed(marks.length)), [say("resisted, recovered"), say("resisted, lagged"), say("fell, recovered"), say("fell, lagged")], [0, 0]));
    var notes = [say("Area: {measure} at the base.", { measure: measureOf(data) })];
    if (crosses.length) notes.push(say("Thin crosses: intervals of {level} %, cut at the frame.", { level: number(100 * data.meta.level, 0) }));
    if (marks.some(function (m) { return m.symbol; })) notes.push(say("Arrows at the edge: regions beyond the frame."));
    if (rows.length > FEW) notes.push(say("Names stand where they have room, the largest regions first."));
    var columns = ["region_code", "region_name", "base_value", "resistance", "resistance_low", "resistance_high", "recovery", "recovery_low", "recovery_high", "type"];
    var title = both && neither ? sayMany(both, "{n} region resisted and recovered better than all regions together, {neither} did neither", "{n} regions resisted and recovered better than all regions together, {neither} did neither", { neither: neither })
      : both ? sayMany(both, "{n} region both resisted and recovered better than all regions together", "{n} regions both resisted and recovered better than all regions together")
      : neither ? sayMany(neither, "No region both resisted and recovered better than all regions together, {n} did neither", "No region both resisted and recovered better than all regions together, {n} did neither")
      : say("No region did better, or worse, than all regions together in both resistance and recovery");
    return { id: "quadrants-" + ep, title: title,
      subtitle: say("Resistance from the base ({base}) to the trough ({trough}), and recovery from there to the end ({end}): 0 is as all regions together, above 0 is better", e),
      note: notes.join(" "), source: "panel.region", height: data.narrow ? 440 : 520, option: o, columns: columns, rows: cells(rows, columns),
      sql: "select region_code, region_name, cast(base_value as double) as base_value, resistance, resistance_low, resistance_high, recovery, recovery_low, recovery_high, type from panel.region where episode = " + literal(ep) + " and resistance is not null and recovery is not null order by region_code" };
  }
  // A line a row, from the second of its values to the third; where the frame cuts it, it ends in an arrow.
  function spans(t, data, low, high) {
    return { type: "custom", silent: true, clip: false, z: 1, encode: { x: [1, 2], y: 0 }, data: data.map(function (d) { return [d[0], Math.max(low, Math.min(high, d[1])), Math.max(low, Math.min(high, d[2])), d[1] < low ? 1 : 0, d[2] > high ? 1 : 0]; }), renderItem: function (params, api) {
      var a = api.coord([api.value(1), api.value(0)]), b = api.coord([api.value(2), api.value(0)]), out = [{ type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: t.soft, lineWidth: 2 } }];
      function head(x, y, step) { out.push({ type: "polygon", shape: { points: [[x, y], [x - 7 * step, y - 4], [x - 7 * step, y + 4]] }, style: { fill: t.soft } }); }
      if (api.value(3)) head(a[0], a[1], -1);
      if (api.value(4)) head(b[0], b[1], 1);
      return { type: "group", children: out };
    } };
  }
  var rankingWords = {
    resistance: {
      none: key("No region's resistance can be told from that of all regions"), noneOfLargest: key("Of the {n} largest regions, none has a resistance that can be told from that of all regions"),
      better: key("{better} of {n} regions resisted surely better than all regions together, none surely worse"), worse: key("{worse} of {n} regions resisted surely worse than all regions together, none surely better"),
      both: key("{better} of {n} regions resisted surely better than all regions together, {worse} surely worse"), unknown: key("No intervals say how sure the resistance of regions is"),
      betterOfLargest: key("{better} of the {n} largest regions resisted surely better than all regions together, none surely worse"), worseOfLargest: key("{worse} of the {n} largest regions resisted surely worse than all regions together, none surely better"),
      bothOfLargest: key("{better} of the {n} largest regions resisted surely better than all regions together, {worse} surely worse"), drawn: key("Resistance index of each region, from the base ({base}) to the trough ({trough}): 0 is as all regions together") },
    recovery: {
      none: key("No region's recovery can be told from that of all regions"), noneOfLargest: key("Of the {n} largest regions, none has a recovery that can be told from that of all regions"),
      better: key("{better} of {n} regions recovered surely better than all regions together, none surely worse"), worse: key("{worse} of {n} regions recovered surely worse than all regions together, none surely better"),
      both: key("{better} of {n} regions recovered surely better than all regions together, {worse} surely worse"), unknown: key("No intervals say how sure the recovery of regions is"),
      betterOfLargest: key("{better} of the {n} largest regions recovered surely better than all regions together, none surely worse"), worseOfLargest: key("{worse} of the {n} largest regions recovered surely worse than all regions together, none surely better"),
      bothOfLargest: key("{better} of the {n} largest regions recovered surely better than all regions together, {worse} surely worse"), drawn: key("Recovery index of each region, from the trough ({trough}) to the end ({end}): 0 is as all regions together") }
  };
  var indexNames = { resistance: key("Resistance index"), recovery: key("Recovery index") };
  var LARGEST = 25;
  function ranking(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], said = rankingWords[measure], rows = regionsOf(data, ep).filter(function (r) { return has(r[m[1]]); });
    if (rows.length < 2) return null;
    var all = rows.length;
    rows = rows.slice().sort(bySize).slice(0, LARGEST).sort(function (a, b) { return b[m[1]] - a[m[1]] || (a.region_code < b.region_code ? -1 : 1); });
    function side(r) { return !has(r[m[2]]) ? 0 : r[m[2]] > 0 ? 1 : r[m[3]] < 0 ? -1 : 0; }
    var known = rows.filter(function (r) { return has(r[m[2]]); }), better = rows.filter(function (r) { return side(r) > 0; }).length, worse = rows.filter(function (r) { return side(r) < 0; }).length;
    var values = rows.map(function (r) { return r[m[1]]; }), far = usual(values), inside = values.filter(function (v) { return Math.abs(v) <= far; }).concat(0);
    // Half as wide again as the indices at each side: what of the intervals is beyond that ends in an arrow.
    var ends = inside.concat(known.map(function (r) { return r[m[2]]; }), known.map(function (r) { return r[m[3]]; })), reach = (greatest(inside) - least(inside)) / 2 || 1;
    var low = Math.max(least(ends), least(inside) - reach), high = Math.min(greatest(ends), greatest(inside) + reach);
    var x = framed([low, high], Infinity, 0.05, data.narrow ? 4 : 6);
    o.grid = { left: 12, right: 16, top: 34, bottom: 34, containLabel: true };
    var height = rowsOf(data, o, t, rows, 0, say("index"), function (r) { return number(r[m[1]]); });
    o.xAxis = ticked(axis(t, { type: "value", name: say(indexNames[measure]), nameLocation: "middle", nameGap: 26, axisLabel: { color: t.soft, formatter: tick } }), x);
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc(indexWords(r, m[0], m[1])) : ""; };
    var colours = { "1": "#2166ac", "0": "#8c8c8c", "-1": "#e08214" };
    o.series = [
      spans(t, rows.map(function (r, i) { return has(r[m[2]]) ? [i, r[m[2]], r[m[3]]] : null; }).filter(Boolean), x.min, x.max),
      { type: "scatter", z: 2, data: rows.map(function (r, i) {
          var v = r[m[1]], beyond = v < x.min ? 90 : v > x.max ? -90 : 0;
          return { value: [Math.max(x.min, Math.min(x.max, v)), i], row: r, symbol: beyond ? "triangle" : "circle", symbolRotate: beyond, symbolSize: beyond ? 13 : 11, itemStyle: { color: seenOn(t, colours[side(r)]) } };
        }), markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] } }
    ];
    var level = number(100 * data.meta.level, 0), notes = [known.length ? say("Lines: intervals of {level} % by bootstrap over products; arrows go on beyond the frame. Blue: surely above 0, orange: surely below, grey: not sure.", { level: level }) : say("There are no intervals: nothing is drawn anew.")];
    if (rows.some(function (r) { return r[m[1]] < x.min || r[m[1]] > x.max; })) notes.push(say("Triangles: regions beyond the frame."));
    if (all > rows.length) notes.push(say("Shown: the {n} with most exports of {all} regions.", { n: rows.length, all: all }));
    var columns = ["region_code", "region_name", "base_value", m[1], m[2], m[3]];
    return { id: measure + "-ranking-" + ep, title: say(known.length ? said[(better && worse ? "both" : better ? "better" : worse ? "worse" : "none") + (rows.length < all ? "OfLargest" : "")] : said.unknown, { better: better, worse: worse, n: rows.length }),
      subtitle: say(said.drawn, periods(data, ep)), note: notes.join(" "), source: "panel.region", height: 34 + 34 + 22 + height, option: o, columns: columns, rows: cells(rows, columns),
      sql: "select * from (select region_code, region_name, cast(base_value as double) as base_value, " + [m[1], m[2], m[3]].join(", ") + " from panel.region where episode = " + literal(ep) + " and " + m[1] + " is not null order by base_value desc, region_code limit " + LARGEST + ") order by " + m[1] + " desc, region_code" };
  }
  // What may explain an index: its name, the name of its axis with its unit, and what it is.
  var explaining = {
    related_variety: [key("related variety"), key("Related variety of exports, bits"), key("Related variety: how evenly exports spread over products of the same kind.")],
    mean_density: [key("density"), key("Mean density over all products, 0 to 1"), key("Density: how near the products that a region specialises in are to a product.")]
  };
  // With fewer regions no line is drawn: their words are said in place of it.
  var FOR_LINE = 20;
  // Student's t at 97.5 % by Cornish and Fisher's expansion: to three digits from eight degrees of freedom on.
  function student(df) {
    var z = 1.959963984540054;
    return z + (Math.pow(z, 3) + z) / (4 * df) + (5 * Math.pow(z, 5) + 16 * Math.pow(z, 3) + 3 * z) / (96 * df * df);
  }
  // The line of least squares with its correlation, the interval of that by Fisher's z, and how far off the line may be at `x`.
  function line(xs, ys) {
    var n = xs.length, mx = 0, my = 0, vx = 0, vy = 0, vxy = 0;
    xs.forEach(function (x, i) { mx += x / n; my += ys[i] / n; });
    xs.forEach(function (x, i) { vx += (x - mx) * (x - mx); vy += (ys[i] - my) * (ys[i] - my); vxy += (x - mx) * (ys[i] - my); });
    if (!(vx > 0) || !(vy > 0)) return null;
    var corr = Math.max(-1, Math.min(1, vxy / Math.sqrt(vx * vy))), slope = vxy / vx, spread = Math.sqrt(Math.max(0, vy - slope * vxy) / (n - 2)), z = Math.atanh(corr), far = 1.959963984540054 / Math.sqrt(n - 3);
    return { corr: corr, low: Math.tanh(z - far), high: Math.tanh(z + far), at: function (x) { return my + slope * (x - mx); },
      off: function (x) { return student(n - 2) * spread * Math.sqrt(1 / n + (x - mx) * (x - mx) / vx); } };
  }
  function relation(data, ep, x, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], said = explaining[x], rows = regionsOf(data, ep).filter(function (r) { return has(r[x]) && has(r[m[1]]); });
    if (rows.length < 4) return null;
    // Tails are pulled in for the line, so that one region does not make it; points stay where they are.
    var n = rows.length, xs = rows.map(function (r) { return r[x]; }), ys = rows.map(function (r) { return r[m[1]]; }), order = ys.slice().sort(function (a, b) { return a - b; });
    var lo = order[Math.floor(0.05 * (n - 1))], hi = order[Math.ceil(0.95 * (n - 1))], isPulled = lo > order[0] || hi < order[n - 1];
    var fit = line(xs, ys.map(function (v) { return Math.max(lo, Math.min(hi, v)); }));
    if (!fit) return null;
    var xmin = least(xs), xmax = greatest(xs), room = 0.08 * (xmax - xmin);
    var sx = { min: xmin - room, max: xmax + room }, sy = framed(ys, usual(ys), 0.1, 5), steps = charts.even(sx.min, sx.max, data.narrow ? 4 : 6);
    sx.ticks = steps.all.filter(function (v) { return v >= sx.min && v <= sx.max; });
    var largest = greatest(rows.map(function (r) { return r.base_value; })), marks = rows.slice().sort(bySize).map(function (r) {
      return arrow({ x: r[x], y: r[m[1]], row: r, text: r.region_name, size: n > NAMED ? 7 : sizeOf(r.base_value, 4 * largest) }, sx, sy);
    });
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc(capital(say(said[0]))) + " " + number(r[x]) + "<br>" + esc(indexWords(r, m[0], m[1])) : ""; };
    var under = fitted(say(said[1]), data.room - 120, 12);
    o.grid = { left: 20, right: 20, top: 20, bottom: 19 + 15 * under.length, containLabel: true };
    o.xAxis = ticked(axis(t, { type: "value", name: under.join("\n"), nameLocation: "middle", nameGap: 28, axisLabel: { color: t.soft, formatter: tick } }), sx);
    o.yAxis = ticked(axis(t, { type: "value", name: say(indexNames[measure]), nameLocation: "middle", nameGap: gapOf(sy), axisLabel: { color: t.soft, formatter: tick } }), sy);
    o.series = n < FOR_LINE ? [] : banded(t, fit, xmin, xmax, sy);
    o.series.push({ type: "scatter", z: 2, data: marks.map(function (k) { return { value: k.at, row: k.row, symbol: k.symbol || "circle", symbolRotate: k.rotate || 0, symbolSize: k.size, itemStyle: { color: n > NAMED ? "#8c8c8c" : t.soft, opacity: 0.75, borderColor: t.bg } }; }),
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.line, type: "solid", width: 1 }, data: [{ yAxis: 0 }] } });
    o.series.push(named(t, [xmin, 0], marks.slice(0, nNamed(marks.length))));
    var spansZero = fit.low <= 0 && fit.high >= 0, values = { x: say(said[0]), X: capital(say(said[0])), y: say(measure), n: n };
    var title = !spansZero ? say(fit.corr > 0 ? "Where {x} is higher, {y} tends to be higher" : "Where {x} is higher, {y} tends to be lower", values)
      : n < FOR_LINE ? say("{n} regions are too few to tell whether {x} and {y} go together", values) : say("{X} and {y} show no clear relation across {n} regions", values);
    var notes = [say("Correlation {corr}, with 95 % between {low} and {high} by Fisher's z; a description, not an effect.", { corr: number(fit.corr), low: number(fit.low), high: number(fit.high) })];
    if (n >= FOR_LINE) notes.push(say("Band: 95 % confidence of the line."));
    if (isPulled) notes.push(say("The outer tenth of the index is pulled in for both."));
    if (marks.some(function (k) { return k.symbol; })) notes.push(say("Arrows at the edge: regions beyond the frame."));
    notes.push(say(said[2]));
    var columns = ["region_code", "region_name", x, m[1]];
    return { id: x + "-" + measure + "-" + ep, title: title, subtitle: say("{X} at the base and {y} of each region", values), note: notes.join(" "), source: "panel.region", height: data.narrow ? 380 : 440, option: o,
      columns: columns, rows: cells(rows, columns), sql: "select " + columns.join(", ") + " from panel.region where episode = " + literal(ep) + " and " + x + " is not null and " + m[1] + " is not null order by region_code" };
  }
  // The line with its band, as far as the frame.
  function banded(t, fit, from, to, sy) {
    var at = [];
    for (var i = 0; i <= 40; i++) at.push(from + (to - from) * i / 40);
    function inside(v) { return Math.max(sy.min, Math.min(sy.max, v)); }
    return [
      { type: "custom", silent: true, clip: true, z: 0, encode: { x: 0, y: 1 }, data: [[from, inside(fit.at(from))]], renderItem: function (params, api) {
        var up = at.map(function (x) { return api.coord([x, inside(fit.at(x) + fit.off(x))]); }), down = at.map(function (x) { return api.coord([x, inside(fit.at(x) - fit.off(x))]); });
        return { type: "polygon", shape: { points: up.concat(down.reverse()) }, style: { fill: t.soft, opacity: 0.15 } };
      } },
      { type: "line", symbol: "none", silent: true, z: 1, data: [from, to].map(function (x) { return [x, inside(fit.at(x))]; }), lineStyle: { color: t.soft, width: 2 }, itemStyle: { color: t.soft } }
    ];
  }
  Object.assign(charts, { cells, nNamed, quadrants, ranking, relation });
})();
