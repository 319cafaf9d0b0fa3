// The embedding explorer: puts the panels together and redraws them when the view changes.
import { h, number, select, setText, stateIcon, svg } from "./dom.js";
import { STYLE } from "./style.js";
import { STATES } from "./decisions.js";
import { PointStore } from "./pointdata.js";
import { PointView } from "./pointview.js";
import { SHAPES } from "./marks.js";
import { CROWD, gradient, lookOf } from "./colouring.js";
import { scatter } from "./scatter.js";
import { player } from "./player.js";
import { pointCard } from "./pointcard.js";
import { imagesPanel, tablePanel } from "./pointlist.js";
import { epochsPanel, separation } from "./separation.js";
import { formPanel } from "./pointform.js";
import { help } from "./help.js";
import { frame } from "./frame.js";
import { POINT_KEYS, POINT_WORDS, pointKeys } from "./pointkeys.js";

const PANELS = ["table", "images", "form", "epochs"];
const LARGEST = 64;
function toolbar(app) {
  const { store, view } = app;
  const names = store.categories.map((name, label) => [name, `${name} (${store.sizes[label].toLocaleString("en")})`]).filter((_, label) => store.sizes[label]);
  const colour = select("Colour by", [["category", "one category against the rest"], ["state", "the decision about"], ["number", "a number"]], (value) => view.set({ colour: value }));
  const category = select("Category in colour", names, (value) => view.set({ category: value }));
  const which = select("Number in colour", store.numbers.map(({ name, title }) => [name, title]), (value) => view.set({ number: value }));
  const projection = select("Projection", store.projections.map(({ name, title }) => [name, title]), (value) => view.set({ projection: value }));
  const tools = [["point", "Point"], ["lasso", "Lasso"], ["rectangle", "Rectangle"]].map(([value, text]) => h("button", { "data-value": value, onclick: () => view.set({ tool: value }) }, text));
  const combine = select("What a selection does", [["replace", "selects anew"], ["add", "adds (Shift)"], ["remove", "takes away (Alt)"], ["keep", "keeps what both hold"]], (value) => view.set({ combine: value }));
  const clear = h("button", { class: "wb-button", title: "Esc", onclick: () => view.pickWhere(() => false, "replace") }, "Select nothing");
  const zooms = [["−", "Further away (−)", () => app.zoomBy(1 / 1.5)], ["+", "Closer (+)", () => app.zoomBy(1.5)], ["All", "All points (0)", () => view.set({ zoom: null })]].map(([text, title, onclick]) => h("button", { title, "aria-label": title, onclick }, text));
  const about = h("p", { class: "wb-soft wb-about" });
  const node = h(
    "div",
    { class: "wb-bars" },
    h("div", { class: "wb-tools", role: "group", "aria-label": "What is shown" }, h("label", {}, "Colour by ", colour), category, which, h("label", {}, "Projection ", projection)),
    h("div", { class: "wb-tools", role: "group", "aria-label": "Selecting" }, h("span", { class: "wb-segments" }, tools), combine, clear, h("span", { class: "wb-segments" }, zooms)),
  );
  function update() {
    const { state } = view;
    colour.value = state.colour;
    category.value = state.category;
    which.value = state.number;
    which.hidden = state.colour !== "number";
    category.hidden = state.colour === "number";
    projection.value = state.projection;
    combine.value = state.combine;
    clear.disabled = !view.places.length;
    for (const button of tools) button.setAttribute("aria-pressed", String(button.dataset.value === state.tool));
    const { title, meaning } = store.projection(state.projection);
    const sample = store.stored > store.count ? `A random sample of ${store.count.toLocaleString("en")} of ${store.stored.toLocaleString("en")} points. ` : "";
    setText(about, `${sample}${title}: ${meaning || "a projection of the features to the plane."} The axes have no unit, and distances in the plane are not those of the full space.`);
  }
  return { node, about, update };
}

// What the marks mean; each entry selects its points.
function legend(app) {
  const { store, view } = app;
  const node = h("div", { class: "wb-marks", role: "group", "aria-label": "Legend" });
  let shown = "";
  const diamond = (shape, fill) => svg("svg", { viewBox: "0 0 12 12", class: "wb-icon", "aria-hidden": "true" }, svg("path", { d: shape, fill }));
  const entry = (icon, text, test) => h("button", { class: "wb-mark", title: "Select these points", onclick: () => view.pickWhere(test) }, icon, ` ${text}`);
  function update() {
    const { colour, category, number: name, model } = view.state;
    const key = `${colour} ${category} ${name} ${model} ${app.look.accent} ${app.look.rest}`;
    if (key === shown) return;
    shown = key;
    const { column } = view;
    if (colour === "category") {
      const own = (point) => store.labelOf[point] === column;
      node.replaceChildren(entry(diamond(SHAPES.chosen, app.look.accentText), `${category} (${store.sizes[column].toLocaleString("en")})`, own), entry(diamond(SHAPES.rest, `rgb(${app.look.rest})`), "all others", (point) => !own(point)));
    } else if (colour === "state") {
      const table = store.tables[`states.${model}`].values;
      const found = new Int32Array(STATES.length);
      for (let i = 0; i < store.count; i++) found[table[store.imageOf[i] * store.labels + column]] += 1;
      const states = STATES.filter((_, state) => found[state]);
      node.replaceChildren(h("span", { class: "wb-soft" }, `“${category}” in the picture of the point is`), ...states.map((state) => entry(stateIcon(state), `${STYLE.states[state].word} (${found[STATES.indexOf(state)].toLocaleString("en")})`, (point) => store.stateOf(model, point, column) === STATES.indexOf(state))));
    } else {
      const { title, meaning, range } = store.describe(name);
      const bar = h("i");
      bar.style.backgroundImage = gradient;
      node.replaceChildren(h("span", { title: meaning }, title), h("span", { class: "wb-scale" }, h("span", {}, number(range[0])), bar, h("span", {}, number(range[1]))), h("span", { class: "wb-soft" }, meaning));
    }
  }
  return { node, update };
}

