// The product space: products, joined where they are related.
(function () {
  "use strict";
  const { FONT, base, esc, fitted, greatest, has, hundredths, key, legendLines, literal, money, number, own, put, say, sayMany, seenOn, theme, whole, widthOf } = charts;
  // The share of something, without a sign.
  function shareOf(v) { return has(v) ? hundredths(number(100 * v, v < 0.1 ? 1 : 0).replace(/\.0$/, "")) : "–"; }
  // Pixels that a figure has that stands alone in its row.
  function wide(data) { return data.still ? data.width || 900 : data.whole || data.room; }
  // The least and the greatest of numbers.
  function span(values) {
    return values.reduce(function (a, v) { return [Math.min(a[0], v), Math.max(a[1], v)]; }, [Infinity, -Infinity]);
  }
  // Lines as one path, each from one point to another.
  echarts.graphic.registerShape("lines", echarts.graphic.extendShape({ type: "lines", shape: { ends: [] }, buildPath: function (path, shape) {
    shape.ends.forEach(function (e) { path.moveTo(e[0][0], e[0][1]); path.lineTo(e[1][0], e[1][1]); });
  } }));
  // Dots of one look as one path: of each its middle, and half of its width.
  echarts.graphic.registerShape("dots", echarts.graphic.extendShape({ type: "dots", shape: { of: [] }, buildPath: function (path, shape) {
    shape.of.forEach(function (d) { path.moveTo(d[0] + d[2], d[1]); path.arc(d[0], d[1], d[2], 0, 2 * Math.PI); });
  } }));
  // Dots, and links between them as one path, in a frame of the page. `nodes` have x, y, `size` (pixels), `color`, and
  // maybe `ring`, the colour of an edge; `links` begin with the numbers of two. A wheel or two fingers enlarge it.
  // `around` is the room for half a dot around them, as shares of how wide and high they lie: the frame cuts what is beyond it.
  function network(data, o, t, frame, nodes, links, around) {
    var x = span(nodes.map(function (n) { return n.x; })), y = span(nodes.map(function (n) { return n.y; }));
    function hidden(of, share, more) {
      var length = of[1] > of[0] ? of[1] - of[0] : 1;
      return put({ type: "value", show: false, min: of[0] - share * length, max: of[0] + length + share * length }, more);
    }
    o.grid = put({ containLabel: false, outerBoundsMode: "none" }, frame);
    o.xAxis = hidden(x, around[0]); o.yAxis = hidden(y, around[1], { inverse: true });
    if (!data.still) o.dataZoom = ["xAxisIndex", "yAxisIndex"].map(function (axis) { var z = { type: "inside", filterMode: "none", minSpan: 4, moveOnMouseMove: !data.narrow }; z[axis] = 0; return z; });
    // Links end in the middles of dots: both are brought to the page by the same axes.
    function path(params, api) {
      var at = nodes.map(function (n) { return api.coord([n.x, n.y]); });
      return { type: "lines", silent: true, shape: { ends: links.map(function (l) { return [at[l[0]], at[l[1]]]; }) },
        style: { fill: "none", stroke: t.soft, lineWidth: 0.6, opacity: 0.35 } };
    }
    // Small dots lie on large ones.
    var order = nodes.map(function (n, i) { return i; }).sort(function (a, b) { return nodes[b].size - nodes[a].size || a - b; });
    function edgeOf(n) { return n.ring ? [n.ring, 1.5] : [t.bg, n.size > 5 ? 0.5 : 0]; }
    // A file has dots alone; on a page each is a mark that is found under a mouse. Small ones of one colour have no edge and lie beside
    // each other: they are one path.
    function dots(params, api) {
      var small = new Map(), others = [];
      order.forEach(function (i) {
        var n = nodes[i], at = api.coord([n.x, n.y]), edge = edgeOf(n), r = n.size / 2;
        if (edge[1]) others.push({ type: "circle", silent: true, shape: { cx: at[0], cy: at[1], r: r }, style: { fill: n.color, stroke: edge[0], lineWidth: edge[1] } });
        else if (small.has(n.color)) small.get(n.color).push([at[0], at[1], r]);
        else small.set(n.color, [[at[0], at[1], r]]);
      });
      small.forEach(function (of, color) { others.push({ type: "dots", silent: true, shape: { of: of }, style: { fill: color } }); });
      return { type: "group", silent: true, children: others };
    }
    // What is not enlarged lies in the frame as it is, and need not be cut there.
    o.series = [
      { id: "links", type: "custom", silent: true, clip: !data.still, z: 1, renderItem: path, data: links.length ? [[x[0], y[0]]] : [] },
      data.still ? { id: "dots", type: "custom", silent: true, clip: false, z: 2, renderItem: dots, data: nodes.length ? [[x[0], y[0]]] : [] }
        : { id: "dots", type: "scatter", clip: true, z: 2, data: order.map(function (i) {
          var n = nodes[i], edge = edgeOf(n);
          return { value: [n.x, n.y], node: i, symbolSize: n.size, itemStyle: { opacity: 1, color: n.color, borderColor: edge[0], borderWidth: edge[1] } };
        }) }
    ];
  }
  // The width of a dot whose area is by its value, where `gap` pixels lie between the nearest ones; without a value that of the smallest.
  function nodeSize(value, largest, gap) {
    var least = Math.max(2.4, Math.min(12, 0.85 * gap));
    return Math.max(least, Math.min(36, Math.max(12, 4 * least)) * Math.sqrt(Math.max(0, value || 0) / largest));
  }
  // Entries of a legend that no series draws: a name, its colour, and maybe that of its edge.
  function keysOf(o, t, entries, more) {
    entries.forEach(function (e) { o.series.push({ type: "scatter", name: e[0], data: [], symbol: "circle", itemStyle: { opacity: 1, color: e[1], borderColor: e[2] || e[1], borderWidth: e[2] ? 2 : 0 } }); });
    o.legend = put({ data: entries.map(function (e) { return { name: e[0], icon: "circle" }; }), type: "plain", itemWidth: 10, itemHeight: 10, selectedMode: false, textStyle: { color: t.soft, fontSize: 11 } }, more);
  }
  // Labels near places, none over another and all in the frame, again after each zoom. `tags` have x, y, a `text`, maybe `key`, the
  // colour of a square before it, `far`, how far off it may stand (pixels), and `r`, the size of its dot. `avoided` have x, y and a
  // radius `r`: no label is over one.
  function tags(t, of, size, bold, avoided) {
    return { id: "tags", type: "custom", silent: true, z: 10, data: of.length ? [[of[0].x, of[0].y]] : [], renderItem: function (params, api) {
      var frame = params.coordSys, children = [], done = (avoided || []).map(function (a) { var at = api.coord([a.x, a.y]); return [at[0] - a.r, at[1] - a.r, at[0] + a.r, at[1] + a.r]; });
      function isFree(b) {
        return b[0] >= frame.x && b[1] >= frame.y && b[2] <= frame.x + frame.width && b[3] <= frame.y + frame.height &&
          !done.some(function (d) { return b[0] < d[2] && d[0] < b[2] && b[1] < d[3] && d[1] < b[3]; });
      }
      of.forEach(function (tag) {
        var at = api.coord([tag.x, tag.y]), lines = fitted(tag.text, 150, size, bold), before = tag.key ? 13 : 0;
        var w = greatest(lines.map(function (l) { return widthOf(l, size, bold); })) + before + 4, h = (size + 3) * lines.length, found = null;
        if (at[0] < frame.x || at[0] > frame.x + frame.width || at[1] < frame.y || at[1] > frame.y + frame.height) return;
        for (var far = tag.r || 0; far <= tag.far && !found; far += 8) {
          for (var k = 0; k < 16 && !found; k++) {
            var angle = (k % 2 ? -1 : 1) * Math.ceil(k / 2) * Math.PI / 8, c = Math.cos(angle), s = Math.sin(angle), reach = tag.r ? 1 : 0;
            var cx = at[0] + far * c + reach * c * w / 2, cy = at[1] + far * s + reach * s * h / 2, box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
            if (isFree(box)) found = box;
          }
        }
        if (!found) return;
        done.push(found);
        if (tag.key) children.push({ type: "rect", shape: { x: found[0] + 1, y: found[1] + 2, width: 9, height: 9 }, style: { fill: tag.key, stroke: t.bg, lineWidth: 1 } });
        lines.forEach(function (line, i) {
          children.push({ type: "text", x: found[0] + before + 2, y: found[1] + (size + 3) * i + 1, style: { text: line, fontSize: size, fontFamily: FONT, fontWeight: bold ? "bold" : "normal", fill: t.text, stroke: t.bg, lineWidth: 3, align: "left", verticalAlign: "top" } });
        });
      });
      return { type: "group", children: children };
    } };
  }
  function nameOf(s, i) { return s.products[i][1] || s.products[i][0]; }
  function sectionOf(s, i) { return say(s.categories[s.products[i][2]][0]); }
  // Lists of products of a region are texts, as network.rs says: differences of five bits a character.
  var digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  function decoded(text) {
    var out = [], next = 0, value = 0, unit = 1;
    Array.from(text || "").forEach(function (c) {
      var digit = digits.indexOf(c);
      value += digit % 32 * unit;
      if (digit >= 32) { unit *= 32; return; }
      out.push(next + value); next += value + 1; value = 0; unit = 1;
    });
    return out;
  }
  function specialisedIn(s, year, region) { return decoded(own(own(s.specialised, String(year)), region)); }
  // The products that links join with each, the nearest first; made once.
  var neighbours = new WeakMap();
  function neighboursOf(s, i) {
    if (!neighbours.has(s)) {
      var all = s.x.map(function () { return []; });
      s.links.forEach(function (l) { all[l[0]].push([l[1], l[2]]); all[l[1]].push([l[0], l[2]]); });
      all.forEach(function (of) { of.sort(function (a, b) { return b[1] - a[1] || a[0] - b[0]; }); });
      neighbours.set(s, all);
    }
    return neighbours.get(s)[i] || [];
  }
  // Products whose code begins so, or whose name has all these words.
  function spaceSearch(data, text) {
    var s = data.space, words = String(text).toLowerCase().split(/\s+/).filter(Boolean);
    if (!s || !words.length) return [];
    return s.x.map(function (x, i) { return i; }).filter(function (i) {
      var p = s.products[i], name = (p[1] || "").toLowerCase();
      return p[0].toLowerCase().indexOf(words.join(" ")) === 0 || words.every(function (word) { return name.indexOf(word) >= 0; });
    });
  }
  // Charts of the space that are shown, with their dots and what is marked.
  var shown = new WeakMap();
  // Marks products in a chart of the space; one alone together with its neighbours. The chart itself is not drawn again.
  function highlight(chart, indices) {
    var at = shown.get(chart), group = new echarts.graphic.Group();
    if (!at) return;
    if (at.group) chart.getZr().remove(at.group);
    function middle(i) { return chart.convertToPixel({ seriesId: "dots" }, [at.nodes[i].x, at.nodes[i].y]); }
    function add(shape, kind, width) { group.add(new echarts.graphic[kind]({ shape: shape, style: { fill: "none", stroke: at.colour, lineWidth: width }, silent: true, z: 5 })); }
    var near = indices.length === 1 ? neighboursOf(at.space, indices[0]).map(function (n) { return n[0]; }) : [];
    near.forEach(function (i) { var a = middle(indices[0]), b = middle(i); add({ x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, "Line", 1.2); });
    indices.concat(near).forEach(function (i) { var c = middle(i); add({ cx: c[0], cy: c[1], r: at.nodes[i].size / 2 + 2.5 }, "Circle", 1.5); });
    at.group = group; at.indices = indices;
    chart.getZr().add(group);
  }
  // What a chart of the space does under a mouse: what is searched for stays marked.
  function live(data, nodes, dark) {
    return function (chart) {
      shown.set(chart, { space: data.space, nodes: nodes, colour: theme(dark).text, group: null, indices: [], searched: [] });
      chart.on("mouseover", { seriesId: "dots" }, function (p) { highlight(chart, [p.data.node]); });
      chart.on("mouseout", { seriesId: "dots" }, function () { highlight(chart, shown.get(chart).searched); });
      chart.on("datazoom", function () { highlight(chart, shown.get(chart).indices); });
    };
  }
  // Marks what a text finds; says how many products that are.
  function find(chart, data, text) {
    var found = spaceSearch(data, text);
    if (shown.has(chart)) shown.get(chart).searched = found;
    highlight(chart, found);
    return found.length;
  }
  // The frame and the dots of the space: on a narrow page it stands upright.
  function layoutOf(data, s, values, above, below) {
    var room = wide(data), upright = room < 500, x = upright ? s.y : s.x, y = upright ? s.x : s.y;
    var sides = [span(x), span(y)].map(function (of) { return of[1] - of[0] || 1; }), most = Math.max(12, Math.min(36, 0.032 * room)), pad = 4 + most / 2;
    var height = Math.max(120, Math.min(upright ? 640 : 860, sides[1] * (room - 2 * pad) / sides[0]));
    var scale = Math.min((room - 2 * pad) / sides[0], height / sides[1]), least = Math.max(2.4, Math.min(9, 0.85 * s.spacing * scale));
    var largest = greatest(values.filter(has)) || 1;
    return { height: Math.round(height + above + below + 2 * pad), frame: { left: 0, right: 0, top: above, bottom: below }, around: [pad / (room - 2 * pad), pad / height],
      nodes: s.x.map(function (of, i) { return { x: x[i], y: y[i], size: Math.max(least, most * Math.sqrt(Math.max(0, values[i] || 0) / largest)) }; }) };
  }
  // Names of sections in the middle of their largest clusters, those of most products first.
  function sectionTags(t, s, nodes, isKeyed) {
    var n = s.categories.map(function () { return 0; });
    s.x.forEach(function (x, i) { n[s.products[i][2]]++; });
    return s.categories.map(function (c, k) { return k; }).filter(function (k) { return has(s.middles[k]); }).sort(function (a, b) { return n[b] - n[a] || a - b; }).map(function (k) {
      var at = nodes[s.middles[k]];
      return { x: at.x, y: at.y, text: say(s.categories[k][0]), key: isKeyed ? seenOn(t, s.categories[k][1]) : null, far: 2000 };
    });
  }
  function tooltip(data, s, values, year, said) {
    return function (p) {
      if (p.seriesId !== "dots") return "";
      var i = p.data.node, of = s.products[i];
      var lines = ["<b>" + esc(of[0]) + "</b> " + esc(of[1] || ""), esc(sectionOf(s, i)), esc(say("{value} of all regions in {year}", { value: money(values[i], data.meta.unit), year: year }))];
      if (said) lines.push(esc(said(i)));
      neighboursOf(s, i).slice(0, 5).forEach(function (n, k) {
        if (!k) lines.push("<b>" + esc(say("Nearest by proximity")) + "</b>");
        lines.push(number(n[1]) + " " + esc(nameOf(s, n[0])));
      });
      return "<div style=\"max-width:300px;white-space:normal\">" + lines.join("<br>") + "</div>";
    };
  }
  function inPieces(s) {
    return s.n_pieces > 1 ? " " + say("Its largest piece has {share} of them; {n} others, which no published link joins with it, stand below.", { share: shareOf(s.n_largest / s.x.length), n: whole(s.n_pieces - 1) }) : "";
  }
  function isThere(data) { return data.space && data.space.x.length > 1; }
  // By whose specialisation products are joined.
  var joinedBy = {
    regions: key("Products, joined where the same regions specialise in both; area: exports of all regions, {unit}, {year}"),
    firms: key("Products, joined where the same firms specialise in both; area: exports of all regions, {unit}, {year}"),
    countries: key("Products, joined where the same countries specialise in both; area: exports of all regions, {unit}, {year}")
  };
  // The products of the space with what all regions export of them.
  function space(data, ep, dark) {
    if (!isThere(data)) return null;
    var t = theme(dark), o = base(t), s = data.space, year = charts.episodeOf(data, ep).regressor_year, values = own(s.values, String(year)) || [];
    var sums = s.categories.map(function () { return 0; }), counts = sums.slice(), used = [], total = 0;
    s.x.forEach(function (x, i) { var k = s.products[i][2]; if (!counts[k]++) used.push(k); });
    s.products.forEach(function (p, i) { sums[p[2]] += values[i] || 0; total += values[i] || 0; });
    used.sort(function (a, b) { return a - b; });
    var isLabelled = wide(data) >= 500, names = used.map(function (k) { return say(s.categories[k][0]); });
    var below = isLabelled ? 0 : 10 + 19 * legendLines(data, names, 18), l = layoutOf(data, s, values, 0, below);
    l.nodes.forEach(function (n, i) { n.color = seenOn(t, s.categories[s.products[i][2]][1]); });
    o.tooltip.formatter = tooltip(data, s, values, year);
    network(data, o, t, l.frame, l.nodes, s.links, l.around);
    if (isLabelled) o.series.push(tags(t, sectionTags(t, s, l.nodes, true), 12, true));
    else keysOf(o, t, used.map(function (k, i) { return [names[i], seenOn(t, s.categories[k][1])]; }), { bottom: 0 });
    var top = used.slice().sort(function (a, b) { return sums[b] - sums[a] || a - b; })[0];
    var title = used.length > 1 && total > 0 ? say("{section} are {share} of exports, and {part} of the {n} products of the product space", { section: charts.capital(say(s.categories[top][0])), share: shareOf(sums[top] / total), part: shareOf(counts[top] / s.x.length), n: whole(s.x.length) })
      : say("The product space has {n} products", { n: whole(s.x.length) });
    return { id: "space-" + ep, title: title, subtitle: say(own(joinedBy, s.joined) || joinedBy.regions, { unit: data.meta.unit, year: year }),
      note: say("Products lie near each other where they are related, whatever is traded of them. Lines: the maximum spanning tree, and as many of the strongest other links as products. The smallest dots are larger than their trade.") + inPieces(s),
      source: "space.proximity, trade.region_product_year", height: l.height, option: o, live: live(data, l.nodes, dark),
      columns: ["product", "value"], rows: s.x.map(function (x, i) { return [s.products[i][0], has(values[i]) ? values[i] : null]; }),
      sql: "select b.product, x.value from (select product_a as product from space.proximity union select product_b from space.proximity) b left join (select product, cast(sum(fob_value) as double) as value from trade.region_product_year where year = " + year + " group by product) x on x.product = b.product order by b.product" };
  }
  // What a region is specialised in before and after: kept, gained and lost.
  function specialisations(data, ep, region, dark) {
    if (!isThere(data)) return null;
    var t = theme(dark), o = base(t), s = data.space, e = charts.episodeOf(data, ep), from = e.regressor_year, to = e.transformation_year, name = own(data.names, region) || region;
    var before = specialisedIn(s, from, region), after = specialisedIn(s, to, region), was = {}, is = {}, values = own(s.values, String(from)) || [];
    if (!before.length && !after.length) return null;
    before.forEach(function (i) { was[i] = true; }); after.forEach(function (i) { is[i] = true; });
    var lost = before.filter(function (i) { return !is[i]; }), gained = after.filter(function (i) { return !was[i]; });
    var either = before.concat(gained).sort(function (a, b) { return s.products[a][0] < s.products[b][0] ? -1 : 1; }), drawn = either.filter(function (i) { return i < s.x.length; }).length;
    var entries = [[say("kept ({n})", { n: before.length - lost.length }), t.soft], [say("gained ({n})", { n: gained.length }), t.bg, "#2166ac"], [say("lost ({n})", { n: lost.length }), t.bg, "#e08214"], [say("never"), t.line]];
    var above = 8 + 19 * legendLines(data, entries.map(function (x) { return x[0]; }), 18), l = layoutOf(data, s, values, above, 0);
    var blue = dark ? "#4393c3" : "#2166ac";
    entries[1][2] = blue;
    l.nodes.forEach(function (n, i) {
      n.color = was[i] && is[i] ? t.soft : is[i] || was[i] ? t.bg : t.line;
      if (!was[i] !== !is[i]) { n.ring = is[i] ? blue : "#e08214"; n.size = Math.max(n.size, 5); }
    });
    o.tooltip.formatter = tooltip(data, s, values, from, function (i) { return say(was[i] ? is[i] ? "specialised in both years" : "lost" : is[i] ? "gained" : "not specialised"); });
    network(data, o, t, l.frame, l.nodes, s.links, l.around);
    keysOf(o, t, entries, { top: 0, left: 0 });
    if (wide(data) >= 500) o.series.push(tags(t, sectionTags(t, s, l.nodes, false), 11, false));
    return { id: "specialisations-" + region, title: sayMany(before.length, "{region} gained {gained} and lost {lost} of its {n} specialisation from {from} to {to}", "{region} gained {gained} and lost {lost} of its {n} specialisations from {from} to {to}", { region: name, gained: gained.length, lost: lost.length, from: from, to: to }),
      subtitle: say("Products in which {region} is specialised, in the product space; area: exports of all regions, {unit}, {year}", { region: name, unit: data.meta.unit, year: from }),
      note: say("Filled: specialised in both years. Blue ring: gained. Orange ring: lost.") + (drawn < either.length ? " " + say("{n} of these {all} products have no published link, and no dot.", { n: either.length - drawn, all: either.length }) : ""),
      source: "space.region_product_year, space.proximity", height: l.height, option: o, live: live(data, l.nodes, dark),
      columns: ["product", "before", "after"], rows: either.map(function (i) { return [s.products[i][0], was[i] ? 1 : 0, is[i] ? 1 : 0]; }),
      sql: "select product, max(case when year = " + from + " then 1 else 0 end) as before, max(case when year = " + to + " then 1 else 0 end) as after from space.region_product_year where region_code = " + literal(region) + " and year in (" + from + ", " + to + ") and is_specialized group by product order by product" };
  }
  Object.assign(charts, { decoded, find, highlight, keysOf, network, nodeSize, sectionOf, shareOf, spaceSearch, span, specialisations, specialisedIn, space, tags, wide });
})();
