// All figures of a report.
(function () {
  "use strict";
  const { bump, byForm, clusters, coefficients, coverage, leftOut, map, missing, moran, multiples,
    national, quadrants, ranking, ranks, relation, robust, space, specifications, thin,
    trade, types } = charts;
  function all(data, dark) {
    var out = [];
    data.episodes.forEach(function (e) {
      var ep = e.episode;
      out.push([ep, national(data, ep, dark)]);
      ["resistance", "recovery", "upgrading"].forEach(function (m) { out.push([ep, map(data, ep, m, dark)]); });
      out.push([ep, multiples(data, ep, dark)]);
      out.push([ep, quadrants(data, ep, dark)]);
      out.push([ep, types(data, ep, dark)]);
      out.push([ep, clusters(data, ep, dark)]);
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
