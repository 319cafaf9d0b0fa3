// The probe: a few fixed validation images with the map of the chosen label, after whichever epoch the slider says.
import { cssGradient, valueRange } from "./colormaps.js";
import { drawHeat } from "./canvas.js";
import { sigmoid, STATES, stateOf } from "./decisions.js";
import { h, number, select, setChoices, setText, stateIcon } from "./dom.js";
import { STYLE } from "./style.js";

const SIDE = 192; // pixels of a canvas
const PALETTE = "viridis";
const ALPHA = 0.8;

export function probeStrip(app) {
  const { store, view } = app;
  const name = h("em");
  const title = h("h3", {}, "Where it looks for ", name);
  const slider = h("input", { type: "range", min: 1, max: 1, step: 1, "aria-label": "Epoch of the maps", oninput: () => view.choose(store.probed[Number(slider.value) - 1]) });
  const told = h("span", { class: "wb-value wb-epoch" });
  const newest = h("button", { class: "wb-button", title: "Show the maps of each epoch as it is finished", onclick: () => view.set({ epoch: null }) }, "Newest");
  const kinds = select("Kind of map", [], (map) => view.set({ map }));
  const kindLabel = h("label", {}, "Map ", kinds);
  const tools = h("div", { class: "wb-tools" }, title, kindLabel, h("span", { class: "wb-epochs" }, "Epoch ", slider, told), newest);
  const strip = h("div", { class: "wb-probe-pictures", role: "group", "aria-label": "Pictures of the probe" });
  const [low, high, ramp] = [h("span"), h("span"), h("i")];
  const scale = h("div", { class: "wb-scale" }, low, ramp, high);
  const meaning = h("p", { class: "wb-soft" });
  const signs = STATES.map((state) => h("span", {}, stateIcon(state), ` ${STYLE.states[state].word}`));
  const key = h("p", { class: "wb-key wb-soft" }, "Probability of the label:", signs);
  const empty = h("p", { class: "wb-soft" }, "After each epoch, maps of a few validation images appear here.");
  const node = h("section", { class: "wb-probe", "aria-label": "Maps as they form" }, tools, empty, strip, key, scale, meaning);
  let cards = [];
  let built = "";
  let drawn = "";
  let greys = { pictures: null, list: [] };

  function card(id) {
    const canvas = h("canvas", { width: SIDE, height: SIDE, role: "img" });
    const verdict = h("span", { class: "wb-probe-verdict" });
    const button = h("button", { class: "wb-probe-card", title: id, onclick: () => view.set({ image: id === view.state.image ? "" : id }) }, canvas, verdict);
    return { button, canvas, verdict, context: canvas.getContext("2d", { willReadFrequently: true }) };
  }

  // Grey values of a picture at the canvas's size; plain grey where the run kept none.
  function greyOf(place) {
    if (greys.pictures !== store.pictures) greys = { pictures: store.pictures, list: [] };
    if (!greys.list[place]) {
      const grey = new Uint8Array(SIDE * SIDE).fill(128);
      const picture = store.pictures?.[place];
      if (picture) {
        const { context } = cards[place];
        context.drawImage(picture, 0, 0, SIDE, SIDE);
        const { data } = context.getImageData(0, 0, SIDE, SIDE);
        for (let i = 0; i < grey.length; i++) grey[i] = 0.3 * data[4 * i] + 0.59 * data[4 * i + 1] + 0.11 * data[4 * i + 2];
      }
      greys.list[place] = grey;
    }
    return greys.list[place];
  }

  function draw(probe, kind) {
    const range = valueRange(kind, store.strongest.get(view.state.label)?.[kind.name] || 0);
    cards.forEach(({ context, canvas, verdict, button }, place) => {
      const map = probe.maps[kind.name]?.[place];
      if (!map) return;
      drawHeat(context, map, kind, range, { palette: PALETTE, alpha: ALPHA, grid: false }, greyOf(place));
      const chance = sigmoid(probe.logits[place]);
      const state = STATES[stateOf(probe.targets[place], probe.logits[place], 0)];
      verdict.replaceChildren(stateIcon(state), ` ${Number.isFinite(chance) ? chance.toFixed(2) : "–"}`);
      canvas.setAttribute("aria-label", `${store.ids[place]}: map of ${view.state.label} after epoch ${probe.epoch}`);
      button.setAttribute("aria-pressed", String(store.ids[place] === view.state.image));
    });
    setText(low, number(range[0]));
    setText(high, number(range[1]));
    ramp.style.background = cssGradient(kind, PALETTE);
    node.dataset.drawn = `${probe.epoch} ${view.state.label}`;
  }

  function update() {
    const { probed } = store;
    const kind = view.kind;
    const some = probed.length > 0 && kind !== null && view.label !== undefined;
    for (const each of [strip, key, scale, tools, meaning]) each.hidden = !some;
    empty.hidden = some;
    if (!some) return;
    const names = JSON.stringify(store.ids);
    if (names !== built) {
      built = names;
      drawn = "";
      greys = { pictures: null, list: [] };
      cards = store.ids.map(card);
      strip.replaceChildren(...cards.map(({ button }) => button));
    }
    store.askPictures();
    setText(name, view.state.label);
    setChoices(kinds, store.kinds.map((each) => [each.name, each.title]));
    kinds.value = kind.name;
    kindLabel.hidden = store.kinds.length < 2;
    slider.max = probed.length;
    slider.disabled = probed.length < 2;
    const place = probed.indexOf(view.epoch) + 1;
    if (Number(slider.value) !== place) slider.value = place;
    const stage = store.stages[view.epoch - 1] || "";
    setText(told, `${view.epoch} of ${probed.at(-1)} (${stage})`);
    slider.setAttribute("aria-valuetext", `${view.epoch}, ${stage}`);
    newest.setAttribute("aria-pressed", String(view.state.epoch === null));
    setText(meaning, `${kind.meaning} A colour means the same in every epoch.`.trim());
    const follows = view.state.epoch === null;
    store.ask(view.epoch, view.state.label, follows);
    const probe = store.probe(view.epoch, view.state.label) || (follows ? store.latest(view.state.label) : null);
    if (!probe) return; // the maps before stay until these are here
    const wanted = [probe.epoch, view.state.label, kind.name, view.state.image, JSON.stringify(store.strongest.get(view.state.label)), store.pictures?.length].join();
    if (wanted === drawn) return;
    drawn = wanted;
    draw(probe, kind);
  }
  return { node, update };
}
