// The state of one view of the attention explorer, and what follows from it.
import { STATES, cellTest, disagreement, imagesWhere, sigmoid, sortedBy } from "./decisions.js";
import { State } from "./state.js";

export class View extends State {
  constructor(model, store, changed) {
    super(model, store, changed);
    this.hover = null;
  }

  complete(next, changes) {
    // A button of a row that nothing fills yet names no label.
    if (!this.store.columns.has(next.label)) next.label = this.state.label;
    if (changes.model === undefined) return;
    const member = this.store.models[next.model];
    const kinds = member.kinds.map((kind) => kind.name);
    if (!kinds.includes(next.map)) next.map = kinds[0];
    const befores = this.befores(next.model).map(([value]) => value);
    if (!befores.includes(next.before)) next.before = befores[0] || "";
    if (!member.families.some((family) => family.name === next.family)) next.family = member.families[0]?.name || "";
    if (!(next.channel < member.channels)) next.channel = null;
    if (!(next.group < member.groups.length)) next.group = null;
  }

  setHover(spot) {
    this.hover = spot;
    this.changed();
  }

  get spot() {
    return this.hover || this.state.spot;
  }

  get edits() {
    return this.state.edits[this.state.image] || [];
  }

  // Height and width in which the image is shown: those of an own picture where one stands in its place.
  get shape() {
    const own = this.answer?.() && this.edits.findLast((edit) => edit.do === "picture");
    return own ? own.size : this.store.tables.sizes.values.subarray(2 * this.image, 2 * this.image + 2);
  }

  // What the panes show: what a model at hand answered for an edited picture (see whatif.js), else the archive's, or null.
  get packet() {
    return this.answer?.() || this.store.packet(this.image);
  }

  // State of a label of the image by a model: for the edited picture where that is shown.
  stateOf(model, label) {
    return STATES[this.edited?.(model)?.states[label] ?? this.store.states(model)[this.image * this.store.labels + label]];
  }

  get member() {
    return this.store.models[this.state.model];
  }

  get kind() {
    return this.member.kinds.find((kind) => kind.name === this.state.map);
  }

  // With what the answer of a model can be compared: [[value, text], ...].
  befores(model) {
    const own = this.store.models[model].logits.filter((kind) => kind.name !== this.store.models[model].scored);
    const others = this.store.models.map((other, place) => [`model:${place}`, other.name]).filter((_, place) => place !== model);
    return [...own.map((kind) => [kind.name, kind.title]), ...others];
  }

  refresh(changes) {
    this.reorder(changes);
    if (changes && this.meetFilter(changes)) this.reorder();
  }

  // Choose a label that makes the image one of those that are wanted, if the chosen one does not: the filter's own, else that of the
  // highest score. Returns whether another one was chosen.
  meetFilter(changes) {
    const { filter_label, filter_state, model, before } = this.state;
    const filtered = "filter_label" in changes || "filter_state" in changes;
    if ("label" in changes || !(filtered || (!filter_label && "image" in changes))) return false;
    const { store, image } = this;
    let name = filter_label;
    if (!name) {
      const test = cellTest(filter_state, store.states(model), store.changes(model, before));
      const from = image * store.labels;
      if (test(from + this.label)) return false;
      const logits = store.logits(model);
      const wanted = store.categories.map((_, label) => label).filter((label) => test(from + label));
      if (!wanted.length) return false;
      name = store.categories[wanted.reduce((best, label) => (logits[from + label] > logits[from + best] ? label : best))];
    }
    if (name === this.state.label) return false;
    this.state = { ...this.state, label: name };
    return true;
  }

  // The images that the filter keeps, in the chosen order; if the image in view is not among them, the first of them is shown.
  reorder(changes) {
    const { filter_label, filter_state, sort, model, before, label } = this.state;
    const depends = sort === "high" || sort === "low" || sort === "label disagreement";
    const key = JSON.stringify([filter_label, filter_state, sort, model, before, depends ? label : ""]);
    if (key === this.orderKey) return;
    this.orderKey = key;
    const { store } = this;
    const column = filter_label ? store.columns.get(filter_label) : -1;
    const test = cellTest(filter_state, store.states(model), store.changes(model, before));
    this.order = this.sorted(imagesWhere(store.count, store.labels, column, test));
    this.rank = new Map(this.order.map((image, place) => [image, place]));
    const filtered = changes && ("filter_label" in changes || "filter_state" in changes || "sort" in changes);
    if (filtered && !("image" in changes) && this.order.length && (!this.rank.has(this.image) || "sort" in changes)) {
      this.state = { ...this.state, image: store.ids[this.order[0]] };
    }
  }

  sorted(images) {
    const { store, state } = this;
    const all = store.models.map((_, place) => store.logits(place));
    const score = (image) => sigmoid(all[state.model][image * store.labels + this.label]);
    const states = store.states(state.model);
    const errors = (image) => states.subarray(image * store.labels, (image + 1) * store.labels).filter((s) => s === 1 || s === 2).length;
    const keys = {
      high: score,
      low: (image) => -score(image),
      errors,
      disagreement: (image) => disagreement(all, store.labels, image, -1),
      "label disagreement": (image) => disagreement(all, store.labels, image, this.label),
    };
    return keys[state.sort] ? sortedBy(images, keys[state.sort]) : images;
  }

  // The image `step` places further in the order, or the one in view at its ends.
  neighbour(step) {
    const here = this.rank.get(this.image);
    const next = here === undefined ? 0 : Math.min(this.order.length - 1, Math.max(0, here + step));
    return this.order.length ? this.order[next] : this.image;
  }
}
