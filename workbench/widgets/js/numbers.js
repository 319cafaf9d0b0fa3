// What was measured about the maps, for the chosen label and for all labels. Measures come by name: new ones appear without new code.
import { STYLE } from "./style.js";
import { h, number } from "./dom.js";

const share = (value) => (typeof value === "number" ? value.toFixed(2).replace("-", "−") : "–");
const isRow = (entry) => entry && typeof entry === "object" && !Array.isArray(entry);

export function numbers(app) {
  const { view } = app;
  const body = h("div");
  const node = h("section", { class: "wb-card wb-numbers" }, h("h3", {}, "How far can the map be trusted?"), body);
  let drawn = "";
  let opened = false;

  const known = (name) => STYLE.measures[name] || { title: name.replaceAll("_", " "), meaning: "" };

  // One cell: the label's number and the mean of all labels, or a verdict in a word. A mark in the bar is the best map of the same grid.
  function cell(entry, best) {
    if (!isRow(entry)) return h("td", {}, h("span", { class: "wb-soft" }, "–"));
    if (entry.verdict) {
      const values = Object.entries(entry).filter(([, value]) => typeof value === "number");
      const text = values.map(([name, value]) => `${name.replaceAll("_", " ")} ${number(value)}`).join(", ");
      return h("td", { title: text }, h("strong", {}, entry.verdict), h("span", { class: "wb-soft" }, ` ${share(values[0]?.[1])} / ${share(entry.baseline)}`));
    }
    const own = entry.per_label?.[view.state.label];
    const bar = h("span", { class: "wb-bar" });
    bar.style.width = `${100 * Math.min(1, Math.max(0, own || 0))}%`;
    const top = best?.per_label?.[view.state.label];
    const mark = typeof top === "number" ? h("i", { class: "wb-ceiling" }) : null;
    if (mark) mark.style.left = `${100 * top}%`;
    const words = [h("strong", {}, share(own)), h("span", { class: "wb-soft" }, ` ${share(entry.overall)}`)];
    return h("td", { title: mark ? `${entry.ceiling}: ${share(top)} ${share(best.overall)}` : null }, words, h("span", { class: "wb-track" }, bar, mark));
  }

  function table(member, measures) {
    const rows = [...new Set(measures.flatMap(([, entries]) => Object.keys(entries).filter((key) => isRow(entries[key]))))];
    const titles = new Map(member.kinds.map((kind) => [kind.name, kind.title]));
    const head = measures.map(([name]) => h("th", { scope: "col" }, known(name).title));
    const line = (key) =>
      h(
        "tr",
        { class: titles.has(key) ? (key === view.state.map ? "wb-chosen" : null) : "wb-reference" },
        h("th", { scope: "row" }, titles.get(key) || key),
        measures.map(([, entries]) => cell(entries[key], entries[entries[key]?.ceiling])),
      );
    return h("table", {}, h("thead", {}, h("tr", {}, h("td", {}, h("strong", {}, "this label"), h("span", { class: "wb-soft" }, " all labels")), head)), h("tbody", {}, rows.map(line)));
  }

  // The active map against the best map of its grid: this label, all labels, then objects by their size in cells.
  function against(member, measures) {
    const { map, label } = view.state;
    const measured = measures.filter(([, entries]) => isRow(entries[entries[map]?.ceiling]));
    if (!measured.length) return [];
    const of = (pick) =>
      measured.map(([, entries]) => {
        const [own, best] = [entries[map], entries[entries[map].ceiling]].map(pick);
        const part = best > 0 ? ` (${Math.round((100 * own) / best)} %)` : "";
        const beside = typeof own === "number" && typeof best === "number" ? ` of ${share(best)}${part}` : "";
        return h("td", {}, h("strong", {}, share(own)), h("span", { class: "wb-soft" }, beside));
      });
    const first = measured[0][1][map];
    const rows = [["this label", (entry) => entry.per_label?.[label]], ["all labels", (entry) => entry.overall]];
    for (const [size, { n }] of Object.entries(measured[0][1][first.ceiling].by_size)) rows.push([`${size}, n = ${n}`, (entry) => entry.by_size?.[size]?.overall]);
    const head = measured.map(([name]) => h("th", { scope: "col" }, known(name).title));
    const body = rows.map(([name, pick]) => h("tr", {}, h("th", { scope: "row" }, name), of(pick)));
    const shares = measured.map(([name, entries]) => {
      const part = entries[map].overall / entries[entries[map].ceiling].overall;
      return `${known(name).title} ${Number.isFinite(part) ? Math.round(100 * part) : "–"} %`;
    });
    const title = `${member.kinds.find((kind) => kind.name === map).title}, share of the ${first.ceiling}: ${shares.join(", ")}`;
    const folded = h("details", { class: "wb-against", open: opened, ontoggle: () => (opened = folded.open) }, h("summary", {}, title));
    folded.append(h("table", {}, h("thead", {}, h("tr", {}, h("td"), head)), h("tbody", {}, body)), h("p", { class: "wb-soft" }, STYLE.best_map.meaning));
    return [folded];
  }

  // One line for each measure: what it says, how many cases it rests on, and what the active map's result means.
  function explain([name, entries]) {
    const entry = entries[view.state.map];
    const count = Object.values(entries).find((each) => isRow(each) && each.n)?.n;
    const meaning = [known(name).meaning, entry?.verdict && entry.meaning ? `Here: ${entry.meaning}.`.replace("..", ".") : "", count ? `n = ${count}.` : ""];
    return [h("dt", {}, known(name).title), h("dd", {}, meaning.filter(Boolean).join(" "))];
  }

  // How an archive gets the best map that was too large for it to be measured when the archive was opened.
  function lacking(entry) {
    if (!isRow(entry) || entry.ceiling) return [];
    return [h("dt", {}, STYLE.best_map.title), h("dd", {}, "Not measured in this archive, which is an older one. Inspect the model again to have it.")];
  }

  // Accuracy and the like: numbers about the label, not about its maps.
  function facts([name, entries]) {
    const parts = [];
    for (const [key, value] of Object.entries(entries)) {
      if (typeof value === "number") parts.push(`${key} ${number(value, 3)}`);
      else if (typeof value === "string") parts.push(`${key} ${value}`);
      else if (isRow(value) && typeof value[view.state.label] === "number") parts.push(`${key} of this label ${number(value[view.state.label], 3)}`);
    }
    return [h("dt", {}, known(name).title), h("dd", {}, parts.join(", "))];
  }

  function update() {
    const { model, map, label } = view.state;
    const key = `${model} ${map} ${label}`;
    if (key === drawn) return;
    drawn = key;
    const { member } = view;
    const measured = Object.entries(member.measurements).filter(([, entries]) => isRow(entries));
    const ofMaps = measured.filter(([, entries]) => Object.values(entries).some((entry) => isRow(entry) && ("overall" in entry || "verdict" in entry)));
    const others = measured.filter((measure) => !ofMaps.includes(measure));
    const parts = ofMaps.length ? [table(member, ofMaps), ...against(member, ofMaps)] : [h("p", { class: "wb-soft" }, "Not measured for this archive.")];
    body.replaceChildren(...parts, h("dl", {}, ofMaps.map(explain), lacking(member.measurements.pointing?.[map]), others.map(facts)));
  }
  return { node, update };
}
