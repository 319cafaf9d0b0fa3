// The threshold lab: a slider for each label and one for all, what they give together, the curve of one label, the images that flip.
import { curves } from "./curve.js";
import { h, select, setText } from "./dom.js";
import { flips } from "./flips.js";
import { frame } from "./frame.js";
import { actOnKeys, help } from "./help.js";
import { LabStore } from "./labdata.js";
import { download, thresholdFile } from "./labsave.js";
import { labelRows, overall, thresholdInputs } from "./labtable.js";
import { LabView } from "./labview.js";
import { percent, thresholdText } from "./rates.js";

const LAB_WORDS = [
  "A model gives each label a probability; the threshold is the probability from which the label counts as predicted. A lower one finds more and errs more. Each row is one label: move its slider and watch precision, recall, F1 and the images that change sides.",
  "Best thresholds must be chosen on images other than those that they are measured on, or the numbers come out too good. The lab says on which images both was done, and warns where they are the same.",
  "C numbers are means over labels, O numbers count all labels in one pot. The convention settles the rest, such as what unknown labels count as.",
];
const LAB_KEYS = [
  ["↑ ↓", "previous and next label"],
  ["← →", "lower or raise its threshold by 0.01; with Shift by 0.1"],
  ["b", "best threshold of the label by the criterion"],
  ["B", "best thresholds of all labels"],
  ["0", "all thresholds back to the reference"],
  ["c", "next convention"],
  ["s", "next order of the labels"],
  ["f", "flips since the last change, or since the reference"],
  ["?", "this help"],
];
const SORT_NAMES = { stored: "as stored", name: "by name", frequency: "most frequent first", AP: "lowest AP first" };
const CRITERIA_NAMES = [["f1", "highest F1"], ["precision", "precision at least"], ["recall", "recall at least"]];

function labTools(app) {
  const { store, view } = app;
  const convention = select("Convention", store.conventions.map(({ name }) => [name, name]), (value) => view.set({ convention: value }));
  const sort = select("Order of the labels", Object.entries(SORT_NAMES), (value) => view.set({ sort: value }));
  const all = thresholdInputs("Threshold of all labels", (threshold, drag) => view.moveAll(threshold, drag), () => view.settle());
  const state = h("span", { class: "wb-soft" });
  const reset = h("button", { class: "wb-button", onclick: () => view.reset() }, `Back to ${store.reference}`);
  const node = h("div", { class: "wb-tools", role: "group", "aria-label": "Convention and all thresholds" }, h("label", {}, "Convention ", convention), h("span", { class: "wb-global" }, "All labels ", all.slider, all.field, state), reset, h("label", {}, "Order ", sort));
  function update() {
    [convention.value, sort.value] = [view.state.convention, view.state.sort];
    const { thresholds } = view.state;
    const same = thresholds.every((threshold) => threshold === thresholds[0]);
    if (same) all.show(thresholds[0]);
    else all.blank(0.5);
    all.slider.classList.toggle("wb-differ", !same);
    setText(state, same ? "" : "they differ");
  }
  return { node, update };
}

function bestTools(app) {
  const { store, view } = app;
  const criterion = select("Criterion of the best threshold", CRITERIA_NAMES, (value) => view.set({ criterion: value }));
  const floor = h("input", { type: "number", min: 1, max: 100, step: 1, "aria-label": "At least, in percent", onchange: () => { const share = Number(floor.value) / 100; if (share > 0 && share <= 1) view.set({ floor: share }); else app.update(); } });
  const least = h("span", {}, floor, " %");
  const every = store.categories.map((_, label) => label);
  const run = (labels) => {
    const without = view.choose(labels);
    const shown = without.slice(0, 5).map((name) => `“${name}”`).join(", ") + (without.length > 5 ? ` and ${without.length - 5} more` : "");
    app.note = without.length ? `No such threshold for ${shown}: without a present image there, or the floor is never reached; kept as they were.` : "";
    setText(note, app.note);
    note.hidden = !app.note;
  };
  app.best = (whole) => run(whole ? every : [view.label]);
  const one = h("button", { class: "wb-button", onclick: () => app.best(false) }, "this label");
  const whole = h("button", { class: "wb-button", onclick: () => app.best(true) }, "all labels");
  const words = h("p", { class: "wb-soft wb-split" }, store.words);
  const warning = h("p", { class: "wb-warning", role: "note", hidden: !store.warning }, `⚠ ${store.warning}`);
  const note = h("p", { class: "wb-soft", hidden: true });
  const node = h("div", { class: "wb-best", role: "group", "aria-label": "Best thresholds" }, h("div", { class: "wb-tools" }, h("label", {}, "Best by ", criterion), least, "for", one, whole), words, warning, note);
  function update() {
    criterion.value = view.state.criterion;
    least.hidden = view.state.criterion === "f1";
    const shown = Number((100 * view.state.floor).toFixed(4));
    if (Number(floor.value) !== shown) floor.value = shown;
  }
  return { node, update };
}

