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
  // What else is common: − – · … ’ œ, and blanks that are ties.
  var others = { 0x2212: 838, 0x2013: 500, 0xb7: 318, 0x2026: 1000, 0x2019: 318, 0x153: 1023, 0xa0: 318, 0x202f: 200 };
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
  // What makes each figure, how wide paper is and its margins, and the run.
  var makers = [], paper = 0, inset = 0, run;
  // Takes what `make` makes of the data: at least WIDTH wide, or as wide as PAPER or the data say. Gives the places of the figures
  // that there may be, in the order to draw them in: begun first, what takes longest leaves nothing to wait for at the end.
  function begin(make) {
    charts.speak(data.words);
    data.still = true;
    if (PAPER) { data.width = PAPER; data.narrow = PAPER < NARROW; }
    // On paper marks stand off its edges, as words do; maps have margins of their own.
    paper = data.paper = data.width; inset = paper && make === charts.all ? 6 : 0;
    if (paper) data.width = paper - 2 * inset;
    data.room = data.width || 900;
    data.whole = data.width || WIDTH;
    if (data.geo) echarts.registerMap("regions", data.geo);
    run = data.meta && data.meta.run;
    // Of a report each is made when it is drawn, since another engine may draw it.
    var all = make === charts.all ? charts.makers(data, false) : make(data, false).map(function (of) { return [of[0], function () { return of[1]; }]; });
    makers = all.map(function (of) { return of[1]; });
    return all.map(function (of, at) { return at; }).sort(function (a, b) { return (all[b][2] ? 1 : 0) - (all[a][2] ? 1 : 0) || a - b; });
  }
  // One of them as JSON, null where it is not there or not chosen: a table is no drawing.
  function one(at) {
    var figure = makers[at]();
    if (!figure || !figure.option || !charts.isChosen(data, figure)) return "null";
    figure.option.textStyle.fontFamily = charts.FONT;
    // Numbers as texts, with all their digits.
    var rows = figure.rows && figure.rows.map(function (row) { return row.map(function (v) { return charts.has(v) ? String(v) : null; }); });
    var svg = charts.sheet(figure, paper || Math.max(WIDTH, figure.width || 0), false, run, figure.option.geo ? 0 : inset);
    return JSON.stringify({ name: figure.id, title: figure.title, language: data.report && data.report.language, svg: svg, columns: figure.columns, rows: rows, sql: figure.sql });
  }
  return { begin, one };
})();
