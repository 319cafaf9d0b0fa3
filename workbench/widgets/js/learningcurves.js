// Loss and mAP over the epochs, with the stages marked. A click takes the maps of that epoch; the same numbers stand in a table.
import { h, number, setText, svg } from "./dom.js";
import { durationText, percentText } from "./runstate.js";
import { STYLE } from "./style.js";

const HEIGHT = 210;
const PAD = { left: 40, right: 12, top: 12, bottom: 32 };
const DOTS = 40; // epochs above which single points are not marked
const ROWS_SHOWN = 200; // epochs in the table

// A round number above `value`, and a quarter of it for the lines.
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 8, 10].map((each) => each * power).find((each) => each >= value * 0.999);
}

// name: of the chart; lines(): [{name, values, colour, thin}]; top(): the largest value of its scale; extra(): {epoch, value} or null;
// show(value): as text.
function lineChart(app, { name, unit, lines, top, extra, show }) {
  const { store, view } = app;
  const picture = svg("svg", { class: "wb-lines", role: "img", height: HEIGHT });
  const legend = h("p", { class: "wb-key" });
  const told = h("p", { class: "wb-soft wb-told-epoch" });
  let width = 420;
  let hovered = 0;
  const places = () => {
    const epochs = Math.max(1, store.facts.epochs || 0, store.rows);
    return { epochs, x: (epoch) => PAD.left + ((width - PAD.left - PAD.right) * epoch) / epochs };
  };
  const epochAt = (event) => {
    const box = picture.getBoundingClientRect();
    const { epochs } = places();
    return Math.round(((event.clientX - box.left - PAD.left) / (box.width - PAD.left - PAD.right)) * epochs);
  };
  picture.addEventListener("click", (event) => view.choose(epochAt(event)));
  picture.addEventListener("pointermove", (event) => hover(epochAt(event)));
  picture.addEventListener("pointerleave", () => hover(0));
  function hover(epoch) {
    const next = epoch >= 1 && epoch <= store.rows ? epoch : 0;
    if (next === hovered) return;
    hovered = next;
    say();
  }

  function say() {
    const epoch = hovered || view.epoch || store.rows;
    const found = lines().filter(({ values }) => Number.isFinite(values[epoch - 1]));
    const stage = store.stages[epoch - 1];
    setText(told, epoch && stage ? `Epoch ${epoch} (${stage}): ${found.map((line) => `${line.name} ${show(line.values[epoch - 1])}`).join(", ")}` : "");
  }

  function draw() {
    const all = lines();
    const high = top(all);
    const { epochs, x } = places();
    const y = (value) => HEIGHT - PAD.bottom - (HEIGHT - PAD.top - PAD.bottom) * Math.min(1, value / high);
    const parts = [];
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(svg("line", { x1: x(0), x2: x(epochs), y1: y(share * high), y2: y(share * high), class: "wb-rule" }));
      parts.push(svg("text", { x: PAD.left - 5, y: y(share * high) + 4, "text-anchor": "end" }, String(Number((share * high).toPrecision(3)))));
    }
    const every = Math.max(1, roundUp(epochs / Math.max(2, width / 60)));
    for (let epoch = 0; epoch <= epochs; epoch += every) parts.push(svg("text", { x: x(epoch), y: HEIGHT - PAD.bottom + 15, "text-anchor": "middle" }, String(epoch)));
    parts.push(svg("text", { x: x(epochs / 2), y: HEIGHT - 3, "text-anchor": "middle" }, "epoch"));
    store.stages.forEach((stage, place) => {
      if (place && store.stages[place - 1] === stage) return;
      if (place) parts.push(svg("line", { x1: x(place), x2: x(place), y1: PAD.top, y2: HEIGHT - PAD.bottom, class: "wb-stage-line" }));
      parts.push(svg("text", { x: x(place) + 4, y: PAD.top + 9, class: "wb-stage-name" }, stage));
    });
    if (view.epoch) parts.push(svg("line", { x1: x(view.epoch), x2: x(view.epoch), y1: PAD.top, y2: HEIGHT - PAD.bottom, class: "wb-epoch-line" }));
    for (const { values, colour, thin } of [...all].reverse()) {
      const style = { stroke: colour, "stroke-width": thin ? 1.4 : 2.4, "stroke-dasharray": thin ? "3 3" : null, class: "wb-line" };
      const dotted = !thin && values.length <= DOTS;
      for (const run of unbroken(values)) {
        if (run.length > 1) parts.push(svg("polyline", { ...style, points: run.map((place) => `${x(place + 1).toFixed(1)},${y(values[place]).toFixed(1)}`).join(" ") }));
        const dots = dotted ? run : run.length > 1 ? [] : run; // a single epoch makes no line
        for (const place of dots) parts.push(svg("circle", { cx: x(place + 1), cy: y(values[place]), r: thin ? 2.2 : 3, fill: colour }));
      }
    }
    const now = extra?.();
    if (now) parts.push(svg("circle", { cx: x(now.epoch), cy: y(now.value), r: 4, class: "wb-hollow", stroke: STYLE.models[0] }));
    picture.setAttribute("width", width);
    picture.replaceChildren(...parts);
    const last = all.map((line) => `${line.name} ${show(line.values[store.rows - 1])}`).join(", ");
    picture.setAttribute("aria-label", store.rows ? `${name} over ${store.rows} epochs; after the last: ${last}. The table below holds the numbers.` : `${name}: no epoch is finished yet.`);
    legend.replaceChildren(...all.map((line) => h("span", {}, swatch(line), line.name)));
    say();
  }
  const node = h("figure", {}, h("h3", {}, `${name}${unit}`), picture, legend, told);
  return { node, draw, fit: (room) => (width = room) };
}

