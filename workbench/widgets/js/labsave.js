// The thresholds in view as the JSON file that `workbench evaluate --thresholds` takes. ThresholdLab.thresholds says the same in Python.
import { h } from "./dom.js";

// {schema, categories, thresholds, criterion, split}: some that were moved by hand count as chosen on the images in view.
export function thresholdFile({ store, state }) {
  const words = new Map();
  const splits = [];
  for (const origin of state.origins) {
    const [kind, ...text] = origin.split(": ");
    const word = { reference: `${store.reference}, not chosen`, hand: "by hand" }[kind] || text.join(": ");
    words.set(word, (words.get(word) || 0) + 1);
    if (kind !== "reference") splits.push({ hand: store.name, loaded: state.loaded_split }[kind] || store.chosen_on);
  }
  const named = [...words].map(([word, count]) => (words.size === 1 ? word : `${word} (${count} label${count > 1 ? "s" : ""})`));
  const split = splits.includes(store.name) ? store.name : splits[0] || store.chosen_on;
  return { schema: 1, categories: store.categories, thresholds: state.thresholds, criterion: named.join(", "), split };
}

export function download(name, value) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(value, null, 1)}\n`], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
