// How sure indices and ranks are.
(function () {
  "use strict";
  const { axis, bars, base, benchmarkOf, benchmarks, capital, cells, certain, cut, ends, episodeOf, esc, greatest, has, hundredths, key,
    legendLines, listed, literal, number, own, points, put, reasonOf, rowsOf, say, sayMany, seenOn, theme } = charts;
  // Why regions are not compared with a benchmark; `compared` has those with which some are.
  function notCompared(data, ep, stage, compared) {
    var of = certain(data, ep, "not_compared").filter(function (r) { return r.stage === stage; }), said = Object.create(null);
    of.forEach(function (r) {
      var reason = r.reason ? reasonOf(r.reason) : say("no growth");
      (said[r.benchmark] = said[r.benchmark] || []).push(compared[r.benchmark] ? sayMany(r.n_regions, "{reason} ({n} region)", "{reason} ({n} regions)", { reason: reason }) : reason);
    });
    return Object.keys(said).map(function (b) {
      return " " + say(compared[b] ? "Not all against {against} ({benchmark}): {reasons}." : "None against {against} ({benchmark}): {reasons}.", { against: benchmarkOf(b)[0], benchmark: b, reasons: listed(said[b]) });
    }).join("");
  }
  var robustWords = {
    resistance: { one: key("{above} of {n} region resisted better than every benchmark expects, {below} worse than each expects"), more: key("{above} of {n} regions resisted better than every benchmark expects, {below} worse than each expects"),
      drawn: key("Growth from the base ({base}) to the trough ({trough}) less the growth that each benchmark expects, percentage points") },
    recovery: { one: key("{above} of {n} region recovered better than every benchmark expects, {below} worse than each expects"), more: key("{above} of {n} regions recovered better than every benchmark expects, {below} worse than each expects"),
      drawn: key("Growth from the trough ({trough}) to the end ({end}) less the growth that each benchmark expects, percentage points") }
  };
  function robust(data, ep, stage, dark) {
    var t = theme(dark), o = base(t), e = episodeOf(data, ep), at = Object.create(null), used = Object.create(null), everUsed = Object.create(null);
    var rows = certain(data, ep, "robustness").filter(function (r) { return r.stage === stage; });
    var compared = rows.filter(function (r) { return r.n_compared > 1; });
    if (!compared.length) return null;
    rows.sort(function (a, b) { return b.diff_median - a.diff_median || (a.region_code < b.region_code ? -1 : 1); });
    var shown = ends(rows, rows.length);
    shown.forEach(function (r, i) { if (r) at[r.region_code] = i; });
    var found = certain(data, ep, "differences").filter(function (d) { return has(d[stage]); });
    var all = found, columns = ["region_code", "benchmark", stage];
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
    var height = rowsOf(data, o, t, shown, rows.length - 30, say("as expected or better"), function (r) { return say("{n} of {all}", { n: r.n_above, all: r.n_compared }); }, names.length > 3 ? 30 : 22);
    var values = found.map(function (d) { return inFrame(d[stage]); }).concat(0), low = Math.min.apply(null, values), high = greatest(values), span = high - low || 1;
    // So few labels that all have room: none between others is left out.
    o.xAxis = axis(t, { type: "value", min: low - 0.06 * span, max: high + 0.06 * span, splitNumber: data.narrow ? 3 : 6, name: say("percentage points"), nameLocation: "middle", nameGap: 26,
      axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: points } });
    o.tooltip.formatter = function (p) {
      var d = p.data && p.data.row;
      return d ? "<b>" + esc(own(data.names, d.region_code)) + "</b><br>" + esc(say("against {against}: {points} percentage points", { against: benchmarkOf(d.benchmark)[0], points: points(d[stage]) })) : "";
    };
    var zero = { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] };
    var line = bars(t, shown.map(function (r, i) { return r ? [i, inFrame(r.diff_low), inFrame(r.diff_high)] : null; }).filter(function (x) { return x; }), 1);
    // Marks stand a little above each other, in the order of the legend, so that equal ones do not hide each other.
    o.series = [put(line, { markLine: zero })].concat(names.map(function (b, i) {
      var of = benchmarkOf(b), step = names.length > 3 ? Math.min(4, 18 / (names.length - 1)) : 3;
      return { type: "scatter", name: of[0], symbol: of[2], symbolOffset: [0, step * (i - (names.length - 1) / 2)], symbolSize: of[3] ? 9 : 8, z: of[3] ? 2 : 3, data: used[b], itemStyle: { color: of[3] ? seenOn(t, of[1]) : "transparent", borderColor: seenOn(t, of[1]), borderWidth: of[3] ? 0 : 2 } };
    }));
    var above = compared.filter(function (r) { return r.diff_low > 0; }).length, below = compared.filter(function (r) { return r.diff_high < 0; }).length;
    var said = robustWords[stage], notes = [say("Line: lowest to highest. Sorted by the median. At the right: against how many it did as well as expected or better.") + notCompared(data, ep, stage, everUsed) + cut(rows.length)];
    if (is_cut) notes.push(say("What is beyond {frame} points is drawn there.", { frame: points(frame) }));
    return { id: "robust-" + stage + "-" + ep, title: sayMany(compared.length, said.one, said.more, { above: above, below: below }), subtitle: say(said.drawn, e), note: notes.join(" "),
      source: "resilience.robustness, resilience.region", height: o.grid.top + height + 56, option: o,
      columns: columns, rows: cells(all, columns), sql: "select region_code, benchmark, " + stage + "_diff as " + stage + " from resilience.region where episode = " + literal(ep) + " and " + stage + "_diff is not null order by region_code, benchmark" };
  }
  // A probability by draws: none of them shows that something is impossible or sure.
  function chance(p) { return !has(p) ? "–" : p < 0.01 ? "< " + hundredths(1) : p > 0.99 ? "> " + hundredths(99) : hundredths(Math.round(100 * p)); }
  // Whether a region is above the median, or below it, with a probability of 95 %.
  function sideOf(r) { return !has(r.p_above_median) ? 0 : r.p_above_median >= 0.95 ? 1 : r.p_above_median <= 0.05 ? -1 : 0; }
  var drawn = { products: key("products drawn anew in each region"), counterfactual: key("residuals of the expected path drawn anew"), both: key("products and residuals of the expected path drawn anew") };
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
    var reasons = rows.filter(function (r) { return !has(r.rank_low) && r.null_reason; }).map(function (r) { return r.null_reason === "no_interval" ? say("see resilience.interval") : reasonOf(r.null_reason); }).filter(function (x, i, all) { return all.indexOf(x) === i; });
    o.grid.top = 34; o.grid.bottom = 30;
    var height = rowsOf(data, o, t, shown, n - 30, top === 1 ? say("chance to be first") : say("chance to be among the first {n}", { n: top }), function (r) { return chance(r.p_top_quarter); });
    var last = greatest(rows.map(function (r) { return has(r.rank_high) ? Math.max(r.rank, r.rank_high) : r.rank; }));
    o.xAxis = axis(t, { type: "value", min: 0.5, max: last + 0.5, minInterval: 1, name: say("rank"), nameLocation: "middle", nameGap: 26, splitLine: { show: false },
      axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, hideOverlap: true, formatter: function (v) { return v === Math.round(v) ? String(v) : ""; } } });
    o.tooltip.formatter = function (p) {
      var r = p.data && p.data.row;
      return r ? "<b>" + esc(own(data.names, r.region_code)) + "</b><br>" + esc(say("rank")) + " " + number(r.rank, r.rank % 1 ? 1 : 0) + (has(r.rank_low) ? " (" + number(r.rank_low, r.rank_low % 1 ? 1 : 0) + " – " + number(r.rank_high, r.rank_high % 1 ? 1 : 0) + ")" : r.null_reason ? " (" + esc(reasonOf(r.null_reason)) + ")" : "") + "<br>" + esc(say("among the first {n}: {chance}", { n: top, chance: chance(r.p_top_quarter) })) + "<br>" + esc(say("above the median: {chance}", { chance: chance(r.p_above_median) })) : "";
    };
    var colours = { "1": "#2166ac", "0": "#8c8c8c", "-1": "#e08214" };
    o.series = [
      bars(t, shown.map(function (r, i) { return r && has(r.rank_low) ? [i, r.rank_low, r.rank_high] : null; }).filter(function (x) { return x; }), 6),
      { type: "scatter", symbolSize: 11, z: 2, data: shown.map(function (r, i) { return r ? { value: [r.rank, i], row: r, itemStyle: { color: seenOn(t, colours[sideOf(r)]) } } : null; }).filter(function (x) { return x; }) }
    ];
    var columns = ["region_code", "rank", "rank_low", "rank_high", "p_top_quarter", "p_above_median"], how = known.map(function (r) { return own(drawn, r.source) && say(own(drawn, r.source)); }).filter(function (x, i, all) { return x && all.indexOf(x) === i; }).join(say("; "));
    var values = { Stage: capital(say(stage)), stage: say(stage), all: n, against: benchmark === "aggregate" ? say("all regions together") : benchmarkOf(benchmark)[0], benchmark: benchmark, how: how, reasons: listed(reasons) };
    var notes = [say("Dot: rank against {against} ({benchmark}).", values)];
    if (known.length) notes.push(how ? say("Bar: its interval, {how}.", values) : say("Bar: its interval."), say("Surely: with a probability of 95 % or more. Blue: above the median, orange: below it."));
    if (reasons.length) notes.push(say("Dots without a bar: {reasons}.", values));
    return { id: "ranks-" + stage + "-" + ep, title: rows[0].n_known && !rows[0].n_sure ? say("{Stage}: of none of {all} regions is it sure whether it ranks above or below the median", values) : rows[0].n_known ? sayMany(rows[0].n_sure, "{Stage}: {n} of {all} regions ranks surely above the median, or surely below it", "{Stage}: {n} of {all} regions rank surely above the median, or surely below it", values) : say("{Stage}: {all} regions are ranked, and nothing is drawn anew that says how sure that is", values),
      subtitle: say("Rank of the index of {stage} against {against}, 1 is the highest", values), note: notes.join(" ") + cut(n),
      source: "resilience.rank", height: o.grid.top + height + 56, option: o, columns: columns, rows: cells(rows, columns),
      sql: "select " + columns.join(", ") + " from (select *, row_number() over (order by rank, region_code) as place from resilience.rank where episode = " + literal(ep) + " and stage = " + literal(stage) + " and benchmark = " + literal(benchmark) + " and rank is not null)" + (n > 30 ? " where place <= 15 or place + 15 > n_ranked" : "") + " order by place" };
  }
  Object.assign(charts, { chance, rankedAgainst, ranks, robust });
})();
