// Exports by section and product before and after a crisis, and what a region could enter.
(function () {
  "use strict";
  const { FONT, axis, base, capital, episodeOf, esc, even, fitted, greatest, has, keysOf, literal, luminance, money, number, own, put,
    say, sectionOf, seenOn, shareOf, span, specialisedIn, tags, theme, tick, ticked, wide, widthOf } = charts;
  // Texts on a colour are black or white, whichever is told from it better.
  function inkOn(colour) {
    return luminance(colour) > 0.179 ? "#000000" : "#ffffff";
  }
  // Boxes in the order of `values`, each as square as that allows (Bruls, Huizing & van Wijk 2000); without a value no box.
  function squarified(values, x, y, w, h) {
    var all = values.map(function (v, i) { return i; }).filter(function (i) { return values[i] > 0; }), out = values.map(function () { return null; });
    var rest = all.reduce(function (sum, i) { return sum + values[i]; }, 0);
    function worst(row, side, area) {
      var sum = row.reduce(function (a, i) { return a + values[i] * area; }, 0), thick = sum / side;
      return greatest(row.map(function (i) { var long = values[i] * area / thick; return Math.max(long / thick, thick / long); }));
    }
    while (all.length && w > 0 && h > 0) {
      var side = Math.min(w, h), area = w * h / rest, row = [all[0]];
      while (row.length < all.length && worst(row.concat(all[row.length]), side, area) <= worst(row, side, area)) row.push(all[row.length]);
      var sum = row.reduce(function (a, i) { return a + values[i]; }, 0), thick = sum * area / side, at = 0;
      row.forEach(function (i) {
        var long = values[i] * area / thick;
        out[i] = w < h ? [x + at, y, long, thick] : [x, y + at, thick, long];
        at += long;
      });
      if (w < h) { y += thick; h -= thick; } else { x += thick; w -= thick; }
      all = all.slice(row.length); rest -= sum;
    }
    return out;
  }
  // Names of a product, the longest first: its description, what is before the second and the first semicolon of it, and its code.
  function namesOf(s, i) {
    var parts = (s.products[i][1] || "").split(";");
    // A description that is cut is no name.
    return [parts, parts.slice(0, 2), parts.slice(0, 1)].map(function (of) { return of.join(";").trim(); }).concat(s.products[i][0]).filter(function (name, k, all) { return name && name.indexOf("…") < 0 && all.indexOf(name) === k; });
  }
  function shortName(s, i) { return namesOf(s, i).slice(-2)[0]; }
  // The sections of a region with their products and what is left, all in one order: by what is exported before and after.
  function sectionsOf(data, of, t) {
    var s = data.space, all = {};
    function into(k) { var key = has(k) ? k : -1; return all[key] || (all[key] = { k: key, boxes: [], before: 0, after: 0 }); }
    of.products.forEach(function (p) { into(s.products[p[0]][2]).boxes.push({ product: p[0], before: p[1], after: p[2] }); });
    of.rest.forEach(function (r) { into(r[0]).boxes.push({ product: null, before: r[1], after: r[2] }); });
    return Object.keys(all).map(function (key) {
      var section = all[key];
      section.boxes.forEach(function (b) { section.before += b.before; section.after += b.after; });
      // What is left stands last.
      section.boxes.sort(function (a, b) { return (a.product === null) - (b.product === null) || b.before + b.after - a.before - a.after || a.product - b.product; });
      section.name = section.k < 0 ? say("no section") : say(s.categories[section.k][0]); section.colour = section.k < 0 ? "#999999" : seenOn(t, s.categories[section.k][1]);
      return section;
    }).sort(function (a, b) { return b.before + b.after - a.before - a.after || a.k - b.k; });
  }
  // Lines that fit a box of `w` and `h`; none if they do not.
  function fits(texts, w, h, size, bold) {
    for (var i = 0; i < texts.length; i++) {
      var lines = [], isWhole = true;
      texts[i].forEach(function (text) {
        // A word that would be broken does not fit, nor does a share in two lines.
        if ((/^[\d.]+\s?%$/.test(text) ? [text] : text.split(/\s+/)).some(function (word) { return widthOf(word, size, bold) > w; })) isWhole = false; else lines = lines.concat(fitted(text, w, size, bold));
      });
      if (isWhole && lines.length * (size + 2) <= h) return lines;
    }
    return null;
  }
  // The boxes of one year in its place of the figure.
  function panel(t, s, sections, key, total, x, y, w, h) {
    var out = [];
    squarified(sections.map(function (section) { return section[key]; }), x, y, w, h).forEach(function (at, k) {
      if (!at) return;
      var section = sections[k], ink = inkOn(section.colour), left = at[0] + 1, top = at[1] + 1, width = at[2] - 2, height = at[3] - 2, head = null;
      if (width <= 0 || height <= 0) return;
      if (width > 60 && height > 44) head = fits([[section.name + " " + shareOf(section[key] / total)]], width - 8, 16, 11, true);
      if (head) out.push({ box: [left, top, width, 17], colour: section.colour, ink: ink, lines: head, bold: true, of: [k, null, key] });
      var down = head ? 17 : 0;
      squarified(section.boxes.map(function (b) { return b[key]; }), left, top + down, width, height - down).forEach(function (of, i) {
        if (!of) return;
        var b = section.boxes[i], share = shareOf(b[key] / total), texts = [[say("rest"), share], [say("rest")]];
        if (b.product !== null) texts = namesOf(s, b.product).map(function (name) { return [name, share]; }).concat([[shortName(s, b.product)], [s.products[b.product][0]]]);
        out.push({ box: of, colour: section.colour, ink: ink, lines: fits(texts, of[2] - 8, of[3] - 6, 10, false), of: [k, i, key] });
      });
    });
    return out;
  }
  function drawn(t, b) {
    var children = [{ type: "rect", shape: { x: b.box[0], y: b.box[1], width: Math.max(0, b.box[2] - 0.6), height: Math.max(0, b.box[3] - 0.6) }, style: { fill: b.colour, stroke: t.bg, lineWidth: b.bold ? 0 : 0.6 } }], size = b.bold ? 11 : 10;
    (b.lines || []).forEach(function (line, i) {
      children.push({ type: "text", silent: true, x: b.box[0] + 4, y: b.box[1] + 3 + (size + 2) * i, style: { text: line, fontSize: size, fontFamily: FONT, fontWeight: b.bold ? "bold" : "normal", fill: b.ink, verticalAlign: "top", align: "left" } });
    });
    return { type: "group", children: children };
  }
  // Exports of all regions, or of one, before and after the crisis.
  function trade(data, ep, dark, region) {
    var s = data.space, of = s && own(own((s.trade || {}).episodes, ep), region === undefined ? "" : region), e = episodeOf(data, ep);
    if (!of) return null;
    var t = theme(dark), o = base(t), sections = sectionsOf(data, of, t), unit = data.meta.unit, name = region === undefined ? null : own(data.names, region) || region;
    var totals = { before: 0, after: 0 }, years = { before: e.base, after: e.end };
    sections.forEach(function (section) { totals.before += section.before; totals.after += section.after; });
    if (!(totals.before > 0) || !(totals.after > 0)) return null;
    // Series are drawn by the width that they have: boxes are made anew for each.
    var isBeside = wide(data) >= 640, high = isBeside ? 400 : 330, height = isBeside ? high + 26 : 2 * (high + 30), made = {};
    function boxes(width) {
      if (made.width === width) return made.boxes;
      var w = isBeside ? (width - 20) / 2 : width - 4;
      made = { width: width, boxes: panel(t, s, sections, "before", totals.before, 2, 24, w, high).concat(panel(t, s, sections, "after", totals.after, isBeside ? 18 + w : 2, isBeside ? 24 : high + 54, w, high)) };
      return made.boxes;
    }
    // There are as many boxes as are in sections, and their heads.
    var most = 2 * sections.reduce(function (n, section) { return n + 1 + section.boxes.length; }, 0), items = [];
    for (var i = 0; i < most; i++) items.push([i]);
    o.tooltip.formatter = function (p) {
      var b = p.seriesIndex === 0 && made.boxes && made.boxes[p.dataIndex];
      if (!b) return "";
      var section = sections[b.of[0]], box = b.of[1] === null ? section : section.boxes[b.of[1]], what = b.of[1] === null ? section.name : box.product === null ? say("Rest of {section}", { section: section.name }) : s.products[box.product][0] + " " + (s.products[box.product][1] || "");
      return "<div style=\"max-width:300px;white-space:normal\"><b>" + esc(what) + "</b>" + ["before", "after"].map(function (key) { return "<br>" + esc(years[key] + ": " + shareOf(box[key] / totals[key]) + ", " + money(box[key], unit)); }).join("") + "</div>";
    };
    o.series = [{ type: "custom", coordinateSystem: "none", data: items, renderItem: function (params, api) {
      var b = boxes(api.getWidth())[params.dataIndex];
      return b ? drawn(t, b) : null;
    } }, { type: "custom", coordinateSystem: "none", silent: true, data: [[0], [1]], renderItem: function (params, api) {
      var key = params.dataIndex ? "after" : "before", w = (api.getWidth() - 20) / 2;
      return { type: "text", x: params.dataIndex && isBeside ? 18 + w : 2, y: params.dataIndex && !isBeside ? high + 34 : 4, style: { text: years[key] + ": " + money(totals[key], unit), fontSize: 12, fontWeight: "bold", fontFamily: FONT, fill: t.text, verticalAlign: "top" } };
    } }];
    function change(section) { return section.after / totals.after - section.before / totals.before; }
    var moved = sections.slice().sort(function (a, b) { return Math.abs(change(b)) - Math.abs(change(a)) || a.k - b.k; })[0];
    var said = { section: name ? moved.name : capital(moved.name), region: name, before: shareOf(moved.before / totals.before), after: shareOf(moved.after / totals.after), from: years.before, to: years.after };
    var title = sections.length === 1 ? say("Exports were {before} in {from} and {after} in {to}", { before: money(totals.before, unit), after: money(totals.after, unit), from: years.before, to: years.after })
      : Math.abs(change(moved)) < 0.01 ? say("No section gained or lost a percentage point of exports from {from} to {to}", said)
      : change(moved) > 0 ? say("{section} rose from {before} of exports in {from} to {after} in {to}", said) : say("{section} fell from {before} of exports in {from} to {after} in {to}", said);
    var share = name ? s.trade.shares.one : s.trade.shares.all, rows = [], codes = of.products.map(function (p) { return s.products[p[0]][0]; }).sort();
    sections.forEach(function (section) { section.boxes.forEach(function (b) { rows.push([section.k < 0 ? null : s.categories[section.k][0], b.product === null ? null : s.products[b.product][0], b.before, b.after]); }); });
    function order(a, b) { return a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1; }
    rows.sort(function (a, b) { return order(a[0], b[0]) || order(a[1], b[1]); });
    return { id: (name ? "trade-of-" + region : "trade-" + ep), title: name ? say("{region}: {finding}", { region: name, finding: title }) : title,
      subtitle: say("Exports by section and product before and after the crisis, {unit}; areas: shares of each year", { unit: unit }),
      note: say("Products that are {share} of exports or more in one of the years have a box; the others are the rest of their section. A box without a label is too small for it.", { share: shareOf(share) }),
      source: "panel.region_product", height: height, option: o, columns: ["section", "product", "before", "after"], rows: rows,
      sql: "select section, product, cast(coalesce(sum(base_value), 0) as double) as before, cast(coalesce(sum(end_value), 0) as double) as after from (select " + s.section + " as section, case when product in (" + (codes.map(literal).join(", ") || "''") + ") then product end as product, base_value, end_value from panel.region_product where episode = " + literal(ep) + (name ? " and region_code = " + literal(region) : "") + ") group by section, product order by section, product nulls last" };
  }
  // Complexity against density of what a region is not specialised in.
  function frontier(data, ep, region, dark) {
    var s = data.space, e = episodeOf(data, ep), from = e.regressor_year, to = e.transformation_year, list = s && own(own(s.frontier, String(from)), region);
    if (!list || !list.length) return null;
    var t = theme(dark), o = base(t), name = own(data.names, region) || region, pci = own(s.pci, String(from)), values = own(s.values, String(from)), later = {}, blue = dark ? "#4393c3" : "#2166ac";
    specialisedIn(s, to, region).forEach(function (i) { later[i] = true; });
    var largest = greatest(list.map(function (x) { return values[x[0]] || 0; })) || 1, entered = list.filter(function (x) { return later[x[0]]; }), others = list.filter(function (x) { return !later[x[0]]; });
    function mean(of) { return of.reduce(function (sum, x) { return sum + pci[x[0]]; }, 0) / of.length; }
    function mark(x) { var is = later[x[0]]; return { value: [x[1], pci[x[0]]], product: x[0], symbolSize: 5 + 25 * Math.sqrt((values[x[0]] || 0) / largest), itemStyle: { color: is ? blue : "transparent", opacity: is ? 0.85 : 1, borderColor: is ? t.bg : t.soft, borderWidth: 1 } }; }
    var marks = others.concat(entered).map(mark);
    o.tooltip.formatter = function (p) {
      var i = p.data && p.data.product;
      return has(i) ? "<div style=\"max-width:300px;white-space:normal\"><b>" + esc(s.products[i][0]) + "</b> " + esc(s.products[i][1] || "") + "<br>" + esc(sectionOf(s, i)) + "<br>" + esc(say("density {density}, complexity {pci}", { density: number(p.value[0], 3), pci: number(p.value[1]) })) + "<br>" + esc(say("{value} of all regions in {year}", { value: money(values[i], data.meta.unit), year: from })) + (later[i] ? "<br>" + esc(say("entered by {year}", { year: to })) : "") + "</div>" : "";
    };
    // Marks have room for half of their size.
    function scale(of, least, name) {
      var pad = 0.06 * (of[1] - of[0] || Math.abs(of[1]) || 1), min = Math.max(least, of[0] - pad), max = of[1] + pad;
      var ticks = even(min, max, data.narrow ? 4 : 6).all.filter(function (v) { return v >= min && v <= max; });
      // Beside the widest of its numbers.
      var gap = 18 + greatest(ticks.map(function (v) { return widthOf(tick(v), 12); }));
      return { gap: gap, axis: ticked(axis(t, { type: "value", name: name, nameLocation: "middle", nameGap: gap, axisLabel: { color: t.soft, formatter: tick } }), { min: min, max: max, ticks: ticks }) };
    }
    var y = scale(span(list.map(function (x) { return pci[x[0]]; })), -Infinity, say("Complexity (PCI, z-score)"));
    o.xAxis = put(scale(span(list.map(function (x) { return x[1]; })), 0, say("Density, 0 to 1")).axis, { nameGap: 28 }); o.yAxis = y.axis;
    o.grid = { left: y.gap + 20, right: 16, top: 34, bottom: 46, containLabel: false, outerBoundsMode: "none" };
    o.series = [{ id: "products", type: "scatter", clip: true, data: marks }];
    keysOf(o, t, [[say("entered by {year}", { year: to }), blue], [say("not entered"), t.bg, t.soft]], { top: 0, left: 0 });
    var named = entered.slice().sort(function (a, b) { return (values[b[0]] || 0) - (values[a[0]] || 0) || a[0] - b[0]; }).slice(0, wide(data) < 500 ? 5 : 12);
    o.series.push(tags(t, named.map(function (x) { var m = mark(x); return { x: x[1], y: pci[x[0]], r: m.symbolSize / 2 + 3, far: m.symbolSize / 2 + 40, text: shortName(s, x[0]) }; }), 11, false, marks.map(function (m) { return { x: m.value[0], y: m.value[1], r: m.symbolSize / 2 }; })));
    var said = { region: name, n: list.length, entered: entered.length, year: to };
    var title = !entered.length ? say("{region} entered none of the {n} products nearest to it by {year}", said)
      : !others.length ? say("{region} entered all {n} products nearest to it by {year}", said)
      : mean(entered) > mean(others) ? say("{region} entered {entered} of the {n} products nearest to it by {year}, on average more complex than the others", said)
      : say("{region} entered {entered} of the {n} products nearest to it by {year}, on average no more complex than the others", said);
    return { id: "frontier-" + region, title: title, subtitle: say("Products in which {region} was not specialised in {year}: complexity against density; area: exports of all regions", { region: name, year: from }),
      note: say("Density: how related a product is to what the region is specialised in. Entered: specialised in {to}.", { to: to }) + (list.length >= s.listed ? " " + say("Shown: the {n} of highest density.", { n: list.length }) : ""),
      source: "space.region_product_year, space.product_year", height: 440, option: o, columns: ["product", "density", "pci", "value", "entered"],
      rows: list.map(function (x) { return [s.products[x[0]][0], x[1], pci[x[0]], has(values[x[0]]) ? values[x[0]] : null, !!later[x[0]]]; }),
      sql: "select a.product, a.density, p.pci, x.value, coalesce(b.is_specialized, false) as entered from space.region_product_year a join space.product_year p on p.product = a.product and p.year = a.year left join (select product, cast(sum(fob_value) as double) as value from trade.region_product_year where year = " + from + " group by product) x on x.product = a.product left join space.region_product_year b on b.region_code = a.region_code and b.product = a.product and b.year = " + to +
        " where a.year = " + from + " and a.region_code = " + literal(region) + " and not a.is_specialized and a.density is not null and p.pci is not null order by a.density desc, a.product limit " + s.listed };
  }
  Object.assign(charts, { frontier, trade });
})();
