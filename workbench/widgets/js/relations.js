// The label explorer: matrix or graph, learned vectors beside them, the chosen pair in words, its images, and a table of the numbers.
import { Store } from "./data.js";
import { h, select, setText } from "./dom.js";
import { frame } from "./frame.js";
import { listenKeys } from "./host.js";
import { graphPicture, groupColour } from "./graph.js";
import { pairImages } from "./images.js";
import { matrixPicture } from "./matrix.js";
import { PairView } from "./pairs.js";
import { vectorsPicture } from "./vectors.js";

const SORT_WORDS = { stored: "as stored", group: "by group", name: "by name", frequency: "most frequent first" };

function toolbar(app) {
  const { store, view } = app;
  const pictures = [["matrix", "Matrix"], ["graph", "Graph"]].map(([value, text]) => h("button", { "data-value": value, onclick: () => view.set({ picture: value }) }, text));
  const values = select("Values of the matrix", store.kinds.map(([name, title]) => [name, title]), (value) => view.set({ values: value }));
  const sort = select("Order of the labels", Object.keys(store.orders).map((name) => [name, SORT_WORDS[name]]), (value) => view.set({ sort: value }));
  const layout = select("Layout of the graph", [["force", "by ties"], ["circle", "circle"]], (value) => view.set({ layout: value }));
  const threshold = h("input", { type: "range", min: 0.05, max: 1, step: 0.05, "aria-label": "Threshold of an arrow", oninput: () => view.set({ threshold: Number(threshold.value) }) });
  const share = h("span", { class: "wb-score" });
  const names = store.categories.map((name) => [name, name]);
  const first = select("First label", names, (label) => view.set({ label }));
  const second = select("Second label", names, (other) => view.set({ other }));
  const swap = h("button", { class: "wb-button", "aria-label": "Swap the labels", onclick: () => view.set({ label: view.state.other, other: view.state.label }) }, "⇄");
  const [valueTool, layoutTool, edgeTool] = [h("label", {}, "Values ", values), h("label", {}, "Layout ", layout), h("label", {}, "arrow from ", threshold, " ", share)];
  const node = h("div", { class: "wb-tools", role: "group", "aria-label": "What is shown" }, h("span", { class: "wb-segments" }, pictures), valueTool, layoutTool, edgeTool, h("label", {}, "Order ", sort), h("span", { class: "wb-sentence" }, "Pair ", first, swap, second));
  function update() {
    const { state } = view;
    for (const button of pictures) button.setAttribute("aria-pressed", String(button.dataset.value === state.picture));
    valueTool.hidden = state.picture !== "matrix";
    layoutTool.hidden = state.picture !== "graph";
    edgeTool.hidden = state.picture !== "graph" || Boolean(store.tables.neighbours);
    [values.value, sort.value, layout.value, first.value, second.value] = [state.values, state.sort, state.layout, state.label, state.other];
    if (Number(threshold.value) !== state.threshold) threshold.value = state.threshold;
    setText(share, state.threshold.toFixed(2));
  }
  return { node, update };
}

function pairTable(app) {
  const { store, view } = app;
  const body = h("div", { class: "wb-table" });
  const details = h("details", { class: "wb-all-pairs" }, h("summary", {}, "As a table"), body);
  details.addEventListener("toggle", () => app.update());
  let drawn = "";
  function update() {
    const { label, other, threshold, sort } = view.state;
    const key = `${label} ${other} ${threshold} ${sort}`;
    if (!details.open || key === drawn) return;
    drawn = key;
    const word = store.tables.neighbours ? "listens to it" : "often brings it";
    const yes = (is) => (is ? "yes" : "–");
    const row = (each) =>
      h("tr", { class: store.categories[each] === other ? "wb-chosen" : null }, h("th", { scope: "row" }, h("button", { class: "wb-link", onclick: () => view.set({ other: store.categories[each] }) }, store.categories[each])),
        [view.count(view.label, each), view.conditional(view.label, each).toFixed(2), view.conditional(each, view.label).toFixed(2), yes(view.listens(view.label, each)), yes(view.listens(each, view.label))].map((text) => h("td", {}, String(text))));
    const heads = ["label", "images with both", `share of “${label}”`, "share of the other", `“${label}” ${word}`, `it ${word.replace("it", `“${label}”`)}`];
    body.replaceChildren(h("table", {}, h("caption", {}, `“${label}” with every other label`), h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, view.order.filter((each) => each !== view.label).map(row))));
  }
  return { node: details, update };
}

