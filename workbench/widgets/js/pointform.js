// The same selections as lasso and rectangle, and more, by a form.
import { h, number, select, setText } from "./dom.js";
import { wishTest } from "./choosing.js";

export function formPanel(app) {
  const { store, view } = app;
  const category = select("Category of the points", [["", "any category"], ...store.categories.map((name) => [name, name])], () => count());
  const state = select("Decision about the points", [["", "any decision"], ["TP", "found (TP)"], ["FN", "missed (FN)"]], () => count());
  const other = select("Another number", store.numbers.filter(({ name }) => name !== "probability").map(({ name, title }) => [name, title]), () => (hints(), count()));
  const fields = { probability: ends("Probability"), other: ends("Number"), x: ends("x in the plane"), y: ends("y in the plane") };
  const told = h("span", { class: "wb-count", "aria-live": "polite" });
  const where = h("p", { class: "wb-soft" });
  const line = (title, field) => h("div", { class: "wb-range" }, h("span", {}, title), field.low, h("span", {}, "to"), field.high);
  const node = h(
    "form",
    { class: "wb-form", onsubmit: (event) => (event.preventDefault(), apply()) },
    h("div", { class: "wb-range" }, h("span", {}, "Points of"), category, h("span", {}, "that are"), state),
    line("Probability from", fields.probability),
    h("div", { class: "wb-range" }, other, h("span", {}, "from"), fields.other.low, h("span", {}, "to"), fields.other.high),
    line("x from", fields.x),
    line("y from", fields.y),
    where,
    h("div", { class: "wb-range" }, h("button", { class: "wb-button", type: "submit" }, "Select these points"), h("button", { class: "wb-button", type: "reset" }, "Empty the form"), told),
  );
  node.addEventListener("reset", () => setTimeout(count));
  let shown = "";

  function ends(title) {
    const make = (end) => h("input", { type: "text", inputmode: "decimal", size: 7, "aria-label": `${title}, ${end}`, oninput: () => count() });
    return { low: make("from"), high: make("to") };
  }

  function valueOf(input) {
    const text = input.value.trim().replace("−", "-").replace(",", ".");
    const value = Number(text);
    const wrong = text !== "" && !Number.isFinite(value);
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (wrong) throw new Error(`“${input.value}” is no number; write one such as 0.25, or nothing.`);
    return text === "" ? null : value;
  }

  function wish() {
    const ranges = { probability: range("probability"), x: range("x"), y: range("y") };
    if (other.value) ranges[other.value] = range("other");
    return { category: category.value, state: state.value, ranges };
  }
  const range = (name) => [valueOf(fields[name].low), valueOf(fields[name].high)];

  function found() {
    const test = wishTest(app, wish());
    const mask = new Uint8Array(store.count);
    let total = 0;
    for (let i = 0; i < mask.length; i++) if (test(i)) total += mask[i] = 1;
    return { mask, total };
  }

  function attempt(act) {
    try {
      act();
    } catch (error) {
      setText(told, error.message);
    }
  }
  const count = () => attempt(() => setText(told, `${found().total.toLocaleString("en")} points`));
  const apply = () => attempt(() => {
    const { mask, total } = found();
    setText(told, `${total.toLocaleString("en")} points`);
    view.pick(mask);
  });

  function hints() {
    const [x0, y0, x1, y1] = store.projection(view.state.projection).extents[view.state.model];
    const set = (field, low, high) => {
      field.low.placeholder = number(low);
      field.high.placeholder = number(high);
    };
    set(fields.x, x0, x1);
    set(fields.y, y0, y1);
    set(fields.probability, 0, 1);
    if (other.value) set(fields.other, ...store.describe(other.value).range);
  }

  function update() {
    const { projection, model } = view.state;
    const key = `${projection} ${model} ${view.epoch} ${Boolean(store.layers.get(projection))}`;
    if (key === shown) return;
    shown = key;
    hints();
    setText(where, `Decisions, numbers and places are those of ${store.models[model].name}; x and y are in ${store.projection(projection).title} at ${view.epochTitle(model)}.`);
    count();
  }
  return { node, update, title: "Select by a form" };
}
