// Lines over periods: what was, and what was expected.
(function () {
  "use strict";
  const { axis, base, benchmarkOf, capital, episodeOf, esc, has, legendLines, many, money, number, own, percent,
    points, put, theme } = charts;
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
  Object.assign(charts, { along, keys, national, path });
})();
