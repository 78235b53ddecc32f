// Estimates with their intervals.
(function () {
  "use strict";
  const { FONT, axis, base, esc, fitted, greatest, has, put, theme, widthOf } = charts;
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
  function ofIntervals(level) { return "Lines: " + +(100 * level).toPrecision(6) + " % intervals. Blue: zero is outside."; }
  function coefficients(data, dark) {
    var t = theme(dark), o = base(t), rows = data.coefficients.filter(function (c) { return has(c.estimate) && has(c.low) && c.term !== "(intercept)"; }).slice(0, 40);
    if (!rows.length) return null;
    // Regressors have units of their own: what is compared is the estimate in standard errors.
    intervals(o, t, rows, rows.map(function (c) { return c.term + " → " + c.outcome + (c.specification ? " · " + c.specification : ""); }), function (c, v) { return v / c.se; });
    o.tooltip.formatter = function (p) { var c = rows[p.dataIndex]; return "<b>" + esc(c.term) + "</b> on " + esc(c.outcome) + "<br>" + esc(c.model) + (c.specification ? ", " + esc(c.specification) : "") + "<br>" + c.estimate.toPrecision(4) + " (" + c.low.toPrecision(3) + " to " + c.high.toPrecision(3) + ")"; };
    put(o.xAxis, { name: "estimate, in standard errors", nameLocation: "middle", nameGap: 28 }); o.grid.bottom = 30;
    put(o.yAxis.axisLabel, { width: 300, overflow: "truncate" });
    return { id: "coefficients", title: rows.filter(isSure).length + " of " + rows.length + " coefficients differ from zero", note: ofIntervals(0.95), source: "model.coefficients", height: 80 + 22 * rows.length, option: o };
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
  Object.assign(charts, { coefficients, plot });
})();
