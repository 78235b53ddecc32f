// The page: sections of figures, a table of regions, a page a region.
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var dark = window.matchMedia("(prefers-color-scheme: dark)"), shown = [], episode = data.episodes[0].episode;
  if (data.geo) echarts.registerMap("regions", data.geo);
  // Whether the window is narrow, and how wide a figure beside others is.
  function measureWidth() {
    var whole = document.querySelector("main").clientWidth - 40, n = Math.max(1, Math.floor((whole + 28) / 548));
    data.narrow = window.innerWidth < 600; data.room = Math.floor((whole - 28 * (n - 1)) / n); data.whole = whole;
  }
  measureWidth();
  function el(tag, text, cls) { var e = document.createElement(tag); if (text !== undefined && text !== null) e.textContent = text; if (cls) e.className = cls; return e; }
  function figure(chart, into, wide) {
    if (!chart) return null;
    var f = el("figure"); f.id = chart.id; if (wide) f.className = "wide";
    f.appendChild(el("h3", chart.title));
    // What is no drawing is a table.
    var box = chart.option ? el("div", null, "chart") : tableOf(chart);
    if (chart.option) box.style.height = chart.height + "px";
    if (chart.option) { box.setAttribute("role", "img"); box.setAttribute("aria-label", chart.title); }
    f.appendChild(box);
    var cap = el("figcaption", chart.note + " "); cap.appendChild(el("span", "Source: " + chart.source + ", run " + data.meta.run + ".", "source")); f.appendChild(cap);
    into.appendChild(f);
    if (!chart.option) return null;
    var c = echarts.init(box, null, { renderer: "svg" }); c.setOption(chart.option); shown.push(c);
    if (chart.option.geo) f.insertBefore(zoom(c, box), box);
    if (chart.live) { chart.live(c); f.insertBefore(find(c), box); }
    return c;
  }
  function tableOf(chart) {
    var box = el("div", null, "scroll"), table = el("table"), head = el("thead"), body = el("tbody");
    [[head, "th", [chart.heads]], [body, "td", chart.said]].forEach(function (part) {
      part[2].forEach(function (cells) { var tr = el("tr"); cells.forEach(function (text, i) { tr.appendChild(el(part[1], text, chart.texts.indexOf(i) >= 0 ? "label" : null)); }); part[0].appendChild(tr); });
      table.appendChild(part[0]);
    });
    box.appendChild(table);
    return box;
  }
  // A figure that stood alone in its row, until the next one came, is as wide as its place again.
  function fit() { shown.forEach(function (c) { if (c.getWidth() !== c.getDom().clientWidth) c.resize(); }); }
  // A field that marks products of the product space.
  function find(c) {
    var input = el("input"); input.type = "search"; input.placeholder = charts.say("Find a product"); input.setAttribute("aria-label", input.placeholder);
    input.addEventListener("input", function () { charts.find(c, data, input.value); });
    return input;
  }
  // A map grows by buttons, by keys, by the wheel with ctrl or cmd or once the map has the focus, and by two fingers: a wheel or a finger alone scrolls the page. A map
  // that is larger than its frame can be dragged, and moved by the arrows.
  function zoom(c, box) {
    var tools = el("div", null, "zoom"), at = 1, from = null, pinch = null;
    function act(what) { c.dispatchAction(charts.put({ type: "geoRoam", componentType: "geo", geoIndex: 0 }, what)); }
    function whole() { at = 1; c.setOption({ geo: [{ zoom: 1, center: null }] }); }
    function by(factor, x, y) {
      var to = Math.min(16, Math.max(1, at * factor));
      if (to < 1.001) { if (at !== 1) whole(); return; }
      act({ zoom: to / at, originX: x, originY: y }); at = to;
    }
    function middle(factor) { by(factor, c.getWidth() / 2, box.clientHeight / 2); }
    function place(e) { var of = box.getBoundingClientRect(); return [e.clientX - of.left, e.clientY - of.top]; }
    box.tabIndex = 0;
    box.setAttribute("aria-keyshortcuts", "+ - 0 ArrowLeft ArrowRight ArrowUp ArrowDown");
    box.addEventListener("wheel", function (e) {
      // At its ends the wheel scrolls the page again.
      var isMap = e.ctrlKey || e.metaKey || (document.activeElement === box && !(at === 1 && e.deltaY > 0) && !(at === 16 && e.deltaY < 0)), p = place(e);
      if (!isMap) return;
      e.preventDefault(); by(Math.pow(1.002, -Math.max(-120, Math.min(120, e.deltaMode ? 30 * e.deltaY : e.deltaY))), p[0], p[1]);
    }, { passive: false });
    box.addEventListener("pointerdown", function (e) { if (e.pointerType !== "touch" && e.button === 0 && at > 1) from = place(e); });
    // The pointer is the map's until it is let go, wherever it goes.
    box.addEventListener("pointermove", function (e) {
      if (!from) return;
      if (!(e.buttons & 1)) { from = null; return; }
      if (!box.hasPointerCapture(e.pointerId)) box.setPointerCapture(e.pointerId);
      var p = place(e); act({ dx: p[0] - from[0], dy: p[1] - from[1] }); from = p;
    });
    box.addEventListener("pointerup", function () { from = null; });
    function fingers(e) { var a = place(e.touches[0]), b = place(e.touches[1]); return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, far: Math.hypot(a[0] - b[0], a[1] - b[1]) || 1 }; }
    box.addEventListener("touchstart", function (e) { pinch = e.touches.length === 2 ? fingers(e) : null; }, { passive: true });
    box.addEventListener("touchmove", function (e) {
      if (e.touches.length !== 2 || !pinch) return;
      e.preventDefault();
      var to = fingers(e);
      by(to.far / pinch.far, to.x, to.y);
      if (at > 1) act({ dx: to.x - pinch.x, dy: to.y - pinch.y });
      pinch = to;
    }, { passive: false });
    box.addEventListener("touchend", function () { pinch = null; });
    var steps = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    box.addEventListener("keydown", function (e) {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      var step = charts.own(steps, e.key);
      if (e.key === "+" || e.key === "=") middle(1.6); else if (e.key === "-" || e.key === "_") middle(1 / 1.6); else if (e.key === "0") whole(); else if (step && at > 1) act({ dx: step[0], dy: step[1] }); else return;
      e.preventDefault();
    });
    [["+", "Zoom in", function () { middle(1.6); }], ["−", "Zoom out", function () { middle(1 / 1.6); }], ["Whole", "Show the whole map", whole]].forEach(function (b) {
      var button = el("button", b[0]); button.type = "button"; button.title = b[1]; button.setAttribute("aria-label", b[1]); button.addEventListener("click", b[2]); tools.appendChild(button);
    });
    return tools;
  }
  function cell(row, v, cls) { var td = el("td", v, cls); row.appendChild(td); return td; }
  var columns = [
    ["region_name", "Region", null], ["base_value", "Base", function (v) { return charts.money(v); }], ["resistance", "Resistance", charts.number], ["resistance_low", "low", charts.number], ["resistance_high", "high", charts.number],
    ["recovery", "Recovery", charts.number], ["upgrading", "Upgrading", function (v) { return charts.number(v, 3); }], ["level_recovery", "End / base", charts.number], ["related_variety", "Related variety", charts.number],
    ["eci", "ECI", charts.number], ["type", "Type", function (v) { return v ? v.replace("_", ", ") : "–"; }]
  ];
  var sort = ["resistance", -1], query = "";
  function table() {
    var body = document.querySelector("#regions tbody"); body.textContent = "";
    var rows = data.regions.filter(function (r) { return r.episode === episode && (r.region_name + " " + r.region_code).toLowerCase().indexOf(query) >= 0; });
    rows.sort(function (a, b) {
      var x = a[sort[0]], y = b[sort[0]];
      if (x === null || x === undefined) return 1; if (y === null || y === undefined) return -1;
      return (x < y ? -1 : x > y ? 1 : 0) * sort[1];
    });
    rows.forEach(function (r) {
      var tr = el("tr"); tr.dataset.code = r.region_code;
      columns.forEach(function (c, i) {
        if (i === 0) { var th = el("th"); th.scope = "row"; var b = el("button", r.region_name, "link"); b.addEventListener("click", function () { region(r.region_code); }); th.appendChild(b); tr.appendChild(th); }
        else { var td = cell(tr, c[2](r[c[0]])); if (typeof r[c[0]] === "number") td.dataset.value = r[c[0]]; }
      });
      body.appendChild(tr);
    });
    document.getElementById("found").textContent = rows.length + (rows.length === 1 ? " region" : " regions");
    document.querySelectorAll("#regions thead th").forEach(function (th) { th.setAttribute("aria-sort", th.dataset.key === sort[0] ? (sort[1] > 0 ? "ascending" : "descending") : "none"); });
  }
  function head() {
    var tr = document.querySelector("#regions thead tr");
    columns.forEach(function (c) {
      var th = el("th"); th.scope = "col"; th.dataset.key = c[0];
      var b = el("button", c[1], "sort");
      b.addEventListener("click", function () { sort = [c[0], sort[0] === c[0] ? -sort[1] : (c[0] === "region_name" || c[0] === "type" ? 1 : -1)]; table(); });
      th.appendChild(b); tr.appendChild(th);
    });
    document.getElementById("search").addEventListener("input", function (e) { query = e.target.value.toLowerCase(); table(); });
  }
  // What the path of each region is made of, in words.
  var ofPath = [
    ["region_code", "Region", null],
    ["largest_gap_relative", "Deepest below the expected path", function (c, v) { return v === null ? why(c.null_reason || c.relative_null_reason) : v > 0 ? charts.number(100 * v, 1) + " % in " + c.largest_gap_period : "never below"; }],
    ["gross_loss", "Lost by the end", function (c, v) { return v === null ? why(c.null_reason) : v > 0 ? charts.money(v, data.meta.unit) : "nothing"; }],
    ["n_periods_to_recover", "Back on the expected path", function (c, v, e) { return v === null ? (c.recover_null_reason === "not_recovered" ? "not by " + e.end : why(c.recover_null_reason)) : v === 0 ? "not off it at the trough" : v + " " + e.frequency + (v === 1 ? "" : "s") + " after the trough"; }],
    ["end_relative", "At the end", function (c, v) { return v === null ? why(c.null_reason || c.relative_null_reason) : v === 0 ? "on it" : charts.number(Math.abs(100 * v), 1) + " % " + (v > 0 ? "above" : "below"); }]
  ];
  function why(reason) { return reason ? "– (" + reason.replace(/_/g, " ") + ")" : "–"; }
  function components() {
    var rows = ((charts.own(data.certainty, episode) || {}).components || []).slice(), body = document.querySelector("#components tbody"), head = document.querySelector("#components thead tr");
    var e = data.episodes.filter(function (x) { return x.episode === episode; })[0];
    body.textContent = ""; head.textContent = "";
    ofPath.forEach(function (c) { var th = el("th", c[1]); th.scope = "col"; head.appendChild(th); });
    rows.sort(function (a, b) { var x = a.largest_gap_relative, y = b.largest_gap_relative; return x === y ? 0 : x === null ? 1 : y === null ? -1 : x - y; });
    rows.forEach(function (r) {
      var tr = el("tr"), th = el("th"), b = el("button", charts.own(data.names, r.region_code) || r.region_code, "link");
      tr.dataset.code = r.region_code; th.scope = "row"; b.addEventListener("click", function () { region(r.region_code); }); th.appendChild(b); tr.appendChild(th);
      ofPath.slice(1).forEach(function (c) { var td = cell(tr, c[2](r, r[c[0]], e)); if (r[c[0]] !== null) td.dataset.value = r[c[0]]; });
      body.appendChild(tr);
    });
    [document.getElementById("components").parentNode, document.getElementById("components-caption")].forEach(function (x) { x.hidden = !rows.length; });
    return rows.length;
  }
  // Ranks against the benchmark that is chosen.
  var rankFigures = [], against = document.getElementById("against");
  function ranks() {
    var into = document.querySelector("#sure .ranks");
    rankFigures.forEach(function (c) { if (!c.isDisposed()) c.dispose(); });
    shown = shown.filter(function (c) { return !c.isDisposed(); });
    into.textContent = "";
    rankFigures = ["resistance", "recovery"].map(function (stage) { return figure(charts.ranks(data, episode, stage, dark.matches, against.value), into); }).filter(Boolean);
    fit();
  }
  function chooseRanks() {
    var before = against.value, all = charts.rankedAgainst(data, episode);
    against.textContent = "";
    all.forEach(function (b) { var o = el("option", b[1] + " (" + b[0] + ")"); o.value = b[0]; if (b[0] === before) o.selected = true; against.appendChild(o); });
    ranks();
    against.parentNode.parentNode.hidden = !rankFigures.length;
    return rankFigures.length;
  }
  against.addEventListener("change", ranks);
  function list(title, rows, show) {
    var box = el("div", null, "list"); box.appendChild(el("h4", title));
    if (!rows.length) { box.appendChild(el("p", "None.", "soft")); return box; }
    var ol = el("ol");
    rows.forEach(function (r) { var li = el("li"); li.appendChild(el("b", r.product + " ")); li.appendChild(document.createTextNode((charts.own(data.products, r.product) || "") + " ")); li.appendChild(el("span", show(r), "soft")); ol.appendChild(li); });
    box.appendChild(ol); return box;
  }
  function region(code, stay) {
    var into = document.getElementById("region"); into.textContent = "";
    var r = data.regions.filter(function (x) { return x.episode === episode && x.region_code === code; })[0];
    if (!r) return;
    var all = data.regions.filter(function (x) { return x.episode === episode; });
    function place(f) { var have = all.filter(function (x) { return x[f] !== null && x[f] !== undefined; }); var better = have.filter(function (x) { return x[f] > r[f]; }).length; return r[f] === null || r[f] === undefined ? "–" : (better + 1) + " of " + have.length; }
    into.appendChild(el("h3", r.region_name, "name"));
    var dl = el("dl");
    [["Resistance", charts.number(r.resistance) + (r.resistance_low !== null && r.resistance_low !== undefined ? " (" + charts.number(r.resistance_low) + " to " + charts.number(r.resistance_high) + ")" : ""), place("resistance")],
     ["Recovery", charts.number(r.recovery) + (r.recovery_low !== null && r.recovery_low !== undefined ? " (" + charts.number(r.recovery_low) + " to " + charts.number(r.recovery_high) + ")" : ""), place("recovery")],
     ["Upgrading", charts.number(r.upgrading, 3), place("upgrading")], ["End over base", charts.number(r.level_recovery), place("level_recovery")], ["Base", charts.money(r.base_value, data.meta.unit), place("base_value")]].forEach(function (x) {
      var d = el("div"); d.appendChild(el("dt", x[0])); d.appendChild(el("dd", x[1])); d.appendChild(el("dd", "place " + x[2], "soft")); dl.appendChild(d);
    });
    into.appendChild(dl);
    figure(charts.path(data, episode, code, dark.matches), into, true);
    var parts = charts.own(charts.own(data.parts, episode), code) || { fell: [], back: [], entered: [] }, lists = el("div", null, "lists"), m = function (v) { return charts.money(v, data.meta.unit); };
    lists.appendChild(list("What fell", parts.fell, function (p) { return m(p.change); }));
    lists.appendChild(list("What came back", parts.back, function (p) { return "+" + m(p.change); }));
    lists.appendChild(list("What entered", parts.entered, function (p) { return m(p.change); }));
    into.appendChild(lists);
    if (data.space) {
      [charts.specialisations, charts.frontier].forEach(function (make) { figure(make(data, episode, code, dark.matches), into, true); });
      figure(charts.trade(data, episode, dark.matches, code), into, true);
    }
    fit();
    if (!stay) into.scrollIntoView({ behavior: "auto" });
    document.getElementById("pick").value = code;
  }
  function draw() {
    shown.forEach(function (c) { c.dispose(); }); shown = [];
    var parts = { overview: ["national"], maps: ["resistance-map", "recovery-map", "upgrading-map", "types", "lisa"], places: ["paths-", "quadrants", "resistance-ranking", "recovery-ranking"], sure: ["robust-", "bump-", "forms-", "coverage", "left-out", "missing", "thin-", "moran-"], relations: ["related_variety", "mean_density", "coefficients", "specifications"], space: ["space-", "trade-"] };
    Object.keys(parts).forEach(function (k) { document.querySelector("#" + k + " .figures").textContent = ""; });
    charts.all(data, dark.matches).forEach(function (x) {
      if (x[0] !== null && x[0] !== episode) return;
      Object.keys(parts).forEach(function (k) { if (parts[k].some(function (p) { return x[1].id.indexOf(p) === 0; })) figure(x[1], document.querySelector("#" + k + " .figures"), k === "overview" || k === "space" || x[1].is_wide); });
    });
    var n_more = chooseRanks() + components();
    // What has no figures is no place to go to.
    Object.keys(parts).forEach(function (k) {
      var none = !document.querySelector("#" + k + " .figures").children.length && !(k === "sure" && n_more), link = document.querySelector("nav a[href='#" + k + "']");
      document.getElementById(k).hidden = none;
      if (link) link.hidden = none;
    });
    document.querySelectorAll("[data-episode]").forEach(function (e) { e.hidden = e.dataset.episode !== episode; });
    table();
    var code = document.getElementById("pick").value || (data.regions[0] || {}).region_code;
    region(code, true);
  }
  var pick = document.getElementById("episode");
  data.episodes.forEach(function (e) { var o = el("option", e.episode + " (" + e.base + " – " + e.trough + " – " + e.end + ")"); o.value = e.episode; pick.appendChild(o); });
  pick.addEventListener("change", function () { episode = pick.value; draw(); });
  var names = document.getElementById("pick");
  Object.keys(data.names).sort(function (a, b) { return data.names[a] < data.names[b] ? -1 : 1; }).forEach(function (c) { var o = el("option", data.names[c]); o.value = c; names.appendChild(o); });
  var largest = data.regions.filter(function (r) { return r.episode === episode; }).sort(function (a, b) { return b.base_value - a.base_value; })[0];
  if (largest) names.value = largest.region_code;
  names.addEventListener("change", function () { region(names.value, true); });
  head(); draw();
  dark.addEventListener("change", draw);
  var later = null;
  window.addEventListener("resize", function () {
    var before = data.narrow, room = data.room; measureWidth(); clearTimeout(later);
    if (before !== data.narrow) return draw();
    shown.forEach(function (c) { c.resize(); });
    // Where a legend breaks hangs on the width: figures are made again once it stays.
    if (room !== data.room) later = setTimeout(draw, 200);
  });
  window.addEventListener("beforeprint", function () { shown.forEach(function (c) { c.resize(); }); });
  document.body.dataset.ready = "yes";
})();
