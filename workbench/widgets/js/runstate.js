// How the training stands: its state, buttons that start and stop it, a bar, and the numbers of this second.
import { h, number, setText } from "./dom.js";

export const STATE_NAMES = {
  new: "not started", starting: "starting", training: "training", evaluating: "evaluating", stopping: "stopping", stopped: "stopped",
  failed: "failed", killed: "ended without a word", done: "finished",
};
const MEANINGS = {
  new: "Nothing is in the run folder yet. Start trains in a process of its own: the notebook stays free, and closing it stops nothing.",
  starting: "Python starts, reads the data and builds the model.",
  stopping: "The step that runs is finished, then everything is saved.",
  stopped: "Everything up to the last step is saved. Resume goes on there, with the same result as if it had never stopped.",
  killed: "Its process is gone, killed or by a power cut. Resume goes on from the last saved state.",
};
const SILENCE = 15; // s without news of a training that runs, after which that is said

export const percentText = (value) => (Number.isFinite(value) ? (100 * value).toFixed(1) : "–");
export const signed = (value) => (Number.isFinite(value) ? `${value > 0.0005 ? "+" : ""}${(100 * value).toFixed(1)}`.replace("-", "−").replace(/^−0\.0$/, "0.0") : "–");

export function durationText(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 99.5) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 48) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const rateText = (value) => (value === null ? "–" : value >= 99.5 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

export function runState(app) {
  const { store } = app;
  const badge = h("span", { class: "wb-badge" });
  const button = h("button", { class: "wb-button wb-do", onclick: () => act() });
  const where = h("span", { class: "wb-where" });
  const fill = h("span", { class: "wb-fill" });
  const bar = h("div", { class: "wb-progress", role: "progressbar", "aria-label": "Share of the whole training that is done", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const tiles = ["images a second", "time left", "loss of this epoch", "validation mAP", "best mAP", "learning rate"].map((name) => {
    const value = h("span", { class: "wb-tile-value" }); // no dl: JupyterLab has rules of its own for those
    return { node: h("div", {}, h("span", { class: "wb-tile-name" }, name), " ", value), value };
  });
  const meaning = h("p", { class: "wb-soft" });
  const problem = h("p", { class: "wb-warning", role: "alert" });
  const node = h("section", { class: "wb-run-state", "aria-label": "How the training stands" }, h("div", { class: "wb-now" }, badge, where, button), bar, h("div", { class: "wb-tiles", role: "group", "aria-label": "Numbers" }, tiles.map((tile) => tile.node)), problem, meaning);
  let pending = "";
  const timer = setInterval(() => update(), 5000);

  function act() {
    app.problem = "";
    pending = store.facts.state;
    store.model.send({ ask: store.active ? "stop" : "start" });
    update();
  }
  store.listen((what) => {
    if (what === "error") pending = "";
  });

  // Images that went through the network, as a share of all.
  function share() {
    const { state, images, images_in_all: all, rows, epochs } = store.facts;
    if (state === "done") return 1;
    if (images !== null && all) return images / all;
    return epochs ? rows / epochs : 0;
  }

  function update() {
    const { facts } = store;
    const { state, stage, epoch, epochs, step, steps } = facts;
    if (pending && pending !== state) pending = "";
    setText(badge, STATE_NAMES[state]);
    badge.dataset.state = state;
    const parts = [stage !== null && `${stage} ${facts.stage_epoch}/${facts.stage_epochs}`, epoch !== null && `epoch ${epoch} of ${epochs}`, state === "training" && steps && `step ${step} of ${steps}`];
    const ended = `${facts.rows}${epochs ? ` of ${epochs}` : ""} epoch${facts.rows === 1 && !epochs ? "" : "s"}`;
    setText(where, store.active ? parts.filter(Boolean).join(" · ") : facts.rows ? ended : "");
    button.hidden = state === "done" || !(store.active || facts.can_start);
    button.disabled = Boolean(pending) || state === "stopping";
    setText(button, store.active ? "■ Stop and save" : state === "new" || !facts.recipe ? "▶ Start" : "▶ Resume");
    const done = share();
    fill.style.width = `${100 * done}%`;
    bar.setAttribute("aria-valuenow", Math.round(100 * done));
    const map = store.column("validation.map");
    const last = map ? map[store.rows - 1] : NaN;
    const best = map ? map.reduce((top, value) => (value > top ? value : top), -1) : -1;
    const change = store.rows > 1 && map ? ` (${signed(last - map[store.rows - 2])})` : "";
    const learned = store.active ? facts.lr : null;
    const texts = [rateText(facts.images_per_second), durationText(facts.seconds_left), number(facts.loss, 3), `${percentText(last)}${change}`, best >= 0 ? percentText(best) : "–", learned === null ? "–" : learned.toExponential(1).replace("-", "−")];
    tiles.forEach((tile, place) => setText(tile.value, texts[place]));
    setText(problem, facts.problem);
    problem.hidden = !facts.problem;
    const silent = (performance.now() - store.heard) / 1000;
    const quiet = store.active && silent > SILENCE ? `No news for ${durationText(silent)}: a long step, or the kernel is gone. ` : "";
    setText(meaning, `${quiet}${facts.problem ? "" : MEANINGS[state] || ""}`);
    meaning.hidden = !meaning.textContent;
  }
  return { node, update, close: () => clearInterval(timer) };
}