function swatch({ colour, thin }) {
  const line = svg("line", { x1: 0, x2: 18, y1: 5, y2: 5, stroke: colour, "stroke-width": thin ? 1.6 : 3, "stroke-dasharray": thin ? "3 3" : null });
  return svg("svg", { width: 18, height: 10, "aria-hidden": "true" }, line);
}

// Places of values that follow each other without a gap: [[0, 1, 2], [5, 6]].
function unbroken(values) {
  const runs = [[]];
  values.forEach((value, place) => {
    if (Number.isFinite(value)) runs.at(-1).push(place);
    else if (runs.at(-1).length) runs.push([]);
  });
  return runs.filter((run) => run.length);
}

export function learningCurves(app) {
  const { store, view } = app;
  const percent = (values) => Array.from(values, (value) => 100 * value);
  const others = [...STYLE.models.slice(1), "#8a8a8a"];
  const thin = (names, from, make) => (names.length > 1 ? names.map((name, place) => ({ name: name.slice(from), values: make(store.column(name)), colour: others[place % others.length], thin: true })) : []);
  const loss = lineChart(app, {
    name: "Loss", unit: " on the training images", show: (value) => number(value, 3),
    lines: () => [{ name: "loss", values: Array.from(store.column("loss") || []), colour: STYLE.models[0] }, ...thin(store.parts("loss."), 5, (column) => Array.from(column))],
    top: (lines) => roundUp(Math.max(0, store.facts.loss || 0, ...lines.flatMap(({ values }) => values.filter(Number.isFinite)))),
    extra: () => (store.facts.loss !== null && store.facts.steps && store.facts.epoch > store.rows ? { epoch: store.facts.epoch - 1 + store.facts.step / store.facts.steps, value: store.facts.loss } : null),
  });
  const map = lineChart(app, {
    name: "Average precision", unit: " on the validation images, %", show: (value) => percentText(value / 100),
    lines: () => {
      const label = view.label;
      const chosen = label === undefined ? [] : [{ name: `AP of ${view.state.label}`, values: Array.from({ length: store.rows }, (_, row) => 100 * store.ap(row, label)), colour: STYLE.models[1], thin: true }];
      const parts = thin(store.parts("validation.map."), 15, percent).map((line, place) => ({ ...line, name: `mAP of ${line.name}`, colour: others[(place + 1) % others.length] }));
      return [{ name: "mAP", values: percent(store.column("validation.map") || []), colour: STYLE.models[0] }, ...chosen, ...parts];
    },
    top: () => 100,
  });
  const table = h("div", { class: "wb-table", tabindex: "0", role: "region", "aria-label": "Epochs as a table" });
  const details = h("details", {}, h("summary", {}, "As a table"), table);
  details.addEventListener("toggle", () => fill());
  const charts = h("div", { class: "wb-charts" }, loss.node, map.node);
  const node = h("section", { class: "wb-curves", "aria-label": "Learning curves" }, charts, details);
  let tabled = -1;
  let drawn = "";

  function fill() {
    if (!details.open || tabled === store.version) return;
    tabled = store.version;
    const [losses, maps, rates, seconds] = ["loss", "validation.map", "images_per_second", "seconds"].map((name) => store.column(name) || []);
    const first = Math.max(0, store.rows - ROWS_SHOWN);
    const rows = Array.from({ length: store.rows - first }, (_, i) => store.rows - 1 - i).map((row) => {
      const cells = [store.stages[row], number(losses[row], 3), percentText(maps[row]), rates[row] === undefined ? "–" : Math.round(rates[row]).toLocaleString("en"), durationText(seconds[row])];
      return h("tr", {}, h("th", { scope: "row" }, String(row + 1)), cells.map((text) => h("td", {}, text)));
    });
    const heads = ["epoch", "stage", "loss", "mAP, %", "images a second", "took"].map((text) => h("th", { scope: "col" }, text));
    table.replaceChildren(h("table", {}, first ? h("caption", {}, `The last ${ROWS_SHOWN} epochs`) : null, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
  }

  function update() {
    const { epoch, step, epochs, loss: now } = store.facts;
    const key = [store.version, epoch, step, epochs, now, view.epoch, view.state.label, charts.clientWidth].join();
    if (key !== drawn) {
      drawn = key;
      loss.draw();
      map.draw();
    }
    fill();
  }
  const resize = () => {
    const room = charts.clientWidth || 860;
    const each = room > 640 ? Math.floor((room - 20) / 2) : room;
    loss.fit(each);
    map.fit(each);
    drawn = "";
  };
  return { node, update, resize };
}
