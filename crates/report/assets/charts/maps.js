// Maps of regions, shaded by classes.
(function () {
  "use strict";
  const { base, esc, has, hatch, many, measures, money, number, own, put, regionsOf, theme } = charts;
  // Colour-blind safe: blue is better than expected, orange worse (after ColorBrewer's PuOr and Okabe & Ito).
  var better = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac"];
  var worse = ["#fee0b6", "#fdb863", "#e08214", "#b35806"];
  var lisa = {
    high_high: ["#2166ac", "high among high"],
    low_low: ["#b35806", "low among low"],
    high_low: ["#92c5de", "high among low"],
    low_high: ["#fdb863", "low among high"],
    not_significant: ["#cfd3da", "not significant"]
  };
  // Where the legend of a map stands: beside it, or below it on a narrow page.
  function legendOf(t) { return { type: "piecewise", left: 8, bottom: 8, padding: 6, backgroundColor: t.bg, textStyle: { color: t.soft }, itemWidth: 16, itemHeight: 12, itemGap: 7 }; }
  function frameOf(data, n) { return data.narrow ? { left: 8, right: 8, top: 4, bottom: 24 + 19 * n } : { left: 150, right: 16, top: 8, bottom: 8 }; }
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
  Object.assign(charts, { classed, classes, lisa, map, shaded });
})();
