// Offers the browser's own time zone. A choice waits for its button: who walks through a list by keyboard would
// otherwise be taken away at the first step (WCAG 2.2, 3.2.2).
"use strict";
(() => {
  const zone = document.getElementById("zone");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && ![...zone.options].some((option) => option.value === own)) zone.add(new Option(own, own));
})();
