// The page of a region.
(function () {
  "use strict";
  const { has, money, number, own, say } = charts;
  const { data, el, option } = page;
  var pick = document.getElementById("pick");
  function list(title, rows, sign) {
    var box = el("div", null, "list");
    box.appendChild(el("h4", title));
    if (!rows.length) {
      box.appendChild(el("p", say("None."), "soft"));
      return box;
    }
    var ol = el("ol");
    rows.forEach(function (r) {
      var li = el("li");
      li.append(el("b", r.product), " " + (own(data.products, r.product) || "") + " ",
        el("span", sign + money(r.change, data.meta.unit), "soft amount"));
      ol.appendChild(li);
    });
    box.appendChild(ol);
    return box;
  }
  function withInterval(v, low, high) {
    if (!has(low)) return number(v);
    return say("{value} ({low} to {high})", { value: number(v), low: number(low), high: number(high) });
  }
  // What the region has, and its place among all.
  function facts(r) {
    var all = charts.regionsOf(data, page.episode);
    function placed(field) {
      if (!has(r[field])) return "–";
      var known = all.filter(function (x) { return has(x[field]); });
      var better = known.filter(function (x) { return x[field] > r[field]; }).length;
      return say("place {place} of {n}", { place: better + 1, n: known.length });
    }
    var dl = el("dl");
    [
      [say("Resistance"), withInterval(r.resistance, r.resistance_low, r.resistance_high), placed("resistance")],
      [say("Recovery"), withInterval(r.recovery, r.recovery_low, r.recovery_high), placed("recovery")],
      [say("Upgrading"), number(r.upgrading, 3), placed("upgrading")],
      [say("End over base"), number(r.level_recovery), placed("level_recovery")],
      [say("Base"), money(r.base_value, data.meta.unit), placed("base_value")]
    ].forEach(function (of) {
      var d = el("div");
      d.append(el("dt", of[0]), el("dd", of[1]), el("dd", of[2], "soft"));
      dl.appendChild(d);
    });
    return dl;
  }
  // Figures of one region: what makes each, and whether it is wide. Without a product space some are not there.
  function figures(code) {
    var ep = page.episode;
    function made(name) { return [function (dark) { return charts[name](data, ep, code, dark); }, true]; }
    return [
      made("path"),
      made("specialisations"),
      made("frontier"),
      [function (dark) { return charts.trade(data, ep, dark, code); }, true]
    ];
  }
  function show(code, stay) {
    var into = document.getElementById("region");
    if (!into) return;
    var r = charts.regionsOf(data, page.episode).filter(function (x) { return x.region_code === code; })[0];
    if (!r) {
      into.replaceChildren(el("p", say("This region is not in this episode."), "soft"));
      return page.forget();
    }
    var room = page.measured(), isPaired = room.half < room.whole, out = document.createDocumentFragment();
    var parts = own(own(data.parts, page.episode), code) || { fell: [], back: [], entered: [] }, lists = el("div", null, "lists");
    lists.append(list(say("What fell"), parts.fell, ""), list(say("What came back"), parts.back, "+"),
      list(say("What entered"), parts.entered, ""));
    out.append(el("h3", r.region_name, "name"), facts(r));
    var grid = el("div", null, "figures"), found = [];
    figures(code).forEach(function (of) {
      var figure = page.within(of[1] ? room.whole : room.half, of[0]);
      if (figure) [].concat(figure).forEach(function (one) { found.push([one, of[1]]); });
    });
    grid.appendChild(page.grid(found.slice(0, 1), isPaired, function () { return null; }));
    out.append(grid, lists);
    if (found.length > 1) {
      var more = el("div", null, "figures");
      more.appendChild(page.grid(found.slice(1), isPaired, function () { return null; }));
      out.appendChild(more);
    }
    into.replaceChildren(out);
    page.forget();
    pick.value = code;
    if (!stay) {
      into.scrollIntoView({ behavior: "auto" });
      pick.focus({ preventScroll: true });
    }
  }
  function begin() {
    if (!pick) return;
    var codes = page.regionsByName();
    codes.all.forEach(function (code) { pick.appendChild(option(code, data.names[code])); });
    var largest = charts.regionsOf(data, page.episode).sort(function (a, b) { return b.base_value - a.base_value; })[0];
    if (codes.focus.length) pick.value = codes.focus[0];
    else if (largest) pick.value = largest.region_code;
    pick.addEventListener("change", function () { show(pick.value, true); });
  }
  function again() { if (pick) show(pick.value, true); }
  Object.assign(page, { beginRegion: begin, region: show, regionAgain: again });
})();
