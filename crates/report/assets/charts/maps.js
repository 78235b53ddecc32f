// Maps of regions, shaded by classes, with their names on them.
(function () {
  "use strict";
  const { FONT, base, esc, fitted, greatest, has, hatch, key, kinds, literal, luminance, measures, money, number, own, put, reasonOf,
    regionsOf, say, sayMany, theme, widthOf } = charts;
  // Colour-blind safe: blue is better than expected, orange worse (after ColorBrewer's PuOr and Okabe & Ito).
  var better = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac"];
  var worse = ["#fee0b6", "#fdb863", "#e08214", "#b35806"];
  var neither = "#cfd3da";
  var lisa = {
    high_high: ["#2166ac", key("high among high")],
    low_low: ["#b35806", key("low among low")],
    high_low: ["#92c5de", key("high among low")],
    low_high: ["#fdb863", key("low among high")],
    not_significant: [neither, key("not significant")]
  };

  // ---- Classes

  // The least of 1, 2 and 5 times a power of ten that is not below `least`.
  function round(least) {
    var power = Math.pow(10, Math.floor(Math.log10(least))), of = least / power;
    return +(power * (of <= 1 + 1e-9 ? 1 : of <= 2 + 1e-9 ? 2 : of <= 5 + 1e-9 ? 5 : 10)).toPrecision(1);
  }
  // How far from zero what is usual reaches: nine of ten sizes at the most, and none more than two and a half times the third quartile. The rest are in classes with
  // an open end, so that they do not press the others together.
  function usual(sizes) {
    var s = sizes.slice().sort(function (a, b) { return a - b; }), far = 2.5 * s[Math.floor(0.75 * (s.length - 1))];
    return greatest(s.slice(0, Math.ceil(0.9 * (s.length - 1)) + 1).filter(function (v) { return v <= far; }));
  }
  function digitsOf(v) { for (var n = 0; n < 12; n++) if (Math.abs(v - +v.toFixed(n)) < 1e-9 * (Math.abs(v) || 1)) return n; return 12; }
  // Classes of a round width on both sides of `middle`, or from a round number on where all values are on one side and far from it. Each has its bounds,
  // null where it is open, and its colour, by its distance from the middle: the same on both sides.
  function classes(values, middle) {
    var at = middle || 0, off = values.map(function (v) { return v - at; }), sizes = off.map(Math.abs).filter(function (v) { return v > 0; });
    if (!sizes.length) return { at: at, from: 0, step: 1, pieces: [] };
    var isOneSided = off.every(function (v) { return v > 0; }) || off.every(function (v) { return v < 0; });
    var reach = usual(sizes), least = Math.min.apply(null, sizes), from = 0, step = round(reach > least ? reach / 4 : reach);
    // Values of one size have one class.
    if (isOneSided && reach > least && least > 2 * (reach - least)) {
      step = round((reach - least) / 4);
      from = Math.floor(least / step + 1e-9) * step;
      if (reach - from > 4 * step * (1 + 1e-9)) { step = round(step * 1.01); from = Math.floor(least / step + 1e-9) * step; }
    }
    // Whole numbers have whole bounds.
    if (step < 1 && values.concat(at).every(function (v) { return v === Math.round(v); })) step = 1;
    function n(sign) { var far = greatest(off.filter(function (v) { return v * sign > 0; }).map(Math.abs)); return far > 0 ? Math.min(4, Math.max(1, Math.ceil((far - from) / step - 1e-9))) : 0; }
    var above = n(1), below = n(-1), all = Math.max(above, below), farthest = { "1": greatest(off), "-1": greatest(off.map(function (v) { return -v; })) };
    function bound(i, sign) { return +(at + sign * (from + i * step)).toPrecision(12); }
    function piece(i, sign, last) {
      var isOpen = i === last && farthest[sign] > (from + (i + 1) * step) * (1 + 1e-9), near = bound(i, sign), far = isOpen ? null : bound(i + 1, sign);
      return { low: sign > 0 ? near : far, high: sign > 0 ? far : near, sign: sign, color: (sign > 0 ? better : worse)[all === 1 ? 2 : Math.round((i + 1) * 4 / all) - 1] };
    }
    var pieces = [];
    for (var i = below - 1; i >= 0; i--) pieces.push(piece(i, -1, below - 1));
    for (i = 0; i < above; i++) pieces.push(piece(i, 1, above - 1));
    return { at: at, from: from, step: step, pieces: pieces };
  }
  // The class of a value. One that is just the middle is in none of them.
  function classOf(scale, v) {
    if (v === scale.at) return null;
    var side = scale.pieces.filter(function (p) { return (v > scale.at) === (p.sign > 0); });
    if (v < scale.at) side.reverse();
    for (var i = 0; i < side.length; i++) { var far = v > scale.at ? side[i].high : side[i].low; if (far === null || Math.abs(v - scale.at) < Math.abs(far - scale.at) || i === side.length - 1) return side[i]; }
    return null;
  }
  // A bound as text: in thousands, millions and so on where one is large, with as many digits as tell the bounds from each other.
  function boundOf(scale) {
    var far = greatest(scale.pieces.map(function (p) { return Math.max(Math.abs(p.low || 0), Math.abs(p.high || 0)); }));
    var unit = charts.amounts().filter(function (u) { return far >= Math.max(u[0], 10000); })[0] || [1, ""], behind = unit[1] && " " + unit[1];
    var digits = Math.max(digitsOf(scale.step / unit[0]), digitsOf(scale.at / unit[0]));
    return function (v) { return v === 0 ? "0" : number(v / unit[0], digits) + behind; };
  }

  // ---- The legend

  function text(x, y, of, t, more) { return { type: "text", silent: true, z: 61, x: x, y: y, style: put({ text: of, fontSize: 11, fontFamily: FONT, fill: t.soft, verticalAlign: "top" }, more) }; }
  function swatch(x, y, w, color, t) { return { type: "rect", silent: true, z: 61, shape: { x: x, y: y, width: w, height: 12 }, style: { fill: color, stroke: t.soft, lineWidth: 0.5 } }; }
  // Swatches that touch, with the bounds below them and what their sides mean above. It is null where there is no room for the texts.
  function row(scale, room, ends, t) {
    var say1 = boundOf(scale), pieces = scale.pieces, n = pieces.length, marks = [], middle = null;
    for (var i = 0; i <= n; i++) {
      var v = i < n ? pieces[i].low : pieces[n - 1].high;
      if (i > 0 && i < n && v === null) v = pieces[i - 1].high;
      if (v === scale.at) middle = i;
      marks.push(v);
    }
    var openLow = marks[0] === null, openHigh = marks[n] === null;
    var texts = marks.map(function (v, i) { return v === null ? null : openLow && i === 1 ? (openHigh && n === 1 ? say1(v) : say("{bound} or less", { bound: say1(v) })) : openHigh && i === n - 1 ? say("{bound} or more", { bound: say1(v) }) : say1(v); });
    // One class alone that is open on one side has one bound.
    var half = marks.map(function (v) { return v === null ? 0 : widthOf(say1(v), 11) / 2; }), wide = texts.map(function (x) { return x === null ? 0 : widthOf(x, 11); });
    // How far each text reaches to the left and to the right of its bound.
    var left = wide.map(function (w, i) { return openLow && i === 1 ? w - half[i] : half[i]; }), right = wide.map(function (w, i) { return openHigh && i === n - 1 && !(openLow && i === 1) ? w - half[i] : half[i]; });
    var least = 24, before = null;
    for (i = 0; i <= n; i++) { if (texts[i] === null) continue; if (before !== null) least = Math.max(least, (right[before] + left[i] + 6) / (i - before)); before = i; }
    for (var size = 56; size >= least; size = size > least && size - 4 < least ? least : size - 4) {
      var start = 0, end = n * size;
      texts.forEach(function (x, i) { if (x !== null) { start = Math.min(start, i * size - left[i]); end = Math.max(end, i * size + right[i]); } });
      if (end - start <= room) break;
      if (size === least) return null;
    }
    if (size < least) return null;
    var words = null;
    if (ends && middle !== null) {
      var sides = [middle > 0 ? "← " + ends[0] : null, middle < n ? ends[1] + " →" : null], from = middle * size - (sides[0] ? widthOf(sides[0], 11) + 6 : 0), to = middle * size + (sides[1] ? widthOf(sides[1], 11) + 6 : 0);
      if (Math.max(end, to) - Math.min(start, from) <= room) { words = sides; start = Math.min(start, from); end = Math.max(end, to); }
    }
    return { width: end - start, height: (words ? 16 : 0) + 30, draw: function (x, y) {
      var out = [], zero = x - start + (middle || 0) * size;
      if (words && words[0]) out.push(text(zero - 6, y, words[0], t, { align: "right" }));
      if (words && words[1]) out.push(text(zero + 6, y, words[1], t, { align: "left" }));
      if (words) y += 16;
      pieces.forEach(function (p, i) { out.push(swatch(x - start + i * size, y, size, p.color, t)); });
      texts.forEach(function (of, i) { if (of !== null) out.push(text(x - start + i * size - left[i], y + 15, of, t, { align: "left" })); });
      return out;
    } };
  }
  // What a class is, as words alone.
  function classLabel(scale, p) {
    var of = boundOf(scale);
    return p.low === null ? say("{bound} or less", { bound: of(p.high) }) : p.high === null ? say("{bound} or more", { bound: of(p.low) }) : say("{low} to {high}", { low: of(p.low), high: of(p.high) });
  }
  // A legend of `room` pixels: the scale, if any, and other swatches with their texts in lines.
  function legend(scale, room, others, ends, t) {
    var strip = scale && scale.pieces.length ? row(scale, room, ends, t) : null, items = others;
    if (scale && !strip) items = scale.pieces.map(function (p) { return { color: p.color, label: classLabel(scale, p) }; }).concat(others);
    var lines = [], x = 0, top = strip ? strip.height + 4 : 0;
    items.forEach(function (item) {
      var of = fitted(item.label, room - 24, 11), w = 22 + greatest(of.map(function (l) { return widthOf(l, 11); })), line = lines[lines.length - 1];
      if (!line || x + w > room) { line = { items: [], height: 0 }; lines.push(line); x = 0; }
      line.items.push({ x: x, color: item.color, of: of }); line.height = Math.max(line.height, 5 + 14 * of.length); x += w + 16;
    });
    // Where the strip leaves room beside it, what has one line stands there.
    var beside = strip && lines.length === 1 && lines[0].height < 20 && strip.width + 28 + x <= room;
    var height = beside ? strip.height : top + lines.reduce(function (sum, line) { return sum + line.height; }, 0);
    return { height: height, draw: function (left, y) {
      var out = strip ? strip.draw(left, y) : [], at = beside ? y + strip.height - 30 : y + top;
      lines.forEach(function (line) {
        line.items.forEach(function (item) {
          var from = left + item.x + (beside ? strip.width + 28 : 0);
          out.push(swatch(from, at, 16, item.color, t));
          item.of.forEach(function (l, i) { out.push(text(from + 22, at + 14 * i, l, t, { align: "left" })); });
        });
        at += line.height;
      });
      return out;
    } };
  }

  // ---- Names

  var ROWS = 32, known = new WeakMap();
  function doubled(ring) { var sum = 0; for (var i = 0; i + 1 < ring.length; i++) sum += ring[i][0] * ring[i + 1][1] - ring[i + 1][0] * ring[i][1]; return Math.abs(sum); }
  // Where level lines at each of `ys` are inside of rings: pairs of x, in order. `rowOf` says between which of them a y lies, so that each edge
  // is held against the few lines that it may cross.
  function spansAt(rings, ys, rowOf) {
    var xs = ys.map(function () { return []; });
    rings.forEach(function (ring) {
      for (var i = 0; i + 1 < ring.length; i++) {
        var a = ring[i], b = ring[i + 1];
        if (a[1] === b[1]) continue;
        var p = rowOf(a[1]), q = rowOf(b[1]), last = Math.min(ys.length - 1, Math.ceil(Math.max(p, q)));
        for (var r = Math.max(0, Math.floor(Math.min(p, q))); r <= last; r++) {
          if ((a[1] > ys[r]) !== (b[1] > ys[r])) xs[r].push(a[0] + (ys[r] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
        }
      }
    });
    return xs.map(function (of) {
      var out = [];
      of.sort(function (a, b) { return a - b; });
      for (var i = 0; i + 1 < of.length; i += 2) out.push([of[i], of[i + 1]]);
      return out;
    });
  }
  function boxOf(rings) {
    var box = [Infinity, Infinity, -Infinity, -Infinity];
    rings.forEach(function (ring) { ring.forEach(function (p) { box[0] = Math.min(box[0], p[0]); box[1] = Math.min(box[1], p[1]); box[2] = Math.max(box[2], p[0]); box[3] = Math.max(box[3], p[1]); }); });
    return box;
  }
  // Of each shape its largest polygon: its frame, where level lines are inside of it, and a point in its middle that is.
  function shapesOf(geo) {
    if (known.has(geo)) return known.get(geo);
    var by = {}, all = [Infinity, Infinity, -Infinity, -Infinity];
    geo.features.forEach(function (f) {
      var polygons = f.geometry.coordinates, whole = boxOf(polygons.map(function (p) { return p[0]; })), largest = polygons.reduce(function (a, b) { return doubled(b[0]) > doubled(a[0]) ? b : a; });
      all = [Math.min(all[0], whole[0]), Math.min(all[1], whole[1]), Math.max(all[2], whole[2]), Math.max(all[3], whole[3])];
      var box = boxOf([largest[0]]), high = box[3] - box[1], ys = [], sum = 0, x = 0, y = 0;
      for (var r = 0; r < ROWS; r++) ys.push(box[1] + (r + 0.5) / ROWS * high);
      var rows = spansAt(largest, ys, function (v) { return (v - box[1]) / (high || 1) * ROWS - 0.5; }).map(function (spans, r) {
        spans.forEach(function (s) { var w = s[1] - s[0]; sum += w; x += w * (s[0] + s[1]) / 2; y += w * ys[r]; });
        return { y: ys[r], spans: spans };
      });
      var centre = sum > 0 ? [x / sum, y / sum] : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], anchor = centre;
      var near = rows[Math.max(0, Math.min(ROWS - 1, Math.floor((centre[1] - box[1]) / ((box[3] - box[1]) || 1) * ROWS)))];
      if (near.spans.length && !near.spans.some(function (s) { return centre[0] > s[0] && centre[0] < s[1]; })) {
        var widest = near.spans.reduce(function (a, b) { return b[1] - b[0] > a[1] - a[0] ? b : a; });
        anchor = [(widest[0] + widest[1]) / 2, near.y];
      }
      by[f.properties.code] = { code: f.properties.code, box: box, rows: rows, area: doubled(largest[0]), centre: centre, anchor: anchor, polygons: polygons };
    });
    var found = { by: by, box: all, margins: {}, named: {} };
    known.set(geo, found);
    return found;
  }
  function meets(a, b) { return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]; }
  function turn(a, b, c) { return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]); }
  function crosses(a, b, c, d) { return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0; }
  function runsThrough(a, b, box) {
    if (a[0] > box[0] && a[0] < box[2] && a[1] > box[1] && a[1] < box[3]) return true;
    return crosses(a, b, [box[0], box[1]], [box[2], box[3]]) || crosses(a, b, [box[0], box[3]], [box[2], box[1]]);
  }
  // The middle of a place for a text of `w` by `h` pixels inside a shape, as near its centre as there is one.
  function inside(shape, see, w, h, taken, frame) {
    var half = h / 2 / see.k, wide = w / see.k, step = (shape.box[3] - shape.box[1]) / ROWS, best = null;
    if (wide > shape.box[2] - shape.box[0] || 2 * half > shape.box[3] - shape.box[1]) return null;
    for (var r = 0; r < ROWS; r++) {
      var y = shape.rows[r].y, low = Math.floor((y - half - shape.box[1]) / step - 0.5), high = Math.ceil((y + half - shape.box[1]) / step - 0.5);
      if (low < 0 || high >= ROWS) continue;
      var free = shape.rows[low].spans;
      for (var i = low + 1; i <= high && free.length; i++) {
        var next = [];
        shape.rows[i].spans.forEach(function (s) { free.forEach(function (f) { var a = Math.max(s[0], f[0]), b = Math.min(s[1], f[1]); if (b - a >= wide) next.push([a, b]); }); });
        free = next;
      }
      free.forEach(function (f) {
        if (f[1] - f[0] < wide) return;
        var x = Math.max(f[0] + wide / 2, Math.min(f[1] - wide / 2, shape.centre[0])), far = Math.hypot(x - shape.centre[0], y - shape.centre[1]);
        if (best && far >= best.far) return;
        var px = see.x + see.k * x, py = see.y - see.k * y, box = [px - w / 2, py - h / 2, px + w / 2, py + h / 2];
        if (box[0] < frame[0] || box[1] < frame[1] || box[2] > frame[2] || box[3] > frame[3] || taken.some(function (b) { return meets(b, box); })) return;
        best = { far: far, box: box };
      });
    }
    return best && best.box;
  }
  // How much of a box is over shapes, from 0 to 1, by cells of four pixels.
  function landOf(shapes, see, frame) {
    var n = Math.ceil((frame[2] - frame[0]) / 4), rows = Math.ceil((frame[3] - frame[1]) / 4), ys = [], sums = [new Int32Array(n + 1)];
    for (var r = 0; r < rows; r++) ys.push((see.y - frame[1] - 4 * r - 2) / see.k);
    var lines = ys.map(function () { return new Uint8Array(n); });
    function rowOf(y) { return (see.y - frame[1] - 2 - y * see.k) / 4; }
    Object.keys(shapes.by).forEach(function (code) { shapes.by[code].polygons.forEach(function (p) { spansAt(p, ys, rowOf).forEach(function (spans, r) { spans.forEach(function (s) {
      var a = Math.max(0, Math.floor((see.x + see.k * s[0] - frame[0]) / 4)), b = Math.min(n, Math.ceil((see.x + see.k * s[1] - frame[0]) / 4));
      if (b > a) lines[r].fill(1, a, b);
    }); }); }); });
    lines.forEach(function (line, r) {
      var sum = new Int32Array(n + 1);
      for (var c = 0; c < n; c++) sum[c + 1] = sum[c] + line[c] + sums[r][c + 1] - sums[r][c];
      sums.push(sum);
    });
    return function (box) {
      var a = Math.max(0, Math.floor((box[0] - frame[0]) / 4)), b = Math.min(n, Math.ceil((box[2] - frame[0]) / 4)), c = Math.max(0, Math.floor((box[1] - frame[1]) / 4)), d = Math.min(rows, Math.ceil((box[3] - frame[1]) / 4));
      return b > a && d > c ? (sums[d][b] - sums[c][b] - sums[d][a] + sums[c][a]) / ((b - a) * (d - c)) : 0;
    };
  }
  // With more regions in view, names stand inside of their regions alone.
  var FEW = 40;
  // A name in lines of at most `room` pixels, broken at blanks and behind hyphens; what has neither is broken in scripts without blanks alone. Null where it cannot be.
  function linesOf(name, room) {
    var out = [], fits = true;
    String(name).trim().split(/\s+/).forEach(function (word) {
      (word.match(/[^-]+-*|-+/g) || [word]).forEach(function (part, i) {
        var last = out.length - 1, joined = last < 0 ? part : out[last] + (i ? "" : " ") + part;
        if (last >= 0 && widthOf(joined, 11) <= room) { out[last] = joined; return; }
        if (widthOf(part, 11) <= room) { out.push(part); return; }
        if (!/[\u2e80-\uffef]/.test(part)) fits = false;
        fitted(part, room, 11).forEach(function (l) { out.push(l); });
      });
    });
    return fits ? out : null;
  }
  // The ways to break a name: in one line, or in ever narrower ones.
  function broken(name) {
    var out = [], before = null;
    [1e4, 120, 90, 64].forEach(function (room) {
      var of = linesOf(name, room), key = of && of.join("\n");
      if (of && key !== before && of.length <= 4) out.push({ lines: of, w: greatest(of.map(function (l) { return widthOf(l, 11); })) + 4, h: 13 * of.length + 2 });
      before = key;
    });
    return out;
  }
  // Where names stand on the map, the largest region first: inside of its region, or beside it with a line to it; none over another, over a mark or beyond the frame.
  // A region too small to be seen has a mark. What has no room has no name.
  function named(shapes, marks, see, frame) {
    // Maps of other indices have the same names in the same places. A map that is zoomed needs none of before.
    var key = JSON.stringify([see, frame, marks.map(function (m) { return [m.code, m.label]; })]);
    if (!shapes.named[key]) {
      if (Object.keys(shapes.named).length > 20) shapes.named = {};
      shapes.named[key] = place(shapes, marks, see, frame);
    }
    return shapes.named[key];
  }
  function place(shapes, marks, see, frame) {
    var out = marks.map(function () { return {}; }), taken = [], lines = [], n_gone = 0;
    // A figure that is not laid out has no width.
    if (frame[2] <= frame[0] || frame[3] <= frame[1]) return { of: out, n_gone: marks.length };
    function at(p) { return [see.x + see.k * p[0], see.y - see.k * p[1]]; }
    var seen = marks.map(function (m, i) { return i; }).filter(function (i) {
      var s = shapes.by[marks[i].code];
      if (!s || !has(marks[i].label)) return false;
      var a = at([s.box[0], s.box[3]]), b = at([s.box[2], s.box[1]]);
      return a[0] < frame[2] && b[0] > frame[0] && a[1] < frame[3] && b[1] > frame[1];
    }).sort(function (a, b) { return shapes.by[marks[b].code].area - shapes.by[marks[a].code].area || a - b; });
    var few = seen.length <= FEW, dots = [];
    seen.forEach(function (i) {
      var s = shapes.by[marks[i].code], size = Math.max(s.box[2] - s.box[0], s.box[3] - s.box[1]) * see.k, p = at(s.anchor);
      if (size < (few ? 12 : 3)) { out[i].dot = p; dots.push(i); taken.push([p[0] - 5, p[1] - 5, p[0] + 5, p[1] + 5]); }
    });
    seen.forEach(function (i) {
      if (out[i].dot) return;
      var ways = broken(marks[i].label);
      for (var k = 0; k < ways.length; k++) {
        var box = inside(shapes.by[marks[i].code], see, ways[k].w + 4, ways[k].h, taken, frame);
        if (box) { out[i].name = { lines: ways[k].lines, box: box, isInside: true }; taken.push(box); return; }
      }
    });
    var rest = seen.filter(function (i) { return !out[i].name; });
    if (few && rest.length) {
      var land = landOf(shapes, see, frame);
      rest.forEach(function (i) {
        var from = out[i].dot || at(shapes.by[marks[i].code].anchor), best = null, r = out[i].dot ? 5 : 2;
        if (from[0] < frame[0] || from[1] < frame[1] || from[0] > frame[2] || from[1] > frame[3]) { n_gone++; return; }
        broken(marks[i].label).forEach(function (way) {
          for (var far = r + 4; far <= 200; far += 6) {
            if (best && far >= best.cost) break;
            for (var k = 0; k < 24; k++) {
              var angle = (k % 2 ? -1 : 1) * Math.ceil(k / 2) * Math.PI / 12, c = Math.cos(angle), s = Math.sin(angle);
              var cx = from[0] + far * c + c * way.w / 2, cy = from[1] + far * s + s * way.h / 2, box = [cx - way.w / 2, cy - way.h / 2, cx + way.w / 2, cy + way.h / 2];
              if (box[0] < frame[0] || box[1] < frame[1] || box[2] > frame[2] || box[3] > frame[3]) continue;
              // Over another region a name is taken for that region's: only a mark, which all see, has its name there.
              var over = land(box), cost = far + 150 * over + (way.lines.length - 1) * 4;
              if ((over > 0.3 && !out[i].dot) || (best && cost >= best.cost) || taken.some(function (b) { return meets(b, box); })) continue;
              // The line ends where the text begins, and comes over no other name, mark or line.
              var a = [from[0] + r * c, from[1] + r * s], b = [from[0] + (far - 1) * c, from[1] + (far - 1) * s];
              if (taken.some(function (t) { return runsThrough(a, b, t) && !(out[i].dot && from[0] > t[0] && from[0] < t[2] && from[1] > t[1] && from[1] < t[3]); }) || lines.some(function (l) { return crosses(a, b, l[0], l[1]) || runsThrough(l[0], l[1], box); })) continue;
              best = { cost: cost, box: box, lines: way.lines, line: [a, b] };
            }
          }
        });
        if (!best) { n_gone++; return; }
        out[i].name = { lines: best.lines, box: best.box, isInside: false }; out[i].line = best.line;
        taken.push(best.box); lines.push(best.line);
      });
    } else n_gone = rest.length;
    return { of: out, n_gone: n_gone };
  }
  // The ink that is told best from a colour.
  function inkOn(color) { var l = luminance(color); return (l + 0.05) / (luminance("#1f2328") + 0.05) >= 1.05 / (l + 0.05) ? "#1f2328" : "#ffffff"; }
  // What is drawn of a region beside its shape: its mark, the line to its name, and the name.
  function drawn(of, color, t) {
    var out = [], name = of.name;
    // On a ground of its own a line is seen over any colour.
    if (of.line) [[t.bg, 2.4], [t.text, 0.9]].forEach(function (pen, i) { out.push({ type: "line", z2: i, silent: true, shape: { x1: of.line[0][0], y1: of.line[0][1], x2: of.line[1][0], y2: of.line[1][1] }, style: { stroke: pen[0], lineWidth: pen[1], fill: null } }); });
    if (of.dot) out.push({ type: "circle", z2: 2, shape: { cx: of.dot[0], cy: of.dot[1], r: 4 }, style: { fill: color, stroke: t.text, lineWidth: 1 } });
    if (name) name.lines.forEach(function (line, i) {
      var ink = name.isInside && typeof color === "string" ? { fill: inkOn(color) } : { fill: t.text, stroke: t.bg, lineWidth: 2.5 };
      out.push({ type: "text", z2: 3, silent: true, x: (name.box[0] + name.box[2]) / 2, y: (name.box[1] + name.box[3]) / 2 + 13 * (i - (name.lines.length - 1) / 2), style: put({ text: line, align: "center", verticalAlign: "middle", fontSize: 11, fontFamily: FONT }, ink) });
    });
    return out.length ? { type: "group", children: out } : null;
  }

  // ---- The map

  // The part of `wide` by `high` pixels that the map has, `margin` of it left free at both sides for names, and how it is seen there.
  function seen(shapes, wide, high, margin) {
    var w = shapes.box[2] - shapes.box[0] || 1, h = shapes.box[3] - shapes.box[1] || 1, k = Math.min((wide - 2 * margin) / w, (high - 16) / h);
    return { k: k, x: wide / 2 - k * (shapes.box[0] + w / 2), y: high / 2 + k * (shapes.box[1] + h / 2) };
  }
  // The margin with which most names have a place.
  function marginOf(shapes, marks, wide, high) {
    var key = JSON.stringify([wide, high, marks.map(function (m) { return [m.code, m.label]; })]), found = shapes.margins[key], best = null;
    if (has(found)) return found;
    if (marks.length <= FEW) [10, 50, 90, 130, 170].forEach(function (margin) {
      if ((best && !best.n_gone) || 2 * margin > 0.6 * wide) return;
      var n_gone = named(shapes, marks, seen(shapes, wide, high, margin), [4, 4, wide - 4, high - 4]).n_gone;
      if (!best || n_gone < best.n_gone) best = { margin: margin, n_gone: n_gone };
    });
    return (shapes.margins[key] = best ? best.margin : 10);
  }
  // Shapes with the colours of `marks`, which have a `code`, a `label` and a `color`, null for hatched; the legend below. It gives the height.
  function shaded(data, o, t, marks, key, size) {
    var shapes = shapesOf(data.geo), wide = size.width, w = shapes.box[2] - shapes.box[0] || 1, h = shapes.box[3] - shapes.box[1] || 1, below = key.height + 14;
    var most = size.most || (data.narrow ? 420 : 470), high = size.height ? Math.max(60, size.height - below) : Math.round(Math.max(180, Math.min(most, (wide - 20) * h / w + 16)));
    var on = marks.filter(function (m) { return shapes.by[m.code]; }), margin = marginOf(shapes, on, wide, high);
    function fill(m) { return m.color === null ? hatch(t) : m.color; }
    o.geo = [{ map: "regions", nameProperty: "code", aspectScale: 1, roam: false, preserveAspect: "contain", left: margin, right: margin, top: 8, height: high - 16, selectedMode: false, z: 1, label: { show: false }, tooltip: { show: true },
      itemStyle: { areaColor: t.none, borderColor: t.line, borderWidth: 0.8 }, emphasis: { label: { show: false }, itemStyle: { areaColor: "inherit", borderColor: t.text, borderWidth: 2 } },
      regions: on.map(function (m) { return { name: m.code, itemStyle: { areaColor: fill(m), borderColor: t.bg }, emphasis: { itemStyle: { areaColor: fill(m) } } }; }) }];
    o.series = [{ type: "custom", coordinateSystem: "geo", geoIndex: 0, z: 5, data: on.map(function (m) { return { name: m.code, value: shapes.by[m.code].anchor }; }).concat([{ name: "", value: [0, 0] }]), renderItem: function (params, api) {
      if (!params.context.names) {
        var zero = api.coord([0, 0]), one = api.coord([1000, 0]);
        params.context.names = named(shapes, on, { k: (one[0] - zero[0]) / 1000, x: zero[0], y: zero[1] }, [4, 4, api.getWidth() - 4, high - 4]);
      }
      var m = on[params.dataIndex];
      // A map that is larger than its frame does not come over the legend.
      if (!m) return { type: "rect", silent: true, z2: 50, shape: { x: 0, y: high, width: api.getWidth(), height: below }, style: { fill: t.bg } };
      return drawn(params.context.names.of[params.dataIndex], fill(m), t);
    } }];
    o.graphic = key.draw(10, high + 8);
    return high + below;
  }
  // What is said of a region, by its code, over its shape and over its name.
  function tips(o, said) { o.tooltip.formatter = o.geo[0].tooltip.formatter = function (p) { return said(p.name); }; }
  // Marks of values: their colours, and what else the legend has of them.
  function valued(t, scale, marks, without) {
    var n_zero = 0, n_none = 0;
    marks.forEach(function (m) {
      var of = has(m.value) ? classOf(scale, m.value) : null;
      if (!has(m.value)) n_none++; else if (!of) n_zero++;
      m.color = !has(m.value) ? null : of ? of.color : neither;
    });
    var others = [];
    if (n_zero) others.push({ color: neither, label: say("just {middle} ({n})", { middle: boundOf(scale)(scale.at), n: n_zero }) });
    if (n_none) others.push({ color: hatch(t), label: say(without, { n: n_none }) });
    return others;
  }
  // What is said of shapes that have parts which are not drawn.
  function lacking(geo, names) {
    var of = geo.lacking.map(function (code) { return own(names, code) || code; });
    return of.length ? say("Not drawn: small parts of {names} that are far from the rest.", { names: some(of) }) : "";
  }
  // What is so of all maps of an episode: a page says it once, a file by itself.
  function aside(data, rows) {
    var codes = {}, out = [], of = data.geo.projection, n = 0;
    data.geo.features.forEach(function (f) { codes[f.properties.code] = true; });
    var without = rows.filter(function (r) { return !own(codes, r.region_code); }).map(function (r) { return r.region_name; });
    if (without.length) out.push(sayMany(without.length, "{n} region has no shape in the boundaries: {names}.", "{n} regions have no shape in the boundaries: {names}.", { names: some(without) }));
    out.push(lacking(data.geo, data.names));
    var inData = {};
    rows.forEach(function (r) { inData[r.region_code] = true; });
    data.geo.features.forEach(function (f) { if (!own(inData, f.properties.code)) n++; });
    if (n) out.push(sayMany(n, "{n} shape without colour is in no table.", "{n} shapes without colour are in no table."));
    if (of && of.kind === "albers") out.push(say("Equal-area conic projection of Albers, parallels {first}° and {second}°.", { first: number(of.parallels[0], 1), second: number(of.parallels[1], 1) }));
    if (of && of.kind === "lambert") out.push(say("Azimuthal equal-area projection of Lambert."));
    if (of && of.kind === "equal_earth") out.push(say("Equal Earth projection."));
    return sentences(out);
  }
  function some(names) { return names.length > 8 ? say("{names} and {n} more", { names: charts.listed(names.slice(0, 8)), n: names.length - 8 }) : charts.listed(names); }
  function sentences(parts) { return parts.filter(function (x) { return x; }).join(" "); }
  function periods(e, last) { return { base: e.base, to: last }; }
  // The one message of a map of an index.
  function message(measure, found, above) {
    var n = found.length, values = { above: above, n: n };
    var of = {
      resistance: [key("No region resisted better than all regions together"), key("All {n} regions resisted better than all regions together"), key("{above} of {n} regions resisted better than all regions together"), key("{name} resisted better than all regions together"), key("{name} did not resist better than all regions together")],
      recovery: [key("No region recovered better than all regions together"), key("All {n} regions recovered better than all regions together"), key("{above} of {n} regions recovered better than all regions together"), key("{name} recovered better than all regions together"), key("{name} did not recover better than all regions together")],
      upgrading: [key("No region moved towards more complex products"), key("All {n} regions moved towards more complex products"), key("{above} of {n} regions moved towards more complex products"), key("{name} moved towards more complex products"), key("{name} did not move towards more complex products")]
    }[measure];
    if (n === 1) return say(of[above ? 3 : 4], { name: found[0].region_name });
    return say(of[above === 0 ? 0 : above === n ? 1 : 2], values);
  }
  // How wide a map is: as the whole sheet on paper.
  function sheetOf(data) { return data.paper || data.room; }
  function map(data, ep, measure, dark) {
    var t = theme(dark), o = base(t), m = measures[measure], rows = regionsOf(data, ep), e = charts.episodeOf(data, ep), isUpgrading = measure === "upgrading";
    if (!data.geo || !data.geo.features.length || !rows.length) return null;
    var found = rows.filter(function (r) { return has(r[m[1]]); });
    if (!found.length) return null;
    var above = found.filter(function (r) { return r[m[1]] > 0; }).length, reason = measure + "_null_reason", digits = isUpgrading ? 3 : 2;
    var scale = classes(found.map(function (r) { return r[m[1]]; })), marks = rows.map(function (r) { return { code: r.region_code, label: r.region_name, value: r[m[1]] }; });
    var others = valued(t, scale, marks, key("no index ({n})"));
    var ends = isUpgrading ? [say("less complex"), say("more complex")] : [say("worse than expected"), say("better than expected")];
    var height = shaded(data, o, t, marks, legend(scale, sheetOf(data) - 20, others, ends, t), { width: sheetOf(data) }), by = {};
    rows.forEach(function (r) { by[r.region_code] = r; });
    var name = say(m[0]);
    tips(o, function (code) {
      var r = own(by, code);
      if (!r) return esc(code) + "<br>" + esc(say("no region of these data"));
      var line = has(r[m[1]]) ? name + " " + (m[2] && has(r[m[2]]) && has(r[m[3]]) ? say("{value} ({low} to {high})", { value: number(r[m[1]], digits), low: number(r[m[2]], digits), high: number(r[m[3]], digits) }) : number(r[m[1]], digits)) : say("no index: {reason}", { reason: r[reason] ? reasonOf(r[reason]) : say("no reason in the table") });
      return "<b>" + esc(r.region_name) + "</b><br>" + esc(line) + "<br>" + esc(say("base {value}", { value: money(r.base_value, data.meta.unit) }));
    });
    var sure = m[2] ? found.filter(function (r) { return has(r[m[2]]) && has(r[m[3]]); }) : [], up = sure.filter(function (r) { return r[m[2]] > 0; }).length, down = sure.filter(function (r) { return r[m[3]] < 0; }).length;
    var subtitle = isUpgrading ? say("Upgrading: change of the mean complexity (PCI) of a region's exports from {base} to {to}, in standard deviations of products", periods(e, e.transformation_year))
      : measure === "resistance" ? say("Resistance: growth from {base} to {to} beside that of all regions together; 0 is growth alike", periods(e, e.trough)) : say("Recovery: growth from {base} to {to} beside that of all regions together; 0 is growth alike", { base: e.trough, to: e.end });
    var level = data.meta.level, columns = ["region_code", "region_name", m[1]].concat(m[2] ? [m[2], m[3]] : [], isUpgrading ? [] : [reason]);
    return { id: measure + "-map-" + ep, title: message(measure, found, above), subtitle: subtitle,
      note: sentences([sure.length ? (up + down ? say("The {level} % interval is above 0 for {up} and below 0 for {down} of {n} regions.", { level: +(100 * level).toFixed(2), up: up, down: down, n: sure.length }) : say("No {level} % interval is on one side of 0: none of this is sure.", { level: +(100 * level).toFixed(2) })) : "",
        others.some(function (x) { return typeof x.color !== "string"; }) ? say("Hatched: no index.") : ""]), aside: aside(data, rows),
      source: "panel.region", height: height, option: o, columns: columns, rows: rows.map(function (r) { return columns.map(function (c) { return has(r[c]) ? r[c] : null; }); }),
      sql: "select " + columns.join(", ") + " from panel.region where episode = " + literal(ep) + " order by region_code" };
  }
  // A map of what regions are: `table` has the colour and the words of each kind, `none` says how many have none, and `why` why.
  function classed(data, dark, field, table, none, why, rows) {
    var t = theme(dark), o = base(t), n = {}, by = {}, n_none = 0;
    rows.forEach(function (r) { by[r.region_code] = r; if (has(r[field])) n[r[field]] = (n[r[field]] || 0) + 1; else n_none++; });
    function words(kind) { var of = own(table, kind); return of ? say(of[1]) : String(kind); }
    var marks = rows.map(function (r) { var of = own(table, r[field]); return { code: r.region_code, label: r.region_name, color: has(r[field]) ? (of ? of[0] : neither) : null }; });
    var others = Object.keys(table).filter(function (k) { return own(n, k); }).map(function (k) { return { color: table[k][0], label: say("{kind} ({n})", { kind: words(k), n: n[k] }) }; });
    if (n_none) others.push({ color: hatch(t), label: say(none, { n: n_none }) });
    var height = shaded(data, o, t, marks, legend(null, sheetOf(data) - 20, others, null, t), { width: sheetOf(data) });
    tips(o, function (code) {
      var r = own(by, code);
      if (!r) return esc(code) + "<br>" + esc(say("no region of these data"));
      return "<b>" + esc(r.region_name) + "</b><br>" + esc(has(r[field]) ? words(r[field]) : why(r));
    });
    return { height: height, option: o, hatched: n_none };
  }
  function types(data, ep, dark) {
    var rows = regionsOf(data, ep), found = rows.filter(function (r) { return has(r.type); }), e = charts.episodeOf(data, ep);
    if (!data.geo || !data.geo.features.length || !found.length) return null;
    function n(kind) { return found.filter(function (r) { return r.type === kind; }).length; }
    var of = classed(data, dark, "type", kinds, key("no type ({n})"), function (r) { var why = r.resistance_null_reason || r.recovery_null_reason; return say("no type: {reason}", { reason: why ? reasonOf(why) : say("no reason in the table") }); }, rows);
    var both = n("resistant_recovering"), neitherOf = n("vulnerable_lagging"), columns = ["region_code", "region_name", "type", "resistance_null_reason", "recovery_null_reason"];
    return { id: "types-" + ep, title: found.length === 1 ? say("{name} is {kind}", { name: found[0].region_name, kind: say(kinds[found[0].type][1]) }) : say("{both} of {n} regions resisted and recovered better than all together, {neither} did neither", { both: both, n: found.length, neither: neitherOf }),
      subtitle: say("Type by the signs of both indices: resistance from {base} to {trough}, recovery from {trough} to {end}", { base: e.base, trough: e.trough, end: e.end }),
      note: of.hatched ? say("Hatched: no type, since an index is missing.") : "", aside: aside(data, rows), source: "panel.region", height: of.height, option: of.option,
      columns: columns, rows: rows.map(function (r) { return columns.map(function (c) { return has(r[c]) ? r[c] : null; }); }),
      sql: "select " + columns.join(", ") + " from panel.region where episode = " + literal(ep) + " order by region_code" };
  }
  function clusters(data, ep, dark) {
    var rows = regionsOf(data, ep), found = rows.filter(function (r) { return has(r.lisa); }), e = charts.episodeOf(data, ep);
    if (!data.geo || !data.geo.features.length || !found.length) return null;
    var n = found.filter(function (r) { return r.lisa !== "not_significant"; }).length;
    var of = classed(data, dark, "lisa", lisa, key("no statistic ({n})"), function (r) { return has(r.resistance) ? say("no statistic: it has no neighbours") : say("no statistic: it has no resistance"); }, rows);
    return { id: "lisa-" + ep, title: n ? sayMany(n, "{n} of {all} regions is significantly like its neighbours, or unlike them", "{n} of {all} regions are significantly like their neighbours, or unlike them", { all: found.length }) : say("No region is significantly like its neighbours, or unlike them"),
      subtitle: say("Local Moran's I of resistance from {base} to {to}: a region beside the mean of its neighbours", periods(e, e.trough)),
      note: sentences([say("Significance by permutation."), of.hatched ? say("Hatched: no statistic, since the region has no neighbours or no resistance.") : ""]), aside: aside(data, rows), source: "spatial.region", height: of.height, option: of.option,
      columns: ["region_code", "region_name", "lisa_class"], rows: rows.map(function (r) { return [r.region_code, r.region_name, has(r.lisa) ? r.lisa : null]; }),
      sql: "select p.region_code, p.region_name, s.lisa_class from panel.region p left join spatial.region s on s.source_table = 'resilience.region' and s.measure = 'resistance' and s.period = p.episode || ' / aggregate' and s.region_code = p.region_code where p.episode = " + literal(ep) + " order by p.region_code" };
  }
  Object.assign(charts, { classes, clusters, inkOn, lacking, legend, map, shaded, types, valued });
})();
