// What the parts of the page share: its data, elements, files to save, and what is shown before the page.
var page = {};
(function () {
  "use strict";
  const { say } = charts;
  var data = JSON.parse(document.getElementById("data").textContent);
  charts.speak(data.words);
  if (data.geo) echarts.registerMap("regions", data.geo);
  function el(tag, text, cls) {
    var e = document.createElement(tag);
    if (text !== undefined && text !== null) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  }
  function button(text, press, cls) {
    var e = el("button", text, cls);
    e.type = "button";
    e.addEventListener("click", press);
    return e;
  }
  // A name that any disk takes.
  function fileName(id, extension) { return id.replace(/[^\p{L}\p{N}_-]/gu, "_") + "." + extension; }
  function save(blob, name) {
    var link = el("a"), url = URL.createObjectURL(blob);
    link.href = url;
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    // The browser reads it after the click.
    setTimeout(function () { URL.revokeObjectURL(url); }, 60000);
  }
  // A text in the clipboard; pages from a disk have none in some browsers, where what is selected is copied.
  function copied(box) {
    function bySelection() {
      var range = document.createRange(), selection = window.getSelection();
      range.selectNodeContents(box);
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy");
    }
    if (!navigator.clipboard) return Promise.resolve(bySelection());
    return navigator.clipboard.writeText(box.textContent).then(function () { return true; }, bySelection);
  }
  // A text to read and copy, before the page.
  function show(title, hint, text) {
    var dialog = el("dialog", null, "shown"), pre = el("pre", text), told = el("p", null, "soft"), heading = el("h2", title);
    heading.id = "shown-title";
    dialog.setAttribute("aria-labelledby", heading.id);
    told.setAttribute("role", "status");
    pre.tabIndex = 0;
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-labelledby", heading.id);
    var keys = el("div", null, "keys");
    keys.append(
      button(say("Copy"), function () {
        copied(pre).then(function (isDone) {
          told.textContent = isDone ? say("Copied.") : say("The text is selected: copy it by the keyboard.");
        });
      }),
      button(say("Close"), function () { dialog.close(); })
    );
    dialog.append(heading, el("p", hint, "soft"), pre, keys, told);
    dialog.addEventListener("close", function () { dialog.remove(); });
    // A press beside it closes it.
    dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
    document.body.appendChild(dialog);
    dialog.showModal();
  }
  function option(value, text) {
    var o = el("option", text);
    o.value = value;
    return o;
  }
  // Codes of regions by name, and before them those that the report is about.
  function regionsByName() {
    var focus = ((data.report || {}).focus || []).filter(function (code) { return charts.has(charts.own(data.names, code)); });
    var others = Object.keys(data.names).filter(function (code) { return focus.indexOf(code) < 0; });
    others.sort(function (a, b) { return data.names[a] < data.names[b] ? -1 : data.names[a] > data.names[b] ? 1 : 0; });
    return { focus: focus, all: focus.concat(others) };
  }
  Object.assign(page, { button, data, el, fileName, option, regionsByName, save, show });
})();
