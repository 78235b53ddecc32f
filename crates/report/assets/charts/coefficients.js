// Estimates with their intervals.
(function () {
  "use strict";
  const { FONT, axis, base, capital, dot, esc, even, fitted, greatest, has, hundredths, key, keyed, listed, literal, number, own, put, say, sayMany, theme, widthOf } = charts;
  // Specifications that are told apart by their marks, and regressors that have room.
  const MOST_MARKS = 6, MOST_TERMS = 24;
  const MARKS = [["circle", false], ["diamond", false], ["triangle", false], ["circle", true], ["diamond", true], ["triangle", true]];
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
  function ofIntervals(level) { return say("Lines: {level} % intervals. Blue: zero is outside.", { level: +(100 * level).toPrecision(6) }); }
  // Numbers as texts, with four digits that count.
  function brief(v) {
    var size = Math.abs(v), text = size && (size < 1e-4 || size >= 1e7) ? size.toExponential(2) : size >= 1000 ? size.toFixed(0) : String(+size.toPrecision(3));
    return (v < 0 ? "−" : "") + text.replace("e-", "e−").replace("e+", "e");
  }
  // An estimate and its interval, with so many digits behind the point that the interval has two
  // that count.
  function within(c) {
    var wide = c.to - c.from, digits = wide > 0 ? 1 - Math.floor(Math.log10(wide)) : 3;
    function said(v) { return digits > 6 ? brief(v) : number(v, Math.max(0, digits)); }
    return { estimate: said(c.at), low: said(c.from), high: said(c.to) };
  }
  // A number of an axis.
  function tick(v) { return (v < 0 ? "−" : "") + String(+Math.abs(v).toPrecision(6)); }
  // Units of contracts, in words.
  var units = { ratio: key("ratio"), fraction: key("fraction"), share: key("share"), probability: key("probability"), index: key("index"), rank: key("rank"),
    bits: key("bits"), nats: key("nats"), currency: key("currency"), "z-score": key("z-score"), "log points": key("log points") };
  // From one to another, as units of a contract have it.
  function unitOf(unit) {
    var range = /(?:^|, )(-?\d+)\.\.(-?\d+)$/.exec(unit || "");
    return range ? say("from {low} to {high}", { low: range[1].replace("-", "−"), high: range[2].replace("-", "−") }) : say(own(units, unit) || unit || "");
  }
  // Of what the estimates of an estimator are, where that is no mean of the outcome.
  function scaleOf(c) { return c.estimator === "logit" ? say("log odds") : c.estimator === "ppml" ? say("log points") : unitOf(c.outcome_unit); }
  function distinct(list) { return list.filter(function (x, i) { return list.indexOf(x) === i; }); }
  // The coefficients of a model that are shown: those that it follows, or all but the intercept.
  function of(data, model) {
    return data.coefficients.filter(function (c) {
      var is_followed = !model.focus.length || model.focus.indexOf(c.term) >= 0 || (has(c.level_of) && model.focus.indexOf(c.level_of) >= 0);
      return c.model === model.model && is_followed && has(c.estimate) && has(c.low) && c.term !== "(intercept)";
    });
  }
  // Regressors of several units are compared by what a standard deviation of each does, where all
  // have one.
  function isStandardised(rows) { return distinct(rows.map(function (c) { return c.unit || ""; })).length > 1 && rows.every(function (c) { return has(c.sd); }); }
  function scaled(rows) {
    var by = isStandardised(rows);
    return rows.map(function (c) { var of = by ? c.sd : 1; return put(put({}, c), { of: of, at: c.estimate * of, from: c.low * of, to: c.high * of }); });
  }
  function signOf(c) { return c.low > 0 ? 1 : c.high < 0 ? -1 : 0; }
  function hue(c, t) { return [t.worse, t.unsure, t.better][signOf(c) + 1]; }
  // The finding on the first regressor: on the outcome where most specifications tell it from zero,
  // in the first of them that does.
  function finding(rows, is_per_deviation) {
    var term = rows[0].term, lead = rows.filter(function (c) { return c.term === term; }), outcomes = distinct(lead.map(function (c) { return c.outcome; })), best = null;
    outcomes.forEach(function (outcome) {
      [1, -1].forEach(function (side) {
        var all = lead.filter(function (c) { return c.outcome === outcome; }), sure = all.filter(function (c) { return signOf(c) === side; });
        if (sure.length && (!best || sure.length > best.sure.length)) best = { sure: sure, all: all, side: side };
      });
    });
    var name = capital(rows[0].label), n = lead.length;
    if (!best) return sayMany(n, "{term} is not told from zero in the one estimate that there is", "{term} is not told from zero in any of {n} estimates", { term: name });
    var c = best.sure[0], values = put({ term: name, outcome: c.outcome_label, k: best.sure.length }, within(c));
    if (is_per_deviation) return sayMany(best.all.length,
      best.side > 0 ? "{term} goes with more {outcome}: {estimate} ({low} to {high}) per standard deviation" : "{term} goes with less {outcome}: {estimate} ({low} to {high}) per standard deviation",
      best.side > 0 ? "{term} goes with more {outcome} in {k} of {n} specifications: {estimate} ({low} to {high}) per standard deviation" : "{term} goes with less {outcome} in {k} of {n} specifications: {estimate} ({low} to {high}) per standard deviation", values);
    return sayMany(best.all.length,
      best.side > 0 ? "{term} goes with more {outcome}: {estimate} ({low} to {high}) per unit" : "{term} goes with less {outcome}: {estimate} ({low} to {high}) per unit",
      best.side > 0 ? "{term} goes with more {outcome} in {k} of {n} specifications: {estimate} ({low} to {high}) per unit" : "{term} goes with less {outcome} in {k} of {n} specifications: {estimate} ({low} to {high}) per unit", values);
  }
  // What draws a panel: terms from the top, the specifications of each below each other, with their
  // intervals.
  function forest(t, rows, terms, specs, at) {
    return { type: "custom", clip: true, xAxisIndex: at, yAxisIndex: at, encode: { x: [1, 2, 3], y: 0 }, data: rows.map(function (c) { return [terms.indexOf(c.term), c.from, c.at, c.to]; }),
      renderItem: function (params, api) {
        var c = rows[params.dataIndex], k = specs.indexOf(c.specification), mark = MARKS[k], colour = hue(c, t), y = api.coord([0, api.value(0)])[1] + 13 * (k - (specs.length - 1) / 2);
        var from = api.coord([api.value(1), 0])[0], mid = api.coord([api.value(2), 0])[0], to = api.coord([api.value(3), 0])[0];
        return { type: "group", children: [{ type: "line", shape: { x1: from, y1: y, x2: to, y2: y }, style: { stroke: colour, lineWidth: 1.6 } }, dot(mark[0], mid, y, 4, colour, mark[1] ? t.bg : null)] };
      },
      tooltip: { formatter: function (p) { var c = rows[p.dataIndex]; return "<b>" + esc(c.label) + "</b> → " + esc(c.outcome_label) + (c.specification ? "<br>" + esc(c.specification) : "") + "<br>" + esc(brief(c.at) + " (" + brief(c.from) + " – " + brief(c.to) + ")"); } },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid" }, data: [{ xAxis: 0 }] } };
  }
  // The coefficients of a model: a panel an outcome, in its unit.
  function coefficients(data, model, dark) {
    var t = theme(dark), o = base(t), wide = data.whole || data.room, found = of(data, model);
    if (!found.length) return null;
    var specs = distinct(found.map(function (c) { return c.specification; })), n_specs = specs.length, all_terms = distinct(found.map(function (c) { return c.term; }));
    specs = specs.slice(0, MOST_MARKS);
    var terms = all_terms.slice(0, MOST_TERMS), rows = scaled(found.filter(function (c) { return specs.indexOf(c.specification) >= 0 && terms.indexOf(c.term) >= 0; })), by = isStandardised(rows);
    rows.forEach(function (c) { c.panel = c.outcome + "\n" + scaleOf(c); });
    var panels = distinct(rows.map(function (c) { return c.panel; })).map(function (p) { return rows.filter(function (c) { return c.panel === p; }); });
    var per_row = Math.min(panels.length, data.narrow || wide < 640 ? 1 : Math.max(1, Math.min(3, Math.floor((wide - 170) / 230))));
    var labels = {}, room = Math.min(data.narrow ? 118 : 190, Math.max.apply(null, rows.map(function (c) { return widthOf(capital(c.label), 12); })) + 4);
    rows.forEach(function (c) { labels[c.term] = fitted(capital(c.label), room, 12); });
    room = greatest(terms.map(function (term) { return greatest((own(labels, term) || []).map(function (line) { return widthOf(line, 12); })); })) + 14;
    var entries = specs.length > 1 ? specs.map(function (s, i) { return { text: s || say("without a name"), color: t.soft, mark: MARKS[i][0], ground: MARKS[i][1] ? t.bg : null }; }) : [];
    var key = keyed(t, entries, wide - 8, 0), at = key.height + 2, cell = (wide - room - 8) / per_row;
    o.graphic = key.graphic; o.title = []; o.grid = []; o.xAxis = []; o.yAxis = []; o.series = []; o.tooltip.trigger = "item";
    function pct(v) { return (100 * v / wide) + "%"; }
    var unit = by ? say("per standard deviation of the regressor") : say("per unit of the regressor");
    for (var first = 0; first < panels.length; first += per_row) {
      var row = panels.slice(first, first + per_row), heads = row.map(function (p) { return { name: fitted(capital(p[0].outcome_label), cell - 30, 12, true), unit: fitted(unitText(p[0], unit), cell - 30, 11) }; });
      // Panels beside each other have their regressors in the same rows.
      var of_row = terms.filter(function (term) { return row.some(function (p) { return p.some(function (c) { return c.term === term; }); }); });
      var step = Math.max(24, 10 + 13 * specs.length, 8 + 15 * greatest(of_row.map(function (term) { return labels[term].length; })));
      var head = greatest(heads.map(function (h) { return 16 * h.name.length + 14 * h.unit.length; })) + 6, tall = step * of_row.length;
      row.forEach(function (p, i) { add(p, first + i, room + i * cell, at, heads[i], head, tall, of_row, i === 0); });
      at += head + tall + 40;
    }
    function add(p, k, left, top, head, high, tall, of_row, is_first) {
      // Zero is on every scale.
      var low = Math.min.apply(null, p.map(function (c) { return c.from; }).concat(0)), top_end = Math.max.apply(null, p.map(function (c) { return c.to; }).concat(0)), s = even(low, top_end, cell < 240 ? 3 : 4);
      o.title.push({ text: head.name.join("\n"), subtext: head.unit.join("\n"), itemGap: 2, left: pct(left), top: top, padding: 0, textStyle: { fontSize: 12, lineHeight: 16, fontWeight: "bold", color: t.text, fontFamily: FONT }, subtextStyle: { fontSize: 11, lineHeight: 14, color: t.soft, fontFamily: FONT } });
      o.grid.push({ left: pct(left), width: pct(cell - 36), top: top + high, height: tall, containLabel: false, outerBoundsMode: "none" });
      // Every number, or every second one from zero on.
      var marks = s.all.length > 4 ? s.all.filter(function (v) { return Math.round(v / s.interval) % 2 === 0; }) : s.all;
      o.xAxis.push(axis(t, { gridIndex: k, type: "value", min: s.min, max: s.max, interval: s.interval, axisLabel: { color: t.soft, fontSize: 11, customValues: marks, formatter: tick, showMinLabel: true, showMaxLabel: true, hideOverlap: true } }));
      o.yAxis.push(axis(t, { gridIndex: k, type: "category", inverse: true, data: of_row.map(function (term) { return labels[term].join("\n"); }), axisLine: { show: false }, splitLine: { show: true, interval: 0, lineStyle: { color: t.line } }, axisLabel: { show: is_first, color: t.text, interval: 0, fontSize: 12, lineHeight: 15 } }));
      o.series.push(forest(t, p, of_row, specs, k));
    }
    var notes = [say("Lines: {level} intervals. Blue is above zero, orange below it; grey is not told from zero.", { level: hundredths(95) })];
    if (terms.length > 1 || panels.length > 1) notes.push(say("The title is of the first regressor and the outcome where most specifications tell it from zero, with the estimate of the first of these."));
    if (by) {
      var said = distinct(rows.map(function (c) { return c.label + " " + brief(c.sd); }));
      notes.push(said.length > 12 ? say("Standard deviations are those of the rows that the condition of a regression leaves.") : say("Standard deviations of the rows that the condition of a regression leaves: {list}.", { list: listed(said) }));
    }
    if (n_specs > specs.length) notes.push(say("Shown: the first {n} of {all} specifications.", { n: specs.length, all: n_specs }));
    if (all_terms.length > terms.length) notes.push(say("Shown: the first {n} of {all} regressors.", { n: terms.length, all: all_terms.length }));
    return { id: "coefficients-" + model.model, is_wide: true, title: finding(rows, by), subtitle: by ? say("{title}: coefficients by outcome, per standard deviation of the regressor", { title: model.title }) : say("{title}: coefficients by outcome, per unit of the regressor", { title: model.title }),
      note: notes.join(" "), source: "model.coefficients, " + model.table, height: Math.ceil(at), option: o,
      columns: ["specification", "outcome", "term", "estimate", "low", "high"].concat(by ? ["drawn", "drawn_low", "drawn_high"] : []),
      rows: rows.map(function (c) { return [c.specification, c.outcome, c.term, c.estimate, c.low, c.high].concat(by ? [c.at, c.from, c.to] : []); }), sql: drawnSql(model, rows, by) };
  }
  function unitText(c, unit) { var scale = scaleOf(c); return scale ? say("{scale}, {unit}", { scale: scale, unit: unit }) : unit; }
  function drawnSql(model, rows, by) {
    function one(v) { return "c." + v; }
    function list(key) { return distinct(rows.map(function (c) { return c[key]; })).map(literal).join(", "); }
    // A deviation is of a regressor and of a regression's rows.
    var of = by ? "case " + distinct(rows.map(function (c) { return "when c.specification = " + literal(c.specification) + " and c.outcome = " + literal(c.outcome) + " and c.term = " + literal(c.term) + " then " + exact(c.sd); })).join(" ") + " end" : "";
    return "select " + ["specification", "outcome", "term", "estimate", "low", "high"].map(one).join(", ") + (by ? [["estimate", "drawn"], ["low", "drawn_low"], ["high", "drawn_high"]].map(function (x) { return ", c." + x[0] + " * (" + of + ") as " + x[1]; }).join("") : "") +
      " from model.coefficients c join model.fit f on f.model = c.model and f.specification = c.specification and f.outcome = c.outcome where c.model = " + literal(model.model) +
      " and c.estimate is not null and c.low is not null and c.term in (" + list("term") + ") and c.specification in (" + list("specification") + ") order by f.place, c.place";
  }
  // A number that SQL reads as a double, to the last digit.
  function exact(v) { var text = String(v); return "cast('" + text + "' as double)"; }
  // The choices whose combinations some specifications are, the last of which changes fastest:
  // their names are joined by commas. Null if they are none.
  function choicesOf(names) {
    var n = names.length;
    for (var k = 2; k < n; k++) {
      if (n % k) continue;
      var blocks = [], tails = null, is_one = true;
      for (var from = 0; from < n && is_one; from += k) {
        var block = names.slice(from, from + k), head = headOf(block), rest = block.map(function (x) { return x.slice(head.length); }).join("\n");
        tails = tails === null ? rest : tails;
        is_one = head !== "" && rest === tails;
        blocks.push(head.slice(0, -2));
      }
      if (is_one) { var before = choicesOf(blocks) || [blocks]; return before.concat([tails.split("\n")]); }
    }
    return null;
  }
  // What names begin with alike, up to a comma.
  function headOf(names) {
    var head = names[0];
    names.forEach(function (x) { while (x.indexOf(head) !== 0) head = head.slice(0, -1); });
    var at = head.lastIndexOf(", ");
    return at < 0 ? "" : head.slice(0, at + 2);
  }
  function middleOf(values) { var v = values.slice().sort(function (a, b) { return a - b; }), n = v.length; return n % 2 ? v[(n - 1) / 2] : (v[n / 2 - 1] + v[n / 2]) / 2; }
  // The estimates of a grid of specifications from the least to the greatest, above the choices
  // that each is of.
  function specifications(data, model, dark) {
    var t = theme(dark), o = base(t), wide = data.whole || data.room, rows = of(data, model), names = distinct(data.coefficients.filter(function (c) { return c.model === model.model; }).map(function (c) { return c.specification; }));
    var groups = choicesOf(names);
    if (!groups || !rows.length) return null;
    var term = rows[0].term, outcomes = distinct(rows.map(function (c) { return c.outcome; }));
    rows = rows.filter(function (c) { return c.term === term; }).map(function (c, i) {
      // Which choice of each group a specification is of: its place, written by the sizes of
      // groups.
      var place = names.indexOf(c.specification), picks = [];
      for (var g = groups.length - 1; g >= 0; g--) { picks[g] = place % groups[g].length; place = Math.floor(place / groups[g].length); }
      return put(put({}, c), { i: i, picks: picks, at: c.estimate, from: c.low, to: c.high });
    });
    // Several outcomes of one specification are a choice, too.
    var by_outcome = rows.length > distinct(rows.map(function (c) { return c.specification; })).length;
    if (by_outcome) { groups = [outcomes.map(function (x) { return rows.filter(function (c) { return c.outcome === x; })[0].outcome_label; })].concat(groups); rows.forEach(function (c) { c.picks.unshift(outcomes.indexOf(c.outcome)); }); }
    rows.sort(function (a, b) { return a.at - b.at || a.i - b.i; });
    var lines = [], label_room = data.narrow ? 120 : 230;
    groups.forEach(function (of, g) { of.forEach(function (name, k) { lines.push({ g: g, k: k, text: fitted(name, label_room, 11), gap: k === 0 && g ? 10 : 0 }); }); });
    var room = Math.max(44, greatest(lines.map(function (l) { return greatest(l.text.map(function (x) { return widthOf(x, 11); })); }))) + 12, top = 10, tall = 210, y = top + tall + 18;
    lines.forEach(function (l) { y += l.gap; l.h = Math.max(17, 13 * l.text.length + 4); l.y = y + l.h / 2; y += l.h; });
    function pct(v) { return (100 * v / wide) + "%"; }
    // A few that are far from all others would press these flat: they stand on the edge of the
    // frame.
    var center = middleOf(rows.map(function (c) { return c.at; })), far = 4 * middleOf(rows.map(function (c) { return c.to - c.from; }));
    var near = rows.filter(function (c) { return Math.abs(c.at - center) <= far; });
    var low = Math.max(center - far, Math.min.apply(null, near.map(function (c) { return c.from; }))), high = Math.min(center + far, Math.max.apply(null, near.map(function (c) { return c.to; }))), s = even(Math.min(0, low), Math.max(0, high), 4), frame = { left: pct(room), width: pct(wide - room - 10), containLabel: false, outerBoundsMode: "none" };
    o.tooltip.trigger = "item";
    o.grid = [put({ top: top, height: tall }, frame), put({ top: top + tall, height: y - top - tall }, frame)];
    o.xAxis = [0, 1].map(function (k) { return axis(t, { gridIndex: k, type: "category", data: rows.map(function (c, i) { return String(i + 1); }), axisLabel: { show: false }, axisLine: { show: false }, splitLine: { show: false } }); });
    o.yAxis = [axis(t, { gridIndex: 0, type: "value", min: s.min, max: s.max, interval: s.interval, axisLabel: { color: t.soft, fontSize: 11, formatter: tick } }),
      { gridIndex: 1, type: "value", min: 0, max: y - top - tall, inverse: true, show: false }];
    var thick = Math.max(1, Math.min(2, (wide - room) / rows.length / 3)), radius = Math.max(1.3, Math.min(4, (wide - room) / rows.length / 2.6));
    function inside(v) { return Math.max(s.min, Math.min(s.max, v)); }
    var beyond = rows.filter(function (c) { return c.at !== inside(c.at); }).length, is_cut = rows.some(function (c) { return c.from < s.min || c.to > s.max; });
    function tip(p) { var c = rows[p.dataIndex]; return "<b>" + esc(c.label) + "</b> → " + esc(c.outcome_label) + "<br>" + esc(c.specification) + "<br>" + esc(brief(c.at) + " (" + brief(c.from) + " – " + brief(c.to) + ")"); }
    o.series = [{ type: "custom", xAxisIndex: 0, yAxisIndex: 0, encode: { x: 0, y: [1, 2, 3] }, data: rows.map(function (c, i) { return [i, inside(c.from), inside(c.at), inside(c.to)]; }), tooltip: { formatter: tip },
      renderItem: function (params, api) {
        var c = rows[params.dataIndex], colour = hue(c, t), a = api.coord([api.value(0), api.value(1)]), m = api.coord([api.value(0), api.value(2)]), b = api.coord([api.value(0), api.value(3)]);
        return { type: "group", children: [{ type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: colour, lineWidth: thick, opacity: 0.55 } }, dot("circle", m[0], m[1], radius, colour, c.at === inside(c.at) ? null : t.bg)] };
      },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ yAxis: 0 }] } },
    { type: "custom", clip: true, xAxisIndex: 1, yAxisIndex: 1, encode: { x: 0, y: 1 }, data: rows.map(function (c, i) { return [i, 0]; }), tooltip: { formatter: tip },
      renderItem: function (params, api) {
        var c = rows[params.dataIndex], colour = hue(c, t), x = api.coord([api.value(0), 0])[0];
        return { type: "group", children: lines.map(function (l) { return c.picks[l.g] === l.k ? dot("circle", x, l.y, radius, colour, null) : dot("circle", x, l.y, Math.min(1, radius / 2), t.line, null); }) };
      } }];
    o.graphic = [];
    lines.forEach(function (l) { l.text.forEach(function (text, i) { o.graphic.push({ type: "text", silent: true, x: room - 10, y: l.y - 6.5 * l.text.length + 13 * i, style: { text: text, align: "right", verticalAlign: "top", fontSize: 11, fill: t.text, fontFamily: FONT } }); }); });
    var n = rows.length, up = rows.filter(function (c) { return c.at > 0; }).length, sure = rows.filter(function (c) { return signOf(c) > 0; }).length, under = rows.filter(function (c) { return signOf(c) < 0; }).length;
    var notes = [say("Above: estimates and their {level} intervals; blue is surely above zero, orange surely below it, grey is not told from zero. Below: a dot for each choice that the specification above it makes.", { level: hundredths(95) })];
    if (beyond) notes.push(sayMany(beyond, "A ring: {n} estimate is beyond the frame, and stands on its edge.", "Rings: {n} estimates are beyond the frame, and stand on its edge."));
    else if (is_cut) notes.push(say("Intervals beyond the frame are cut."));
    // A middle of estimates in several units says nothing.
    var values = { term: capital(rows[0].label), up: up, n: n, sure: sure, under: under, middle: brief(center) }, is_one = outcomes.length === 1;
    var title = under
      ? is_one ? say("{term} is above zero in {up} of {n} specifications, surely in {sure}, and surely below it in {under}; the median is {middle}", values) : say("{term} is above zero in {up} of {n} specifications, surely in {sure}, and surely below it in {under}", values)
      : is_one ? say("{term} is above zero in {up} of {n} specifications, surely in {sure}; the median is {middle}", values) : say("{term} is above zero in {up} of {n} specifications, surely in {sure}", values);
    var order = by_outcome ? "f.place" : "c.estimate, f.place";
    var data_rows = by_outcome ? rows.slice().sort(function (a, b) { return a.i - b.i; }) : rows;
    return { id: "specifications-" + model.model, is_wide: true, title: title,
      subtitle: outcomes.length > 1 ? say("{title}: each estimate in the unit of its outcome, per unit of the regressor, from the least to the greatest", { title: model.title }) : say("{title}: estimates per unit of the regressor, from the least to the greatest", { title: model.title }),
      note: notes.join(" "),
      source: "model.coefficients", height: Math.ceil(y + 8), option: o, columns: ["specification", "outcome", "estimate", "low", "high"], rows: data_rows.map(function (c) { return [c.specification, c.outcome, c.estimate, c.low, c.high]; }),
      sql: "select c.specification, c.outcome, c.estimate, c.low, c.high from model.coefficients c join model.fit f on f.model = c.model and f.specification = c.specification and f.outcome = c.outcome where c.model = " + literal(model.model) + " and c.term = " + literal(term) + " and c.estimate is not null and c.low is not null order by " + order };
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
  Object.assign(charts, { choicesOf, coefficients, plot, specifications });
})();
