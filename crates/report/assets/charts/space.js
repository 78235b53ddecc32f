// The product space.
(function () {
  "use strict";
  const { base, esc, greatest, has, money, own, put, theme } = charts;
  // Products, joined by links; those that are not among `on`, a test, have no colour. Where the network stands is `frame`.
  function network(data, o, t, frame, s, on) {
    var largest = greatest(s.nodes.map(function (n) { return n.value; })) || 1;
    o.legend = { data: s.categories.map(function (x) { return x[0]; }), bottom: 0, type: "plain", itemWidth: 10, itemHeight: 10, textStyle: { color: t.soft, fontSize: 11 }, selectedMode: false };
    // The ends of links are brought to halves of a unit, which must be small against the figure.
    o.series = [put({ type: "graph", layout: "none", roam: !data.still, preserveAspect: "contain", categories: s.categories.map(function (x) { return { name: x[0], itemStyle: { color: x[1] } }; }),
      data: s.nodes.map(function (n, i) { return { name: n.product, x: 1000 * n.x, y: 1000 * n.y, category: n.category, symbolSize: nodeSize(n.value, largest), itemStyle: on(i) ? { borderColor: t.bg, borderWidth: 0.5 } : { color: t.none, borderColor: t.line, borderWidth: 0.5 } }; }),
      links: s.links.map(function (l) { return { source: l[0], target: l[1] }; }), lineStyle: { color: t.soft, opacity: 0.3, width: 0.6 }, emphasis: { focus: "adjacency", lineStyle: { width: 1.5 } } }, frame)];
  }
  function nodeSize(value, largest) { return !has(value) ? 12 : 6 + 26 * Math.sqrt(Math.max(0, value) / largest); }
  function space(data, dark, region, after) {
    var t = theme(dark), o = base(t), s = data.space;
    if (!s || !s.nodes.length) return null;
    var list = region !== undefined ? own(after ? s.after : s.before, region) || [] : null, on = {};
    if (list) list.forEach(function (i) { on[i] = true; });
    o.tooltip.formatter = function (p) { if (p.dataType !== "node") return ""; var n = s.nodes[p.dataIndex]; return "<b>" + esc(n.product) + "</b> " + esc(n.name || "") + "<br>" + esc(s.categories[n.category][0]) + ", " + esc(money(n.value, data.meta.unit)) + (list ? "<br>" + (on[p.dataIndex] ? "specialised" : "not specialised") : ""); };
    network(data, o, t, { left: 24, right: 24, top: 24, bottom: 90 }, s, function (i) { return !list || on[i]; });
    var name = list && own(data.names, region), about = list ? name + (after ? ", " + s.after_year : ", " + s.before_year) : s.before_year;
    return { id: "space" + (list ? "-" + region : ""), title: list ? name + " is specialised in " + list.length + " of these " + s.nodes.length + " products (" + (after ? s.after_year : s.before_year) + ")" : "The product space: " + s.nodes.length + " products, joined where the same " + s.joined + " specialise in both",
      note: "The largest products (" + about + "), sized by value; links of the maximum spanning tree and the strongest ones.", source: "space.proximity, trade.region_product_year", height: 620, option: o };
  }
  Object.assign(charts, { network, nodeSize, space });
})();
