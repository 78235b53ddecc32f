// A figure on a sheet of its own: title, subtitle, chart, note and source as one SVG.
(function () {
  "use strict";
  const { FONT, fitted, say, theme } = charts;
  function escaped(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }
  // Where a figure comes from, as it is said below it.
  function sourceOf(figure, run) {
    return figure.source ? say("Source: {source}, run {run}.", { source: figure.source, run: run }) : "";
  }
  // Lines of one size and colour, from `top` on.
  function set(lines, top, size, step, style) {
    return lines.map(function (line, i) {
      return '<text x="14" y="' + (top + step * i) + '" font-size="' + size + '" ' + style + ">" + escaped(line) + "</text>";
    }).join("");
  }
  // The sheet is `wide`, and its chart `inset` from both edges; it is drawn anew, since a page may show it in part.
  function sheet(figure, wide, dark, run, inset) {
    var t = theme(dark), off = inset || 0, size = wide < 800 ? 15 : 18, room = wide - 28;
    function lines(text, size, bold) { return text ? fitted(text, room, size, bold) : []; }
    var title = lines(figure.title, size, true), subtitle = lines(figure.subtitle, 13);
    var note = lines([figure.note, figure.aside, sourceOf(figure, run)].filter(Boolean).join(" "), 11);
    var titled = 16 + (size + 6) * title.length, above = titled + (subtitle.length ? 4 + 18 * subtitle.length : 0);
    var height = above + figure.height + 14 + 15 * note.length;
    var chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: wide - 2 * off, height: figure.height });
    // A file says of no element where its data are: only a page that a server drew asks for it.
    echarts.zrender.registerSSRDataGetter(function () { return null; });
    chart.setOption(figure.option);
    // The library numbers what it draws: names in a file hang on nothing that was drawn before it. What happens under a mouse is
    // nothing that it shows. A group, and no SVG of its own: that is cut at its edges, for which programs draw it twice.
    var painter = chart.getZr().painter;
    painter._id = "zr0";
    var svg = painter.renderToString({ cssAnimation: false, cssEmphasis: false });
    var inner = '<g transform="translate(' + off + " " + above + ')">' + svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>")) + "</g>";
    chart.dispose();
    return '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="' + wide + '" height="' + height +
      '" viewBox="0 0 ' + wide + " " + height + '" font-family="' + FONT + '"><title>' + escaped(figure.title || figure.id) +
      '</title><rect width="100%" height="100%" fill="' + t.bg + '"/>' +
      set(title, size + 10, size, size + 6, 'font-weight="bold" fill="' + t.text + '"') +
      set(subtitle, titled + 12, 13, 18, 'fill="' + t.soft + '"') + inner +
      set(note, above + figure.height + 14, 11, 15, 'fill="' + t.soft + '"') + "</svg>";
  }
  Object.assign(charts, { sheet, sourceOf });
})();
