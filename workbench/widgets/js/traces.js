// The template explorer: a matrix of label pairs, the neurons of the chosen pair, and one neuron in full with its images.
import { h, select, setRead, setText } from "./dom.js";
import { frame } from "./frame.js";
import { actOnKeys, help } from "./help.js";
import { matrixPicture } from "./matrix.js";
import { directionWords, paintTemplate, signedText, weightList } from "./tracecard.js";
import { TraceStore, TraceView } from "./tracedata.js";

const TRACE_WORDS = [
  "SRN's regularisation reads the weighted attention maps of all labels. Two convolutions mix the labels of a cell; the last one multiplies each mixture with a template as large as the map. A neuron is one such template: red where attention makes it fire, blue where attention keeps it silent.",
  "The matrix shows how strongly neurons lead from the column's attention to the row's score. Choose a pair, then a neuron: what it reads, where it wants it, and which scores that moves.",
  "All of this is read from the weights, with the ReLUs left out. It names candidates. Whether the score really follows is shown by an experiment: move the object in the move lab.",
];
const TRACE_KEYS = [
  ["↑ ↓", "previous and next label whose score is moved"],
  ["← →", "previous and next label that is read"],
  ["n p", "next and previous neuron of the pair"],
  ["s", "order of the labels"],
  ["v", "strength, or share of the row"],
  ["?", "this help"],
];
const next = (list, value, by = 1) => list[(list.indexOf(value) + by + list.length) % list.length];

function traceTools(app) {
  const { store, view } = app;
  const names = store.categories.map((name) => [name, name]);
  const read = select("Label that is read", names, (other) => view.set({ other }));
  const moved = select("Label that is moved", names, (label) => view.set({ label }));
  const sort = select("Order of the labels", [["stored", "as stored"], ["name", "by name"]], (value) => view.set({ sort: value }));
  const values = select("Values of the matrix", store.kinds.map(([name]) => [name, name]), (value) => view.set({ values: value }));
  const node = h("div", { class: "wb-tools", role: "group", "aria-label": "The pair" }, h("label", {}, "From the attention of ", read), h("label", {}, "to the score of ", moved), h("label", {}, "Matrix ", values), h("label", {}, "Order ", sort));
  function update() {
    [read.value, moved.value, sort.value, values.value] = [view.state.other, view.state.label, view.state.sort, view.state.values];
  }
  return { node, update };
}

// The strongest neurons of the pair, as small templates.
function neuronRow(app) {
  const { store, view } = app;
  const list = h("div", { class: "wb-neurons", role: "group", "aria-label": "Neurons of the pair, strongest first" });
  let drawn = "";
  function update() {
    const key = String(view.neurons);
    if (key !== drawn) {
      list.replaceChildren(...view.neurons.map((neuron) => {
        const canvas = h("canvas", { class: "wb-template", "aria-hidden": "true" });
        paintTemplate(canvas, Array.from(store.template(neuron)), store.rows, store.width);
        return h("button", { class: "wb-neuron", "data-neuron": neuron, "aria-label": `Neuron ${neuron}`, onclick: () => view.set({ neuron }) }, canvas, String(neuron));
      }));
    }
    drawn = key;
    for (const button of list.children) button.setAttribute("aria-pressed", String(Number(button.dataset.neuron) === view.neuron));
  }
  return { node: h("section", {}, h("h3", {}, "Neurons of the pair, strongest first"), list), update };
}

