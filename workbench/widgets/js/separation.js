// How far apart: numbers that follow the selection, the closest categories, and what was measured over the epochs.
import { h, number, setText, svg } from "./dom.js";
import { STYLE } from "./style.js";
import { fixed, separationOf } from "./choosing.js";

const CLOSEST = 5;
const MEASURES = [
  ["intra", "To the own centre", "Mean of 1 − cosine to the centre of the point's category: small is compact."],
  ["inter", "To the other centres", "Mean of 1 − cosine to the centres of all other categories: large is far apart."],
  ["ratio", "Ratio", "To the other centres, divided by to the own centre: large is well separated."],
  ["right", "Nearest to its own", "The share of the points whose own centre is the nearest of all."],
];

export function separation(app) {
  const { store, view } = app;
  const last = store.models.map((model) => model.epochs.at(-1).title);
  const body = h("tbody");
  const told = h("p", { class: "wb-soft" }, `Cosine distances in the full space of the features (${[...new Set(last)].join(", ")}), not in the plane. Means over points; the centres are those of all stored points.`);
  const close = h("p", { class: "wb-close" });
  const node = h("section", { class: "wb-separation", "aria-label": "Separation" }, h("h3", {}, "How far apart?"), h("div", { class: "wb-scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("td"), MEASURES.map(([, title, meaning]) => h("th", { scope: "col", title: meaning }, title)))), body)), close, told);
  const all = store.models.map((_, model) => separationOf(store, model, Uint32Array.from({ length: store.count }, (_, i) => i)));
  let shown = "";

  function rows(title, of, chosen) {
    return store.models.map((model, place) => {
      const found = of(place);
      const name = store.models.length > 1 ? `${title}, ${model.name}` : title;
      return h("tr", { class: chosen ? "wb-chosen" : null }, h("th", { scope: "row" }, name), MEASURES.map(([key]) => h("td", {}, key === "right" && found.right !== undefined ? `${Math.round(100 * found.right)} %` : fixed(found[key]))));
    });
  }

  function closest() {
    const { category, model } = view.state;
    const between = store.tables[`between.${model}`].values.subarray(view.column * store.labels, (view.column + 1) * store.labels);
    const others = store.categories.map((name, label) => [name, between[label]]).filter(([name, value]) => name !== category && !Number.isNaN(value));
    others.sort((a, b) => a[1] - b[1]);
    const list = others.slice(0, CLOSEST).flatMap(([name, value], place) => [place ? ", " : "", h("button", { class: "wb-link", onclick: () => view.set({ category: name }) }, name), ` ${fixed(value)}`]);
    close.replaceChildren(...(list.length ? [h("span", {}, `Centres closest to “${category}”${store.models.length > 1 ? ` in ${store.models[model].name}` : ""}: `), ...list] : []));
  }

  function update() {
    const { category, model } = view.state;
    const key = `${category} ${view.version} ${model}`;
    if (key === shown) return;
    shown = key;
    const count = (points) => points.toLocaleString("en");
    const own = view.pointsOf(view.column);
    body.replaceChildren(
      ...rows(`All ${count(store.count)} points`, (place) => all[place]),
      ...rows(`“${category}” (${count(own.length)})`, (place) => separationOf(store, place, own)),
      ...(view.places.length ? rows(`Selection (${count(view.places.length)})`, (place) => separationOf(store, place, view.places), true) : []),
    );
    closest();
  }
  return { node, update };
}

const titleOf = (name) => STYLE.separation[name]?.title || name;
const meaningOf = (name) => STYLE.separation[name]?.meaning || null;

// One line for each model over the epochs.
function chart(name, series, epoch) {
  const [width, height, edge] = [220, 76, 6];
  const values = series.flat().filter((value) => value !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const longest = Math.max(...series.map((each) => each.length));
  const x = (at) => edge + ((width - 2 * edge) * at) / Math.max(1, longest - 1);
  const y = (value) => height - edge - ((height - 2 * edge) * (value - low)) / (high - low || 1);
  const lines = series.map((each, place) => {
    const known = each.map((value, at) => [value, at]).filter(([value]) => value !== null);
    const path = known.map(([value, at], k) => `${k ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    return [svg("path", { d: path, fill: "none", stroke: STYLE.models[place], "stroke-width": 2, "stroke-dasharray": place ? "5 3" : null }), known.map(([value, at]) => svg("circle", { cx: x(at), cy: y(value), r: at === Math.min(epoch, each.length - 1) ? 4 : 2, fill: STYLE.models[place] }))];
  });
  return h("figure", { class: "wb-trend", title: meaningOf(name) }, h("figcaption", {}, titleOf(name)), svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${titleOf(name)} over the epochs; the table holds the values` }, lines), h("p", { class: "wb-soft" }, `${number(low)} to ${number(high)}`));
}

export function epochsPanel(app) {
  const { store, view } = app;
  const measured = store.models.flatMap((model) => model.epochs.flatMap((epoch) => Object.entries(epoch.separation)));
  const names = [...new Set(measured.filter(([, value]) => value !== null).map(([name]) => name))];
  const charts = h("div", { class: "wb-trends" });
  const body = h("tbody");
  const legend = h("p", { class: "wb-legend" }, store.models.map((model, place) => {
    const swatch = h("span", { class: "wb-swatch" });
    swatch.style.background = STYLE.models[place];
    return h("span", { class: "wb-key" }, swatch, ` ${model.name}`);
  }));
  legend.hidden = store.models.length < 2;
  const head = h("tr", {}, h("th", { scope: "col" }, "Epoch"), names.map((name) => store.models.map((model) => h("th", { scope: "col" }, store.models.length > 1 ? `${titleOf(name)}, ${model.name}` : titleOf(name)))));
  const empty = h("p", {}, "No separation was measured for these epochs.");
  empty.hidden = names.length > 0;
  const node = h("div", {}, h("p", { class: "wb-soft" }, "Measured over all points in the full space of the features, when the points were made."), legend, empty, charts, h("div", { class: "wb-table", tabindex: "0", role: "region", "aria-label": "Separation over the epochs" }, h("table", {}, h("thead", {}, head), body)));
  const at = (model, epoch) => model.epochs[epoch];
  let shown = -1;

  function update() {
    if (view.epoch === shown) return;
    shown = view.epoch;
    charts.replaceChildren(...names.map((name) => chart(name, store.models.map((model) => model.epochs.map((epoch) => epoch.separation[name] ?? null)), view.epoch)));
    body.replaceChildren(...Array.from({ length: store.epochs }, (_, epoch) => {
      const titles = [...new Set(store.models.map((model) => at(model, epoch)?.title).filter(Boolean))];
      const cells = names.map((name) => store.models.map((model) => h("td", {}, number(at(model, epoch)?.separation[name] ?? NaN))));
      return h("tr", { class: epoch === view.epoch ? "wb-chosen" : null }, h("th", { scope: "row" }, h("button", { class: "wb-link", onclick: () => view.set({ epoch }) }, titles.join(" · "))), cells);
    }));
  }
  return { node, update, title: "Over the epochs" };
}
