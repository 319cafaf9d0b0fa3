// The attention explorer: puts the panels together and redraws them when the view changes.
import { h, select, setText, stateIcon } from "./dom.js";
import { Store } from "./data.js";
import { View } from "./view.js";
import { gallery } from "./gallery.js";
import { labels, verdict } from "./labels.js";
import { panes } from "./panes.js";
import { spotPanel } from "./spot.js";
import { numbers } from "./numbers.js";
import { stepsPanel } from "./steps.js";
import { influencePanel } from "./influence.js";
import { help } from "./help.js";
import { keyboard } from "./keyboard.js";

const stores = new WeakMap(); // model -> {store, views}: several views of one model share what was fetched
let made = 0;

function storeOf(model) {
  if (!stores.has(model)) stores.set(model, { store: new Store(model), views: 0 });
  const entry = stores.get(model);
  entry.views += 1;
  return entry;
}

function tools(app) {
  const { view } = app;
  const overlays = [["heat", "Heat"], ["contour", "Contour"], ["map", "Map alone"]].map(([value, text]) => h("button", { "data-value": value, onclick: () => view.set({ overlay: value }) }, text));
  const alpha = h("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Strength of the overlay", oninput: () => view.set({ alpha: Number(alpha.value) }) });
  const toggle = (key, text, title) => h("button", { class: "wb-button", title, "data-key": key, onclick: () => view.set({ [key]: !view.state[key] }) }, text);
  const toggles = [
    toggle("grid", "Cells", "The map's own cells, without smoothing (g)"),
    toggle("regions", "Outline", "Where the object of this label really is (r)"),
    toggle("as_seen", "As the model saw it", "The picture at the model's own resolution and shape (v)"),
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
  const NAMES = ["steps", "influence"];
  const bodies = panels.map((panel, place) => h("div", { role: "tabpanel", id: `${app.uid}-panel-${place}`, "aria-labelledby": `${app.uid}-tab-${place}`, hidden: true }, panel.node));
  const node = h("section", { class: "wb-more" }, h("div", { role: "tablist", "aria-label": "More about the answer" }, buttons), bodies);
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

export function render({ model, el }) {
  const entry = storeOf(model);
  const { store } = entry;
  const root = h("div", { class: "wb-explorer", tabindex: "0", role: "region", "aria-label": "Attention explorer" });
  const status = h("p", { class: "wb-status", role: "status", "aria-live": "polite" });
  const app = { store, root, uid: `wb${Date.now().toString(36)}${made++}`, ranking: [] };
  let parts = [];
  let wait = 0;
  let seen = -1;
  app.view = new View(model, store, update);
  const { view } = app;

  app.goTo = (image) => view.set({ image: store.ids[image] });
  app.help = help(app);
  const names = store.models.map((member) => member.name).join(" · ");
  const header = h("header", {}, h("span", { class: "wb-names" }, names), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const [list, ask, toolbar, pictures, spot, trust] = [labels(app), question(app), tools(app), panes(app), spotPanel(app), numbers(app)];
  const strip = gallery(app);
  const more = tabs(app, [stepsPanel(app), influencePanel(app)]);
  parts = [strip, list, ask, toolbar, pictures, spot, trust, more];
  root.append(
    header,
    strip.node,
    h("div", { class: "wb-main" }, list.node, h("div", { class: "wb-centre" }, ask.node, toolbar.node, pictures.node, h("div", { class: "wb-two wb-cards" }, spot.node, trust.node))),
    more.node,
    status,
    app.help.node,
  );
  el.append(root);
  keyboard(app);

  function say() {
    clearTimeout(wait);
    const problem = model.get("status") || app.problem;
    const { image } = view;
    if (problem) setText(status, problem);
    else if (store.packet(image)) setText(status, `Image ${view.state.image}, ${view.state.label}, ${view.kind.title}`);
    else if (store.waiting(image) > 400) setText(status, "Waiting for the kernel, which may be busy with another cell.");
    else wait = setTimeout(say, 450);
    status.classList.toggle("wb-problem", Boolean(problem));
  }

  function update() {
    try {
      const { image } = view;
      if (image !== seen) app.problem = store.packet(image) ? "" : store.failed.get(image)?.text;
      seen = image;
      if (!store.packet(image)) store.ask(image);
      else for (const step of [1, 2, -1]) store.ask(view.neighbour(step));
      for (const part of parts) part.update();
    } catch (error) {
      app.problem = `The explorer could not draw this: ${error.message}`;
      console.error(error);
    }
    say();
  }

  const forget = store.listen((what, value) => {
    if (what === "error") app.problem = value;
    if (what !== "image" || value === view.image) update();
  });
  const onStatus = () => say();
  model.on("change:status", onStatus);
  // Sizes and theme colours are read here, when they change, and not while drawing: reading them makes the browser lay out the page.
  function measure() {
    const { color, fontFamily } = getComputedStyle(root);
    app.look = { color, fontFamily, accent: getComputedStyle(root.querySelector(".wb-question em")).color };
    for (const part of parts) part.resize?.();
    update();
  }
  app.measure = measure;
  const observer = new ResizeObserver(measure);
  observer.observe(root);
  const themes = new MutationObserver(measure);
  themes.observe(document.body, { attributes: true });
  measure();

  return () => {
    observer.disconnect();
    themes.disconnect();
    forget();
    clearTimeout(wait);
    model.off("change:status", onStatus);
    view.close();
    root.remove();
    entry.views -= 1;
    if (!entry.views) {
      store.close();
      stores.delete(model);
    }
  };
}

export default { render };
