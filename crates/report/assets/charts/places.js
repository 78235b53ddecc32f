// Which section of the page a figure stands in.
(function () {
  "use strict";
  // By how its name begins: the section, and `wide` if it takes the whole width, as a figure may ask for by `is_wide`. The
  // first that fits counts.
  var places = [
    ["national", "overview", "wide"],
    ["resistance-map", "maps"],
    ["recovery-map", "maps"],
    ["upgrading-map", "maps"],
    ["types", "maps"],
    ["lisa", "maps"],
    ["quadrants", "places"],
    ["resistance-ranking", "places"],
    ["recovery-ranking", "places"],
    ["paths", "places", "wide"],
    ["robust", "sure"],
    // Against the benchmark that is chosen beside them.
    ["ranks", "chosen"],
    ["chances", "chosen"],
    ["bump", "sure"],
    ["forms", "sure"],
    ["coverage", "sure", "wide"],
    ["missing", "sure"],
    ["left-out", "sure"],
    ["thin", "sure"],
    ["moran", "sure"],
    ["space", "space", "wide"],
    ["trade", "space", "wide"],
    ["related_variety", "relations"],
    ["mean_density", "relations"],
    ["coefficients", "relations", "wide"],
    ["specifications", "relations", "wide"]
  ];
  function placeOf(figure) {
    var of = places.filter(function (place) { return figure.id.indexOf(place[0]) === 0; })[0];
    return of && { section: of[1], wide: of[2] === "wide" || Boolean(figure.is_wide) };
  }
  // Whether a report that chooses its sections has the figure.
  function isChosen(data, figure) {
    var sections = data.report && data.report.sections, of = placeOf(figure);
    return !sections || !of || sections.indexOf(of.section === "chosen" ? "sure" : of.section) >= 0;
  }
  Object.assign(charts, { isChosen, placeOf });
})();
