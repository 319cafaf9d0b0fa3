// What a score is made of: its addends one after the other, each from where the last one ended, down to the score itself.
import { h, number, setText } from "./dom.js";
import { sigmoid } from "./decisions.js";
import { STYLE } from "./style.js";

export function partsChart(app) {
  const { store, view } = app;
  const body = h("tbody");
  const caption = h("caption");
  const node = h("div", { class: "wb-parts" }, h("table", {}, caption, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "part"), h("th", { scope: "col" }, "adds"), h("td"))), body));
  let rows = [];
  let made = -1;
  const colours = STYLE.palettes[STYLE.signed_palette];

  function makeRow(title, meaning, total) {
    const value = h("td", { class: "wb-score" });
    const bar = h("span", { class: "wb-piece" });
    const zero = h("span", { class: "wb-zero" });
    const name = h("th", { scope: "row", title: meaning }, title);
    return { node: h("tr", { class: total ? "wb-total" : null }, name, value, h("td", { "aria-hidden": "true" }, h("div", { class: "wb-run" }, zero, bar))), value, bar, zero };
  }

  function make() {
    const { member } = view;
    const kind = member.logits.find(({ name }) => name === member.decomposes);
    rows = [...member.parts.map((part) => makeRow(part.title, part.meaning, false)), makeRow(`= ${kind.title}`, kind.meaning, true)];
    body.replaceChildren(...rows.map((row) => row.node));
  }

  function update() {
    const { model, label: name } = view.state;
    const { member } = view;
    if (model !== made) make();
    made = model;
    const at = view.image * store.labels + view.label;
    const values = member.parts.map((part) => store.tables[`parts.${model}.${part.name}`].values[at]);
    const logit = store.logits(model, member.decomposes)[at];
    let run = 0;
    const spans = values.map((value) => [run, (run += value)]);
    spans.push([0, logit]);
    const low = Math.min(0, ...spans.flat());
    const high = Math.max(0, ...spans.flat());
    const share = (value) => (100 * (value - low)) / (high - low || 1);
    spans.forEach(([from, to], place) => {
      const { value, bar, zero } = rows[place];
      setText(value, number(to - from));
      bar.style.left = `${share(Math.min(from, to))}%`;
      bar.style.width = `${Math.max(0.4, share(Math.max(from, to)) - share(Math.min(from, to)))}%`;
      bar.style.background = colours[to >= from ? 8 : 2];
      zero.style.left = `${share(0)}%`;
    });
    setText(caption, `What the score of “${name}” is made of: the parts add up to ${number(logit)}, a probability of ${sigmoid(logit).toFixed(2)}.`);
  }
  return { node, update };
}
