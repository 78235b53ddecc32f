// What an eye sees of a page: faults as `{check, at, what}`. Runs in the page; what needs pixels or keys is in looking.py.
window.eyes = (() => {
  "use strict";
  const round = x => Math.round(10 * x) / 10;
  const clip = text => text.replace(/\s+/g, " ").trim().slice(0, 70);
  const seen = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const figures = () => Array.from(document.querySelectorAll("figure")).filter(seen);
  const placeOf = e => { const of = e.closest("figure, table[id], section[id], nav, header, footer"); return of ? of.id || of.tagName.toLowerCase() : e.tagName.toLowerCase(); };
  // All texts of an element, those of its picture too, with a space between.
  function words(element) {
    const out = [], walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) out.push(node.nodeValue);
    return out.join(" ");
  }
  const data = () => JSON.parse(document.getElementById("data")?.textContent || "{}");
  const chartOf = figure => { const box = figure.querySelector(".chart"); return box && window.echarts ? echarts.getInstanceByDom(box) : null; };
  const optionOf = figure => chartOf(figure)?.getOption() || {};

  // Boxes of texts: four corners, so that turned labels are as narrow as they look.
  function corners(box, matrix) {
    return [[box.x, box.y], [box.x + box.width, box.y], [box.x + box.width, box.y + box.height], [box.x, box.y + box.height]]
      .map(([x, y]) => [matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f]);
  }
  function bounds(quad) {
    const x = quad.map(p => p[0]), y = quad.map(p => p[1]);
    return { left: Math.min(...x), right: Math.max(...x), top: Math.min(...y), bottom: Math.max(...y) };
  }
  // Boxes of the shapes that cut an element of a picture.
  function framesOf(element) {
    const out = [];
    for (let of = element.closest("[clip-path]"); of; of = of.parentElement.closest("[clip-path]")) {
      const by = of.ownerSVGElement?.querySelector(of.getAttribute("clip-path").replace(/^url\(["']?(#[^"')]+)["']?\)$/, "$1"));
      if (by) out.push(bounds(corners(by.firstElementChild.getBBox(), of.getScreenCTM())));
    }
    return out;
  }
  // Dots of a figure, and whether each is cut.
  function dotsIn(figure) {
    const out = [];
    for (const e of figure.querySelectorAll("svg path, svg circle")) {
      if (e.closest("clipPath, defs") || e.tagName !== "circle" && !/A/.test(e.getAttribute("d") || "")) continue;
      const box = e.getBBox(), m = e.getScreenCTM();
      if (getComputedStyle(e).fill === "none" || Math.abs(box.width - box.height) > 0.03 * box.width) continue;
      const whole = bounds(corners(box, m));
      const cut = [e.ownerSVGElement.getBoundingClientRect(), ...framesOf(e)].some(frame => beyond(whole, frame, 0.5) && !outside(whole, frame));
      out.push({ x: (whole.left + whole.right) / 2, y: (whole.top + whole.bottom) / 2, r: (whole.right - whole.left) / 2, cut });
    }
    return out;
  }
  // Above and below the letters a line has room that is empty.
  const inked = (x, y, width, height) => ({ x: x + 0.5, y: y + 0.17 * height, width: Math.max(0, width - 1), height: 0.68 * height });
  function textsOfSvg(root) {
    const out = [];
    for (const element of root.querySelectorAll("svg text")) {
      if (!element.textContent.trim() || !seen(element)) continue;
      const box = element.getBBox(), matrix = element.getScreenCTM();
      if (!matrix || !box.width) continue;
      out.push({ element, text: clip(element.textContent), at: placeOf(element), svg: element.ownerSVGElement, whole: bounds(corners(box, matrix)), quad: corners(inked(box.x, box.y, box.width, box.height), matrix) });
    }
    return out;
  }
  const scrolls = style => /auto|scroll/.test(style.overflowX + style.overflowY);
  const hides = style => /hidden|clip/.test(style.overflowX + style.overflowY);
  function textsOfHtml(root) {
    const out = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), range = document.createRange(), shown = new Map();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.nodeValue.trim() || element.closest("svg, script, style, option, noscript, template, .visually-hidden")) continue;
      if (!shown.has(element)) shown.set(element, seen(element));
      if (!shown.get(element)) continue;
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) if (box.width > 1) out.push({ element, text: clip(node.nodeValue), at: placeOf(element), whole: box, quad: corners(inked(box.x, box.y, box.width, box.height), new DOMMatrix()) });
    }
    return out;
  }
  // The boxes that clip an element, and whether they can be scrolled.
  function clips(element) {
    const out = [];
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.display === "inline" || !(scrolls(style) || hides(style))) continue;
      out.push({ element: e, box: e.getBoundingClientRect(), scrolls: scrolls(style) });
    }
    return out;
  }
  const outside = (a, b) => a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom;
  const beyond = (a, b, gap) => a.left < b.left - gap || a.right > b.right + gap || a.top < b.top - gap || a.bottom > b.bottom + gap;

  // Two convex shapes have a line between them, or they meet.
  function meet(a, b) {
    for (const shape of [a, b]) for (let i = 0; i < shape.length; i++) {
      const [x1, y1] = shape[i], [x2, y2] = shape[(i + 1) % shape.length], nx = y1 - y2, ny = x2 - x1;
      const on = q => q.map(([x, y]) => nx * x + ny * y), p = on(a), q = on(b);
      if (Math.max(...p) <= Math.min(...q) || Math.max(...q) <= Math.min(...p)) return false;
    }
    return true;
  }

  const checks = {
    // No element wider than its place.
    wide(found, { print }) {
      const wide = document.documentElement.clientWidth;
      // While paper is laid out, the document is still said to be as wide as the window.
      if (window.innerWidth <= wide + 20 && document.documentElement.scrollWidth > wide + 1) found("page", `the page is ${document.documentElement.scrollWidth} wide in a window of ${wide}`);
      for (const figure of figures()) {
        const place = figure.parentElement.getBoundingClientRect(), own = figure.getBoundingClientRect(), chart = figure.querySelector(".chart");
        if (own.width > place.width + 1) found(figure.id, `the figure is ${round(own.width)} wide in a place of ${round(place.width)}`);
        if (!chart) continue;
        const frame = chart.getBoundingClientRect();
        if (frame.width > own.width + 1) found(figure.id, `the chart's frame is ${round(frame.width)} wide in a figure of ${round(own.width)}`);
        for (const svg of chart.querySelectorAll("svg")) {
          const box = svg.getBoundingClientRect();
          if (box.width > frame.width + 1 || box.height > frame.height + 1) found(figure.id, `the chart is ${round(box.width)} × ${round(box.height)} in a place of ${round(frame.width)} × ${round(frame.height)}`);
        }
      }
      for (const element of document.querySelectorAll("body *:not(svg *)")) {
        const style = getComputedStyle(element);
        if (scrolls(style) && element.scrollWidth > element.clientWidth + 1 && seen(element)) {
          if (print || wide >= 1280) found(placeOf(element.querySelector("table[id]") || element), `what is ${element.scrollWidth} wide runs out of its place of ${element.clientWidth} on the right`);
          else if (element.tabIndex < 0) found(placeOf(element), `a box that scrolls is not reached by the keyboard`);
        }
      }
      for (const element of document.querySelectorAll("table, p, h1, h2, h3, h4, dl, ol, ul, select, input, button, label, details")) {
        if (!seen(element)) continue;
        const box = element.getBoundingClientRect();
        if (box.width > 1 && (box.left < -1 || box.right > wide + 1) && !clips(element.parentElement).length) found(placeOf(element), `${element.tagName.toLowerCase()} reaches from ${round(box.left)} to ${round(box.right)} in a window of ${wide}`);
      }
    },
    // No figure over another, no text over another.
    over(found) {
      const boxes = figures().map(figure => {
        const parts = [figure, ...figure.querySelectorAll(".chart, .chart svg")].map(e => e.getBoundingClientRect());
        return [figure, { left: Math.min(...parts.map(b => b.left)), right: Math.max(...parts.map(b => b.right)), top: Math.min(...parts.map(b => b.top)), bottom: Math.max(...parts.map(b => b.bottom)) }];
      });
      boxes.forEach(([figure, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (x > 1 && y > 1 && !figure.contains(other) && !other.contains(figure)) found(figure.id, `covers ${round(x)} × ${round(y)} of ${other.id}`);
      }));
      const all = [...textsOfSvg(document.body), ...textsOfHtml(document.body).filter(of => !clips(of.element).some(c => outside(of.whole, c.box)))];
      for (const of of all) of.bounds = bounds(of.quad);
      all.sort((a, b) => a.bounds.top - b.bounds.top);
      all.forEach((a, i) => {
        for (let j = i + 1; j < all.length && all[j].bounds.top < a.bounds.bottom; j++) {
          const b = all[j];
          if (a.element === b.element || outside(a.bounds, b.bounds) || !meet(a.quad, b.quad)) continue;
          if (a.text === b.text && Math.abs(a.bounds.left - b.bounds.left) < 0.5 && Math.abs(a.bounds.top - b.bounds.top) < 0.5) continue;
          // Rows go under the head of a table that stays.
          const head = [a, b].find(of => { const th = of.element.closest("thead th"); return th && getComputedStyle(th).position === "sticky"; });
          if (head) continue;
          found(a.at, `“${a.text}” and “${b.text}”` + (a.at === b.at ? "" : ` of ${b.at}`) + " lie over each other");
        }
      });
    },
    // No text cut, and no dot.
    cut(found) {
      for (const figure of figures()) {
        const of = dotsIn(figure).filter(dot => dot.cut);
        if (of.length) found(figure.id, `${of.length} dots are cut by the frame of the axes or of the picture`);
      }
      for (const of of textsOfSvg(document.body)) {
        const frame = of.svg.getBoundingClientRect();
        if (beyond(of.whole, frame, 1.5)) found(of.at, `“${of.text}” reaches ${["left", "right", "top", "bottom"].map(side => [side, (side === "left" || side === "top" ? 1 : -1) * (frame[side] - of.whole[side])]).filter(x => x[1] > 1.5).map(x => `${round(x[1])} beyond the ${x[0]}`).join(", ")} of its picture`);
        if (framesOf(of.element).some(frame => beyond(of.whole, frame, 1.5))) found(of.at, `“${of.text}” is cut by the frame of the axes`);
        if (/(…|\.\.\.)$/.test(of.text) && of.text.length > 3) found(of.at, `“${of.text}” is shortened`);
      }
      const told = new Set();
      for (const of of textsOfHtml(document.body)) {
        if (/(…|\.\.\.)$/.test(of.text) && of.element.closest("figure, th, td, button, a, label")) found(of.at, `“${of.text}” is shortened`);
        for (const c of clips(of.element)) {
          if (c.scrolls || told.has(of.element) || c.box.width <= 1) continue;
          if (beyond(of.whole, c.box, 1.5)) { told.add(of.element); found(of.at, `“${of.text}” is cut by its ${c.element.tagName.toLowerCase()}`); }
        }
      }
      const context = document.createElement("canvas").getContext("2d");
      for (const field of document.querySelectorAll("select, input[placeholder]")) {
        if (!seen(field)) continue;
        const style = getComputedStyle(field), select = field.tagName === "SELECT";
        context.font = style.font;
        const texts = select ? Array.from(field.options).map(o => o.text) : [field.placeholder], longest = Math.max(0, ...texts.map(t => context.measureText(t).width));
        const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - (select ? 16 : 0);
        if (longest > room + 1) found(field.id || "field", `texts ${round(longest)} wide are cut in a room of ${round(room)}`);
      }
    },
    // Every link of a network ends at its dots.
    links(found) {
      for (const [figure, { dots, lines }] of networks()) {
        if (!dots.length) { found(figure.id, "the network has no dots"); continue; }
        const loose = lines.filter(line => line.some(end => !dotAt(dots, end)));
        if (loose.length) {
          const [x, y] = loose[0].find(end => !dotAt(dots, end)), away = Math.min(...dots.map(d => Math.hypot(d.x - x, d.y - y) - d.r));
          found(figure.id, `${loose.length} of ${lines.length} links do not touch their dots, the first by ${round(away)} pixels`);
        }
      }
    },
    // Products of one spanning tree hang together: `trees` has the tree of each product. Without it there are as many as the page says.
    pieces(found, { trees }) {
      for (const [figure, { dots, lines }] of networks()) {
        const of = dots.map((_, i) => i), root = i => { while (of[i] !== i) i = of[i]; return i; };
        for (const line of lines) {
          const [a, b] = line.map(end => dotAt(dots, end));
          if (a && b) of[root(a.i)] = root(b.i);
        }
        const n = of.filter((x, i) => x === i).length;
        const { products = [], n_pieces } = data().space || {}, names = dotsOf(figure).map(d => products[d.node]?.[0]);
        const whole = trees ? new Set(names.filter(name => Object.hasOwn(trees, name)).map(name => trees[name])).size : n_pieces;
        if (n > whole) found(figure.id, `the network of ${dots.length} dots is drawn in ${n} pieces, and is ${whole}`);
      }
    },
    // Years have no separators of thousands; what a row counts has them.
    years(found) {
      const years = (data().national || []).map(row => row.year), first = Math.min(1990, ...years), last = Math.max(2030, ...years);
      const isCount = of => /^observations$/i.test(of.element.closest("tr")?.querySelector("th")?.textContent.trim() || "");
      for (const of of [...textsOfSvg(document.body), ...textsOfHtml(document.body)]) {
        if (isCount(of)) continue;
        for (const [whole, a, b] of of.text.matchAll(/(?<![\d.,])([12])[,.'’\u00a0\u2009\u202f ](\d{3})(?![\d]|[.,]\d| (products|regions|records|entries|rows)\b)/g)) {
          const year = Number(a + b);
          if (year >= first && year <= last) found(of.at, `the year ${year} is printed “${whole}”`);
        }
      }
    },
    // A title is a finding, not a count of coefficients.
    title(found) {
      for (const figure of figures()) {
        const title = (figure.querySelector("h3, h4")?.textContent || "").trim();
        if (!title) found(figure.id, "no title");
        if (/\b\d+\s+(of|out of)\s+(the\s+)?\d+\s+(coefficients?|estimates?|parameters?)\b/i.test(title) || /^\d+(\s+of\s+\d+)?\s+\S+$/.test(title)) found(figure.id, `“${title}” is a bare count`);
        const gap = words(figure).match(/.{0,20}(\bundefined\b|\bNaN\b|\bnull\b|\{\w+\}|\[object).{0,20}/);
        if (gap) found(figure.id, `a text that is not filled in: “${clip(gap[0])}”`);
      }
    },
    // Below it stands what is drawn.
    subtitle(found) {
      for (const figure of figures()) if (!figure.querySelector(".subtitle")?.textContent.trim()) found(figure.id, "no subtitle: what is drawn, its unit and period");
    },
    // Effects are drawn in units of what they change.
    units(found) {
      for (const figure of figures()) {
        const said = words(figure).match(/.{0,30}\b(in standard errors|t[- ]statistics?|t[- ]values?)\b/i);
        if (said) found(figure.id, `“${clip(said[0])}” is no unit of an effect`);
      }
    },
    // Regions of a map have their names, if they are few.
    names(found) {
      const { names = {}, regions = [] } = data(), codes = Array.from(new Set(regions.map(r => r.region_code)));
      if (!codes.length || codes.length > 12) return;
      for (const figure of figures().filter(isMap)) {
        const bare = text => String(text).replace(/\s+/g, "").toLowerCase(), written = Array.from(figure.querySelectorAll("svg text")).filter(seen).map(t => bare(t.textContent));
        const joined = written.join(""), named = codes.filter(code => joined.includes(bare(names[code] || code)) || written.includes(bare(code)));
        if (2 * named.length < codes.length) found(figure.id, `${named.length} of ${codes.length} regions have their name`);
      }
    },
    // Numbers at which classes break are round.
    classes(found) {
      for (const figure of figures().filter(isMap)) {
        const bad = new Set();
        for (const of of textsOfSvg(figure)) {
          if (!/\d/.test(of.text) || !/\bto\b|–|\bor (more|less)\b|\babove\b|\bbelow\b|\bunder\b|\bover\b|[<>≤≥至]|以上|以下/.test(of.text)) continue;
          for (const [text] of of.text.matchAll(/[−-]?\d+(\.\d+)?/g)) if (!isRound(Number(text.replace("−", "-")))) bad.add(`“${of.text}”`);
        }
        for (const map of [].concat(optionOf(figure).visualMap || [])) for (const piece of map.pieces || []) {
          for (const key of ["gt", "gte", "lt", "lte", "min", "max"]) if (Number.isFinite(piece[key]) && !isRound(piece[key])) bad.add(String(piece[key]));
        }
        if (bad.size) found(figure.id, `classes break at numbers that are not round: ${Array.from(bad).slice(0, 4).join(", ")}`);
      }
    },
    // The path of a region has an interval, as an area or as upright lines with ends, or the figure says why there is none.
    interval(found) {
      for (const figure of figures().filter(f => /^paths?-/.test(f.id))) {
        const shapes = Array.from(figure.querySelectorAll("svg path, svg polygon")), band = shapes.some(isBand) || hasUpright(shapes);
        if (!band && !/\bno\b[^.]*\binterval/i.test(words(figure))) found(figure.id, "the path has no interval, and nothing says why");
      }
    },
    // Figures are drawn, ids are of one, and links within the page lead somewhere.
    whole(found) {
      for (const figure of figures()) {
        const rows = Array.from(figure.querySelectorAll("tbody tr")), isTable = !figure.querySelector(".chart");
        if (isTable ? !rows.some(row => row.textContent.trim()) : figure.querySelectorAll(".chart svg path, .chart svg circle, .chart svg rect").length < 3) found(figure.id, "nothing is drawn");
      }
      const n = {};
      document.querySelectorAll("[id]:not(svg [id])").forEach(e => { n[e.id] = (n[e.id] || 0) + 1; });
      for (const id of Object.keys(n).filter(id => n[id] > 1)) found(id, `${n[id]} elements have this id`);
      document.querySelectorAll("a[href^='#']").forEach(a => { if (seen(a) && !document.getElementById(decodeURIComponent(a.hash.slice(1)))) found(placeOf(a), `“${clip(a.textContent)}” leads to no place of the page`); });
    },
    // No figure is divided between two pages of paper.
    paper(found, { print, page_height }) {
      if (!print) return;
      for (const figure of figures()) {
        const style = getComputedStyle(figure), height = figure.getBoundingClientRect().height;
        if (!/avoid/.test(style.breakInside)) found(figure.id, "may be divided between two pages");
        if (height > page_height) found(figure.id, `is ${round(height)} high, and a page ${round(page_height)}`);
      }
    }
  };

  const isMap = figure => [].concat(optionOf(figure).series || []).some(s => s.type === "map") || [].concat(optionOf(figure).geo || []).length > 0;
  // A multiple, at most twentyfold, of one, two, two and a half or five with any zeros.
  function isRound(x) {
    const a = Math.abs(x);
    if (a === 0) return true;
    for (let power = Math.floor(Math.log10(a)) + 1, least = power - 4; power >= least; power--) for (const of of [1, 2, 2.5, 5]) {
      const n = a / (of * 10 ** power);
      if (n <= 20.001 && n > 0.999 && Math.abs(n - Math.round(n)) < 1e-6) return true;
    }
    return false;
  }
  const numbersOf = e => (e.getAttribute("d") || e.getAttribute("points") || "").match(/-?\d*\.?\d+(e-?\d+)?/gi)?.map(Number) || [];
  // An area that is seen through and is no rectangle, as a span of periods is.
  function isBand(e) {
    const style = getComputedStyle(e), opacity = style.fillOpacity * style.opacity, numbers = numbersOf(e), n = numbers.length / 2, box = e.getBBox();
    if (style.fill === "none" || opacity <= 0.02 || opacity >= 0.95 || n < 4 || box.width < 10 || box.height < 2) return false;
    const at = i => [numbers[2 * (i % n)], numbers[2 * (i % n) + 1]];
    let doubled = 0;
    for (let i = 0; i < n; i++) { const [x1, y1] = at(i), [x2, y2] = at(i + 1); doubled += x1 * y2 - x2 * y1; }
    return Math.abs(doubled) / 2 < 0.99 * box.width * box.height;
  }
  // An upright line between two short level ones.
  function hasUpright(shapes) {
    const lines = shapes.map(numbersOf).filter(n => n.length === 4);
    const upright = lines.filter(([x1, y1, x2, y2]) => Math.abs(x1 - x2) < 0.5 && Math.abs(y1 - y2) > 2), ends = lines.filter(([x1, y1, x2, y2]) => Math.abs(y1 - y2) < 0.5 && Math.abs(x1 - x2) > 2 && Math.abs(x1 - x2) < 16);
    const endsAt = (x, y) => ends.some(([x1, y1, x2]) => Math.abs((x1 + x2) / 2 - x) < 1 && Math.abs(y1 - y) < 1);
    return upright.some(([x1, y1, x2, y2]) => endsAt(x1, y1) && endsAt(x2, y2));
  }
  function networks() {
    const out = [];
    for (const figure of figures()) {
      if (!dotsOf(figure).length) continue;
      const lines = [];
      for (const e of figure.querySelectorAll("svg path, svg line, svg polyline")) {
        const style = getComputedStyle(e), m = e.getScreenCTM();
        const on = p => [m.a * p.x + m.c * p.y + m.e, m.b * p.x + m.d * p.y + m.f];
        if (style.fill === "none" && style.stroke !== "none" && !/[zA]/i.test(e.getAttribute("d") || "")) {
          for (const part of (e.getAttribute("d") || "").match(/M[^M]*/g) || [null]) {
            if (part === null) { const n = e.getTotalLength(); lines.push([on(e.getPointAtLength(0)), on(e.getPointAtLength(n))]); continue; }
            const numbers = part.match(/-?\d*\.?\d+(e-?\d+)?/gi).map(Number);
            if (numbers.length >= 4) lines.push([on({ x: numbers[0], y: numbers[1] }), on({ x: numbers[numbers.length - 2], y: numbers[numbers.length - 1] })]);
          }
        }
      }
      out.push([figure, { dots: withoutLegend(figure, dotsIn(figure)), lines }]);
    }
    return out;
  }
  // What a product space is drawn of: dots, which links join.
  function dotsOf(figure) {
    const series = [].concat(optionOf(figure).series || []);
    return series.some(s => s.id === "links") ? series.find(s => s.id === "dots")?.data || [] : [];
  }
  // The legend has dots, too, each before a name.
  function withoutLegend(figure, dots) {
    const names = new Set([].concat(optionOf(figure).legend || []).flatMap(l => (l.data || []).map(d => d.name ?? d)));
    const texts = Array.from(figure.querySelectorAll("svg text")).filter(t => names.has(t.textContent)).map(t => t.getBoundingClientRect());
    return dots.filter(d => !texts.some(t => t.left > d.x && t.left - d.x < d.r + 30 && Math.abs((t.top + t.bottom) / 2 - d.y) < 4)).map((d, i) => ({ ...d, i }));
  }
  function dotAt(dots, [x, y]) {
    let best = null, least = Infinity;
    for (const dot of dots) {
      const away = Math.hypot(dot.x - x, dot.y - y);
      if (away <= dot.r + 0.75 && away < least) { best = dot; least = away; }
    }
    return best;
  }

  // Colours as red, green, blue from 0 to 255, and opacity.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  function rgba(text) {
    if (!known.has(text)) {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = "#000"; canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  }
  const mix = (front, back) => [0, 1, 2].map(i => front[3] * front[i] + (1 - front[3]) * back[i]).concat(1);
  function ground(element) {
    const layers = [];
    for (let e = element; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((back, front) => mix(front, back), [255, 255, 255, 1]);
  }
  function luminance(c) {
    const [r, g, b] = c.map(v => { const s = v / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(a, b) { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); }
  const opacity = element => { let all = 1; for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity); return all; };
  // WCAG: large is 24 pixels, or 18.66 in bold.
  const needed = style => { const size = parseFloat(style.fontSize); return size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5; };
  checks.contrast = found => {
    const told = new Set();
    for (const of of textsOfHtml(document.body)) {
      if (told.has(of.element)) continue;
      told.add(of.element);
      const style = getComputedStyle(of.element), back = ground(of.element), front = rgba(style.color), own = mix([front[0], front[1], front[2], front[3] * opacity(of.element)], back), is = contrast(own, back);
      if (is < needed(style) - 0.005) found(of.at, `“${of.text}” has a contrast of ${is.toFixed(2)}, and needs ${needed(style)}`);
    }
  };
  // Texts of pictures, for their pixels to be looked at: where on the page, in what colour, and with what border.
  function inPictures() {
    return textsOfSvg(document.body).map(of => {
      const style = getComputedStyle(of.element), fill = rgba(style.fill), halo = parseFloat(style.strokeWidth) >= 2 && style.stroke !== "none" ? rgba(style.stroke) : null, box = bounds(of.quad);
      return { at: of.at, text: of.text, fill: [fill[0], fill[1], fill[2], fill[3] * style.fillOpacity * opacity(of.element)], halo: halo && halo[3] * style.strokeOpacity > 0.9 ? halo.slice(0, 3) : null, needed: needed(style),
        box: [box.left + scrollX, box.top + scrollY, box.right + scrollX, box.bottom + scrollY] };
    });
  }
  // What the keyboard should reach.
  const reached = () => Array.from(document.querySelectorAll("a[href], button, select, input, textarea, summary, [tabindex]:not([tabindex='-1'])")).filter(e => seen(e) && !e.disabled);
  function focus() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e), back = ground(e.parentElement);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && contrast(rgba(style.outlineColor), back) >= 3;
    return { i: reached().indexOf(e), what: `${e.tagName.toLowerCase()} “${clip(e.getAttribute("aria-label") || e.innerText || e.id)}”`, at: placeOf(e), visible: outlined };
  }
  function findings(options) {
    const out = [];
    for (const name of options.checks || Object.keys(checks)) checks[name]((at, what) => out.push({ check: name, at, what }), options);
    return out;
  }
  return { findings, inPictures, reached, focus, placeOf, contrast };
})();
