// Figures as SVG. Title and note are parts of the page there; here they are drawn.
var draw = (function () {
  // There is no canvas to measure texts on: widths of DejaVu Sans from the blank to ~, in thousandths of its size; others are at most as wide as high. Bold letters are
  // wider by less than a fifth on the average of a text.
  var widths = [318,401,460,838,636,950,780,275,390,390,500,838,318,361,318,337,636,636,636,636,636,636,636,636,636,636,337,337,838,838,838,531,1000,684,686,698,770,632,575,775,752,295,295,656,557,863,748,787,603,787,695,635,611,732,684,989,685,611,685,390,337,390,838,500,500,613,635,550,635,615,352,635,634,278,278,579,278,974,634,612,635,635,411,521,392,634,592,818,592,592,525,636,337,636,838];
  // What else is common: − – · …
  var others = { 0x2212: 838, 0x2013: 500, 0xb7: 318, 0x2026: 1000 };
  function widthOf(text, size, bold) {
    var n = 0;
    for (var i = 0; i < text.length; i++) { var c = text.charCodeAt(i); n += c >= 32 && c < 127 ? widths[c - 32] : others[c] || (c < 0x250 ? 700 : 1000); }
    return n * size / 1000 * (bold ? 1.2 : 1);
  }
  echarts.setPlatformAPI({ measureText: function (text, font) { return { width: widthOf(text, parseFloat((/([\d.]+)px/.exec(font || "") || [0, 12])[1]), /bold/.test(font || "")) }; } });
  // What `make` makes of the data: at least WIDTH wide, or as wide as the data say.
  return function (make) { data.still = true; data.room = data.width || 900; data.whole = data.width || WIDTH; if (data.geo) echarts.registerMap("regions", data.geo); return JSON.stringify(make(data, false).filter(function (x) { return x[1].option; }).filter(function (x, at) { return at % PARTS === PART; }).map(function (x) {
    // Where a program has no DejaVu Sans, Verdana is as wide.
    var c = x[1], o = c.option, font = "DejaVu Sans, Verdana, sans-serif", wide = data.width || Math.max(WIDTH, c.width || 0), size = wide < 800 ? 15 : 18;
    o.textStyle.fontFamily = font;
    var fitted = charts.fitted, title = c.title ? fitted(c.title, wide - 28, size, true) : [], said = (c.note || "") + (c.source ? " Source: " + c.source + ", run " + data.meta.run + "." : "");
    var note = said ? fitted(said, wide - 28, 11) : [];
    var above = 16 + (size + 6) * title.length, below = 14 + 15 * note.length;
    var chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: wide, height: c.height });
    chart.setOption(o);
    // What happens under a mouse is nothing that a file shows.
    var inner = chart.renderToSVGString().replace(/<style >[\s\S]*?<\/style>/, "").replace(/<svg /, '<svg y="' + above + '" ');
    chart.dispose();
    function esc(t) { return t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); }
    var height = above + c.height + below;
    var out = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="' + wide + '" height="' + height + '" viewBox="0 0 ' + wide + ' ' + height + '" font-family="' + font + '"><title>' + esc(c.title || c.id) + '</title><rect width="100%" height="100%" fill="#ffffff"/>';
    title.forEach(function (l, i) { out += '<text x="14" y="' + (size + 10 + (size + 6) * i) + '" font-size="' + size + '" font-weight="bold" fill="#1f2328">' + esc(l) + '</text>'; });
    out += inner;
    note.forEach(function (l, i) { out += '<text x="14" y="' + (above + c.height + 14 + 15 * i) + '" font-size="11" fill="#5b6270">' + esc(l) + '</text>'; });
    // Numbers as texts, with all their digits.
    var rows = c.rows && c.rows.map(function (row) { return row.map(function (v) { return charts.has(v) ? String(v) : null; }); });
    return { name: c.id, svg: out + "</svg>", columns: c.columns, rows: rows, sql: c.sql };
  })); };
})();
