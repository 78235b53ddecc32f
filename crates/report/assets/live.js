// A served page: loads itself anew when another report than the one it shows is told.
(function () {
  "use strict";
  var shown = null;
  new EventSource("events").addEventListener("message", function (event) {
    if (shown === null) shown = event.data; else if (shown !== event.data) location.reload();
  });
})();