function buildLabels(app, model) {
  const { store } = app;
  let drawn = "";
  app.hover = null;
  app.view = new PairView(model, store, () => app.update());
  const { view } = app;
  const header = h("header", {}, h("span", { class: "wb-names" }, store.name));
  const [one, two] = [h("em"), h("em")];
  const question = h("h2", { class: "wb-question" }, "Which labels go together? ", one, " and ", two);
  const told = h("p", { class: "wb-told", "aria-live": "polite" });
  const [source, meaning] = [h("p", { class: "wb-soft" }), h("p", { class: "wb-soft" })];
  const legend = h("p", { class: "wb-groups" }, store.groups.map((name, group) => {
    const swatch = h("span", { class: "wb-swatch" });
    swatch.style.background = groupColour(store, group);
    return h("span", {}, swatch, ` ${name}`);
  }));
  const keys = h("p", { class: "wb-soft" }, "Keys: ↑ ↓ first label, ← → second label, g matrix or graph, v values, s order; on a picture, arrows and Enter.");
  const pictures = { matrix: matrixPicture(app), graph: graphPicture(app) };
  const [tools, vectors, images, table] = [toolbar(app), vectorsPicture(app), pairImages(app), pairTable(app)];
  const beside = h("div", {}, h("h3", {}, "The pair"), told, vectors.available ? vectors.node : "");
  const main = h("div", { class: "wb-labels-main" }, h("div", {}, pictures.matrix.node, pictures.graph.node, legend, meaning, source), beside);

  function say() {
    return `${view.state.label} and ${view.state.other}, image ${view.state.image}`;
  }

  const late = () => (store.packet(view.image) ? "" : store.missing(view.image));

  function update() {
    const { state } = view;
    setText(one, state.label);
    setText(two, state.other);
    const [row, column] = app.hover || [view.label, view.other];
    setText(told, view.sentence(row, column));
    setText(source, store.source);
    const edges = store.tables.neighbours ? `Arrows lead to the label that listens. ${store.listening}` : `An arrow leads from B to A where P(B | A), the share of the images with A that have B too, is at least ${state.threshold.toFixed(2)}.`;
    setText(meaning, state.picture === "matrix" ? `${store.kinds.find(([name]) => name === state.values)[2]} Grey: a label with itself.` : edges);
    if (drawn !== state.picture) resize();
    drawn = state.picture;
    pictures[drawn].update();
    if (!store.packet(view.image)) store.ask(view.image);
    for (const part of [tools, vectors, images, table]) part.update();
  }

  function resize() {
    for (const name of Object.keys(pictures)) pictures[name].node.hidden = name !== view.state.picture;
    pictures[view.state.picture].resize();
    vectors.resize();
  }
  const step = (key, by) => {
    const { order } = view;
    const here = order.indexOf(store.columns.get(view.state[key]));
    view.set({ [key]: store.categories[order[Math.min(order.length - 1, Math.max(0, here + by))]] });
  };
  const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];
  const actions = {
    ArrowUp: () => step("label", -1),
    ArrowDown: () => step("label", 1),
    ArrowLeft: () => step("other", -1),
    ArrowRight: () => step("other", 1),
    g: () => view.set({ picture: after(["matrix", "graph"], view.state.picture) }),
    v: () => view.set({ values: after(store.kinds.map(([name]) => name), view.state.values) }),
    s: () => view.set({ sort: after(Object.keys(store.orders), view.state.sort) }),
  };
  listenKeys(app.root, ({ key, target }) => {
    if (!actions[key] || target.matches("select, input")) return false;
    actions[key]();
    return true;
  });
  return { view, update, say, late, resize, nodes: [header, question, tools.node, main, table.node, images.node, keys] };
}

export function render(place) {
  return frame(place, "Label explorer", (model) => new Store(model), buildLabels);
}

export default { render };
