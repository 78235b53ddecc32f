// Title and note are parts of the page there; here they are drawn.
(function () {
  data.still = true;
  if (data.geo) echarts.registerMap("regions", data.geo);
  return JSON.stringify(charts.all(data, false).map(function (x) {
    var c = x[1], o = c.option, font = "DejaVu Sans";
    o.textStyle.fontFamily = font;
    function wrap(text, n) {
      var lines = [""]; text.split(" ").forEach(function (w) { var l = lines[lines.length - 1]; if ((l + " " + w).length > n) lines.push(w); else lines[lines.length - 1] = l ? l + " " + w : w; });
      return lines;
    }
    var title = wrap(c.title, 78), note = wrap(c.note + " Source: " + c.source + ", run " + data.meta.run + ".", 130);
    var above = 16 + 24 * title.length, below = 14 + 15 * note.length;
    var chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: c.height });
    chart.setOption(o);
    var inner = chart.renderToSVGString().replace(/<svg /, '<svg y="' + above + '" ');
    chart.dispose();
    function esc(t) { return t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); }
    var height = above + c.height + below;
    var out = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="' + WIDTH + '" height="' + height + '" viewBox="0 0 ' + WIDTH + ' ' + height + '" font-family="' + font + '"><title>' + esc(c.title) + '</title><rect width="100%" height="100%" fill="#ffffff"/>';
    title.forEach(function (l, i) { out += '<text x="14" y="' + (28 + 24 * i) + '" font-size="18" font-weight="bold" fill="#1f2328">' + esc(l) + '</text>'; });
    out += inner;
    note.forEach(function (l, i) { out += '<text x="14" y="' + (above + c.height + 14 + 15 * i) + '" font-size="11" fill="#5b6270">' + esc(l) + '</text>'; });
    return { name: c.id, svg: out + "</svg>" };
  }));
})()
