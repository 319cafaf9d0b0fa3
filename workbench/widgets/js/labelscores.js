// Average precision of each label after the last epoch, how it changed, and its course in small.
import { h, select, setText, svg } from "./dom.js";
import { ORDERS_OF_LABELS } from "./monitorview.js";
import { percentText, signed } from "./runstate.js";

const SPARK = { width: 72, height: 16, points: 60 };

export function labelScores(app) {
  const { store, view } = app;
  const sort = select("Order of the labels", Object.entries(ORDERS_OF_LABELS), (value) => view.set({ sort: value }));
  const body = h("tbody");
  const heads = [["label", ""], ["AP, %", "Average precision on the validation images after the last epoch"], ["change", "Since the epoch before, in points"], ["course", "Over all epochs"]];
  const head = h("thead", {}, h("tr", {}, heads.map(([text, title]) => h("th", { scope: "col", title: title || null }, text))));
  const list = h("div", { class: "wb-scores-list", tabindex: "0", role: "region", "aria-label": "Average precision by label" }, h("table", {}, head, body));
  const empty = h("p", { class: "wb-soft" }, "Scores stand here after the first epoch.");
  const node = h("section", { class: "wb-label-scores", "aria-label": "Labels" }, h("div", { class: "wb-tools" }, h("h3", {}, "Labels"), h("label", {}, "Order ", sort)), empty, list);
  let rows = [];
  let built = "";
  let filled = "";

  function makeRow(name) {
    const button = h("button", { class: "wb-link wb-name", title: name, tabindex: "-1", onclick: () => view.set({ label: name }) }, name);
    const [score, change, course] = [h("td", { class: "wb-score" }), h("td", { class: "wb-score" }), h("td", {})];
    return { node: h("tr", {}, h("th", { scope: "row" }, button), score, change, course), button, score, change, course };
  }

  // The label's AP over the epochs, from 0 to 100 %.
  function spark(label) {
    const count = Math.min(store.rows, SPARK.points);
    const at = (i) => (count > 1 ? Math.round((i * (store.rows - 1)) / (count - 1)) : 0);
    const points = Array.from({ length: count }, (_, i) => [2 + ((SPARK.width - 4) * i) / Math.max(1, count - 1), store.ap(at(i), label)]).filter(([, value]) => Number.isFinite(value));
    const line = points.map(([x, value]) => `${x.toFixed(1)},${(SPARK.height - 2 - (SPARK.height - 4) * value).toFixed(1)}`).join(" ");
    return svg("svg", { width: SPARK.width, height: SPARK.height, class: "wb-spark", "aria-hidden": "true" }, svg("polyline", { points: line }));
  }

  function update() {
    const names = JSON.stringify(store.categories);
    if (names !== built) {
      built = names;
      filled = "";
      rows = store.categories.map(makeRow);
    }
    empty.hidden = rows.length > 0;
    list.hidden = !rows.length;
    sort.value = view.state.sort;
    const key = `${names} ${store.rows} ${view.state.sort} ${view.state.label}`;
    if (key === filled) return;
    filled = key;
    app.order = view.order;
    rows.forEach((row, label) => {
      setText(row.score, percentText(view.ap(label)));
      const change = view.change(label);
      setText(row.change, signed(change));
      row.change.dataset.way = change > 0.0005 ? "up" : change < -0.0005 ? "down" : "";
      row.course.replaceChildren(spark(label));
      const chosen = label === view.label;
      row.node.classList.toggle("wb-chosen", chosen);
      row.button.tabIndex = chosen ? 0 : -1;
      row.button.setAttribute("aria-current", String(chosen));
    });
    body.replaceChildren(...app.order.map((label) => rows[label].node));
    const chosen = rows[view.label]?.node;
    if (!chosen) return;
    if (chosen.offsetTop < list.scrollTop + 24) list.scrollTop = Math.max(0, chosen.offsetTop - 24);
    else if (chosen.offsetTop + chosen.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = chosen.offsetTop + chosen.offsetHeight - list.clientHeight;
  }
  return { node, update };
}
