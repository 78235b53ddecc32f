// All figures of a report.
(function () {
  "use strict";
  const { bump, byForm, classed, coefficients, coverage, kinds, leftOut, lisa, many, map, missing, moran, multiples,
    national, quadrants, ranking, ranks, regionsOf, relation, robust, space, specifications, thin,
    trade } = charts;
  function all(data, dark) {
    var out = [];
    data.episodes.forEach(function (e) {
      var ep = e.episode;
      out.push([ep, national(data, ep, dark)]);
      ["resistance", "recovery", "upgrading"].forEach(function (m) { out.push([ep, map(data, ep, m, dark)]); });
      out.push([ep, multiples(data, ep, dark)]);
      var n = {}; regionsOf(data, ep).forEach(function (r) { if (r.type) n[r.type] = (n[r.type] || 0) + 1; });
      out.push([ep, quadrants(data, ep, dark)]);
      out.push([ep, classed(data, ep, dark, "types", "type", kinds, many(n.resistant_recovering || 0, "region", "regions") + " resisted and recovered, " + (n.vulnerable_lagging || 0) + " fell and lagged", "Type of each region, by the signs of both indices.", "resilience.region")]);
      var clusters = regionsOf(data, ep).filter(function (r) { return r.lisa && r.lisa !== "not_significant"; }).length;
      out.push([ep, classed(data, ep, dark, "lisa", "lisa", lisa, clusters ? many(clusters, "region", "regions") + " in a cluster, or against the neighbours" : "Resistance shows no clusters of neighbours", "Local Moran's I of resistance, by permutation.", "spatial.region")]);
      ["resistance", "recovery"].forEach(function (m) { out.push([ep, ranking(data, ep, m, dark)]); });
      [robust, ranks, bump, byForm].forEach(function (figure) { ["resistance", "recovery"].forEach(function (stage) { out.push([ep, figure(data, ep, stage, dark)]); }); });
      out.push([ep, thin(data, ep, dark)]);
      out.push([ep, moran(data, ep)]);
      out.push([ep, relation(data, ep, "related_variety", "resistance", dark)]);
      out.push([ep, relation(data, ep, "mean_density", "recovery", dark)]);
      out.push([ep, space(data, ep, dark)]);
      out.push([ep, trade(data, ep, dark)]);
    });
    out.push([null, coverage(data, dark)]);
    out.push([null, leftOut(data)]);
    out.push([null, missing(data, dark)]);
    // A grid of specifications is one curve; other models are compared by outcome.
    (data.models || []).forEach(function (model) { out.push([null, specifications(data, model, dark) || coefficients(data, model, dark)]); });
    return out.filter(function (x) { return x[1]; });
  }
  Object.assign(charts, { all });
})();
