// The labels of the image: predicted, missed and the rest, by score, each with its state, its bar and its steps.
import { h, probability, setRead, setText, stateIcon, svg } from "./dom.js";
import { rankLabels, sigmoid } from "./decisions.js";
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
    const state = view.stateOf(model, label);
    const edited = view.edited?.(model);
    const chance = (place) => (edited ? sigmoid(view.edited(place).after[label]) : store.probability(place, null, image, label));
    const p = chance(model);
    const said = edited ? `${probability(sigmoid(edited.before[label]))} → ${probability(p)}` : probability(p);
    if (icon.dataset.state !== state) {
      icon.dataset.state = state;
      icon.replaceChildren(stateIcon(state));
    }
    const words = STYLE.states[state];
    setRead(row, "aria-label", `${store.categories[label]}, ${said}, ${words.word}`);
    setText(score, said);
    bars.forEach((bar, place) => {
      bar.style.width = `${100 * chance(place)}%`;
      if (bars.length === 1) bar.style.background = words.colour;
    });
    const count = member.logits.length;
    steps.style.display = count > 1 && !edited ? "" : "none";
    const cut = 11 - 10 * member.threshold;
    steps.firstChild.setAttribute("y1", cut);
    steps.firstChild.setAttribute("y2", cut);
    const points = member.logits.map((kind, place) => `${2 + (26 * place) / Math.max(1, count - 1)},${(11 - 10 * store.probability(model, kind.name, image, label)).toFixed(1)}`);
    line.setAttribute("points", points.join(" "));
  }

  function update() {
    const { image, label } = view;
    const { model } = view.state;
    const edited = view.edited?.(model);
    const key = `${image} ${model} ${edited ? view.packet.serial : ""}`;
    if (key !== drawn) {
      drawn = key;
      const [states, logits, place] = edited ? [edited.states, edited.after, 0] : [store.states(model), store.logits(model), image];
      const ranked = rankLabels(states, logits, store.models[model].cut, place, store.labels);
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
  const state = view.stateOf(model, view.label);
  const { word, meaning } = STYLE.states[state];
  const edited = view.edited?.(model);
  if (!edited) return { state, text: `${probability(store.probability(model, null, view.image, view.label))} · ${word}`, meaning };
  const [before, after] = [edited.before[view.label], edited.after[view.label]];
  const { cut } = store.models[model];
  const now = after >= cut ? "predicted" : "not predicted";
  const said = before >= cut === after >= cut ? `still ${now}` : after >= cut ? "now predicted" : "no longer predicted";
  return { state, text: `${probability(sigmoid(before))} → ${probability(sigmoid(after))} · ${state === "unknown" ? said : word}`, meaning: `Before the edits → now. ${meaning}` };
}
