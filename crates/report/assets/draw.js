// Figures as SVG outside a browser.
var draw = (function () {
  "use strict";
  // There is no canvas to measure texts on: widths of DejaVu Sans from the blank to ~, in thousandths of its size; others
  // are at most as wide as high. Bold letters are wider by less than a fifth on the average of a text.
  var widths = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
    603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635,
    634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838
  ];
  // What else is common: − – · …
  var others = { 0x2212: 838, 0x2013: 500, 0xb7: 318, 0x2026: 1000 };
  function widthOf(text, size, bold) {
    var n = 0;
    for (var i = 0; i < text.length; i++) {
      var c = text.charCodeAt(i);
      n += c >= 32 && c < 127 ? widths[c - 32] : others[c] || (c < 0x250 ? 700 : 1000);
    }
    return n * size / 1000 * (bold ? 1.2 : 1);
  }
  echarts.setPlatformAPI({ measureText: function (text, font) {
    var size = parseFloat((/([\d.]+)px/.exec(font || "") || [0, 12])[1]);
    return { width: widthOf(text, size, /bold/.test(font || "")) };
  } });
  // What `make` makes of the data: at least WIDTH wide, or as wide as the data say. A table is no drawing.
  return function (make) {
    charts.speak(data.words);
    data.still = true;
    // On paper marks stand off its edges, as words do; maps have margins of their own.
    var paper = data.paper = data.width, inset = paper && make === charts.all ? 6 : 0;
    if (paper) data.width = paper - 2 * inset;
    data.room = data.width || 900;
    data.whole = data.width || WIDTH;
    if (data.geo) echarts.registerMap("regions", data.geo);
    var run = data.meta && data.meta.run;
    // Of a report each engine makes a part of the figures, and no others.
    var makers = make === charts.all ? charts.makers(data, false)
      : make(data, false).map(function (of) { return [of[0], function () { return of[1]; }]; });
    // Turn by turn, and each turn from another engine on, so that figures of one kind are not one engine's.
    function isOwn(at) { return (at + Math.floor(at / PARTS)) % PARTS === PART; }
    var drawn = makers.map(function (of, at) { return isOwn(at) ? { at: at, figure: of[1]() } : {}; })
      .filter(function (of) { return of.figure && of.figure.option; });
    return JSON.stringify(drawn.map(function (of) {
      var figure = of.figure;
      figure.option.textStyle.fontFamily = charts.FONT;
      // Numbers as texts, with all their digits.
      var rows = figure.rows && figure.rows.map(function (row) { return row.map(function (v) { return charts.has(v) ? String(v) : null; }); });
      var svg = charts.sheet(figure, paper || Math.max(WIDTH, figure.width || 0), false, run, figure.option.geo ? 0 : inset);
      return { at: of.at, name: figure.id, svg: svg, columns: figure.columns, rows: rows, sql: figure.sql };
    }));
  };
})();
