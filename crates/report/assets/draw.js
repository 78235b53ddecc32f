// Figures as SVG. Title and note are parts of the page there; here they are drawn.
var draw = (function () {
  // There is no canvas to measure texts on: widths of DejaVu Sans from the blank to ~, in thousandths of its size; others are at most as wide as high.
  var widths = [318,401,460,838,636,950,780,275,390,390,500,838,318,361,318,337,636,636,636,636,636,636,636,636,636,636,337,337,838,838,838,531,1000,684,686,698,770,632,575,775,752,295,295,656,557,863,748,787,603,787,695,635,611,732,684,989,685,611,685,390,337,390,838,500,500,613,635,550,635,615,352,635,634,278,278,579,278,974,634,612,635,635,411,521,392,634,592,818,592,592,525,636,337,636,838];
  echarts.setPlatformAPI({ measureText: function (text, font) {
    var size = parseFloat((/([\d.]+)px/.exec(font || "") || [0, 12])[1]), n = 0;
    for (var i = 0; i < text.length; i++) { var c = text.charCodeAt(i); n += c >= 32 && c < 127 ? widths[c - 32] : c < 0x250 ? 700 : 1000; }
    return { width: n * size / 1000 };
  } });
  // What `make`, a part of `charts`, makes of the data.
  return function (make) { data.still = true; if (data.geo) echarts.registerMap("regions", data.geo); return JSON.stringify(make(data, false).map(function (x) {
    var c = x[1], o = c.option, font = "DejaVu Sans", wide = Math.max(WIDTH, c.width || 0);
    o.textStyle.fontFamily = font;
    function wrap(text, n) {
      var lines = [""]; text.split(" ").forEach(function (w) { var l = lines[lines.length - 1]; if ((l + " " + w).length > n) lines.push(w); else lines[lines.length - 1] = l ? l + " " + w : w; });
      return lines;
    }
    var title = wrap(c.title, 78), note = wrap(c.note + (c.source ? " Source: " + c.source + ", run " + data.meta.run + "." : ""), 130);
    var above = 16 + 24 * title.length, below = 14 + 15 * note.length;
    var chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: wide, height: c.height });
    chart.setOption(o);
    var inner = chart.renderToSVGString().replace(/<svg /, '<svg y="' + above + '" ');
    chart.dispose();
    function esc(t) { return t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); }
    var height = above + c.height + below;
    var out = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="' + wide + '" height="' + height + '" viewBox="0 0 ' + wide + ' ' + height + '" font-family="' + font + '"><title>' + esc(c.title) + '</title><rect width="100%" height="100%" fill="#ffffff"/>';
    title.forEach(function (l, i) { out += '<text x="14" y="' + (28 + 24 * i) + '" font-size="18" font-weight="bold" fill="#1f2328">' + esc(l) + '</text>'; });
    out += inner;
    note.forEach(function (l, i) { out += '<text x="14" y="' + (above + c.height + 14 + 15 * i) + '" font-size="11" fill="#5b6270">' + esc(l) + '</text>'; });
    return { name: c.id, svg: out + "</svg>" };
  })); };
})();
