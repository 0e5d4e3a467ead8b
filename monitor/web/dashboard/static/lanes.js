// Draws the request lanes of a target's page with uPlot, and moves one cursor over all lanes.
"use strict";
(() => {
  const lanes = document.getElementById("lanes");
  const cursor = document.getElementById("cursor");
  const readout = document.getElementById("readout");
  const since = Number(lanes.dataset.since), until = Number(lanes.dataset.until), bucket = Number(lanes.dataset.bucket);
  const zone = lanes.dataset.zone;
  const PHASES = ["dns", "connect", "tls", "wait", "receive"], names = lanes.dataset.phases.split("|");
  const filled = (form, values) => form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  const gutter = () => parseFloat(getComputedStyle(lanes).getPropertyValue("--gutter"));
  let chart = null, drawn = [], at = lanes.dataset.at === undefined ? null : Number(lanes.dataset.at);

  const ink = (number) => {
    const probe = document.createElement("i");
    probe.className = `ink-${number}`;
    lanes.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const colourOf = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    lanes.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const seconds = (value) => value == null ? "–" : value >= 1 ? `${value.toFixed(2)} s` : value === 0 ? "0" : `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  const faint = (colour) => colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.55)");

  // Each phase lies on those before it; a bucket without any measurement is a gap.
  const stacked = () => {
    let below = chart.at.map(() => 0);
    return PHASES.map((phase) => {
      below = below.map((sum, i) => sum + (chart.phases[phase][i] ?? 0));
      return below.map((sum, i) => (chart.requests[i] ? sum : null));
    });
  };
  const axis = (values, size) => ({ stroke: colourOf("--soft"), grid: { stroke: colourOf("--line"), width: 0.5 }, ticks: { stroke: colourOf("--line") }, values, size, font: "12px system-ui" });
  const minute = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  // A tick at midnight, or of a scale of days, is a date.
  const stamps = (self, ticks) => ticks.map((tick) => {
    const said = minute.format(new Date(tick * 1e3));
    return said === "00:00" ? clock.format(new Date(tick * 1e3)).slice(5, 10) : said;
  });
  const frame = (box, more) => ({
    width: box.clientWidth, height: box.clientHeight, padding: [8, 0, 0, 0], legend: { show: false }, cursor: { show: false },
    tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1e3), zone), ...more,
  });
  const draw = () => {
    for (const one of drawn) one.destroy();
    const phases = document.getElementById("phases"), failed = document.getElementById("failed");
    const layers = stacked();
    const time = { time: true, range: () => [since, until] };
    drawn = [
      new uPlot(frame(phases, {
        scales: { x: time, y: { range: (self, low, high) => [0, (high || 0.1) * 1.05] } },
        axes: [axis(stamps, 26), axis((self, ticks) => ticks.map(seconds), gutter())],
        series: [{}, ...[...PHASES].map((_, i) => ({ stroke: ink(i + 1), fill: faint(ink(i + 1)), width: 1, points: { show: false } })).reverse(),
          { stroke: ink(6), width: 1, dash: [4, 3], points: { show: false } }],
      }), [chart.at, ...layers.reverse(), chart.p95_s], phases),
      new uPlot(frame(failed, {
        scales: { x: time, y: { range: () => [0, 1] } },
        axes: [{ ...axis(undefined, 4), values: () => [] }, { ...axis((self, ticks) => ticks.map((t) => `${t * 100} %`), gutter()), splits: () => [0, 0.5, 1] }],
        series: [{}, { stroke: ink(7), fill: faint(ink(7)), width: 1, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }],
      }), [chart.at, chart.failed.map((count, i) => (chart.requests[i] ? count / chart.requests[i] : null))], failed),
    ];
  };

  const show = () => {
    if (at === null) return;
    const left = gutter(), width = lanes.clientWidth - left;
    cursor.hidden = false;
    cursor.style.left = `${left + ((at - since) / (until - since)) * width}px`;
    const i = chart ? Math.floor((at - since) / bucket) : -1;
    const said = chart && chart.requests[i] ? `: ${PHASES.map((p, n) => [names[n], chart.phases[p][i]]).filter(([, value]) => value != null).map(([name, value]) => `${name} ${seconds(value)}`).join(", ")}, p95 ${seconds(chart.p95_s[i])}, ${filled(lanes.dataset.failed, { failed: chart.failed[i], requests: chart.requests[i] })}` : "";
    readout.textContent = ` · ${clock.format(new Date(at * 1e3))}${said}`;
  };
  const moveTo = (moment) => { at = Math.min(Math.max(moment, since), until); show(); };
  const under = (event) => since + ((event.clientX - lanes.getBoundingClientRect().left - gutter()) / (lanes.clientWidth - gutter())) * (until - since);
  const choose = () => { location.assign(`${lanes.dataset.moment}&at=${at.toFixed(1)}#moment`); };

  lanes.addEventListener("pointermove", (event) => moveTo(under(event)));
  lanes.addEventListener("click", (event) => { moveTo(under(event)); choose(); });
  lanes.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    if (event.key in steps) moveTo((at ?? until) + steps[event.key] * bucket);
    else if (event.key === "Home") moveTo(since);
    else if (event.key === "End") moveTo(until);
    else if (event.key === "Enter" && at !== null) choose();
    else return;
    event.preventDefault();
  });
  let pending = 0;
  const redraw = () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(() => { if (chart) draw(); show(); }); };
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  fetch(lanes.dataset.chart)
    .then((answer) => { if (!answer.ok) throw new Error(`${answer.status}`); return answer.json(); })
    .then((found) => { chart = found; draw(); show(); lanes.dataset.drawn = "yes"; })
    .catch((error) => { readout.textContent = ` · ${filled(lanes.dataset.noChart, { why: error.message })}`; });
})();