function tabs(app, panels) {
  const { view } = app;
  const buttons = panels.map((panel, place) => h("button", { role: "tab", id: `${app.uid}-tab-${place}`, "aria-controls": `${app.uid}-panel-${place}`, onclick: () => view.set({ panel: PANELS[place] }) }, panel.title));
  const bodies = panels.map((panel, place) => h("div", { role: "tabpanel", id: `${app.uid}-panel-${place}`, "aria-labelledby": `${app.uid}-tab-${place}` }, panel.node));
  const node = h("section", { class: "wb-more" }, h("div", { role: "tablist", "aria-label": "The points in other ways" }, buttons), bodies);
  app.nextTab = (step) => {
    const to = (PANELS.indexOf(view.state.panel) + step + PANELS.length) % PANELS.length;
    view.set({ panel: PANELS[to] });
    buttons[to].focus({ preventScroll: true });
  };
  function update() {
    PANELS.forEach((name, place) => {
      const active = name === view.state.panel;
      buttons[place].setAttribute("aria-selected", String(active));
      buttons[place].tabIndex = active ? 0 : -1;
      bodies[place].hidden = !active;
      if (active) panels[place].update();
    });
  }
  return { node, update };
}

function build(app, model) {
  const { store, root } = app;
  root.classList.add("wb-embedding");
  app.view = new PointView(model, store, app.update);
  const { view } = app;
  let later = 0;

  app.help = help(app, POINT_WORDS, POINT_KEYS);
  app.pointAt = (point) => {
    if (point === view.hover) return;
    view.hover = point;
    for (const plot of plots) plot.drawOver();
    card.update();
  };
  const within = (value) => Math.min(1, Math.max(0, value));
  app.zoomBy = (factor, [x, y] = (view.state.zoom || [0.5, 0.5])) => {
    const [cx, cy, scale] = view.state.zoom || [0.5, 0.5, 1];
    const next = Math.min(LARGEST, Math.max(1, scale * factor));
    const keep = scale / next; // the place under the pointer stays where it is
    view.set({ zoom: next === 1 ? null : [within(x + (cx - x) * keep), within(y + (cy - y) * keep), next] });
  };
  app.panBy = (right, up) => {
    const [cx, cy, scale] = view.state.zoom || [0.5, 0.5, 1];
    if (scale > 1) view.set({ zoom: [within(cx + (0.2 * right) / scale), within(cy + (0.2 * up) / scale), scale] });
  };
  app.play = () => {
    for (const plot of plots) plot.play();
    app.player.update();
  };

  const names = store.models.map((member) => member.name).join(" · ");
  const header = h("header", {}, h("span", { class: "wb-names" }, names), h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const plots = store.models.map((_, place) => scatter(app, place));
  const [bars, marks, card, numbers] = [toolbar(app), legend(app), pointCard(app), separation(app)];
  app.player = player(app);
  const more = tabs(app, [tablePanel(app), imagesPanel(app), formPanel(app), epochsPanel(app)]);
  const centre = h("div", { class: "wb-centre" }, marks.node, h("div", { class: "wb-plots" }, plots.map((plot) => plot.node)), app.player.node, bars.about);
  const nodes = [header, bars.node, h("div", { class: "wb-field" }, centre, card.node), numbers.node, more.node];
  pointKeys(app);

  function update() {
    app.problem = store.problem;
    for (const part of [bars, marks, ...plots, app.player, card, numbers]) part.update();
    cancelAnimationFrame(later);
    if (store.count > CROWD) later = requestAnimationFrame(() => more.update()); // the plot first, its list in the next frame
    else more.update();
  }

  function say() {
    const chosen = view.places.length ? `${view.places.length.toLocaleString("en")} selected` : "none selected";
    const { point } = view;
    return `Point ${store.idOf(point)}, ${store.nameOf(point)}: probability ${number(store.number(view.state.model, "probability", 0)[point])}; ${chosen}`;
  }

  const late = () => store.missing(view.state.projection);

  function resize() {
    app.look = lookOf(root, app.look.accent);
    for (const plot of plots) plot.resize();
  }

  function close() {
    cancelAnimationFrame(later);
    app.player.close();
  }
  return { view, nodes, over: [app.help.node], update, resize, say, late, close };
}

export function render(place) {
  return frame(place, "Embedding explorer", (model) => new PointStore(model), build);
}

export default { render };
