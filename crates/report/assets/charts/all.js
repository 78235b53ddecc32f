// All figures of a report.
(function () {
  "use strict";
  const { bump, byForm, chances, clusters, coefficients, coverage, leftOut, map, missing, moran, multiples,
    national, quadrants, ranking, ranks, relation, robust, space, specifications, thin,
    trade, types } = charts;
  // What makes each figure, and of which episode it is: what is not shown need not be made. Those that take longest say so.
  function makers(data, dark) {
    var out = [];
    data.episodes.forEach(function (e) {
      var ep = e.episode;
      out.push([ep, function () { return national(data, ep, dark); }]);
      ["resistance", "recovery", "upgrading"].forEach(function (m) { out.push([ep, function () { return map(data, ep, m, dark); }]); });
      out.push([ep, function () { return multiples(data, ep, dark); }, true]);
      out.push([ep, function () { return quadrants(data, ep, dark); }]);
      out.push([ep, function () { return types(data, ep, dark); }]);
      out.push([ep, function () { return clusters(data, ep, dark); }]);
      ["resistance", "recovery"].forEach(function (m) { out.push([ep, function () { return ranking(data, ep, m, dark); }]); });
      [robust, ranks, chances, bump, byForm].forEach(function (figure) { ["resistance", "recovery"].forEach(function (stage) { out.push([ep, function () { return figure(data, ep, stage, dark); }]); }); });
      out.push([ep, function () { return thin(data, ep, dark); }]);
      out.push([ep, function () { return moran(data, ep); }]);
      out.push([ep, function () { return relation(data, ep, "related_variety", "resistance", dark); }]);
      out.push([ep, function () { return relation(data, ep, "mean_density", "recovery", dark); }]);
      out.push([ep, function () { return space(data, ep, dark); }, true]);
      out.push([ep, function () { return trade(data, ep, dark); }]);
    });
    out.push([null, function () { return coverage(data, dark); }]);
    out.push([null, function () { return leftOut(data); }]);
    out.push([null, function () { return missing(data, dark); }]);
    // A grid of specifications is one curve; other models are compared by outcome.
    (data.models || []).forEach(function (model) { out.push([null, function () { return specifications(data, model, dark) || coefficients(data, model, dark); }]); });
    return out;
  }
  // All that there are, or those of one episode and of none.
  function all(data, dark, episode) {
    var shown = makers(data, dark).filter(function (of) { return !episode || of[0] === null || of[0] === episode; });
    return shown.map(function (of) { return [of[0], of[1]()]; }).filter(function (of) { return of[1]; });
  }
  Object.assign(charts, { all, makers });
})();
