// Maps that grow: by buttons, by keys, by the wheel with ctrl or cmd or once the map has the focus, and by two fingers. A
// wheel or a finger alone scrolls the page. A map that is larger than its frame can be dragged, and moved by the arrows.
(function () {
  "use strict";
  const { own, put, say } = charts;
  const { button, el } = page;
  var MOST = 16;
  // Buttons for the map in `box`, which they and the box itself make grow; `chartOf` gives its chart.
  function zoom(box, chartOf) {
    var tools = el("div", null, "zoom"), at = 1, from = null, pinch = null;
    function act(what) { chartOf(box).dispatchAction(put({ type: "geoRoam", componentType: "geo", geoIndex: 0 }, what)); }
    function whole() {
      at = 1;
      chartOf(box).setOption({ geo: [{ zoom: 1, center: null }] });
    }
    function by(factor, x, y) {
      var to = Math.min(MOST, Math.max(1, at * factor));
      if (to < 1.001) {
        if (at !== 1) whole();
        return;
      }
      act({ zoom: to / at, originX: x, originY: y });
      at = to;
    }
    function middle(factor) { by(factor, box.clientWidth / 2, box.clientHeight / 2); }
    function place(e) {
      var of = box.getBoundingClientRect();
      return [e.clientX - of.left, e.clientY - of.top];
    }
    box.tabIndex = 0;
    box.setAttribute("aria-keyshortcuts", "+ - 0 ArrowLeft ArrowRight ArrowUp ArrowDown");
    box.addEventListener("wheel", function (e) {
      // At its ends the wheel scrolls the page again.
      var isAtEnd = (at === 1 && e.deltaY > 0) || (at === MOST && e.deltaY < 0);
      if (!(e.ctrlKey || e.metaKey || (document.activeElement === box && !isAtEnd))) return;
      var p = place(e), turned = e.deltaMode ? 30 * e.deltaY : e.deltaY;
      e.preventDefault();
      by(Math.pow(1.002, -Math.max(-120, Math.min(120, turned))), p[0], p[1]);
    }, { passive: false });
    box.addEventListener("pointerdown", function (e) {
      if (e.pointerType !== "touch" && e.button === 0 && at > 1) from = place(e);
    });
    // The pointer is the map's until it is let go, wherever it goes.
    box.addEventListener("pointermove", function (e) {
      if (!from) return;
      if (!(e.buttons & 1)) {
        from = null;
        return;
      }
      if (!box.hasPointerCapture(e.pointerId)) box.setPointerCapture(e.pointerId);
      var p = place(e);
      act({ dx: p[0] - from[0], dy: p[1] - from[1] });
      from = p;
    });
    box.addEventListener("pointerup", function () { from = null; });
    function fingers(e) {
      var a = place(e.touches[0]), b = place(e.touches[1]);
      return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, far: Math.hypot(a[0] - b[0], a[1] - b[1]) || 1 };
    }
    box.addEventListener("touchstart", function (e) { pinch = e.touches.length === 2 ? fingers(e) : null; }, { passive: true });
    box.addEventListener("touchmove", function (e) {
      if (e.touches.length !== 2 || !pinch) return;
      e.preventDefault();
      var to = fingers(e);
      by(to.far / pinch.far, to.x, to.y);
      if (at > 1) act({ dx: to.x - pinch.x, dy: to.y - pinch.y });
      pinch = to;
    }, { passive: false });
    box.addEventListener("touchend", function () { pinch = null; });
    var steps = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    box.addEventListener("keydown", function (e) {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      var step = own(steps, e.key);
      if (e.key === "+" || e.key === "=") middle(1.6);
      else if (e.key === "-" || e.key === "_") middle(1 / 1.6);
      else if (e.key === "0") whole();
      else if (step && at > 1) act({ dx: step[0], dy: step[1] });
      else return;
      e.preventDefault();
    });
    [
      ["+", say("Zoom in"), function () { middle(1.6); }],
      ["−", say("Zoom out"), function () { middle(1 / 1.6); }],
      [say("Whole"), say("Show the whole map"), whole]
    ].forEach(function (of) {
      var b = button(of[0], of[2]);
      b.title = of[1];
      b.setAttribute("aria-label", of[1]);
      tools.appendChild(b);
    });
    return tools;
  }
  Object.assign(page, { zoom });
})();
