// All figures of a report.
(function () {
  "use strict";
  const { clusters, coefficients, map, national, quadrants, ranking, ranks, relation, robust, space, types } = charts;
  function all(data, dark) {
    var out = [];
    data.episodes.forEach(function (e) {
      var ep = e.episode;
      out.push([ep, national(data, ep, dark)]);
      ["resistance", "recovery", "upgrading"].forEach(function (m) { out.push([ep, map(data, ep, m, dark)]); });
      out.push([ep, quadrants(data, ep, dark)]);
      out.push([ep, types(data, ep, dark)]);
      out.push([ep, clusters(data, ep, dark)]);
      ["resistance", "recovery"].forEach(function (m) { out.push([ep, ranking(data, ep, m, dark)]); });
      [robust, ranks].forEach(function (figure) { ["resistance", "recovery"].forEach(function (stage) { out.push([ep, figure(data, ep, stage, dark)]); }); });
      out.push([ep, relation(data, ep, "related_variety", "related variety", "resistance", dark)]);
      out.push([ep, relation(data, ep, "mean_density", "mean density", "recovery", dark)]);
    });
    out.push([null, space(data, dark)]);
    out.push([null, coefficients(data, dark)]);
    return out.filter(function (x) { return x[1]; });
  }
  Object.assign(charts, { all });
})();
