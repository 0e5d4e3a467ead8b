// Keeps the first screen fresh without moving what its reader looks at: every half minute the page is asked for
// anew and put in place of the old. Not while text is marked or something on it has the keyboard; and when no answer
// comes, it says since when it is old. Without scripts the browser reloads instead (<noscript>).
"use strict";
(() => {
  const PERIOD_MS = 30_000;
  const main = document.getElementById("main"), old = document.getElementById("stale");
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: main.dataset.zone, timeStyle: "medium" });
  let known = new Date();
  const busy = () => main.contains(document.activeElement) || !document.getSelection().isCollapsed;
  const renew = async () => {
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(PERIOD_MS) });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (busy()) return;
      const opened = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
      main.replaceChildren(...page.getElementById("main").childNodes);
      main.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = opened[i] ?? 0; });
      document.title = page.title;
      known = new Date();
      old.hidden = true;
    } catch (error) {
      old.textContent = old.dataset.said.replace("{at}", () => clock.format(known)).replace("{why}", () => error.message);
      old.hidden = false;
    }
  };
  setInterval(renew, PERIOD_MS);
  // Who comes back to the page wants to see what is now.
  document.addEventListener("visibilitychange", renew);
})();
