// What indices stand on: coverage, missing years, thin regions, ranks by what is expected, neighbours.
(function () {
  "use strict";
  const { apart, axis, base, benchmarkOf, benchmarks, capital, cells, certain, esc, fitted, greatest, has, hundredths, key, lineOf, literal,
    money, nNamed, named, number, over, own, put, reasonOf, rowsOf, say, sayMany, seenOn, sizeOf, textOf, theme, ticked, whole, widest, widestWord } = charts;
  function listOf(data, list) { return own(data.evidence, list) || { rows: [], sql: "" }; }
  function ofEpisode(data, list, ep) { return listOf(data, list).rows.filter(function (r) { return r.episode === ep; }); }
  function share(v) { return !has(v) ? "–" : hundredths(number(100 * v, v > 0 && v < 0.1 ? 2 : 1)); }
  function nameOf(data, code) { return own(data.names, code) || code; }
  var forms = { index: key("index"), diff: key("growth less expected growth"), dlog: key("the same in logs"), dhs: key("midpoint growth"), ratio: key("growth over expected growth") };
  // What ranks are followed over: lists of the data, names of what varies, and words.
  var followed = {
    bump: { list: "against", source: "resilience.rank", names: benchmarks, of: function (v) { return benchmarkOf(v)[0]; },
      one: key("{Stage}: {n} of {all} regions keeps its rank within one place, whatever it is compared with"), more: key("{Stage}: {n} of {all} regions keep their rank within one place, whatever they are compared with"), none: key("{Stage}: no region keeps its rank within one place, whatever it is compared with"), each: key("{Stage}: every region keeps its rank within one place, whatever it is compared with"), shown: key("{Stage}: the rank holds within one place for {n} of the {all} regions shown, whatever they are compared with"),
      subtitle: key("Rank by the index of {stage} against each benchmark, 1 is the highest") },
    forms: { list: "forms", source: "resilience.region", names: forms, of: function (v) { return say(own(forms, v) || v); },
      one: key("{Stage}: {n} of {all} regions keeps its rank within one place in every form of the index"), more: key("{Stage}: {n} of {all} regions keep their rank within one place in every form of the index"), none: key("{Stage}: no region keeps its rank within one place in every form of the index"), each: key("{Stage}: every region keeps its rank within one place in every form of the index"), shown: key("{Stage}: the rank holds within one place for {n} of the {all} regions shown, in every form of the index"),
      subtitle: key("Rank by each form of the index of {stage} against its products in all regions, 1 is the highest") }
  };
  // Ranks of regions from one variant to the next: with their names at both ends.
  function followedOver(data, ep, stage, dark, kind) {
    var t = theme(dark), o = base(t), of = followed[kind], rows = ofEpisode(data, of.list, ep).filter(function (r) { return r.stage === stage; }), used = Object.create(null), regions = Object.create(null);
    rows.forEach(function (r) { used[r.variant] = true; (regions[r.region_code] = regions[r.region_code] || Object.create(null))[r.variant] = r.rank; });
    var variants = Object.keys(of.names).concat(Object.keys(used).sort()).filter(function (v, i, all) { return used[v] && all.indexOf(v) === i; }), codes = Object.keys(regions).sort();
    if (variants.length < 2 || codes.length < 2) return null;
    var ranges = codes.map(function (code) {
      var v = variants.map(function (x) { return regions[code][x]; }).filter(has);
      return greatest(v) - v.reduce(function (a, b) { return Math.min(a, b); });
    });
    // All forms may rank alike: then there is nothing to see.
    if (kind === "forms" && greatest(ranges) === 0) return null;
    var sides = Object.create(null), all = greatest(rows.map(function (r) { return r.n_ranked; })), stable = ranges.filter(function (x) { return x <= 1; }).length;
    certain(data, ep, "robustness").forEach(function (r) { if (r.stage === stage && r.n_compared > 1) sides[r.region_code] = r.n_above === r.n_compared ? "#2166ac" : r.n_above === 0 ? "#e08214" : "#8c8c8c"; });
    var room = data.room || 500, rankWide = widest(rows.map(function (r) { return rankText(r.rank); }), 11) + 5, wide = Math.max(62, Math.min(130, room / 4 - 10), rankWide + 1 + widestWord(codes.map(function (code) { return nameOf(data, code); }), 11, 0.26 * room)), gap = 18, inner = room - 2 * (wide + gap) - 8, column = inner / (variants.length - 1);
    // A rank stands by itself, so that a name from right to left does not turn it round.
    function rankText(rank) { return number(rank, rank % 1 ? 1 : 0); }
    var lineHigh = 13;
    function nameLines(code) { return fitted(nameOf(data, code), wide - rankWide, 11); }
    var tall = greatest(codes.map(function (code) { return nameLines(code).length; }));
    var height = Math.max(240, codes.length * (lineHigh * tall + 6));
    // Names of columns lie where their words have room, and else stand, in as many lines as a column is wide.
    var names = variants.map(of.of), lies = widest(names.join(" ").split(/\s+/), 11) <= Math.min(column - 6, 2 * (wide + gap)), standing = [110, 150, 190].filter(function (tall) { return 13 * greatest(names.map(function (n) { return fitted(n, tall, 11).length; })) < column; })[0] || Infinity;
    var lines = names.map(function (n) { return fitted(n, lies ? column - 6 : standing, 11); });
    var above = 12 + (lies ? 13 * greatest(lines.map(function (l) { return l.length; })) : greatest(lines.map(function (l) { return widest(l, 11); })));
    o.grid = { left: wide + gap, right: wide + gap, top: above, bottom: 10, containLabel: false, outerBoundsMode: "none" };
    o.xAxis = axis(t, { type: "category", boundaryGap: false, position: "top", data: variants, axisLine: { show: false }, axisLabel: { show: false }, splitLine: { show: true, lineStyle: { color: t.line } } });
    // Of many regions the ranks at both ends have the room, and those between them are pressed together.
    var edge = all > codes.length ? Math.min(20, Math.floor(all / 3)) : 0;
    function heightOf(rank) {
      if (!edge) return (rank - 0.5) / all;
      if (rank <= edge) return 0.42 * (rank - 0.5) / edge;
      return rank > all - edge ? 1 - 0.42 * (all + 0.5 - rank) / edge : 0.42 + 0.16 * (rank - edge) / (all - 2 * edge);
    }
    o.yAxis = axis(t, { type: "value", inverse: true, min: 0, max: 1, axisLabel: { show: false }, axisLine: { show: false }, splitLine: { show: false } });
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(nameOf(data, r.region_code)) + "</b><br>" + esc(of.of(r.variant)) + "<br>" + esc(say("rank {rank} of {n}", { rank: rankText(r.rank), n: r.n_ranked })) : ""; };
    var byKey = Object.create(null);
    rows.forEach(function (r) { byKey[r.region_code + "\n" + r.variant] = r; });
    o.series = codes.map(function (code) {
      var color = seenOn(t, sides[code] || "#8c8c8c");
      // All heights are on the axis: what cuts nothing costs a picture a layer.
      return { type: "line", clip: false, symbol: "circle", symbolSize: 6, z: sides[code] && sides[code] !== "#8c8c8c" ? 2 : 1, lineStyle: { color: color, width: 2 }, itemStyle: { color: color }, emphasis: { focus: "series" },
        data: variants.map(function (v, i) { var r = byKey[code + "\n" + v]; return r ? { value: [i, heightOf(r.rank)], row: r } : { value: [i, null] }; }) };
    });
    o.series.push(over([0, 0], function (frame, pixels) {
      var out = [];
      variants.forEach(function (v, i) {
        var x = pixels([i, 0])[0];
        lines[i].forEach(function (text, k) {
          if (lies) out.push(textOf(text, x, frame[1] - 6 - 13 * (lines[i].length - k), "center", t.soft));
          else out.push(put(textOf(text, x + 13 * (k - lines[i].length / 2), frame[1] - 6, "left", t.soft), { rotation: Math.PI / 2 }));
        });
      });
      [[variants[0], -1, 0], [variants[variants.length - 1], 1, variants.length - 1]].forEach(function (end) {
        var labels = codes.map(function (code, i) {
          var rank = regions[code][end[0]];
          if (!has(rank)) return null;
          var text = nameLines(code);
          return { i: i, rank: rank, y: pixels([end[2], heightOf(rank)])[1], h: lineHigh * text.length + 2, text: text };
        }).filter(Boolean);
        var at = apart(labels, frame[1] - 8, frame[3] + 10);
        labels.forEach(function (l, i) {
          var edge = end[1] < 0 ? frame[0] : frame[2], x = edge + end[1] * gap, y = at[i];
          out.push(lineOf(t.soft, 0.6, [edge + end[1] * 5, l.y, x - end[1] * 2, y]));
          var side = end[1] < 0 ? "right" : "left";
          out.push(textOf(rankText(l.rank), x, y - 6, side, t.text));
          l.text.forEach(function (text, k) { out.push(textOf(text, x + end[1] * rankWide, y - l.h / 2 + 1 + lineHigh * k, side, t.text)); });
        });
      });
      return out;
    }));
    var values = { stage: say(stage), Stage: capital(say(stage)), all: codes.length, n: stable };
    var notes = [say("Blue: better than expected against every benchmark, orange: worse against each, grey: neither.")];
    if (codes.some(function (code) { return variants.some(function (v) { return !has(regions[code][v]); }); })) notes.push(say("A gap: no rank there."));
    if (edge) notes.push(say("Shown: {n} of {all} regions, the first and the last against all regions together. Ranks from {from} to {to} are pressed together.", { n: codes.length, all: all, from: edge, to: all - edge }));
    var columns = ["variant", "region_code", "rank", "n_ranked"];
    return { id: kind + "-" + stage + "-" + ep, title: edge ? say(of.shown, values) : stable === codes.length ? say(of.each, values) : stable ? sayMany(stable, of.one, of.more, values) : say(of.none, values), subtitle: say(of.subtitle, values), note: notes.join(" "), source: of.source, height: above + height + 12, option: o,
      columns: columns, rows: cells(rows, columns), sql: "select " + columns.join(", ") + " from (" + listOf(data, of.list).sql + ") where episode = " + literal(ep) + " and stage = " + literal(stage) + " order by variant, region_code" };
  }
  function bump(data, ep, stage, dark) { return followedOver(data, ep, stage, dark, "bump"); }
  function byForm(data, ep, stage, dark) { return followedOver(data, ep, stage, dark, "forms"); }
  // How much of the raw value is analysed.
  function coverage(data, dark) {
    var t = theme(dark), o = base(t), rows = listOf(data, "coverage").rows.filter(function (r) { return r.raw_value > 0; }), rejected = listOf(data, "rejected").rows[0];
    if (!rows.length) return null;
    var isByYear = rows.every(function (r) { return /^\d{4}$/.test(r.part); }), shares = rows.map(function (r) { return r.analysed_value / r.raw_value; });
    var low = shares.reduce(function (a, b) { return Math.min(a, b); }), high = greatest(shares), places = rows.map(function (r) { return { region_code: r.part, row: r }; });
    o.grid = { left: 12, right: 16, top: 34, bottom: 34, containLabel: true };
    var height = rowsOf(data, o, t, places, 0, say("analysed"), function (r) { return share(r.row.analysed_value / r.row.raw_value); });
    o.xAxis = ticked(axis(t, { type: "value", name: say("share of the readable value"), nameLocation: "middle", nameGap: 26, axisLabel: { color: t.soft, formatter: function (v) { return hundredths(Math.round(100 * v)); } } }), { min: 0, max: Math.max(1, high), ticks: data.narrow ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1] });
    o.tooltip.formatter = function (p) {
      var r = rows[p.dataIndex];
      return r ? "<b>" + esc(r.part) + "</b><br>" + esc(say("readable: {value}", { value: money(r.raw_value, data.meta.unit) })) + "<br>" + esc(say("analysed: {value}", { value: money(r.analysed_value, data.meta.unit) })) + "<br>" + esc(say("excluded by rules: {value}", { value: money(r.excluded_value, data.meta.unit) })) : "";
    };
    function part(color, f) { return { type: "bar", stack: "all", barWidth: 12, itemStyle: { color: color }, data: rows.map(f) }; }
    o.series = [part(t.soft, function (r) { return Math.max(0, r.analysed_value) / r.raw_value; }), part(t.line, function (r) { return Math.max(0, r.excluded_value) / r.raw_value; })];
    var notes = [say("Left part of a bar: in the analysis. Right part: excluded by rules of the layout.")];
    if (rejected && rejected.n_entries > 0) notes.push(rejected.n_rejected ? say("Of {n} entries, {rejected} could not be read: {value}, and {unreadable} without a readable value.", { n: whole(rejected.n_entries), rejected: whole(rejected.n_rejected), value: money(rejected.rejected_value, data.meta.unit), unreadable: whole(rejected.n_unreadable) }) : say("All {n} entries could be read.", { n: whole(rejected.n_entries) }));
    var columns = ["part", "raw_value", "excluded_value", "analysed_value"], values = { low: share(low), high: share(high) };
    return { id: "coverage", title: low > 0.9995 ? say("All of the value in the raw files is analysed") : share(low) === share(high) ? say("{low} of the value in the raw files is analysed", values) : isByYear ? say("Of each year's value in the raw files, {low} to {high} is analysed", values) : say("Of each layout's value in the raw files, {low} to {high} is analysed", values),
      subtitle: isByYear ? say("Share of the readable value of the raw files, by year") : say("Share of the readable value of the raw files, by layout"), note: notes.join(" "), source: isByYear ? "customs.records, trade.region_year, customs.reconciliation" : "customs.reconciliation", height: 68 + height, option: o,
      columns: columns, rows: cells(rows, columns), sql: listOf(data, "coverage").sql };
  }
  // A table: the columns and rows of the data, what is said of them under their heads, and which of these columns are `texts`.
  function table(id, figure, rows, columns, heads, said, texts) {
    return put(figure, { texts: texts, id: id, option: null, table: true, height: 0, columns: columns, rows: cells(rows, columns), heads: heads, said: rows.map(said) });
  }
  function leftOut(data) {
    var of = listOf(data, "left_out"), rows = of.rows;
    if (!rows.length) return null;
    return table("left-out", { title: rows.every(function (r) { return !r.n_entries; }) ? say("Rules of the layout leave out no records") : sayMany(rows.length, "{n} rule leaves out records, {share} of the readable value", "{n} rules leave out records, the largest {share} of the readable value", { share: share(rows[0].share) }), subtitle: say("What rules of the layout exclude, all years together"), note: say("A record that two rules cover is counted by each."), source: "customs.rules, customs.reconciliation", sql: of.sql },
      rows, ["rule", "why", "n_entries", "fob_value", "share"], [say("Rule"), say("Why"), say("Entries"), say("Value"), say("Share")], function (r) { return [r.rule.replace(/_/g, " "), r.why, whole(r.n_entries), money(r.fob_value, data.meta.unit), share(r.share)]; }, [0, 1]);
  }
  // Which years of which regions have no records.
  function missing(data, dark) {
    var t = theme(dark), o = base(t), years = listOf(data, "years").rows, grid = listOf(data, "cells").rows;
    if (!years.length || !grid.length) return null;
    var n = years.reduce(function (a, r) { return a + r.n_missing; }, 0), all = years[0].n_regions + years[0].n_missing, values = { n: n, first: years[0].year, last: years[years.length - 1].year };
    var title = n ? sayMany(n, "In {n} year of a region there are no records", "In {n} years of regions there are no records") : years.length === 1 ? say("Every region has records in {first}", values) : say("Every region has records in every year from {first} to {last}", values);
    var columns = ["region_code", "year", "fob_value"], codes = Object.create(null);
    grid.forEach(function (r) { (codes[r.region_code] = codes[r.region_code] || { region_code: r.region_code, missing: 0 }).missing += has(r.fob_value) ? 0 : 1; });
    var shown = Object.keys(codes).sort().map(function (code) { return codes[code]; });
    if (!n && all > shown.length) return table("missing", { title: title, subtitle: say("Regions with records, by year"), note: "", source: "trade.region_year", sql: listOf(data, "years").sql }, years, ["year", "n_regions", "n_missing"], [say("Year"), say("Regions with records"), say("without")], function (r) { return [String(r.year), String(r.n_regions), String(r.n_missing)]; }, []);
    shown.sort(function (a, b) { return b.missing - a.missing || (nameOf(data, a.region_code) < nameOf(data, b.region_code) ? -1 : 1); });
    var at = Object.create(null), place = Object.create(null);
    shown.forEach(function (r, i) { at[r.region_code] = i; });
    years.forEach(function (r, i) { place[r.year] = i; });
    o.grid = { left: 12, right: 16, top: 34, bottom: 12, containLabel: true };
    var height = rowsOf(data, o, t, shown, 0, say("missing"), function (r) { return r.missing ? String(r.missing) : say("none"); });
    o.xAxis = axis(t, { type: "category", data: years.map(function (r) { return String(r.year); }), axisLine: { show: false }, axisLabel: { color: t.soft, hideOverlap: true }, splitLine: { show: false } });
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(nameOf(data, r.region_code)) + "</b><br>" + r.year + "<br>" + (has(r.fob_value) ? esc(money(r.fob_value, data.meta.unit)) : esc(say("no records"))) : ""; };
    o.series = [{ type: "custom", encode: { x: 0, y: 1 }, data: grid.map(function (r) { return { value: [place[r.year], at[r.region_code], has(r.fob_value) ? 1 : 0], row: r }; }), renderItem: function (params, api) {
      var c = api.coord([api.value(0), api.value(1)]), size = api.size([1, 1]), w = Math.max(2, size[0] - 2), h = Math.max(4, Math.min(18, size[1] - 3)), is = api.value(2) === 1;
      return { type: "rect", shape: { x: c[0] - w / 2, y: c[1] - h / 2, width: w, height: h }, style: is ? { fill: t.soft, opacity: 0.55 } : { fill: t.bg, stroke: t.text, lineWidth: 1, lineDash: [3, 2] } };
    } }];
    return { id: "missing", title: title, subtitle: say("Years with records of each region"), note: [n ? say("Filled: records. Dashed: none.") : "", all > shown.length ? say("Shown: the {n} with most missing years of {all} regions.", { n: shown.length, all: all }) : ""].filter(Boolean).join(" "), source: "trade.region_year", height: 46 + 22 + height, option: o,
      columns: columns, rows: cells(grid, columns), sql: listOf(data, "cells").sql };
  }
  // Regions whose indices hang on few products.
  var FEW_PRODUCTS = 50, MOST = 0.5;
  function thin(data, ep, dark) {
    var t = theme(dark), o = base(t), rows = ofEpisode(data, "thin", ep);
    if (!rows.length) return null;
    function isThin(r) { return r.n_products < FEW_PRODUCTS || r.largest_product_share > MOST; }
    var n = rows.filter(isThin).length, products = rows.map(function (r) { return r.n_products; }), low = Math.pow(10, Math.floor(Math.log10(products.reduce(function (a, b) { return Math.min(a, b); })))), high = Math.pow(10, Math.ceil(Math.log10(greatest(products)))), largest = greatest(rows.map(function (r) { return r.base_value; }));
    if (high <= low) high = 10 * low;
    var top = greatest(rows.map(function (r) { return r.largest_product_share; })), y = { min: -0.04, max: Math.max(0.6, Math.min(1.06, top + 0.12)), ticks: [0, 0.25, 0.5, 0.75, 1].filter(function (v) { return v <= Math.max(0.6, top + 0.12); }) };
    var marks = rows.slice().sort(function (a, b) { return isThin(b) - isThin(a) || b.base_value - a.base_value || (a.region_code < b.region_code ? -1 : 1); }).map(function (r) { return { at: [r.n_products, r.largest_product_share], size: rows.length > 60 ? 7 : sizeOf(r.base_value, 4 * largest), text: nameOf(data, r.region_code), row: r }; });
    var under = fitted(say("products exported at the base, logarithmic"), data.room - 120, 12);
    o.grid = { left: 28, right: 24, top: 20, bottom: 19 + 15 * under.length, containLabel: true };
    o.xAxis = axis(t, { type: "log", min: low, max: high, name: under.join("\n"), nameLocation: "middle", nameGap: 28, nameTextStyle: { color: t.soft, lineHeight: 15 }, splitLine: { show: false }, axisLabel: { color: t.soft, formatter: whole } });
    o.yAxis = ticked(axis(t, { type: "value", name: say("share of the largest product"), nameLocation: "middle", nameGap: 50, axisLabel: { color: t.soft, formatter: function (v) { return hundredths(Math.round(100 * v)); } } }), y);
    o.tooltip.formatter = function (p) { var r = p.data && p.data.row; return r ? "<b>" + esc(nameOf(data, r.region_code)) + "</b><br>" + esc(sayMany(r.n_products, "{n} product", "{n} products")) + "<br>" + esc(say("largest: {product}, {share}", { product: r.largest_product, share: share(r.largest_product_share) })) + "<br>" + esc(money(r.base_value, data.meta.unit)) : ""; };
    var lines = [{ yAxis: MOST }];
    if (FEW_PRODUCTS > low && FEW_PRODUCTS < high) lines.push({ xAxis: FEW_PRODUCTS });
    o.series = [{ type: "scatter", z: 2, data: marks.map(function (m) { return { value: m.at, row: m.row, symbolSize: m.size, itemStyle: { color: isThin(m.row) ? "#e08214" : "#8c8c8c", opacity: 0.85, borderColor: t.bg } }; }),
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "dashed", width: 1 }, data: lines } }, named(t, [low, 0], marks.slice(0, nNamed(rows.length)))];
    var columns = ["region_code", "base_value", "n_products", "largest_product", "largest_product_share"], values = { all: rows.length, few: FEW_PRODUCTS };
    return { id: "thin-" + ep, title: n ? sayMany(n, "{n} of {all} regions relies on few products, or mostly on one", "{n} of {all} regions rely on few products, or mostly on one", values) : sayMany(rows.length, "The region exports {few} products or more, and no one makes up half of it", "All {n} regions export {few} products or more, and no one makes up half of it", values),
      subtitle: say("Products of each region and the share of the largest, at the base"), note: say("Orange: fewer than {few} products, or more than half in one (dashed lines). What happens to one product then is what happens to the region: its indices are shaky, and their intervals wide.", values), source: "panel.region", height: data.narrow ? 380 : 440, option: o,
      columns: columns, rows: cells(rows, columns), sql: "select " + columns.join(", ") + " from (" + listOf(data, "thin").sql + ") where episode = " + literal(ep) + " order by region_code" };
  }
  // Whether neighbours are alike.
  var tested = { resistance: key("Resistance"), recovery: key("Recovery"), level_recovery: key("End over base"), cumulative_loss_share: key("Loss over what was expected") };
  function moran(data, ep) {
    var rows = ofEpisode(data, "moran", ep), known = rows.filter(function (r) { return has(r.moran_p_value); }), alike = known.filter(function (r) { return r.moran_p_value <= 0.05; });
    if (!rows.length) return null;
    // Why there is none is a column where there is one that has none.
    var n = rows.some(function (r) { return r.moran_null_reason; }) ? 7 : 6, columns = ["measure", "n_regions", "n_with_neighbours", "moran", "moran_expected", "moran_p_value", "moran_null_reason"].slice(0, n);
    return table("moran-" + ep, { title: !known.length ? say("Whether neighbours are alike cannot be tested") : alike.length ? sayMany(alike.length, "Neighbours are more alike, or less, than by chance in {n} of {all} measures", "Neighbours are more alike, or less, than by chance in {n} of {all} measures", { all: known.length }) : say("Neighbours are no more alike, and no less, than by chance"),
      subtitle: say("Moran's I of regions and their neighbours"), note: say("Above what is by chance: neighbours are alike; below it: unlike. p: two-sided, by permutation; up to 0.05 counts as more than chance."), source: "spatial.measure",
      sql: "select " + columns.join(", ") + " from (" + listOf(data, "moran").sql + ") where episode = " + literal(ep) + " order by measure" },
    rows, columns, [say("Measure"), say("Regions (with neighbours)"), say("Moran's I"), say("by chance"), "p", say("Why none")].slice(0, n - 1), function (r) {
      return [say(own(tested, r.measure) || r.measure), r.n_regions + (has(r.n_with_neighbours) ? " (" + r.n_with_neighbours + ")" : ""), number(r.moran), number(r.moran_expected), number(r.moran_p_value, 3), r.moran_null_reason ? reasonOf(r.moran_null_reason) : "–"].slice(0, n - 1);
    }, [0, 5]);
  }
  Object.assign(charts, { bump, byForm, coverage, leftOut, missing, moran, thin });
})();
