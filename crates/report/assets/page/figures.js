// Figures: places that are laid out at once, and charts that are made when these come into view.
(function () {
  "use strict";
  const { say } = charts;
  const { button, data, el, fileName, save, show, zoom } = page;
  var dark = window.matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  // Charts that are made, and places whose charts are not.
  var made = [], waiting = new Map();
  var watched = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) { if (entry.isIntersecting) make(entry.target); });
  }, { rootMargin: "700px 0px" });
  function isPrinting() { return root.classList.contains("printing"); }
  // Paper is light.
  function isDark() { return dark.matches && !isPrinting(); }
  var GAP = 28, COLUMN = 480;
  // Pixels of a figure beside another, and of one alone.
  function measured() {
    var main = document.querySelector("main"), style = getComputedStyle(main);
    var whole = Math.floor(main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
    var isPaired = whole >= 2 * COLUMN + GAP;
    root.style.setProperty("--columns", isPaired ? 2 : 1);
    data.narrow = window.innerWidth < 600 && !isPrinting();
    data.whole = whole;
    return { whole: whole, half: isPaired ? Math.floor((whole - GAP) / 2) : whole };
  }
  // What `create` makes of the data where a figure is `room` wide.
  function within(room, create) {
    data.room = room;
    return create(isDark());
  }
  function make(box) {
    var figure = waiting.get(box);
    if (!figure) return null;
    waiting.delete(box);
    watched.unobserve(box);
    var chart = echarts.init(box, null, { renderer: "svg" });
    // The library would describe a chart in English of its own.
    figure.option.aria = { enabled: true, label: { description: labelOf(figure) } };
    chart.setOption(figure.option);
    made.push(chart);
    // What a figure does under a mouse or a finger.
    if (figure.live) figure.live(chart);
    return chart;
  }
  function labelOf(figure) { return [figure.title, figure.subtitle].filter(Boolean).join(" "); }
  function chartIn(box) { return make(box) || echarts.getInstanceByDom(box); }
  // Charts of figures that are no longer in the page have no use.
  function forget() {
    Array.from(waiting.keys()).forEach(function (box) {
      if (!box.isConnected) { waiting.delete(box); watched.unobserve(box); }
    });
    made = made.filter(function (chart) {
      if (!chart.getDom().isConnected) chart.dispose();
      return !chart.isDisposed();
    });
  }
  function drawAll() {
    var boxes = Array.from(waiting.keys());
    boxes.forEach(make);
    return boxes.length;
  }
  // A field that marks products of the product space.
  function find(box) {
    var input = el("input", null, "find");
    input.type = "search";
    input.placeholder = say("Find a product");
    input.setAttribute("aria-label", input.placeholder);
    input.addEventListener("input", function () {
      charts.highlight(chartIn(box), data, charts.spaceSearch(data, input.value));
    });
    return input;
  }
  // Cells as CSV, as `rebound sql --format csv` writes them.
  function csvOf(figure) {
    function cell(v) {
      if (v === null || v === undefined) return "";
      var text = String(v);
      return text === "" || /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
    }
    return [figure.columns].concat(figure.rows).map(function (row) { return row.map(cell).join(",") + "\n"; }).join("");
  }
  function svgOf(figure, box) {
    return charts.sheet(figure, box.clientWidth || data.room, isDark(), data.meta.run);
  }
  function savePng(figure, box) {
    // A picture knows none of the page's letters: it is given them.
    var fonts = document.getElementById("fonts"), picture = new Image(), scale = 2;
    var style = fonts ? "<style>" + fonts.textContent.replace(/&/g, "&amp;").replace(/</g, "&lt;") + "</style>" : "";
    var svg = svgOf(figure, box).replace("</title>", "</title>" + style);
    picture.onload = function () {
      var canvas = el("canvas");
      canvas.width = scale * picture.naturalWidth;
      canvas.height = scale * picture.naturalHeight;
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(function (blob) { save(blob, fileName(figure.id, "png")); }, "image/png");
    };
    picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
  }
  // What can be had of a figure: its data, its picture and its statement.
  function menu(figure, box) {
    var of = el("details", null, "menu"), list = el("div"), summary = el("summary", say("Save"));
    summary.setAttribute("aria-label", say("Save: {title}", { title: figure.title }));
    function add(text, press) {
      list.appendChild(button(text, function () { of.open = false; summary.focus(); press(); }));
    }
    if (figure.columns) {
      add(say("Data (CSV)"), function () { save(new Blob([csvOf(figure)], { type: "text/csv;charset=utf-8" }), fileName(figure.id, "csv")); });
    }
    if (box) {
      add("SVG", function () { save(new Blob([svgOf(figure, box)], { type: "image/svg+xml" }), fileName(figure.id, "svg")); });
      add("PNG", function () { savePng(figure, box); });
    }
    if (figure.sql) {
      add("SQL", function () { show(figure.title, say("These rows by the command rebound sql:"), figure.sql); });
    }
    of.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && of.open) { of.open = false; summary.focus(); }
    });
    of.append(summary, list);
    return list.children.length ? of : null;
  }
  // An open menu closes when something else is pressed or reached.
  ["click", "focusin"].forEach(function (kind) {
    document.addEventListener(kind, function (event) {
      document.querySelectorAll("details.menu[open]").forEach(function (of) { if (!of.contains(event.target)) of.open = false; });
    });
  });
  // Whole numbers of these columns are no amounts.
  function isYear(column) { return /(^|_)(year|period)$/.test(column); }
  function shownAs(v, column) {
    if (v === null || v === undefined) return "–";
    if (typeof v === "boolean") return v ? say("yes") : say("no");
    if (typeof v !== "number") return String(v);
    if (isYear(column)) return String(v);
    var text = Number.isInteger(v) ? Math.abs(v).toLocaleString("en") : Math.abs(v) >= 1000 ? Math.abs(v).toLocaleString("en", { maximumFractionDigits: 0 }) : String(+Math.abs(v).toPrecision(4));
    return (v < 0 ? "−" : "") + text;
  }
  // Columns and rows as a table; columns of numbers stand at the right. A figure may have its own `heads` of the columns,
  // and what is `said` of each cell.
  function tableOf(columns, rows, labelled, heads, said) {
    var scroll = el("div", null, "scroll"), table = el("table"), thead = el("thead"), tbody = el("tbody"), head = el("tr");
    var isNumber = columns.map(function (_, i) { return rows.some(function (row) { return typeof row[i] === "number"; }); });
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    [scroll, table].forEach(function (e) { e.setAttribute("aria-labelledby", labelled); });
    columns.forEach(function (column, i) {
      var th = el("th", heads ? heads[i] : column.replace(/_/g, " "), isNumber[i] ? null : "text");
      th.scope = "col";
      head.appendChild(th);
    });
    thead.appendChild(head);
    rows.forEach(function (row, n) {
      var tr = el("tr");
      columns.forEach(function (column, i) {
        var cell = el(i ? "td" : "th", said ? said[n][i] : shownAs(row[i], column), isNumber[i] ? null : "text");
        if (!i) cell.scope = "row";
        if (typeof row[i] === "number") cell.dataset.value = row[i];
        tr.appendChild(cell);
      });
      tbody.appendChild(tr);
    });
    table.append(thead, tbody);
    scroll.appendChild(table);
    return scroll;
  }
  // A number and its percent sign stand in one line.
  function unbroken(text) { return text.replace(/(\d) %/g, "$1\u00a0%"); }
  // The place of a figure.
  function place(figure, isWide) {
    var f = el("figure", null, isWide ? "wide" : null), title = el("h3", unbroken(figure.title)), box = null;
    f.id = figure.id;
    title.id = figure.id + "-title";
    f.setAttribute("aria-labelledby", title.id);
    f.appendChild(title);
    if (figure.subtitle) f.appendChild(el("p", unbroken(figure.subtitle), "subtitle"));
    if (figure.option) {
      box = el("div", null, "chart");
      box.style.height = figure.height + "px";
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", labelOf(figure));
      if (figure.option.geo) f.appendChild(zoom(box, chartIn));
      if (figure.live && charts.spaceSearch) f.appendChild(find(box));
      f.appendChild(box);
      waiting.set(box, figure);
      watched.observe(box);
    } else if (figure.table) {
      f.classList.add("wide");
      f.appendChild(tableOf(figure.columns, figure.rows, title.id, figure.heads, figure.said));
    }
    var caption = el("figcaption"), source = charts.sourceOf(figure, data.meta.run);
    if (figure.note) caption.appendChild(el("span", unbroken(figure.note) + " "));
    if (source) caption.appendChild(el("span", source, "source"));
    var of = menu(figure, box);
    if (of) f.appendChild(of);
    f.appendChild(caption);
    return f;
  }
  // Places of figures in a grid: `list` has pairs of a figure and whether it is wide. The last one of a row that would
  // stand alone is wide, too; `again` makes it anew for that width.
  function grid(list, isPaired, again) {
    var out = document.createDocumentFragment(), n = 0;
    list.forEach(function (of, i) {
      var isLast = i + 1 === list.length || list[i + 1][1], isWide = of[1] || !isPaired;
      if (!isWide && n % 2 === 0 && isLast) isWide = true;
      n = isWide ? 0 : n + 1;
      var figure = isWide && isPaired ? again(of[0].id) || of[0] : of[0];
      out.appendChild(place(figure, isWide));
    });
    return out;
  }
  Object.assign(page, { drawAll, forget, grid, isDark, isPrinting, measured, place, shownAs, tableOf, within });
})();
