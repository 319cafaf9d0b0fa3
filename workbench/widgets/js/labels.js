// The labels of the image: predicted, missed and the rest, by score, each with its state, its bar and its steps.
import { h, probability, setText, stateIcon, svg } from "./dom.js";
import { STATES, rankLabels, sigmoid } from "./decisions.js";
import { STYLE } from "./style.js";

const GROUPS = [
  ["predicted", "Predicted"],
  ["missed", "Missed"],
  ["rest", "Not predicted"],
];

export function labels(app) {
  const { store, view } = app;
  const list = h("div", { class: "wb-list", role: "listbox", tabindex: "0", "aria-label": "Labels of this image" });
  const node = h("section", { class: "wb-labels", "aria-label": "Labels" }, list);
  const rows = store.categories.map(makeRow);
  const groups = GROUPS.map(([key, title]) => {
    const count = h("span", { class: "wb-soft" });
    return { key, count, node: h("div", { role: "group", "aria-label": title }, h("div", { class: "wb-group", "aria-hidden": "true" }, title, " ", count)) };
  });
  list.append(...groups.map((group) => group.node));
  let drawn = "";
  let chosen = -1;
  let pending = 0;

  function makeRow(name, label) {
    const icon = h("span", { class: "wb-state" });
    const score = h("span", { class: "wb-score" });
    const bars = store.models.map((_, place) => h("span", { class: "wb-bar", style: null, "data-model": place }));
    bars.forEach((bar, place) => {
      if (bars.length > 1) bar.style.background = STYLE.models[place];
    });
    const line = svg("polyline", { fill: "none", stroke: "currentColor", "stroke-width": "1.4" });
    const steps = svg("svg", { viewBox: "0 0 30 12", class: "wb-steps-small", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 30, class: "wb-cut" }), line);
    const row = h(
      "div",
      { class: "wb-label", role: "option", id: `${app.uid}-label-${label}`, "aria-selected": "false", onclick: () => view.set({ label: name }) },
      icon,
      h("span", { class: "wb-name", title: name }, name),
      steps,
      score,
      h("span", { class: "wb-track" }, bars),
    );
    return { row, icon, score, bars, line, steps };
  }

  function fillRow(label, image, model) {
    const { row, icon, score, bars, line, steps } = rows[label];
    const member = store.models[model];
    const state = STATES[store.states(model)[image * store.labels + label]];
    const p = store.probability(model, null, image, label);
    if (icon.dataset.state !== state) {
      icon.dataset.state = state;
      icon.replaceChildren(stateIcon(state));
    }
    const words = STYLE.states[state];
    row.setAttribute("aria-label", `${store.categories[label]}, ${probability(p)}, ${words.word}`);
    setText(score, probability(p));
    bars.forEach((bar, place) => {
      bar.style.width = `${100 * store.probability(place, null, image, label)}%`;
      if (bars.length === 1) bar.style.background = words.colour;
    });
    const count = member.logits.length;
    steps.style.display = count > 1 ? "" : "none";
    const cut = 11 - 10 * member.threshold;
    steps.firstChild.setAttribute("y1", cut);
    steps.firstChild.setAttribute("y2", cut);
    const points = member.logits.map((kind, place) => `${2 + (26 * place) / Math.max(1, count - 1)},${(11 - 10 * store.probability(model, kind.name, image, label)).toFixed(1)}`);
    line.setAttribute("points", points.join(" "));
  }

  function update() {
    const { image, label } = view;
    const { model } = view.state;
    const key = `${image} ${model}`;
    if (key !== drawn) {
      drawn = key;
      const ranked = rankLabels(store.states(model), store.logits(model), store.models[model].cut, image, store.labels);
      app.ranking = [...ranked.predicted, ...ranked.missed, ...ranked.rest];
      for (const { key: name, count, node: group } of groups) {
        setText(count, String(ranked[name].length));
        group.hidden = !ranked[name].length;
        for (const each of ranked[name]) {
          fillRow(each, image, model);
          group.append(rows[each].row);
        }
      }
    }
    if (label !== chosen || list.dataset.key !== key) {
      if (chosen >= 0) rows[chosen].row.setAttribute("aria-selected", "false");
      rows[label].row.setAttribute("aria-selected", "true");
      list.setAttribute("aria-activedescendant", rows[label].row.id);
      chosen = label;
      list.dataset.key = key;
      cancelAnimationFrame(pending);
      pending = requestAnimationFrame(() => reveal(rows[label].row));
    }
  }

  // Bring a row into view inside the list (scrollIntoView would move the whole notebook), when the layout is known anyway.
  function reveal(row) {
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop + 24) list.scrollTop = Math.max(0, top - 24);
    else if (top + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + row.offsetHeight - list.clientHeight;
  }
  return { node, update };
}

// What the model says about the label, as a sentence.
export function verdict(app, model) {
  const { store, view } = app;
  const i = view.image * store.labels + view.label;
  const state = STATES[store.states(model)[i]];
  const p = probability(sigmoid(store.logits(model)[i]));
  return { state, text: `${p} · ${STYLE.states[state].word}`, meaning: STYLE.states[state].meaning };
}
