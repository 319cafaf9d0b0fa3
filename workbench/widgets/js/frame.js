// What every explorer needs around its panels: one store for all views of a model, sizes and colours read when they change, a status line.
import { expectNames, h, setText } from "./dom.js";
import { settle } from "./host.js";

const stores = new WeakMap(); // model -> {store, views}: several views of one model share what was fetched

function enter(model, make) {
  if (!stores.has(model)) stores.set(model, { store: make(model), views: 0 });
  const entry = stores.get(model);
  entry.views += 1;
  return entry.store;
}

function leave(model) {
  const entry = stores.get(model);
  entry.views -= 1;
  if (entry.views) return;
  entry.store.close();
  stores.delete(model);
}

// Show `build(app, model)` -> {view, nodes, over, update(), resize(), say(), close()} in `el`, the last of them and `over` optional, on the
// data of `make(model)`; returns the function that takes it away again. `late()` says what is missing and why, or "".
// `app` gets store, root, uid, look (theme colours); `say` gives the status line's text, or "" to be asked again soon.
export function frame({ model, el }, name, make, build) {
  const store = enter(model, make);
  expectNames([...(store.categories || []), ...(store.ids || []), ...(store.models || []).map((each) => each.name ?? each)]);
  const root = h("div", { class: "wb-explorer", tabindex: "0", role: "region", "aria-label": name });
  const status = h("p", { class: "wb-status", role: "status", "aria-live": "polite" });
  const app = { store, root, uid: `wb${Math.random().toString(36).slice(2)}`, problem: "" };
  let wait = 0;

  function say() {
    clearTimeout(wait);
    const late = shown.late?.() || (store.lost ? store.late("", "new data") : "");
    const problem = model.get("status") || app.problem || (store.lost ? late : "");
    const text = problem || late || shown.say();
    if (text) setText(status, text);
    if (late || !text) wait = setTimeout(late ? update : say, 450);
    status.classList.toggle("wb-problem", Boolean(problem));
  }

  function update() {
    try {
      shown.update();
    } catch (error) {
      app.problem = `The explorer could not draw this: ${error.message}`;
      console.error(error);
    }
    say();
  }

  // Sizes and theme colours are read here, when they change, and not while drawing: reading them makes the browser lay out the page.
  function measure() {
    const { color, fontFamily } = getComputedStyle(root);
    const ink = root.querySelector("em");
    app.look = { color, fontFamily, accent: getComputedStyle(ink).color };
    shown.resize();
    update();
  }
  app.measure = measure;
  app.update = update;
  const shown = build(app, model);
  root.append(...shown.nodes, status, ...(shown.over || []));
  el.append(root);
  const forget = store.listen((what, value) => {
    if (what === "error") app.problem = value;
    if (what !== "image" || value === shown.view.image) update();
  });
  model.on("change:status", say);
  const leavePage = settle(root, el, model, measure);
  return () => {
    leavePage();
    forget();
    clearTimeout(wait);
    model.off("change:status", say);
    shown.close?.();
    shown.view.close();
    root.remove();
    leave(model);
  };
}
