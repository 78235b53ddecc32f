// How likely each region has each rank: a strip a region, a cell a rank.
(function () {
  "use strict";
  const { FONT, axis, base, benchmarkOf, capital, certain, chance, cut, ends, esc, hundredths, inkOn, keyed, literal, own, rankedAgainst, rowsOf, say, sayMany,
    theme } = charts;
  // Where classes of probabilities end, and their colours: one hue from the ground on, so that they are told apart without seeing hues (after ColorBrewer's Blues).
  var bounds = [0.01, 0.05, 0.1, 0.25, 0.5];
  var colours = { light: ["#e3ecf5", "#c6dbef", "#9ecae1", "#6baed6", "#2171b5", "#08306b"], dark: ["#1c2a38", "#1f405c", "#2a6190", "#5a9fd4", "#9ccbee", "#e3f1fb"] };
  function classOf(p) { return bounds.filter(function (bound) { return p >= bound; }).length; }
  function classes(colour) {
    function whole(v) { return Math.round(100 * v); }
    return colour.map(function (of, i) {
      var low = bounds[i - 1], high = bounds[i];
      return { color: of, mark: "box", text: i === 0 ? "< " + hundredths(whole(high)) : i === bounds.length ? say("{bound} or more", { bound: hundredths(whole(low)) }) : say("{low} to {high}", { low: whole(low), high: hundredths(whole(high)) }) };
    });
  }
  function chances(data, ep, stage, dark, against) {
    var benchmark = against || (rankedAgainst(data, ep)[0] || [])[0];
    var of = certain(data, ep, "chances").filter(function (x) { return x.stage === stage && x.benchmark === benchmark; })[0];
    if (!of || of.regions.length < 2) return null;
    var t = theme(dark), o = base(t), colour = dark ? colours.dark : colours.light, key = keyed(t, classes(colour), data.room - 16, 0);
    var rows = of.regions.map(function (r) { return { region_code: r[0], places: r[1] }; }), shown = ends(rows, of.n_known), cells = [];
    function likeliest(r) { return r.places.reduce(function (a, b) { return b[1] > a[1] ? b : a; }); }
    o.graphic = key.graphic; o.grid.top = key.height + 30; o.grid.bottom = 30;
    var height = rowsOf(data, o, t, shown, of.n_known - 30, say("most likely rank"), function (r) { var most = likeliest(r); return say("{rank}: {chance}", { rank: most[0], chance: chance(most[1]) }); }), tall = height / shown.length;
    o.xAxis = axis(t, { type: "value", min: 0.5, max: of.n_ranked + 0.5, minInterval: 1, name: say("rank"), nameLocation: "middle", nameGap: 26, splitLine: { show: false },
      axisLabel: { color: t.soft, showMinLabel: false, showMaxLabel: false, hideOverlap: true, formatter: function (v) { return v === Math.round(v) ? String(v) : ""; } } });
    o.tooltip.formatter = function (p) {
      var x = p.data && p.data.row;
      return x ? "<b>" + esc(own(data.names, x[0]) || x[0]) + "</b><br>" + esc(say("rank")) + " " + x[1] + ": " + esc(chance(x[2])) : "";
    };
    shown.forEach(function (r, i) { if (r) r.places.forEach(function (x) { cells.push({ value: [x[0], i, x[1]], row: [r.region_code, x[0], x[1]] }); }); });
    o.series = [{ type: "custom", clip: true, z: 1, encode: { x: 0, y: 1 }, data: cells, renderItem: function (params, api) {
      var at = api.coord([api.value(0) - 0.5, api.value(1)]), wide = api.coord([api.value(0) + 0.5, api.value(1)])[0] - at[0], p = api.value(2), fill = colour[classOf(p)], gap = wide > 8 ? 1 : 0;
      var rect = { type: "rect", shape: { x: at[0] + gap / 2, y: at[1] - tall / 2 + 1, width: wide - gap, height: tall - 2 }, style: { fill: fill } };
      // A number where it has room, and is more than nothing.
      if (wide < 34 || p < 0.005) return rect;
      return { type: "group", children: [rect, { type: "text", silent: true, x: at[0] + wide / 2, y: at[1], style: { text: hundredths(Math.round(100 * p)), align: "center", verticalAlign: "middle", fontSize: 10, fontFamily: FONT, fill: inkOn(fill) } }] };
    } }];
    var where = " where episode = " + literal(ep) + " and stage = " + literal(stage) + " and benchmark = " + literal(benchmark), out = [];
    rows.forEach(function (r) { r.places.forEach(function (x) { out.push([r.region_code, x[0], x[1]]); }); });
    var values = { Stage: capital(say(stage)), stage: say(stage), all: of.n_known, n: of.n_one, against: benchmark === "aggregate" ? say("all regions together") : benchmarkOf(benchmark)[0] }, gone = of.n_ranked - of.n_known;
    return { id: "chances-" + stage + "-" + ep,
      title: of.n_one ? sayMany(of.n_one, "{Stage}: {n} of {all} regions has a rank that is likelier than all others together", "{Stage}: {n} of {all} regions have a rank that is likelier than all others together", values) : say("{Stage}: no region has a rank that is likelier than all others together", values),
      subtitle: say("How likely each rank is by the index of {stage} against {against}, 1 is the highest", values),
      note: say("Colour: the probability of the rank.") + (gone ? " " + sayMany(gone, "{n} region has no interval, and is not shown.", "{n} regions have no interval, and are not shown.") : "") + cut(of.n_known),
      source: "resilience.rank_place", height: o.grid.top + height + 56, option: o, columns: ["region_code", "place", "probability"], rows: out,
      sql: "select c.region_code, c.place, c.probability from (select * from resilience.rank_place" + where + ") c join (select region_code, row_number() over (order by rank, region_code) as nth, count(*) over () as n_known from resilience.rank" + where + " and p_top_quarter is not null) r on r.region_code = c.region_code" + (of.n_known > 30 ? " where r.nth <= 15 or r.nth + 15 > r.n_known" : "") + " order by r.nth, c.place" };
  }
  Object.assign(charts, { chances });
})();
