// The images that change sides for the chosen label, by the last change or since the reference, nearest to the threshold first.
import { h, select, setText, stateIcon } from "./dom.js";
import { sigmoid } from "./decisions.js";
import { firstAt } from "./sortedscores.js";
import { limitOf, thresholdText } from "./rates.js";

const SHOWN_FLIPS = 24;
const GROUPS_DOWN = [["found", "TP", "Now found (FN → TP)"], ["alarms", "FP", "New false alarms (TN → FP)"], ["unclear", "unknown", "Now predicted, truth unknown"]];
const GROUPS_UP = [["found", "FN", "Now missed (TP → FN)"], ["alarms", "TN", "False alarms gone (FP → TN)"], ["unclear", "unknown", "No longer predicted, truth unknown"]];

// {found, alarms, unclear: {count, images}}, the images of each as far as `most`.
function flipped(store, label, before, now, strict, most) {
  const { order, rising } = store.measured.order(label);
  const [low, high] = [Math.min(before, now), Math.max(before, now)];
  const [from, end] = [firstAt(rising, low, strict), firstAt(rising, high, strict)];
  const groups = { found: { count: 0, images: [] }, alarms: { count: 0, images: [] }, unclear: { count: 0, images: [] } };
  const { targets } = store.measured;
  const start = label * store.count;
  for (let step = 0; step < end - from; step++) {
    const image = order[now < before ? from + step : end - 1 - step];
    const target = targets[start + image];
    const group = groups[target === 1 ? "found" : target === 0 ? "alarms" : "unclear"];
    if (group.count < most) group.images.push(image);
    group.count += 1;
  }
  return groups;
}

export function flips(app) {
  const { store, view } = app;
  const title = h("h3");
  const words = h("p", { class: "wb-soft" });
  const chosen = h("p", { class: "wb-soft wb-picked" });
  const since = select("Flips since", [["change", "by the last change"], ["reference", `compared with ${store.reference}`]], (value) => view.set({ since: value }));
  const lists = ["found", "alarms", "unclear"].map((key) => {
    const head = h("h4");
    const tiles = h("div", { class: store.pictures ? "wb-grid" : "wb-ids" });
    const more = h("button", { class: "wb-link", onclick: () => { most += SHOWN_FLIPS; app.update(); } }, "more");
    return { key, head, tiles, more, drawn: "", node: h("section", { class: `wb-flip-${key}` }, head, tiles, more) };
  });
  const node = h("section", { class: "wb-flips", "aria-label": "Images that flip" }, h("div", { class: "wb-flip-head" }, title, since), words, lists.map((list) => list.node), chosen);
  let most = SHOWN_FLIPS;
  let label = -1;

  const scoreOf = (image) => sigmoid(store.measured.scores[view.label * store.count + image]).toFixed(3);

  function tile(image) {
    const id = store.ids[image];
    const current = String(id === view.state.image);
    const choose = () => view.set({ image: id });
    if (!store.pictures) return h("button", { class: "wb-chipless", "aria-current": current, onclick: choose }, `${id} · ${scoreOf(image)}`);
    const url = store.thumbnails.get(image);
    return h("button", { class: "wb-tile", title: id, "aria-label": `Image ${id}, ${scoreOf(image)}`, "aria-current": current, onclick: choose }, url ? h("img", { src: url, alt: "" }) : h("span", { class: "wb-blank" }), h("span", { class: "wb-name" }, scoreOf(image)));
  }

  function update() {
    if (label !== view.label) most = SHOWN_FLIPS;
    label = view.label;
    const { threshold, state } = view;
    const before = view.compared(label);
    const groups = flipped(store, label, limitOf(before), limitOf(threshold), view.convention.strict, most);
    const total = lists.reduce((sum, { key }) => sum + groups[key].count, 0);
    setText(title, `Images that flip for “${state.label}”: ${total.toLocaleString("en")}`);
    since.value = state.since;
    const same = threshold === before;
    const still = state.since === "reference" ? `The threshold stands at ${store.reference}: move it.` : `The last change left this label at ${thresholdText(threshold)}: move it.`;
    setText(words, same ? still : `From ${thresholdText(before)} to ${thresholdText(threshold)}, nearest to the new threshold first.`);
    const shown = [];
    lists.forEach((list, place) => {
      const group = groups[list.key];
      const [, sign, text] = (threshold > before ? GROUPS_UP : GROUPS_DOWN)[place];
      list.node.hidden = same || (list.key === "unclear" && !group.count);
      if (list.node.hidden) return;
      shown.push(...group.images);
      const headKey = `${sign} ${text}`;
      if (list.head.dataset.key !== headKey) list.head.replaceChildren(stateIcon(sign), ` ${text}: `, h("span"));
      list.head.dataset.key = headKey;
      setText(list.head.lastChild, group.count.toLocaleString("en"));
      list.more.hidden = group.images.length === group.count;
      const key = `${label} ${state.image} ${group.images.map((image) => `${image}${store.thumbnails.get(image) ? "" : "?"}`).join()}`;
      if (key !== list.drawn) list.tiles.replaceChildren(...group.images.map(tile));
      list.drawn = key;
    });
    store.askThumbnails(shown);
    const image = store.places.get(state.image);
    const target = store.measured.targets[label * store.count + image];
    setText(chosen, `Image in view: ${state.image}, “${state.label}” ${scoreOf(image)}, ${target === 1 ? "present" : target === 0 ? "not present" : "truth unknown"}.`);
  }
  return { node, update };
}
