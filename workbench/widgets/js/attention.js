// The attention explorer: puts the panels together and redraws them when the view changes.
import { Store } from "./data.js";
import { h, select, setText, stateIcon } from "./dom.js";
import { View } from "./view.js";
import { gallery } from "./gallery.js";
import { labels, verdict } from "./labels.js";
import { panes } from "./panes.js";
import { spotPanel } from "./spot.js";
import { numbers } from "./numbers.js";
import { stepsPanel } from "./steps.js";
import { influencePanel } from "./influence.js";
import { whatIf } from "./whatif.js";
import { help } from "./help.js";
import { keyboard } from "./keyboard.js";
import { layersPanel } from "./layers.js";
import { frame } from "./frame.js";

function tools(app) {
  const { view } = app;
  const overlays = [["heat", "Heat"], ["contour", "Contour"], ["map", "Map alone"]].map(([value, text]) => h("button", { "data-value": value, onclick: () => view.set({ overlay: value }) }, text));
  const alpha = h("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Strength of the overlay", oninput: () => view.set({ alpha: Number(alpha.value) }) });
  const toggle = (key, text, title) => h("button", { class: "wb-button", title, "data-key": key, onclick: () => view.set({ [key]: !view.state[key] }) }, text);
  const toggles = [
    toggle("grid", "Cells", "The map's own cells, without smoothing (g)"),
    toggle("regions", "Outline", "Where the object of this label really is (r)"),
    toggle("as_seen", "As the model saw it", "The picture at the model's own resolution and shape (v)"),
    toggle("whatif", "What if?", "Edit the picture and ask the model again (w)"),
  ];
  toggles[1].hidden = !app.store.has_regions;
  const scale = select("Scale of the colours", [["view", "maps in view"], ["labels", "all labels"], ["map", "per map"]], (value) => view.set({ scale: value }));
  const palette = select("Colours", ["viridis", "cividis"].map((name) => [name, name]), (value) => view.set({ palette: value }));
  const node = h(
    "div",
    { class: "wb-tools", role: "group", "aria-label": "How maps are drawn" },
    h("span", { class: "wb-segments" }, overlays),
    h("label", {}, "Strength ", alpha),
    toggles,
    h("label", {}, "Scale ", scale),
    palette,
  );
  function update() {
    const { state } = view;
    for (const button of overlays) button.setAttribute("aria-pressed", String(button.dataset.value === state.overlay));
    for (const button of toggles) button.setAttribute("aria-pressed", String(state[button.dataset.key]));
    if (Number(alpha.value) !== state.alpha) alpha.value = state.alpha;
    alpha.disabled = state.overlay !== "heat";
    scale.value = state.scale;
    palette.value = state.palette;
  }
  return { node, update };
}

function tabs(app, panels) {
  const { view } = app;
  const buttons = panels.map((panel, place) => h("button", { role: "tab", id: `${app.uid}-tab-${place}`, "aria-controls": `${app.uid}-panel-${place}`, onclick: () => view.set({ panel: NAMES[place] }) }, panel.title));
  const NAMES = ["layers", "steps", "influence"];
  const bodies = panels.map((panel, place) => h("div", { role: "tabpanel", id: `${app.uid}-panel-${place}`, "aria-labelledby": `${app.uid}-tab-${place}`, hidden: true }, panel.node));
  const past = h("p", { class: "wb-soft", hidden: true }, "These tell about the picture as it was, before the edits.");
  const node = h("section", { class: "wb-more" }, h("div", { role: "tablist", "aria-label": "More about the answer" }, buttons), past, bodies);
  let shown = null;
  const open = () => panels.filter((panel) => panel.available());
  app.nextTab = () => {
    const available = open();
    const other = available[(available.findIndex((panel) => NAMES[panels.indexOf(panel)] === view.state.panel) + 1) % available.length];
    view.set({ panel: NAMES[panels.indexOf(other)] });
    buttons[panels.indexOf(other)].focus({ preventScroll: true });
  };
  function update() {
    const available = open();
    past.hidden = !view.answer?.();
    node.hidden = !available.length;
    const wanted = panels[NAMES.indexOf(view.state.panel)];
    const active = available.includes(wanted) ? wanted : available[0];
    panels.forEach((panel, place) => {
      buttons[place].hidden = !available.includes(panel);
      buttons[place].setAttribute("aria-selected", String(panel === active));
      buttons[place].tabIndex = panel === active ? 0 : -1;
      bodies[place].hidden = panel !== active;
    });
    if (active !== shown) active?.resize();
    shown = active;
    if (active) active.update();
  }
  return { node, update, resize: () => panels.forEach((panel) => panel.resize()) };
}

function question(app) {
  const { store, view } = app;
  const name = h("em");
  const answer = h("span", { class: "wb-verdict" });
  const node = h("h2", { class: "wb-question" }, "Where does the model look for ", name, "? ", answer);
  function update() {
    setText(name, view.state.label);
    const { state, text, meaning } = verdict(app, view.state.model);
    answer.hidden = store.models.length > 1;
    const key = `${state} ${text}`;
    if (answer.dataset.key === key) return;
    answer.dataset.key = key;
    answer.replaceChildren(stateIcon(state), ` ${text}`);
    answer.title = meaning;
  }
  return { node, update };
}

function build(app, model) {
  const { store } = app;
  let parts = [];
  let seen = -1;
  app.ranking = [];
  app.view = new View(model, store, () => app.update());
  const { view } = app;
  app.goTo = (image) => view.set({ image: store.ids[image] });
  app.help = help(app);
  const names = store.models.map((member) => member.name).join(" · ");
  const header = h("header", {}, h("span", { class: "wb-names" }, names), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const [list, ask, toolbar, pictures, spot, trust] = [labels(app), question(app), tools(app), panes(app), spotPanel(app), numbers(app)];
  const strip = gallery(app);
  const more = tabs(app, [layersPanel(app), stepsPanel(app), influencePanel(app)]);
  const bench = whatIf(app, model, pictures.node);
  app.bench = bench;
  parts = [bench, strip, list, ask, toolbar, pictures, spot, trust, more];
  const centre = h("div", { class: "wb-centre" }, ask.node, toolbar.node, pictures.node, bench.node, h("div", { class: "wb-two wb-cards" }, spot.node, trust.node));
  keyboard(app);

  function say() {
    const { image } = view;
    if (bench.words()) return bench.words();
    if (store.packet(image)) return `Image ${view.state.image}, ${view.state.label}, ${view.kind.title}`;
    return "";
  }

  function update() {
    const { image } = view;
    if (image !== seen) app.problem = store.packet(image) ? "" : store.failed.get(image)?.text;
    seen = image;
    if (!store.packet(image)) store.ask(image);
    else for (const step of [1, 2, -1]) store.ask(view.neighbour(step));
    for (const part of parts) part.update();
  }

  const late = () => (store.packet(view.image) ? "" : store.missing(view.image));
  const resize = () => parts.forEach((part) => part.resize?.());
  return { view, update, say, late, resize, nodes: [header, strip.node, h("div", { class: "wb-main" }, list.node, centre), more.node], over: [app.help.node], close: bench.close };
}

export function render(place) {
  return frame(place, "Attention explorer", (model) => new Store(model), build);
}

export default { render };
