// Regions beside each other: quadrants, rankings, relations.
(function () {
  "use strict";
  const { axis, base, crossed, esc, has, kinds, many, measures, money, number, own, plain, reach, regionsOf, sizeOf,
    theme } = charts;
  function quadrants(data, ep, dark) {
    var t = theme(dark), o = base(t), rows = regionsOf(data, ep).filter(function (r) { return has(r.resistance) && has(r.recovery); });
    if (!rows.length) return null;
    var largest = Math.max.apply(null, rows.map(function (r) { return r.base_value; }));
    var both = rows.filter(function (r) { return r.resistance > 0 && r.recovery > 0; }).length, neither = rows.filter(function (r) { return r.resistance <= 0 && r.recovery <= 0; }).length;
    function bound(f) { return reach(rows.map(function (r) { return r[f]; })); }
    var bx = bound("resistance"), by = bound("recovery"), names = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 14).map(function (r) { return r.region_code; });
    o.tooltip.formatter = function (p) { var r = p.data.row; return "<b>" + esc(r.region_name) + "</b><br>resistance " + number(r.resistance) + "<br>recovery " + number(r.recovery) + "<br>base " + esc(money(r.base_value, data.meta.unit)); };
    function scale(name, bound) { return { name: name, min: -bound, max: bound, say: function (v) { return number(v, 1); } }; }
    o.grid.left = 30; o.grid.bottom = 30;
    crossed(o, t, scale("resistance", bx), scale("recovery", by), rows.map(function (r) {
      return { x: r.resistance, y: r.recovery, row: r, size: sizeOf(r.base_value, largest), color: (own(kinds, r.type) || ["#999999"])[0],
        label: { show: names.indexOf(r.region_code) >= 0, formatter: plain(r.region_name), position: r.resistance > bx / 2 ? "left" : "right", color: t.text, fontSize: 11 } };
    }));
    return { id: "quadrants-" + ep, title: many(both, "region", "regions") + " both resisted and recovered better than all regions together, " + neither + " did neither", note: "Area: " + data.meta.measure + " at the base. Regions beyond the frame stand on its edge; hover for their values.", source: "resilience.region", height: 480, option: o };
  }
  function ranking(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], rows = regionsOf(data, ep).filter(function (r) { return has(r[m[1]]); });
    if (!rows.length) return null;
    var n = rows.length;
    rows = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 25).sort(function (a, b) { return a[m[1]] - b[m[1]]; });
    var sure = rows.filter(function (r) { return has(r[m[2]]) && (r[m[2]] > 0 || r[m[3]] < 0); }).length;
    o.tooltip.formatter = function (p) { var r = rows[p.dataIndex]; return "<b>" + esc(r.region_name) + "</b><br>" + m[0] + " " + number(r[m[1]]) + "<br>" + (has(r[m[2]]) ? number(r[m[2]]) + " to " + number(r[m[3]]) : "no interval"); };
    var values = rows.map(function (r) { return r[m[1]]; });
    var low = Math.min(0, Math.min.apply(null, values)), high = Math.max(0, Math.max.apply(null, values)), span = (high - low) || 1;
    o.xAxis = axis(t, { type: "value", min: Math.floor((low - 0.5 * span) * 10) / 10, max: Math.ceil((high + 0.5 * span) * 10) / 10, axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, formatter: function (v) { return number(v, 1); } } });
    o.yAxis = axis(t, { type: "category", data: rows.map(function (r) { return r.region_name; }), splitLine: { show: false }, axisLabel: { color: t.text, interval: 0, fontSize: 11, width: 150, overflow: "truncate" } });
    o.series = [
      { type: "custom", clip: true, renderItem: function (params, api) {
          var a = api.coord([api.value(1), api.value(0)]), b = api.coord([api.value(2), api.value(0)]);
          return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: t.soft, lineWidth: 2 } };
        }, encode: { x: [1, 2], y: 0 }, data: rows.map(function (r, i) { return [i, has(r[m[2]]) ? r[m[2]] : r[m[1]], has(r[m[3]]) ? r[m[3]] : r[m[1]]]; }), z: 1 },
      { type: "scatter", clip: true, symbolSize: 11, data: rows.map(function (r, i) { return { value: [r[m[1]], i], itemStyle: { color: r[m[1]] > 0 ? "#2166ac" : "#e08214" } }; }), z: 2, markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: t.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] } }
    ];
    return { id: measure + "-ranking-" + ep, title: m[0] + ": " + sure + " of the " + rows.length + (n > rows.length ? " largest" : "") + " regions differ from all regions together, by intervals of " + number(100 * data.meta.level, 0) + " %", note: "Lines: intervals by bootstrap over products; an interval across zero hangs on single products.", source: "resilience.region", height: 80 + 22 * rows.length, option: o };
  }
  function relation(data, ep, x, name, y, dark) {
    var t = theme(dark), o = base(t), m = measures[y], rows = regionsOf(data, ep).filter(function (r) { return has(r[x]) && has(r[m[1]]); });
    if (rows.length < 4) return null;
    // Tails are pulled in for the line, so that one region does not make it; points stay where they are.
    var n = rows.length, ys = rows.map(function (r) { return r[m[1]]; }).sort(function (a, b) { return a - b; });
    var lo = ys[Math.floor(0.05 * (n - 1))], hi = ys[Math.ceil(0.95 * (n - 1))];
    function pulled(v) { return Math.max(lo, Math.min(hi, v)); }
    var sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    rows.forEach(function (r) { var a = r[x], b = pulled(r[m[1]]); sx += a; sy += b; sxx += a * a; sxy += a * b; syy += b * b; });
    var vx = sxx - sx * sx / n, slope = vx > 0 ? (sxy - sx * sy / n) / vx : 0, level = (sy - slope * sx) / n, vy = syy - sy * sy / n;
    var corr = vx > 0 && vy > 0 ? (sxy - sx * sy / n) / Math.sqrt(vx * vy) : 0;
    var xs = rows.map(function (r) { return r[x]; }), xmin = Math.min.apply(null, xs), xmax = Math.max.apply(null, xs);
    var names = rows.slice().sort(function (a, b) { return b.base_value - a.base_value; }).slice(0, 12).map(function (r) { return r.region_code; });
    o.tooltip.formatter = function (p) { var r = p.data.row; return r ? "<b>" + esc(r.region_name) + "</b><br>" + esc(name) + " " + number(r[x]) + "<br>" + m[0].toLowerCase() + " " + number(r[m[1]]) : ""; };
    o.xAxis = axis(t, { type: "value", scale: true, name: name, nameLocation: "middle", nameGap: 28 }); o.grid.bottom = 30;
    o.yAxis = axis(t, { type: "value", scale: true, name: m[0].toLowerCase(), nameLocation: "end" });
    o.series = [
      { type: "line", symbol: "none", silent: true, data: [[xmin, level + slope * xmin], [xmax, level + slope * xmax]], lineStyle: { color: "#e08214", width: 2 } },
      { type: "scatter", symbolSize: 9, data: rows.map(function (r) { return { value: [r[x], r[m[1]]], row: r, itemStyle: { color: "#2166ac", opacity: 0.75 }, label: { show: names.indexOf(r.region_code) >= 0, formatter: plain(r.region_name), position: r[x] > xmin + 0.75 * (xmax - xmin) ? "left" : "right", color: t.text, fontSize: 11 } }; }), labelLayout: { hideOverlap: true } }
    ];
    var strength = Math.abs(corr) < 0.1 ? "no relation" : (corr > 0 ? "higher" : "lower");
    return { id: x + "-" + y + "-" + ep, title: strength === "no relation" ? name + " and " + m[0].toLowerCase() + " show no relation across regions" : "Where " + name + " is higher, " + m[0].toLowerCase() + " tends to be " + strength, note: "Correlation " + number(corr) + " over " + n + " regions, the outer tenth of the index pulled in; a description, not an effect.", source: "panel.region", height: 400, option: o };
  }
  Object.assign(charts, { quadrants, ranking, relation });
})();
