// The layer view: what each layer adds to the chosen label's score and where, the groups it belongs to, and single channels.
import { valueRange } from "./colormaps.js";
import { cellAt } from "./decisions.js";
import { h, number, select, setChoices, setText } from "./dom.js";
import { drawPane, makePane, mapOf, markPane, sizePanes, strongest } from "./pane.js";
import { partsChart } from "./parts.js";

const WIDEST = 280; // px
const BETWEEN = 12;

// Which share of each coarse cell lies in each fine one, along one axis: [fine][coarse].
function shares(fine, coarse) {
  return Array.from({ length: fine }, (_, i) => Array.from({ length: coarse }, (_, k) => Math.max(0, Math.min(((i + 1) * coarse) / fine, k + 1) - Math.max((i * coarse) / fine, k))));
}

// Maps of several grids added up on the finest one; a cell is spread evenly over its area, so that the total stays.
export function summed(maps) {
  const { rows, columns } = maps.reduce((best, map) => (map.values.length > best.values.length ? map : best));
  const values = new Float32Array(rows * columns);
  for (const map of maps) {
    const [down, across] = [shares(rows, map.rows), shares(columns, map.columns)];
    for (let y = 0; y < rows; y++) {
      for (let r = 0; r < map.rows; r++) {
        if (!down[y][r]) continue;
        for (let x = 0; x < columns; x++) for (let c = 0; c < map.columns; c++) values[y * columns + x] += down[y][r] * across[x][c] * map.values[r * map.columns + c];
      }
    }
  }
  return { values, rows, columns };
}

// Attention of one channel: the softmax over cells of channel times steering, in multiples of an even share.
export function channelAttention({ values, rows, columns }, steer) {
  const out = new Float32Array(values.length);
  let top = -Infinity;
  for (const value of values) top = Math.max(top, value * steer);
  let total = 0;
  for (let p = 0; p < out.length; p++) total += out[p] = Math.exp(values[p] * steer - top);
  for (let p = 0; p < out.length; p++) out[p] *= out.length / total;
  return { values: out, rows, columns };
}