function neuronCard(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-template wb-large", role: "img" });
  const [title, told] = [h("h3"), h("p", { class: "wb-told", "aria-live": "polite" })];
  const [reads, moves] = [h("div"), h("div")];
  const images = h("div", { class: "wb-fired" });
  const heading = h("h4");
  const node = h("section", { class: "wb-card" }, title, told, h("div", { class: "wb-card-main" }, h("figure", {}, canvas, h("p", { class: "wb-soft" }, "Template: red fires where the mixture is strong, blue silences.")), h("div", {}, h("h4", {}, "It reads"), reads), h("div", {}, h("h4", {}, "It moves"), moves)), heading, images);
  let drawn = "";
  function update() {
    const { neuron, label, other } = view;
    const shown = store.imagesOf(neuron);
    store.ask(shown);
    const key = [neuron, label, other, view.state.image, shown.map((image) => store.thumbnails.get(image))].join();
    if (key === drawn) return;
    drawn = key;
    const values = store.template(neuron);
    paintTemplate(canvas, Array.from(values), store.rows, store.width);
    const [inflow, outflow] = [store.weight("inflow", neuron, other), store.weight("outflow", neuron, label)];
    const where = directionWords(values, store.rows, store.width, inflow);
    setText(title, `Neuron ${neuron} of ${store.count}`);
    setText(told, `Reads “${view.state.other}” with weight ${signedText(inflow)} and ${where}; that ${outflow > 0 ? "raises" : "lowers"} “${view.state.label}” (${signedText(outflow)}).`);
    setRead(canvas, "aria-label", `Template of neuron ${neuron}, ${store.rows} by ${store.width} cells; for ${view.state.other} it ${where}`);
    reads.replaceChildren(weightList(store, "inflow", neuron, other, (name) => view.set({ other: name, neuron })));
    moves.replaceChildren(weightList(store, "outflow", neuron, label, (name) => view.set({ label: name, neuron })));
    setText(heading, shown.length ? "It fires most on" : store.ids.length ? "It fires on none of the images" : "");
    images.replaceChildren(...shown.map((image) => {
      const url = store.thumbnails.get(image);
      return h("button", { class: "wb-shot", title: store.ids[image], "aria-label": `Image ${store.ids[image]}`, "aria-current": String(store.ids[image] === view.state.image), onclick: () => view.set({ image: store.ids[image] }) }, url ? h("img", { src: url, alt: "" }) : h("span", { class: "wb-blank" }));
    }));
  }
  return { node, update };
}

function buildTraces(app, model) {
  const { store } = app;
  app.hover = null;
  app.view = new TraceView(model, store, () => app.update());
  const { view } = app;
  const header = h("header", {}, h("span", { class: "wb-names" }, `${store.count} neurons`), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const [read, moved] = [h("em"), h("em")];
  const question = h("h2", { class: "wb-question" }, "How does the attention of “", read, "” reach the score of “", moved, "”?");
  const overlay = help(app, TRACE_WORDS, TRACE_KEYS);
  const [tools, matrix, row, card] = [traceTools(app), matrixPicture(app), neuronRow(app), neuronCard(app)];
  const [pair, meaning] = [h("p", { class: "wb-soft" }), h("p", { class: "wb-soft" })];
  const left = h("div", {}, matrix.node, pair, meaning, h("p", { class: "wb-soft" }, "Rows: whose score is moved. Columns: whose attention is read. From the weights alone, ReLUs left out: candidates, to be tested by moving things."));
  const main = h("div", { class: "wb-traces" }, left, h("div", {}, row.node, card.node));

  const say = () => `neuron ${view.neuron}: from ${view.state.other} to ${view.state.label}${view.state.image ? `, image ${view.state.image}` : ""}`;
  function update() {
    setText(read, view.state.other);
    setText(moved, view.state.label);
    const [at, from] = app.hover || [view.label, view.other];
    setText(pair, `From “${store.categories[from]}” to “${store.categories[at]}”: ${view.value(at, from).toFixed(3)}.`);
    setText(meaning, store.kinds.find(([name]) => name === view.state.values)[2]);
    for (const part of [tools, matrix, row, card]) part.update();
  }
  const resize = () => matrix.resize();

  const names = () => view.order.map((label) => store.categories[label]);
  const actions = {
    ArrowUp: () => view.set({ label: next(names(), view.state.label, -1) }),
    ArrowDown: () => view.set({ label: next(names(), view.state.label) }),
    ArrowLeft: () => view.set({ other: next(names(), view.state.other, -1) }),
    ArrowRight: () => view.set({ other: next(names(), view.state.other) }),
    n: () => view.set({ neuron: next(view.neurons, view.neuron) }),
    p: () => view.set({ neuron: next(view.neurons, view.neuron, -1) }),
    s: () => view.set({ sort: next(Object.keys(store.orders), view.state.sort) }),
    v: () => view.set({ values: next(store.kinds.map(([name]) => name), view.state.values) }),
    "?": () => app.toggleHelp(),
  };
  actOnKeys(app, overlay, actions);
  return { view, update, say, resize, nodes: [header, question, tools.node, main], over: [overlay.node] };
}

export function render(place) {
  return frame(place, "Template explorer", (model) => new TraceStore(model), buildTraces);
}

export default { render };
