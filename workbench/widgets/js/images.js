// The images of a pair: with both labels, with one alone, with the other alone; where correlations are shown, those in which the model says
// both and is wrong, or right, and those in which it misses one; and the one that was clicked.
import { h, setRead, setText } from "./dom.js";

const SHOWN_IMAGES = 24;

export function pairImages(app) {
  const { store, view } = app;
  const lists = ["moved", "both", "first", "second"].map((key) => {
    const title = h("h4");
    const chips = h("div", { class: "wb-chips" });
    const more = h("button", { class: "wb-link", onclick: () => { pages[key] += 1; app.update(); } }, "more");
    return { key, title, chips, more, node: h("section", { class: `wb-pair-${key}` }, title, chips, more), drawn: "" };
  });
  const canvas = h("canvas", { class: "wb-picture", role: "img" });
  const caption = h("p", { class: "wb-soft" });
  const left = h("p", { class: "wb-soft" });
  const node = h("div", { class: "wb-two wb-pair" }, h("figure", {}, canvas, caption), h("div", {}, lists.map((list) => list.node), left));
  const pages = { moved: 0, both: 0, first: 0, second: 0 };
  let pair = "";

  function judged() {
    const [a, b] = [view.label, view.other];
    return store.once(`judged ${a} ${b}`, () => {
      const found = { moved: [], both: [], first: [], second: [], unknown: 0 };
      const { values: decided } = store.tables.decided;
      for (let image = 0; image < store.count; image++) {
        const [x, y] = [image * store.labels + a, image * store.labels + b];
        if (store.targets[x] < 0 || store.targets[y] < 0) {
          found.unknown += 1;
          continue;
        }
        const [there, said] = [store.targets[x] === 1 && store.targets[y] === 1, decided[x] === 1 && decided[y] === 1];
        if (said) (there ? found.both : found.first).push(image);
        else if (there) found.second.push(image);
      }
      return found;
    });
  }

  function split() {
    const [a, b] = [view.label, view.other];
    return store.once(`images ${a} ${b}`, () => {
      const found = { moved: store.moved?.[`${a} ${b}`] || [], both: [], first: [], second: [], unknown: 0 };
      for (let image = 0; image < store.count; image++) {
        const [x, y] = [store.targets[image * store.labels + a], store.targets[image * store.labels + b]];
        if ((x === 1 && y < 0) || (y === 1 && x < 0)) found.unknown += 1;
        else if (x === 1 && y === 1) found.both.push(image);
        else if (x === 1) found.first.push(image);
        else if (y === 1) found.second.push(image);
      }
      return found;
    });
  }

  function chip(image) {
    const url = store.thumbnails.get(image);
    return h("button", { class: "wb-chip", title: store.ids[image], "aria-label": `Image ${store.ids[image]}`, "aria-current": String(image === view.image), onclick: () => view.set({ image: store.ids[image] }) }, url ? h("img", { src: url, alt: "" }) : h("span", { class: "wb-blank" }));
  }

  function update() {
    const { label, other } = view.state;
    if (pair !== `${label} ${other} ${view.signed}`) Object.assign(pages, { moved: 0, both: 0, first: 0, second: 0 });
    pair = `${label} ${other} ${view.signed}`;
    const found = view.signed ? judged() : split();
    const names = label === other ? `“${label}”` : `“${label}” and “${other}”`;
    const judgements = { moved: "", both: `${names} there and said`, first: `${names} said, not there`, second: `${names} there, not said` };
    const titles = view.signed ? judgements : { moved: `Where painting over “${label}” moves “${other}” most`, both: label === other ? `With “${label}”` : `With “${label}” and “${other}”`, first: `With “${label}”, without “${other}”`, second: `With “${other}”, without “${label}”` };
    for (const list of lists) {
      const images = found[list.key];
      list.node.hidden = (label === other && list.key !== "both" && !view.signed) || (list.key === "moved" && !images.length);
      const shown = images.slice(0, (pages[list.key] + 1) * SHOWN_IMAGES);
      store.askThumbnails(shown);
      setText(list.title, `${titles[list.key]}: ${images.length} ${images.length === 1 ? "image" : "images"}`);
      list.more.hidden = shown.length === images.length;
      const key = `${pair} ${view.image} ${shown.map((image) => `${image}${store.thumbnails.get(image) ? "" : "?"}`).join()}`;
      if (key !== list.drawn) list.chips.replaceChildren(...shown.map(chip));
      list.drawn = key;
    }
    setText(left, `${found.unknown ? `${found.unknown} ${view.signed ? "are left out: the truth of a label is unknown" : "more have one of the labels and an unknown truth of the other"}. ` : ""}Images are those of this archive.`);
    const packet = store.packet(view.image);
    canvas.hidden = !packet;
    if (!packet) {
      delete canvas.dataset.image;
      setText(caption, store.missing(view.image));
    } else if (canvas.dataset.image !== view.state.image) {
      canvas.dataset.image = view.state.image;
      const [height, width] = store.tables.sizes.values.subarray(2 * view.image, 2 * view.image + 2);
      canvas.width = 480;
      canvas.height = Math.round((480 * height) / width);
      canvas.getContext("2d").drawImage(packet.photo, 0, 0, canvas.width, canvas.height);
      const present = store.categories.filter((_, each) => store.targets[view.image * store.labels + each] === 1).join(", ") || "none of the labels";
      setRead(canvas, "aria-label", `Image ${view.state.image}: ${present}`);
      setText(caption, `${view.state.image}: ${present}`);
    }
  }
  return { node, update };
}
