// The training monitor: how a training stands, its curves, the score of each label, and the maps as they form.
import { h, setText } from "./dom.js";
import { frame } from "./frame.js";
import { actOnKeys, help } from "./help.js";
import { labelScores } from "./labelscores.js";
import { learningCurves } from "./learningcurves.js";
import { MonitorStore } from "./monitordata.js";
import { MonitorView, ORDERS_OF_LABELS } from "./monitorview.js";
import { probeStrip } from "./probestrip.js";
import { percentText, runState, STATE_NAMES } from "./runstate.js";

const MONITOR_WORDS = [
  "The training runs in a process of its own. Reloading the page, interrupting or restarting the kernel stops nothing: make the monitor again for the same folder and it shows the training as it is. Stop finishes the step and saves; Resume goes on there.",
  "Curves: the mean loss of each epoch on the training images, and mean average precision (mAP) on the validation images, which the training does not learn from. A hollow dot is the epoch that runs. Dashed upright lines separate the stages.",
  "Choose a label to see its course and where the model looks for it. A click on a curve takes the maps of that epoch.",
];
const MONITOR_KEYS = [
  ["↑ ↓", "previous and next label"],
  ["← →", "maps of the epoch before, after"],
  ["n", "maps of the newest epoch, and of each that follows"],
  ["m", "next kind of map"],
  ["s", "next order of the labels"],
  ["?", "this help"],
];

function buildMonitor(app, model) {
  const { store } = app;
  app.view = new MonitorView(model, store, () => app.update());
  app.order = [];
  const { view } = app;
  const name = h("em");
  const place = h("span", { class: "wb-names" });
  const header = h("header", {}, h("h2", { class: "wb-question" }, "Training ", name, " ", place), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const overlay = help(app, MONITOR_WORDS, MONITOR_KEYS);
  const [state, curves, scores, probe] = [runState(app), learningCurves(app), labelScores(app), probeStrip(app)];
  const main = h("div", { class: "wb-monitor" }, curves.node, scores.node);

  // Changes with the state and with each epoch, not every second: it is read out.
  function say() {
    const { state: now, rows, epochs } = store.facts;
    const map = store.column("validation.map");
    const score = rows && map ? `, validation mAP ${percentText(map[store.rows - 1])} %` : "";
    return `${STATE_NAMES[now]}; ${rows}${epochs ? ` of ${epochs}` : ""} epochs finished${score}`;
  }

  function update() {
    setText(name, store.facts.name);
    setText(place, `in ${store.facts.folder}`);
    for (const part of [state, scores, curves, probe]) part.update();
  }

  const step = (by) => {
    const here = app.order.indexOf(view.label);
    const next = app.order[Math.min(app.order.length - 1, Math.max(0, here + by))];
    if (next !== undefined) view.set({ label: store.categories[next] });
  };
  const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];
  const actions = {
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    ArrowLeft: () => view.step(-1),
    ArrowRight: () => view.step(1),
    n: () => view.set({ epoch: null }),
    m: () => view.kind && view.set({ map: after(store.kinds.map((kind) => kind.name), view.kind.name) }),
    s: () => view.set({ sort: after(Object.keys(ORDERS_OF_LABELS), view.state.sort) }),
    "?": () => app.toggleHelp(),
  };
  actOnKeys(app, overlay, actions);
  return { view, update, say, resize: () => curves.resize(), close: () => state.close(), nodes: [header, state.node, main, probe.node], over: [overlay.node] };
}

export function render(place) {
  return frame(place, "Training monitor", (model) => new MonitorStore(model), buildMonitor);
}

export default { render };
