// Offers the browser's own time zone, and takes a choice as soon as it is made.
"use strict";
(() => {
  const zone = document.getElementById("zone");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && ![...zone.options].some((option) => option.value === own)) zone.add(new Option(own, own));
  for (const choice of document.querySelectorAll(".choices select"))
    choice.addEventListener("change", () => choice.form.submit());
})();