export function layersPanel(app) {
  const { store, view } = app;
  const chart = partsChart(app);
  const ways = h("span", { class: "wb-segments" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Channel", oninput: () => view.set({ channel: Number(slider.value) }) });
  const which = h("span", { class: "wb-score" });
  const group = select("Group", [], (value) => view.set({ group: Number(value) }));
  const channelTools = h("span", { class: "wb-sentence" }, h("label", {}, "channel ", slider, " ", which), h("label", {}, " against group ", group));
  const told = h("p", { class: "wb-soft wb-legend" });
  const grid = h("div", { class: "wb-layers" });
  const place = h("div", { class: "wb-place" });
  const member = h("div", { class: "wb-membership" });
  const head = h("div", { class: "wb-tools", role: "group", "aria-label": "What the layers show" }, ways, channelTools);
  const pictures = h("div", {}, head, grid, told);
  const node = h("div", {}, pictures, h("div", { class: "wb-two wb-made" }, chart.node, h("div", {}, place, member)));
  let rows = []; // rows of panes, each {title, panes}
  let mode = "";
  let drawn = "";
  let width = 0;
  let grouped = "";

  const family = () => view.member.families.find(({ name }) => name === view.state.family) || view.member.families[0];
  const kindOf = (name) => view.member.kinds.find((kind) => kind.name === name);

  function button(text, changes, title, pressed) {
    return h("button", { "aria-pressed": String(pressed), title, onclick: () => view.set(changes) }, text);
  }

  function buildControls() {
    const { families, channels, groups, channel_images } = view.member;
    const single = view.state.channel !== null;
    const again = channel_images.length ? store.ids[channel_images[0]] : "";
    const near = channel_images.includes(view.image) ? {} : { image: again };
    ways.replaceChildren(
      ...families.map((each) => button(each.title, { family: each.name, channel: null }, `Where each layer's ${each.name} part comes from`, !single && each === family())),
      ...(channels ? [button("One channel", { channel: view.state.channel || 0, ...near }, "A raw map, and the attention that the label and its group make of it", single)] : []),
    );
    channelTools.hidden = !single;
    slider.max = Math.max(0, channels - 1);
    setChoices(group, groups.map((name, k) => [String(k), name]));
    group.parentElement.hidden = !groups.length || !store.tables[`steering.${view.state.model}.groups`];
  }

  // The group that is compared: the chosen one, or the one that the label belongs to most.
  function chosenGroup() {
    if (view.state.group !== null) return view.state.group;
    const shares = membership(view.label);
    return shares.indexOf(Math.max(...shares));
  }

  function membership(label) {
    const count = view.member.groups.length;
    return Array.from(store.tables[`membership.${view.state.model}`]?.values.subarray(label * count, (label + 1) * count) || []);
  }

  function buildPanes() {
    const { model } = view.state;
    const line = (title, kinds) => ({ title, panes: kinds.map((kind) => makePane(app, kind, model, kind.choose)) });
    if (view.state.channel === null) {
      const { kinds, total, title } = family();
      const all = kinds.map((name) => ({ ...kindOf(name), choose: { model, map: name } }));
      const whole = total ? { ...kindOf(total), choose: { model, map: total } } : { ...all[0], name: "", title: `${title}, all layers`, choose: null };
      rows = [line("", [...all, whole])];
    } else {
      const layers = view.member.channel_layers;
      const titled = (name) => kindOf(`${family()?.name}.${name}`)?.layer || name;
      const kind = (scale, what) => layers.map((name) => ({ name, scale, sums_to: null, title: titled(name), meaning: "", what, choose: null }));
      rows = [line("raw map", kind("signed", "raw")), line("label", kind("magnitude", "label")), line("group", kind("magnitude", "group"))];
    }
    grid.replaceChildren(...rows.map((row) => h("div", { class: "wb-layer-row", role: "group", "aria-label": row.title || "layers" }, row.title ? (row.heading = h("h4", {}, row.title)) : "", h("div", { class: "wb-row-panes" }, row.panes.map((pane) => pane.node)))));
  }

  // The maps of all panes, in their order; null where nothing is stored.
  function maps(packet) {
    const { model, channel } = view.state;
    const seen = packet.models[model];
    if (channel === null) {
      const layers = family().kinds.map((name) => mapOf(seen.maps[name], view.label));
      const whole = family().total ? mapOf(seen.maps[family().total], view.label) : layers.every(Boolean) ? summed(layers) : null;
      return [[...layers, whole]];
    }
    const raw = view.member.channel_layers.map((name) => {
      const all = seen.channels.get(name);
      const size = all && all.rows * all.columns;
      return all ? { values: all.values.subarray(channel * size, (channel + 1) * size), rows: all.rows, columns: all.columns } : null;
    });
    const by = (table, row) => store.tables[table]?.values[row * view.member.channels + channel];
    const [label, group] = [by(`steering.${model}.labels`, view.label), by(`steering.${model}.groups`, chosenGroup())];
    const attend = (steer) => raw.map((map) => (map && steer !== undefined ? channelAttention(map, steer) : null));
    return [raw, attend(label), attend(group)];
  }

  function draw(packet) {
    const found = maps(packet);
    const single = view.state.channel !== null;
    const tops = new Map();
    const keyOf = (pane) => (view.state.scale === "map" ? pane : pane.kind.scale);
    const all = [];
    found.forEach((line, r) => line.forEach((map, c) => all.push([rows[r].panes[c], map])));
    for (const [pane, map] of all) {
      let top = map ? strongest(map.values) : 0;
      const whole = packet.models[view.state.model].maps[pane.kind.name];
      if (view.state.scale === "labels" && whole && !single) top = whole.strongest = whole.strongest || strongest(whole.values);
      tops.set(keyOf(pane), Math.max(tops.get(keyOf(pane)) || 0, top));
    }
    for (const [pane, map] of all) {
      drawPane(app, pane, packet, map, valueRange(pane.kind, tops.get(keyOf(pane))));
      if (single && !map) setText(pane.missing, "Channels are not stored for this image.");
    }
    if (single) {
      const { groups } = view.member;
      const own = chosenGroup();
      const of = (table, row) => number(store.tables[`steering.${view.state.model}.${table}`]?.values[row * view.member.channels + view.state.channel]);
      setText(rows[1].heading, `attention of “${view.state.label}” (channel × ${of("labels", view.label)})`);
      if (groups.length) setText(rows[2].heading, `attention of ${groups[own]} (channel × ${of("groups", own)})`);
      rows[2].panes[0].node.parentElement.parentElement.hidden = !store.tables[`steering.${view.state.model}.groups`];
    }
  }

  function tell() {
    const { scale, channel, model } = view.state;
    const shared = scale === "map" ? "Each map has its own scale: do not compare colours between maps." : "One scale for all layers; a cell of a coarse layer covers more of the picture.";
    if (channel === null) {
      const kind = kindOf(family().kinds[0]);
      return setText(told, `${kind.meaning} ${shared}`);
    }
    const { channel_images } = view.member;
    const stored = store.packet(view.image)?.models[model].channels.size;
    const names = channel_images.slice(0, 3).map((image) => store.ids[image]).join(", ");
    const where = stored ? "" : `Raw channels are stored for ${channel_images.length} images only: ${names}${channel_images.length > 3 ? " and others" : ""}. `;
    setText(told, `${where}Attention: softmax over the cells of channel times the number above, in multiples of an even share (1: no preference). ${shared}`);
  }

  // What each layer adds at the place under the cursor.
  function fillPlace(packet) {
    const { families } = view.member;
    const { spot } = view;
    if (!spot || !packet) return place.replaceChildren(h("h4", {}, "What each layer adds at a place"), h("p", { class: "wb-soft" }, "Point at a map, or press Enter on it and use the arrow keys."));
    const { maps: stored } = packet.models[view.state.model];
    const cell = (name) => {
      const map = stored[name] && mapOf(stored[name], view.label);
      if (!map) return [null, ""];
      const [row, column] = cellAt(spot, map.rows, map.columns);
      return [map.values[row * map.columns + column], `row ${row + 1}, column ${column + 1} of ${map.rows} × ${map.columns}`];
    };
    const line = (_, layer) => {
      const found = families.map((each) => cell(each.kinds[layer]));
      return h("tr", {}, h("th", { scope: "row" }, kindOf(families[0].kinds[layer]).layer), found.map(([value]) => h("td", { class: "wb-score" }, number(value))), h("td", { class: "wb-soft" }, found[0][1]));
    };
    place.replaceChildren(
      h("table", {}, h("caption", {}, "What each layer's cell adds at this place"), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "layer"), families.map((each) => h("th", { scope: "col" }, each.title)), h("th", { scope: "col" }, "cell"))), h("tbody", {}, families[0].kinds.map(line))),
    );
  }

  // To which groups the label belongs, and with whom.
  function fillMembership() {
    const { groups } = view.member;
    const shares = membership(view.label);
    member.hidden = !shares.length;
    const key = `${view.state.model} ${view.label} ${chosenGroup()} ${view.state.channel === null}`;
    if (member.hidden || key === grouped) return;
    grouped = key;
    const all = store.once(`members ${view.state.model}`, () => store.categories.map((_, label) => membership(label)));
    const others = (k) => store.categories.filter((_, label) => label !== view.label && all[label][k] === Math.max(...all[label])).slice(0, 4).join(", ");
    const row = (name, k) => {
      const bar = h("span", { class: "wb-bar" });
      bar.style.width = `${100 * shares[k]}%`;
      const title = view.state.channel === null ? name : h("button", { class: "wb-link", "aria-pressed": String(k === chosenGroup()), onclick: () => view.set({ group: k }) }, name);
      return h("tr", {}, h("th", { scope: "row" }, title), h("td", { class: "wb-score" }, shares[k].toFixed(2)), h("td", { class: "wb-share" }, h("span", { class: "wb-track" }, bar)), h("td", { class: "wb-soft" }, others(k) || "–"));
    };
    member.replaceChildren(h("table", {}, h("caption", { title: view.member.membership }, `To which groups “${view.state.label}” belongs`), h("thead", {}, h("tr", {}, ["group", "share", "", "also mostly in it"].map((text) => h(text ? "th" : "td", text ? { scope: "col" } : {}, text)))), h("tbody", {}, groups.map(row))));
  }

  function update() {
    const { state, image, label } = view;
    const packet = store.packet(image);
    chart.update();
    const layered = view.member.families.length > 0;
    pictures.hidden = !layered;
    place.hidden = !layered;
    fillMembership();
    if (!layered) return;
    const wanted = `${state.model} ${state.family} ${state.channel === null}`;
    const controls = `${wanted} ${image}`;
    if (controls !== node.dataset.controls) buildControls();
    node.dataset.controls = controls;
    if (wanted !== mode) buildPanes();
    if (state.channel !== null) {
      if (Number(slider.value) !== state.channel) slider.value = state.channel;
      setText(which, String(state.channel));
      group.value = String(chosenGroup());
    }
    pictures.classList.toggle("wb-waiting", !packet);
    if (packet) {
      const panes = rows.flatMap((row) => row.panes);
      const across = rows[0].panes.length;
      let columns = across;
      while (columns > 2 && (width - BETWEEN * (columns - 1)) / columns < 120) columns = Math.ceil(columns / 2);
      const size = sizePanes(app, panes, width || 700, columns, state.channel === null ? WIDEST : 200, BETWEEN);
      const { overlay, alpha, grid: cells, scale, palette, regions, as_seen } = state;
      const key = JSON.stringify([image, label, wanted, state.channel, state.group, overlay, alpha, cells, scale, palette, regions, as_seen, size]);
      if (key !== drawn) {
        draw(packet);
        tell();
      }
      drawn = key;
      for (const pane of panes) {
        pane.node.classList.toggle("wb-active", pane.kind.name === state.map);
        markPane(pane, view.spot, pane.map);
      }
    }
    mode = wanted;
    fillPlace(packet);
  }

  const resize = () => {
    width = node.clientWidth || width;
  };
  return { node, update, resize, title: "What the score is made of", available: () => view.member.parts.length > 0 };
}
