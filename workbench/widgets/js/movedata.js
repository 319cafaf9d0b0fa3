// What the kernel sent to the move lab: what can be moved in each scene, and one sweep for each object and axis, asked for when needed.
import { sigmoid } from "./decisions.js";
import { unpack } from "./packets.js";
import { State } from "./state.js";
import { Announcer } from "./announcer.js";

const keyOf = ({ image, thing, axis }) => JSON.stringify([image, thing, axis]);

export class MoveStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    const opening = model.get("opening");
    Object.assign(this, opening.description);
    this.labels = this.categories.length;
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.sweeps = new Map();
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.keep(opening.sweep);
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    for (const { urls } of this.sweeps.values()) urls.forEach((url) => URL.revokeObjectURL(url));
  }

  keep({ start, box, ...packet }) {
    const arrays = unpack(packet);
    const places = Array.from(arrays.places.values);
    const urls = places.map((_, place) => URL.createObjectURL(new Blob([arrays[`picture.${place}`].values], { type: "image/jpeg" })));
    this.sweeps.set(keyOf(packet), { start, box, places, urls, logits: arrays.logits.values, targets: arrays.targets.values });
  }

  // The sweep of a view, or undefined while it is under way.
  sweep(state) {
    const key = keyOf(state);
    if (!this.sweeps.has(key)) this.askFor(key, { ask: "sweep", image: state.image, thing: state.thing, axis: state.axis });
    return this.sweeps.get(key);
  }

  // Why the sweep of a view is not there, in words.
  missing(state) {
    return this.sweeps.has(keyOf(state)) ? "" : this.late(keyOf(state), `“${state.thing}” at its places in “${state.image}”`);
  }

  receive(message, buffers) {
    this.asked.delete(keyOf(message.answer === "error" ? message.question : message.packet));
    if (message.answer !== "error") this.keep({ ...message.packet, data: buffers[0] });
    this.tell(message.answer === "error" ? "error" : "sweep", message.text);
  }

  objectsOf(image) {
    return this.objects[this.places.get(image)];
  }
}

export class MoveView extends State {
  complete(next, changes) {
    if (changes.image && !changes.thing) next.thing = this.store.objectsOf(next.image)[0].title;
    const moved = ["image", "thing", "axis"].some((key) => next[key] !== this.state[key]);
    if (moved && !("place" in changes)) next.place = null;
  }

  refresh() {
    this.now = this.store.sweep(this.state);
  }

  get place() {
    return this.now ? Math.min(this.state.place ?? this.now.start, this.now.places.length - 1) : 0;
  }

  logit(model, place, label) {
    return this.now.logits[(model * this.now.places.length + place) * this.store.labels + label];
  }

  chance(model, place, label) {
    return sigmoid(this.logit(model, place, label));
  }

  // On the scale in view.
  value(model, place, label) {
    return (this.state.scale === "logit" ? this.logit(model, place, label) : this.chance(model, place, label));
  }

  truth(place, label) {
    return this.now.targets[place * this.store.labels + label] === 1;
  }

  // How far a label's probability goes along the sweep, in the model where it goes farthest.
  reach(label) {
    return Math.max(
      ...this.store.models.map((_, model) => {
        const values = this.now.places.map((_, place) => this.chance(model, place, label));
        return Math.max(...values) - Math.min(...values);
      }),
    );
  }
}
