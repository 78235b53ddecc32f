// Lines over periods: what was, and what was expected.
(function () {
  "use strict";
  const { apart, axis, base, benchmarkOf, capital, episodeOf, esc, even, fitted, frequencyOf, greatest, has, hundredths, key, keyed, legendLines, literal, measureOf, money, number,
    own, put, reasonOf, regionsOf, say, sayMany, theme, widthOf } = charts;
  const EXPECTED = "#e08214", FOUND = "#2166ac", PAST = "#9970ab", SHOCK = "rgba(224,130,20,0.14)";
  // Small figures that are drawn of many regions, and how high one is.
  const MOST = 24, TALL = 112;
  function size(v) { return hundredths(number(Math.abs(100 * v), 1)); }
  // The sign of what is said with one digit behind the point.
  function sign(v) { return Math.abs(100 * v) < 0.05 ? 0 : v < 0 ? -1 : 1; }
  function lastOf(base) { return base.split(", ").pop(); }
  function levelOf(data) { return hundredths(number(100 * data.meta.level, 0)); }
  // What became of all together, whichever way they went: by the signs of both changes.
  const NATIONAL = {
    "-1 -1": key("{measure} fell by {a} from {base} to {trough}, then fell by {b} to {end}"),
    "-1 0": key("{measure} fell by {a} from {base} to {trough}, and stayed there to {end}"),
    "-1 1": key("{measure} fell by {a} from {base} to {trough}, then rose by {b} to {end}"),
    "0 -1": key("{measure} stayed as it was from {base} to {trough}, then fell by {b} to {end}"),
    "0 0": key("{measure} stayed as it was from {base} to {trough}, and to {end}"),
    "0 1": key("{measure} stayed as it was from {base} to {trough}, then rose by {b} to {end}"),
    "1 -1": key("{measure} grew by {a} from {base} to {trough}, then fell by {b} to {end}"),
    "1 0": key("{measure} grew by {a} from {base} to {trough}, and stayed there to {end}"),
    "1 1": key("{measure} grew by {a} from {base} to {trough}, then rose by {b} to {end}")
  };
  function became(data, e) {
    var known = has(e.base_value) && has(e.trough_value) && has(e.end_value) && e.base_value > 0 && e.trough_value > 0, name = capital(measureOf(data));
    if (!known) return say("{measure} from {base} to {end}: not all regions together are known at base, trough and end", { measure: name, base: e.base, end: e.end });
    var a = e.trough_value / e.base_value - 1, b = e.end_value / e.trough_value - 1;
    return say(NATIONAL[sign(a) + " " + sign(b)], { measure: name, a: size(a), b: size(b), base: e.base, trough: e.trough, end: e.end });
  }
  // From the last period of the base to the trough; named where `label` says so.
  function shock(t, e, label) {
    return { silent: true, itemStyle: { color: SHOCK }, data: [[{ xAxis: lastOf(e.base), name: say("shock"), label: { show: !!label, color: t.soft, position: "insideTop", fontSize: 11 } }, { xAxis: e.trough }]] };
  }
  // Between what a value is expected to be: an area on its lower end, which is not drawn.
  function band(name, colour, low, high) {
    var hidden = { lineStyle: { opacity: 0 }, itemStyle: { color: colour, opacity: 0.35 }, type: "line", stack: "interval", stackStrategy: "all", symbol: "none", silent: true, z: 1 };
    return [put({ name: "low", data: low }, hidden),
      put({ name: name, data: high.map(function (v, i) { return has(v) && has(low[i]) ? v - low[i] : null; }), areaStyle: { color: colour, opacity: 0.2 } }, hidden)];
  }
  function national(data, ep, dark) {
    var t = theme(dark), e = episodeOf(data, ep), o = base(t), unit = data.meta.unit, wide = data.whole || data.room, height = 360;
    var path = own(data.national_paths, ep) || [], model = own(data.national_own, ep), last = lastOf(e.base), periods = path.map(function (p) { return p[0]; });
    function expected(period) { return model && own(model.periods, period) || [null, null, null]; }
    var lines = [{ name: measureOf(data), color: t.better, ink: t.better, width: 3, values: path.map(function (p) { return p[1]; }) }];
    // The expected path sets out from the base.
    if (path.some(function (p) { return has(p[2]); })) lines.push({ name: say("trend before the base"), color: EXPECTED, ink: t.worse, width: 2, dash: "dashed", values: path.map(function (p) { return p[0] === last ? e.base_value : p[2]; }) });
    if (model) lines.push({ name: say("as {model}", { model: benchmarkOf(model.model)[0] }), color: PAST, ink: t.past, width: 2, dash: "dotted", values: periods.map(function (p) { return expected(p)[0]; }) });
    lines.push({ name: say("base"), color: t.soft, ink: t.soft, width: 1, dash: "dotted", values: periods.map(function () { return e.base_value; }) });
    var low = periods.map(function (p) { return expected(p)[1]; }), high = periods.map(function (p) { return expected(p)[2]; }), interval = say("{level} interval", { level: levelOf(data) });
    var found = [0].concat([].concat.apply([], lines.map(function (l) { return l.values; }))).filter(has), most = greatest(found);
    // An interval that is much wider than the lines would press them flat: it is cut by the frame.
    var scale = even(Math.min.apply(null, found), Math.min(1.5 * most, Math.max.apply(null, high.filter(has).concat(most))), 5), is_cut = high.some(function (v) { return has(v) && v > scale.max; });
    var left = 12 + greatest(scale.all.map(function (v) { return widthOf(money(v), 12); }));
    o.tooltip.trigger = "axis";
    o.tooltip.formatter = function (of) {
      var i = (of[0] || of).dataIndex;
      return "<b>" + esc(periods[i]) + "</b>" + lines.filter(function (l) { return has(l.values[i]); }).map(function (l) { return "<br>" + esc(l.name) + " " + esc(money(l.values[i], unit)); }).join("") +
        (has(low[i]) ? "<br>" + esc(interval) + " " + esc(money(low[i])) + " – " + esc(money(high[i], unit)) : "");
    };
    // At the ends of the lines, where there is room beside them.
    var texts = lines.map(function (l) { return fitted(l.name, 150, 12); }), right = 16 + greatest(texts.map(function (of) { return greatest(of.map(function (line) { return widthOf(line, 12); })); }));
    var key = { graphic: [], height: 0 };
    if (data.narrow) {
      right = 16;
      key = keyed(t, lines.map(function (l) { return { text: l.name, color: l.color, mark: l.dash || "line" }; }).concat(model ? [{ text: interval, color: PAST, mark: "box", opacity: 0.3 }] : []), wide - 8, 0);
    }
    // The first and the last period stand below the ends of the lines.
    if (periods.length) { left = Math.max(left, widthOf(periods[0], 12) / 2 + 2); right = Math.max(right, widthOf(periods[periods.length - 1], 12) / 2 + 2); }
    var top = 14 + key.height, bottom = 30;
    o.graphic = key.graphic;
    o.grid = { left: left, right: right, top: top, bottom: bottom, containLabel: false, outerBoundsMode: "none" };
    o.xAxis = axis(t, { type: "category", data: periods, boundaryGap: false });
    o.yAxis = axis(t, { type: "value", min: scale.min, max: scale.max, interval: scale.interval, axisLabel: { color: t.soft, formatter: function (v) { return money(v); } } });
    function heightOf(v) { return top + (scale.max - v) / (scale.max - scale.min) * (height - top - bottom); }
    var ends = lines.map(function (l, i) { var v = l.values.filter(has).pop(); return { y: has(v) ? heightOf(v) : bottom, h: 15 * texts[i].length }; }), at = apart(ends, 0, height - bottom);
    o.series = lines.map(function (l, i) {
      var is_found = i === 0;
      return { name: l.name, type: "line", data: l.values, symbol: is_found ? "emptyCircle" : "none", symbolSize: is_found && path.length <= 40 ? 7 : 0, connectNulls: l.dash === "dashed", z: is_found ? 3 : 2,
        lineStyle: { width: l.width, color: l.color, type: l.dash || "solid" }, itemStyle: { color: l.color },
        endLabel: { show: !data.narrow, formatter: function () { return texts[i].join("\n"); }, color: l.ink, fontFamily: charts.FONT, fontSize: 12, lineHeight: 15, fontWeight: is_found ? "bold" : "normal", distance: 6, offset: [0, at[i] - ends[i].y] },
        markArea: is_found ? shock(t, e, true) : undefined };
    });
    if (model) o.series = o.series.concat(band(interval, PAST, low, high));
    var trough = path.filter(function (p) { return p[0] === e.trough; })[0], short = trough && has(trough[2]) && trough[2] > 0 && has(trough[1]) ? trough[1] / trough[2] - 1 : null;
    var notes = [sayMany(e.n_regions_compared, "{n} region, reported at base, trough and end.", "Sum of {n} regions that are reported at base, trough and end.")];
    if (lines.some(function (l) { return l.dash === "dashed"; })) notes.push(say("Dashed: the base, grown as in the years before it."));
    if (has(short)) notes.push(short < 0 ? say("{trough} was {a} below it.", { trough: e.trough, a: size(short) }) : say("{trough} was {a} above it.", { trough: e.trough, a: size(short) }));
    if (model) notes.push(say("Dotted: as a model of the years before expects ({model}), in its prediction interval of {level}.", { model: model.model, level: levelOf(data) }));
    if (is_cut) notes.push(say("The interval is cut by the frame."));
    var columns = ["period", "value", "expected_value"], more = "";
    if (model) {
      columns = columns.concat("model_value", "model_low", "model_high");
      more = ["value", "low", "high"].map(function (c) { return ", max(case when benchmark = " + literal(model.model) + " then expected_" + c + " end) as model_" + c; }).join("");
    }
    return { id: "national-" + ep, title: became(data, e), is_wide: true,
      subtitle: say("{measure} of all regions, {unit}, by {frequency}", { measure: capital(measureOf(data)), unit: unit, frequency: frequencyOf(e) }),
      note: notes.join(" "), source: "resilience.nation_period, resilience.episode", height: height, option: o,
      columns: columns, rows: path.map(function (p) { return model ? p.slice(0, 3).concat(expected(p[0])) : p.slice(0, 3); }),
      sql: "select period, max(value) as value, max(case when benchmark = 'own_trend' then expected_value end) as expected_value" + more +
        " from resilience.nation_period where episode = " + literal(ep) + " group by period order by period" };
  }
  // What a legend has of these lines: marks and dashes as in the figure, and a box for the interval.
  function keys(names) {
    return names.map(function (name, i) { return i === 3 ? { name: name, icon: "rect" } : i ? { name: name, itemStyle: { opacity: 0 } } : { name: name }; }).filter(function (key) { return key.name; });
  }
  // What was, what was expected of it, and between what it may be: lines over periods. A name that is not there has no line.
  function along(names, points, more) {
    function of(k) { return points.map(function (x) { return x[k]; }); }
    var out = [
      { name: names[0], type: "line", data: of(0), symbolSize: 6, lineStyle: { width: 3, color: FOUND }, itemStyle: { color: FOUND } }
    ];
    if (names[1]) out.push({ name: names[1], type: "line", data: of(1), symbol: "none", lineStyle: { type: "dashed", width: 2, color: EXPECTED }, itemStyle: { color: EXPECTED } });
    if (names[2]) out.push({ name: names[2], type: "line", data: of(2), symbol: "none", lineStyle: { type: "dotted", width: 2, color: PAST }, itemStyle: { color: PAST } });
    if (names[3]) out = out.concat(band(names[3], PAST, of(3), of(4)));
    return out.map(function (series) { return put(series, more); });
  }
  // Between what a region's values at the trough and at the end may be, as the intervals of its
  // indices have it: an index is growth less that of all, over its size. None where the path has
  // another value there than the index is of.
  function spans(data, ep, region, path) {
    var e = episodeOf(data, ep), r = regionsOf(data, ep).filter(function (x) { return x.region_code === region; })[0], out = [];
    function at(period) { var found = path.filter(function (x) { return x[0] === period; })[0]; return found ? found[1] : null; }
    function add(period, from, growth, index, low, high) {
      function value(v) { return from * (1 + growth + Math.abs(growth) * v); }
      var found = at(period);
      if (![from, growth, index, low, high, found].every(has) || !(from > 0) || Math.abs(value(index) - found) > 1e-9 * Math.abs(found)) return;
      out.push([period, Math.max(0, value(low)), value(high)]);
    }
    if (!r) return out;
    add(e.trough, r.base_value, e.resistance_growth, r.resistance, r.resistance_low, r.resistance_high);
    add(e.end, at(e.trough), e.recovery_growth, r.recovery, r.recovery_low, r.recovery_high);
    return out;
  }
  // These as upright lines with ends.
  function uprights(name, colour, spans, more) {
    return put({ name: name, type: "custom", silent: true, clip: true, z: 4, encode: { x: 0, y: [1, 2] }, itemStyle: { color: colour }, data: spans, renderItem: function (params, api) {
      var a = api.coord([api.value(0), api.value(1)]), b = api.coord([api.value(0), api.value(2)]);
      function line(x1, y1, x2, y2) { return { type: "line", shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: { stroke: colour, lineWidth: 1.5 } }; }
      return { type: "group", children: [line(a[0], a[1], b[0], b[1]), line(a[0] - 3, a[1], a[0] + 3, a[1]), line(b[0] - 3, b[1], b[0] + 3, b[1])] };
    } }, more);
  }
  // Where a region was at the trough and at the end, beside what was expected: by the signs of both
  // gaps.
  const GAPS = {
    "-1 -1": key("{region} was {a} below the path of all regions in {trough}, and {b} below it in {end}"),
    "-1 0": key("{region} was {a} below the path of all regions in {trough}, and on it in {end}"),
    "-1 1": key("{region} was {a} below the path of all regions in {trough}, and {b} above it in {end}"),
    "0 -1": key("{region} was on the path of all regions in {trough}, and {b} below it in {end}"),
    "0 0": key("{region} was on the path of all regions in {trough}, and in {end}"),
    "0 1": key("{region} was on the path of all regions in {trough}, and {b} above it in {end}"),
    "1 -1": key("{region} was {a} above the path of all regions in {trough}, and {b} below it in {end}"),
    "1 0": key("{region} was {a} above the path of all regions in {trough}, and on it in {end}"),
    "1 1": key("{region} was {a} above the path of all regions in {trough}, and {b} above it in {end}")
  };
  // What a region had over what was expected of it, less one.
  function gap(path, period) { var x = path.filter(function (p) { return p[0] === period; })[0]; return x && has(x[1]) && x[2] > 0 ? x[1] / x[2] - 1 : null; }
  function went(data, e, region, path) {
    var a = gap(path, e.trough), b = gap(path, e.end), name = own(data.names, region) || region;
    if (!has(a) || !has(b)) return say("{region} from {base} to {end}: not known at base, trough and end", { region: name, base: e.base, end: e.end });
    return say(GAPS[sign(a) + " " + sign(b)], { region: name, a: size(a), b: size(b), trough: e.trough, end: e.end });
  }
  // The rows of regions' paths, with what a model of each one's own past expects where there is
  // one.
  function pathSql(data, ep, regions, indexed) {
    var of_model = {}, cases = [];
    regions.forEach(function (region) { var m = own(own(data.own_paths, ep), region); if (m) (of_model[m.model] = of_model[m.model] || []).push(literal(region)); });
    Object.keys(of_model).forEach(function (model) { cases.push("when p.region_code in (" + of_model[model].join(", ") + ") then " + literal(model)); });
    function cell(of, name) { return indexed ? "100 * " + of + " / cast(r.base_value as double) as " + name : of + " as " + name; }
    return "select p.region_code, p.period, " + cell("p.value", "value") + ", " + cell("p.expected_value", "expected_value") +
      (cases.length ? ["value", "low", "high"].map(function (c) { return ", " + cell("o.expected_" + c, "model_" + c); }).join("") : "") + " from resilience.region_period p" +
      (indexed ? " join panel.region r on r.episode = p.episode and r.region_code = p.region_code" : "") +
      (cases.length ? " left join resilience.region_period o on o.episode = p.episode and o.region_code = p.region_code and o.period = p.period and o.benchmark = case " + cases.join(" ") + " end and o.expected_low is not null" : "") +
      " where p.benchmark = 'aggregate' and p.episode = " + literal(ep) + " and p.region_code in (" + regions.map(literal).join(", ") + ") order by p.region_code, p.period";
  }
  function byCode(a, b) { return a < b ? -1 : a > b ? 1 : 0; }
  function pathRows(data, ep, regions, of) {
    var is_own = regions.some(function (region) { return own(own(data.own_paths, ep), region); }), rows = [];
    regions.slice().sort(byCode).forEach(function (region) {
      var model = own(own(data.own_paths, ep), region);
      own(own(data.paths, ep), region).forEach(function (x) {
        var expected = model && own(model.periods, x[0]) || [null, null, null];
        rows.push([region, x[0]].concat([x[1], x[2]].concat(is_own ? expected : []).map(function (v) { return has(v) ? of(v, region) : null; })));
      });
    });
    return { columns: ["region_code", "period", "value", "expected_value"].concat(is_own ? ["model_value", "model_low", "model_high"] : []), rows: rows };
  }
  function path(data, ep, region, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), p = own(own(data.paths, ep), region) || [];
    if (!p.length) return null;
    var model = own(own(data.own_paths, ep), region), unit = data.meta.unit, level = levelOf(data), found = spans(data, ep, region, p);
    function expected(period) { return model && own(model.periods, period) || [null, null, null]; }
    var names = [measureOf(data), say("as all regions grew")].concat(model ? [say("as {model}", { model: benchmarkOf(model.model)[0] }), say("{level} interval", { level: level })] : []);
    o.tooltip.trigger = "axis";
    o.tooltip.formatter = function (of) {
      var x = p[(of[0] || of).dataIndex], m = expected(x[0]);
      return "<b>" + esc(x[0]) + "</b><br>" + esc(names[0]) + " " + esc(money(x[1], unit)) + "<br>" + esc(names[1]) + " " + esc(money(x[2], unit)) +
        (has(m[0]) ? "<br>" + esc(names[2]) + " " + esc(money(m[0], unit)) + " (" + esc(money(m[1])) + " – " + esc(money(m[2], unit)) + ")" : "");
    };
    o.legend = { data: keys(names), top: 0, left: 0, textStyle: { color: t.soft } }; o.grid.top = 14 + 22 * legendLines(data, names, 40);
    o.xAxis = axis(t, { type: "category", boundaryGap: false, data: p.map(function (x) { return x[0]; }) });
    o.yAxis = axis(t, { type: "value", axisLabel: { color: t.soft, formatter: function (v) { return money(v); } } });
    o.series = along(names, p.map(function (x) { return [x[1], x[2]].concat(expected(x[0])); }));
    o.series[0].lineStyle.color = o.series[0].itemStyle.color = t.better;
    o.series[0].markArea = shock(t, e, true);
    if (found.length) o.series.push(uprights(say("interval of its indices"), t.soft, found));
    var notes = [say("Dashed: the base, grown as all regions together.")];
    if (model) notes.push(say("Dotted: as the model of its own past expects ({model}), in its prediction interval of {level}.", { model: model.model, level: level }));
    // What has no interval says why.
    var of = regionsOf(data, ep).filter(function (r) { return r.region_code === region; })[0], reason = of && (of.resistance_null_reason || of.recovery_null_reason);
    if (!found.length && !model) notes.push(reason ? say("There is no interval: {reason}.", { reason: reasonOf(reason) }) : say("There is no interval: nothing is drawn anew."));
    if (found.length) notes.push(say("Upright: where the region may have been, by the {level} interval of its indices, which draws its products anew.", { level: level }));
    return put({ id: "path-" + region, title: went(data, e, region, p), subtitle: say("{measure} of {region}, {unit}, by {frequency}", { measure: capital(measureOf(data)), region: own(data.names, region) || region, unit: unit, frequency: frequencyOf(e) }),
      note: notes.join(" "), source: found.length ? "resilience.region_period, panel.region" : "resilience.region_period", height: 320, option: o,
      sql: pathSql(data, ep, [region], false) }, pathRows(data, ep, [region], function (v) { return v; }));
  }
  // Blue is surely better at the trough than expected, orange surely worse; what is not told apart
  // is grey.
  function standing(r) { return has(r.resistance_low) && r.resistance_low > 0 ? "better" : has(r.resistance_high) && r.resistance_high < 0 ? "worse" : "unsure"; }
  // A small figure a region, in percent of the base: the largest where there are many.
  function multiples(data, ep, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), wide = data.whole || data.room, level = levelOf(data), of_ep = own(data.paths, ep) || {};
    var all = regionsOf(data, ep).filter(function (r) { return r.base_value > 0 && (own(of_ep, r.region_code) || []).some(function (x) { return has(x[1]); }); });
    if (!all.length) return null;
    var shown = all.slice().sort(function (a, b) { return b.base_value - a.base_value || byCode(a.region_code, b.region_code); }).slice(0, MOST);
    var panels = shown.map(function (r) {
      var own_model = own(own(data.own_paths, ep), r.region_code), p = own(of_ep, r.region_code);
      function index(v) { return has(v) ? 100 * v / r.base_value : null; }
      return { r: r, gap: gap(p, e.trough), model: own_model, kind: standing(r), periods: p.map(function (x) { return x[0]; }), spans: spans(data, ep, r.region_code, p).map(function (s) { return [s[0], index(s[1]), index(s[2])]; }),
        points: p.map(function (x) { var m = own_model && own(own_model.periods, x[0]) || [null, null, null]; return [x[1], x[0] === lastOf(e.base) ? r.base_value : x[2], m[0], m[1], m[2]].map(index); }) };
    });
    // From the one that held best to the one that fell deepest.
    panels.sort(function (a, b) { return has(a.gap) && has(b.gap) ? b.gap - a.gap : has(b.gap) - has(a.gap); });
    function ends(panel) {
      var values = [100];
      panel.points.forEach(function (x) { values.push(x[0], x[1]); });
      values = values.filter(has);
      return [Math.min.apply(null, values), Math.max.apply(null, values)];
    }
    // One scale, unless it would press most of them flat.
    var each = panels.map(ends), low = Math.min.apply(null, each.map(function (x) { return x[0]; })), high = greatest(each.map(function (x) { return x[1]; }));
    var ranges = each.map(function (x) { return x[1] - x[0]; }).sort(function (a, b) { return a - b; }), is_shared = ranges[Math.floor(ranges.length / 2)] * 4 >= high - low;
    // What may be has room beyond what is: an interval that is much wider would press all lines
    // flat, and is cut by the frame.
    function framed(of, low, high) {
      var may = [], more = (high - low || 10) / 2;
      of.forEach(function (panel) { panel.points.forEach(function (x) { may.push(x[2], x[3], x[4]); }); panel.spans.forEach(function (s) { may.push(s[1], s[2]); }); });
      may = may.filter(has);
      return even(Math.max(0, low - more, Math.min.apply(null, may.concat(low))), Math.min(high + more, Math.max.apply(null, may.concat(high))), 3);
    }
    var one = framed(panels, low, high);
    var scales = each.map(function (x, i) { return is_shared ? one : framed([panels[i]], x[0], x[1]); });
    function whole(v) { return number(v, Math.abs(v - Math.round(v)) < 1e-9 ? 0 : 1); }
    var n = panels.length, columns = Math.min(n, Math.max(1, Math.floor(wide / (data.narrow ? 160 : 215)))), cell = wide / columns;
    var room = 8 + greatest(scales.map(function (s) { return greatest(s.all.map(function (v) { return widthOf(whole(v), 10); })); }));
    var ending = 8 + greatest(panels.map(function (p) { return greatest(p.points.map(function (x) { return Math.max(has(x[0]) ? widthOf(number(x[0], 0), 11, true) : 0, has(x[1]) ? widthOf(number(x[1], 0), 11) : 0); })); }));
    function pct(v) { return (100 * v / wide) + "%"; }
    var entries = [["better", say("surely better than all regions in {trough}", { trough: e.trough })], ["worse", say("surely worse", null)], ["unsure", say("not told apart")]].filter(function (x) { return panels.some(function (p) { return p.kind === x[0]; }); })
      .map(function (x) { return { text: x[1], color: t[x[0]], mark: "line" }; });
    entries.push({ text: say("as all regions grew"), color: t.soft, mark: "dashed" });
    var models = panels.filter(function (p) { return p.model; });
    if (models.length) entries.push({ text: say("as {model}, {level} interval", { model: benchmarkOf(models[0].model.model)[0], level: level }), color: PAST, mark: "box", opacity: 0.3 });
    if (panels.some(function (p) { return p.spans.length; })) entries.push({ text: say("{level} interval of the indices", { level: level }), color: t.soft, mark: "upright" });
    entries.push({ text: say("shock"), color: EXPECTED, mark: "box", opacity: 0.2 });
    var key = keyed(t, entries, wide - 8, 0), at = key.height + 4;
    o.graphic = key.graphic; o.title = []; o.grid = []; o.xAxis = []; o.yAxis = []; o.series = [];
    o.tooltip.trigger = "item";
    var titles = panels.map(function (p) { return fitted(own(data.names, p.r.region_code) || p.r.region_code, cell - 16, 12, true); });
    for (var row = 0; row < n; row += columns) {
      var n_lines = greatest(titles.slice(row, row + columns).map(function (of) { return of.length; }));
      for (var i = row; i < Math.min(n, row + columns); i++) add(i, (i - row) * cell, at, n_lines);
      at += 16 * n_lines + TALL + 36;
    }
    function add(i, left, top, n_lines) {
      var panel = panels[i], s = scales[i], colour = t[panel.kind], gridTop = top + 16 * n_lines + 8, last = panel.periods.length - 1, name = own(data.names, panel.r.region_code) || panel.r.region_code;
      o.title.push({ text: titles[i].join("\n"), left: pct(left + 2), top: top, padding: 0, textStyle: { fontSize: 12, lineHeight: 16, fontWeight: "bold", color: t.text, fontFamily: charts.FONT } });
      o.grid.push({ left: pct(left + room), width: pct(cell - room - ending - 6), top: gridTop, height: TALL, containLabel: false, outerBoundsMode: "none" });
      o.xAxis.push(axis(t, { gridIndex: i, type: "category", boundaryGap: false, data: panel.periods, axisLabel: { color: t.soft, fontSize: 10, interval: function (k) { return k === 0 || k === last; }, showMinLabel: true, showMaxLabel: true, alignMinLabel: last ? "left" : "center", alignMaxLabel: last ? "right" : "center" } }));
      o.yAxis.push(axis(t, { gridIndex: i, type: "value", min: s.min, max: s.max, interval: s.interval, axisLabel: { color: t.soft, fontSize: 10, formatter: whole } }));
      var found = panel.points.map(function (x) { return x[0]; }), expected = panel.points.map(function (x) { return x[1]; });
      function heightOf(values) { var v = values.filter(has).pop(); return has(v) ? gridTop + (s.max - v) / (s.max - s.min) * TALL : gridTop; }
      var items = [{ y: heightOf(found), h: 13 }, { y: heightOf(expected), h: 13 }], stand = apart(items, top + 16 * n_lines, gridTop + TALL + 6);
      function label(k, color, bold) { return { show: true, formatter: function (x) { return number(x.value, 0); }, color: color, fontFamily: charts.FONT, fontSize: 11, fontWeight: bold ? "bold" : "normal", distance: 4, offset: [0, stand[k] - items[k].y] }; }
      var common = { xAxisIndex: i, yAxisIndex: i }, names = [name, say("as all regions grew"), panel.model ? say("as {model}", { model: benchmarkOf(panel.model.model)[0] }) : null, panel.model ? say("{level} interval", { level: level }) : null];
      var lines = along(names, panel.points, common);
      put(lines[0], { symbol: "circle", symbolSize: last > 30 ? 0 : 4, z: 3, lineStyle: { width: 2.5, color: colour }, itemStyle: { color: colour }, endLabel: label(0, colour, true), markArea: shock(t, e, false),
        tooltip: { formatter: function (x) { var k = x.dataIndex, p = panel.points[k]; return "<b>" + esc(name) + "</b>, " + esc(panel.periods[k]) + "<br>" + number(p[0], 1) + (has(p[1]) ? "<br>" + esc(names[1]) + " " + number(p[1], 1) : "") + (has(p[2]) ? "<br>" + esc(names[2]) + " " + number(p[2], 1) + " (" + number(p[3], 1) + " – " + number(p[4], 1) + ")" : ""); } } });
      put(lines[1], { lineStyle: { type: "dashed", width: 1.5, color: t.soft }, itemStyle: { color: t.soft }, endLabel: label(1, t.soft, false), silent: true, connectNulls: true });
      lines.forEach(function (series) { if (series.stack) series.stack += i; o.series.push(series); });
      if (panel.spans.length) o.series.push(uprights(say("interval of its indices"), t.soft, panel.spans, common));
    }
    var compared = all.filter(function (r) { return has(gap(own(of_ep, r.region_code), e.trough)); }), above = compared.filter(function (r) { return sign(gap(own(of_ep, r.region_code), e.trough)) > 0; }).length;
    var later = all.filter(function (r) { return has(gap(own(of_ep, r.region_code), e.end)); }), up = later.filter(function (r) { return sign(gap(own(of_ep, r.region_code), e.end)) > 0; }).length;
    var title = all.length === 1 ? say("{region} is the only region: it is what it is compared with", { region: own(data.names, all[0].region_code) || all[0].region_code })
      : sayMany(compared.length, "{a} of {n} region was above the path of all regions in {trough}, {b} of {m} in {end}", "{a} of {n} regions were above the path of all regions in {trough}, {b} of {m} in {end}", { a: above, b: up, m: later.length, trough: e.trough, end: e.end });
    var notes = [is_shared ? say("All on one scale.") : say("Each has a scale of its own.")];
    if (all.length > n) notes.push(say("Shown: the {n} largest at the base of {all} regions, from the one that held best in {trough} on.", { n: n, all: all.length, trough: e.trough }));
    else if (n > 1) notes.push(say("From the region that held best in {trough} on.", { trough: e.trough }));
    if (!models.length && panels.every(function (p) { return !p.spans.length; })) notes.push(say("There are no intervals: nothing is drawn anew."));
    notes.push(say("Numbers: at the end of the path. Surely: the {level} interval of resistance is on one side of zero.", { level: level }));
    if (panels.some(function (p, i) { function is_cut(v) { return has(v) && (v < scales[i].min || v > scales[i].max); } return p.points.some(function (x) { return x.some(is_cut); }) || p.spans.some(function (s) { return s.slice(1).some(is_cut); }); })) notes.push(say("Intervals beyond a frame are cut."));
    var codes = panels.map(function (p) { return p.r.region_code; }), bases = {};
    panels.forEach(function (p) { bases[p.r.region_code] = p.r.base_value; });
    return put({ id: "paths-" + ep, is_wide: true, title: title, subtitle: say("{measure}, base ({base}) = 100, by {frequency}, beside what they would have been as all regions grew", { measure: capital(measureOf(data)), base: e.base, frequency: frequencyOf(e) }),
      note: notes.join(" "), source: "resilience.region_period, panel.region", height: Math.ceil(at), option: o,
      sql: pathSql(data, ep, codes, true) }, pathRows(data, ep, codes, function (v, region) { return 100 * v / own(bases, region); }));
  }
  Object.assign(charts, { along, keys, multiples, national, path });
})();
