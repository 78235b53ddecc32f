// The page: sections of figures, and what they hang on.
(function () {
  "use strict";
  const { own } = charts;
  const { data, option } = page;
  var episodes = document.getElementById("episode"), against = document.getElementById("against");
  var dark = window.matchMedia("(prefers-color-scheme: dark)"), paper = window.matchMedia("print");
  page.episode = data.episodes[0].episode;
  // The figures of the episode that is shown, and of all.
  function figuresOf(room) {
    var all = page.within(room, function (isDark) { return charts.all(data, isDark, page.episode); });
    return all.map(function (of) { return of[1]; });
  }
  // Ranks against the benchmark that is chosen.
  function ranks() {
    var into = document.querySelector("#sure .ranks"), room = page.measured();
    if (!into) return 0;
    var found = [];
    [charts.ranks, charts.chances].forEach(function (figure) {
      ["resistance", "recovery"].forEach(function (stage) {
        found.push(page.within(room.half, function (isDark) { return figure(data, page.episode, stage, isDark, against.value); }));
      });
    });
    found = found.filter(Boolean);
    into.replaceChildren(page.grid(found.map(function (figure) { return [figure, false]; }), room.half < room.whole, function () { return null; }));
    page.forget();
    return found.length;
  }
  function chooseRanks() {
    if (!against) return 0;
    var before = against.value;
    against.replaceChildren.apply(against, charts.rankedAgainst(data, page.episode).map(function (b) {
      var o = option(b[0], b[1] + " (" + b[0] + ")");
      o.selected = b[0] === before;
      return o;
    }));
    var n = ranks();
    against.closest(".tools").hidden = !n;
    return n;
  }
  // What has no figures is no place to go to.
  function hide(section, isEmpty) {
    var link = document.querySelector("nav a[href='#" + section.id + "']");
    section.hidden = isEmpty;
    if (link) link.hidden = isEmpty;
  }
  function fillSections() {
    var room = page.measured(), isPaired = room.half < room.whole, halves = figuresOf(room.half), wholes = null, bySection = {};
    function whole(id) {
      wholes = wholes || (isPaired ? figuresOf(room.whole) : halves);
      return wholes.filter(function (figure) { return figure.id === id; })[0];
    }
    halves.forEach(function (figure) {
      var at = charts.placeOf(figure);
      if (!at) return console.error("no section for the figure " + figure.id + ": say one in charts/places.js");
      (bySection[at.section] = bySection[at.section] || []).push([figure, at.wide]);
    });
    document.querySelectorAll("main > section").forEach(function (section) {
      var into = section.querySelector(".figures");
      if (!into || section.id === "pages") return;
      into.replaceChildren(page.grid(own(bySection, section.id) || [], isPaired, whole));
      sayAside(section, own(bySection, section.id) || []);
    });
  }
  // What is so of all figures of a section stands above them, once.
  function sayAside(section, figures) {
    var into = section.querySelector(".aside"), of = figures.map(function (figure) { return figure[0].aside; }).filter(Boolean)[0];
    if (!into) return;
    into.textContent = of || "";
    into.hidden = !of;
  }
  function draw() {
    var n = 0;
    fillSections();
    page.forget();
    n += chooseRanks();
    n += page.components();
    ["overview", "maps", "places", "sure", "relations", "space"].forEach(function (id) {
      var section = document.getElementById(id);
      if (section) hide(section, !section.querySelector("figure") && !(id === "sure" && n) && id !== "overview");
    });
    page.regions();
    page.regionAgain();
  }
  // Paper is of one width and light, all is drawn, and nothing is closed.
  var closed = [];
  function toPaper() {
    var root = document.documentElement, high = 900;
    if (page.isPrinting()) return;
    root.classList.add("printing");
    closed = Array.from(document.querySelectorAll("main details:not(.menu):not([open])"));
    closed.forEach(function (of) { of.open = true; });
    draw();
    page.drawAll();
    // A figure that is higher than a sheet below the name of a section is made smaller, so that no
    // break cuts it.
    document.querySelectorAll("figure").forEach(function (figure) {
      if (figure.offsetHeight > high) figure.style.zoom = high / figure.offsetHeight;
    });
  }
  function fromPaper() {
    if (!page.isPrinting()) return;
    document.documentElement.classList.remove("printing");
    closed.forEach(function (of) { of.open = false; });
    draw();
  }
  function begin() {
    data.episodes.forEach(function (e) {
      episodes.appendChild(option(e.episode, e.episode + " (" + e.base + " – " + e.trough + " – " + e.end + ")"));
    });
    episodes.addEventListener("change", function () { page.episode = episodes.value; draw(); });
    if (against) against.addEventListener("change", ranks);
    page.beginRegion();
    page.beginTables();
    page.changed();
    draw();
    if (paper.matches) toPaper();
    dark.addEventListener("change", draw);
    paper.addEventListener("change", function (event) { if (event.matches) toPaper(); else fromPaper(); });
    window.addEventListener("beforeprint", toPaper);
    window.addEventListener("afterprint", fromPaper);
    var wide = window.innerWidth, later = null;
    window.addEventListener("resize", function () {
      if (page.isPrinting() || window.innerWidth === wide) return;
      wide = window.innerWidth;
      // Where lines break hangs on the width: figures are made again once it stays.
      clearTimeout(later);
      later = setTimeout(draw, 200);
    });
    window.rebound = { drawAll: page.drawAll };
    document.body.dataset.ready = "yes";
  }
  // Texts are measured before these are drawn: in the letters of the page, so not before it has
  // them. Without them it is drawn in others.
  Promise.allSettled(Array.from(document.fonts, function (face) { return face.load(); })).then(begin);
})();
