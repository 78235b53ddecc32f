// Labels that find their place: beside their marks, on even numbers.
(function () {
  "use strict";
  const { FONT, even, fitted, greatest, put, widthOf } = charts;
  function widest(texts, size) { return greatest(texts.map(function (text) { return widthOf(text, size); })); }
  // A number of an axis whose numbers are even: as few digits as tell it.
  function tick(v) { return String(+v.toPrecision(6)).replace("-", "−"); }
  // How far from zero what is usual reaches: a few that are much farther off do not press the others together.
  function usual(values) {
    var sizes = values.map(Math.abs).sort(function (a, b) { return a - b; }), far = 2.5 * sizes[Math.floor(0.75 * (sizes.length - 1))];
    return far > 0 ? greatest(sizes.filter(function (v) { return v <= far; })) : greatest(sizes);
  }
  // An axis about zero for `values`, none farther than `far`, with room beyond the last of them, and even numbers within.
  function framed(values, far, room, n) {
    var low = Math.max(Math.min.apply(null, values.concat(0)), -far), high = Math.min(greatest(values.concat(0)), far);
    if (low === high) { low = -1; high = 1; }
    // Each side has room for the names of what stands there.
    low = Math.min(low, -0.4 * high); high = Math.max(high, -0.4 * low);
    var more = room * (high - low);
    low -= more; high += more;
    var steps = even(low, high, n), inner = steps.all.filter(function (v) { return v > low && v < high; });
    return { min: low, max: high, ticks: inner, interval: steps.interval, n_beyond: values.filter(function (v) { return v < low || v > high; }).length };
  }
  // The ticks of an axis at the numbers of `framed`.
  function ticked(axis, of) {
    put(axis.axisLabel, { customValues: of.ticks, showMinLabel: true, showMaxLabel: true });
    put(axis, { min: of.min, max: of.max, axisTick: { show: false, customValues: of.ticks }, splitLine: { show: false } });
    return axis;
  }
  function meets(a, b) { return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]; }
  // Whether a line runs through a box, which is far larger than a twentieth of the line.
  function crosses(line, box) {
    for (var i = 0; i <= 20; i++) {
      var x = line[0] + (line[2] - line[0]) * i / 20, y = line[1] + (line[3] - line[1]) * i / 20;
      if (x > box[0] && x < box[2] && y > box[1] && y < box[3]) return true;
    }
    return false;
  }
  // Where labels of marks stand, so that none is over another, over a mark, or beyond the frame: beside its mark, or farther off with a line to it.
  // The largest come first; what has no room has no place.
  function placed(marks, frame, taken, room) {
    var done = taken.slice(), lines = [], gone = [], found = [];
    var spots = marks.map(function (m) { return [m.px - m.r, m.py - m.r, m.px + m.r, m.py + m.r]; });
    marks.map(function (m, i) { return i; }).filter(function (i) { return marks[i].label; }).sort(function (a, b) { return marks[b].r - marks[a].r || a - b; }).forEach(function (i) {
      var m = marks[i], of = fitted(m.label, room || 150, 11), w = widest(of, 11) + 2, h = 13 * of.length, best = null;
      for (var far = m.r + 3; far <= m.r + 96 && !(best && best.over === 0); far += far < m.r + 12 ? 4 : 12) {
        for (var k = 0; k < 16; k++) {
          // From the right on, up and down in turn.
          var angle = (k % 2 ? -1 : 1) * Math.ceil(k / 2) * Math.PI / 8, c = Math.cos(angle), s = Math.sin(angle);
          var cx = m.px + far * c + c * w / 2, cy = m.py + far * s + s * h / 2, box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
          var line = far > m.r + 14 ? [m.px + m.r * c, m.py + m.r * s, m.px + (far - 1) * c, m.py + (far - 1) * s] : null;
          if (box[0] < frame[0] || box[1] < frame[1] || box[2] > frame[2] || box[3] > frame[3] || done.some(function (d) { return meets(box, d) || (line && crosses(line, d)); }) || lines.some(function (l) { return crosses(l, box); })) continue;
          var over = spots.filter(function (spot) { return meets(box, spot); }).length;
          if (!best || over < best.over) best = { over: over, box: box, lines: of, from: line };
          if (!over) break;
        }
      }
      if (best) { done.push(best.box); found.push(best); if (best.from) lines.push(best.from); } else gone.push(m.label);
    });
    return { found: found, gone: gone };
  }
  function lineOf(color, width, from) { return { type: "line", silent: true, z: 5, shape: { x1: from[0], y1: from[1], x2: from[2], y2: from[3] }, style: { stroke: color, lineWidth: width } }; }
  // A text on its ground, so that a line behind it does not strike it through.
  function textOf(text, x, y, align, color, bold, ground) {
    return { type: "text", silent: true, z: 6, x: x, y: y, style: { text: text, align: align, verticalAlign: "top", fontSize: 11, fontWeight: bold ? "bold" : "normal", fill: color, stroke: ground, lineWidth: ground ? 3 : 0, fontFamily: FONT } };
  }
  function written(t, at) {
    var out = [];
    at.found.forEach(function (x) {
      if (x.from) out.push(lineOf(t.soft, 0.6, x.from));
      x.lines.forEach(function (line, i) { out.push(textOf(line, (x.box[0] + x.box[2]) / 2, x.box[1] + 13 * i + 1, "center", t.text, false, t.bg)); });
    });
    return out;
  }
  // What `make` draws over a figure once it is laid out: it is given the frame (left, top, right, bottom) and the pixels of a point.
  function over(any, make) {
    return { type: "custom", silent: true, z: 6, encode: { x: 0, y: 1 }, tooltip: { show: false }, data: [any], renderItem: function (params, api) {
      var c = params.coordSys;
      return { type: "group", silent: true, children: make([c.x, c.y, c.x + c.width, c.y + c.height], function (point) { return api.coord(point); }) };
    } };
  }
  // Labels of marks, which have `at` (a point), `size` and `text`; `corners` are names in the four corners of the frame about
  // `zero`: right above, right below, left above, left below.
  function named(t, any, marks, corners, zero) {
    return over(any, function (frame, pixels) {
      var taken = [], out = [], middle = pixels(zero || any);
      var spots = marks.map(function (m) { var at = pixels(m.at); return { px: at[0], py: at[1], r: m.size / 2, label: m.text }; });
      function isFree(box) { return !spots.some(function (s) { return meets(box, [s.px - s.r, s.py - s.r, s.px + s.r, s.py + s.r]); }); }
      (corners || []).forEach(function (name, i) {
        // A word is whole, even if its quadrant is not as wide.
        var right = i < 2, top = i % 2 === 0, word = greatest(name.split(/\s+/).map(function (of) { return widthOf(of, 11, true); }));
        var of = fitted(name, Math.max(word, (right ? frame[2] - middle[0] : middle[0] - frame[0]) - 12), 11, true), w = greatest(of.map(function (l) { return widthOf(l, 11, true); }));
        var outer = right ? frame[2] - 5 : frame[0] + 5, edge = outer, from = top ? frame[1] + 4 : frame[3] - 4 - 13 * of.length;
        function box() { return [right ? edge - w : edge, from, right ? edge : edge + w, from + 13 * of.length]; }
        // Beside a mark that stands in the corner, if the quadrant has the room.
        while (!isFree(box()) && (right ? edge - w - 6 > middle[0] : edge + w + 6 < middle[0])) edge += right ? -6 : 6;
        if (!isFree(box())) edge = outer;
        taken.push(box());
        of.forEach(function (line, k) { out.push(textOf(line, edge, from + 13 * k, right ? "right" : "left", t.soft, true, t.bg)); });
      });
      var room = Math.max(70, Math.min(150, (frame[2] - frame[0]) / 4));
      return out.concat(written(t, placed(spots, [frame[0] + 1, frame[1] + 1, frame[2] - 1, frame[3] - 1], taken, room)));
    });
  }
  Object.assign(charts, { framed, lineOf, named, over, placed, textOf, tick, ticked, usual, widest, written });
})();