// Where the thresholds in view come from, and what to think of numbers that they give here.
function provenance(app) {
  const { store, view } = app;
  const node = h("span", { class: "wb-soft" });
  const save = h("button", { class: "wb-button", title: "A JSON file for workbench evaluate --thresholds", onclick: () => download(`thresholds-${store.name}.json`, thresholdFile(view)) }, "Save as JSON");
  const warning = h("p", { class: "wb-warning", role: "note" });
  function update() {
    const { reference, hand, chosen, loaded } = view.origins;
    const labels = (count) => `${count} label${count === 1 ? "" : "s"}`;
    const parts = [reference && `${labels(reference)} at ${store.reference}`, chosen && `${labels(chosen)} best by criterion`, hand && `${labels(hand)} by hand`, loaded && `${labels(loaded)} from a file, chosen on “${view.state.loaded_split}”`];
    setText(node, `Thresholds: ${parts.filter(Boolean).join(", ")}.`);
    const bad = [chosen && store.warning, hand && `${labels(hand)} set by hand with these images in view: optimistic`, loaded && view.state.loaded_split === store.name && "chosen on the images that it is measured on: optimistic"];
    const text = bad.filter(Boolean).join("; ");
    setText(warning, text ? `⚠ ${text}` : "");
    warning.hidden = !text;
  }
  return { node: h("div", { class: "wb-from" }, h("p", {}, node, save), warning), update };
}

function buildLab(app, model) {
  const { store } = app;
  app.view = new LabView(model, store, () => app.update());
  const { view } = app;
  const header = h("header", {}, h("span", { class: "wb-names" }, store.name), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const [name, verdict, meaning] = [h("em"), h("span", { class: "wb-verdict" }), h("p", { class: "wb-soft wb-meaning" })];
  const question = h("h2", { class: "wb-question" }, "From which probability on is it ", name, "? ", verdict);
  const overlay = help(app, LAB_WORDS, LAB_KEYS);
  const [tools, best, origin, totals, rows, charts, images] = [labTools(app), bestTools(app), provenance(app), overall(app), labelRows(app), curves(app), flips(app)];
  const parts = [tools, best, origin, totals, rows, charts, images];
  const main = h("div", { class: "wb-lab" }, h("div", {}, totals.node, origin.node, rows.node, meaning), h("div", {}, charts.node, images.node));

  function say() {
    const [p, r, f1] = view.now.rates[view.label].map(percent);
    return `${view.state.label} from ${thresholdText(view.threshold)}: precision ${p}, recall ${r}, F1 ${f1}; all labels CF1 ${percent(view.now.CF1)}, OF1 ${percent(view.now.OF1)}`;
  }

  function update() {
    setText(name, view.state.label);
    setText(verdict, thresholdText(view.threshold));
    const { description, searched, name: convention } = view.convention;
    const search = searched === null ? "" : ` On these images the search takes ${thresholdText(searched)} for all labels; the numbers here are those at the thresholds above.`;
    setText(meaning, `Convention ${convention}: ${description}.${search}`);
    for (const part of parts) part.update();
  }
  const resize = () => charts.resize();
  const close = () => rows.close();

  const step = (by) => {
    const here = app.order.indexOf(view.label);
    view.set({ label: store.categories[app.order[Math.min(app.order.length - 1, Math.max(0, here + by))]] });
  };
  const shift = (by) => view.move(view.label, Math.min(0.99, Math.max(0.01, Math.round(100 * (view.threshold + by)) / 100)));
  const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];
  const actions = {
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    ArrowLeft: (event) => shift(event.shiftKey ? -0.1 : -0.01),
    ArrowRight: (event) => shift(event.shiftKey ? 0.1 : 0.01),
    b: () => app.best(false),
    B: () => app.best(true),
    0: () => view.reset(),
    c: () => view.set({ convention: after(store.conventions.map((each) => each.name), view.state.convention) }),
    s: () => view.set({ sort: after(Object.keys(SORT_NAMES), view.state.sort) }),
    f: () => view.set({ since: view.state.since === "change" ? "reference" : "change" }),
    "?": () => app.toggleHelp(),
  };
  actOnKeys(app, overlay, actions);
  return { view, update, say, resize, close, nodes: [header, question, tools.node, best.node, main], over: [overlay.node] };
}

export function render(place) {
  return frame(place, "Threshold lab", (model) => new LabStore(model), buildLab);
}

export default { render };
