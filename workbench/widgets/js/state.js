// What is shown, kept equal to the model's `view_state`: at once in the browser, a little later in the kernel.

const DELAY = 120; // ms between two messages to the kernel

// A view as text, whatever the order of its entries: Python gives them in its own.
const flat = (state) => JSON.stringify(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));

export class State {
  constructor(model, store, changed) {
    this.model = model;
    this.store = store;
    this.changed = changed;
    this.state = { ...model.get("view_state") };
    this.timer = 0;
    this.unsent = false;
    this.sent = "";
    this.onState = () => this.adopt(model.get("view_state"));
    model.on("change:view_state", this.onState);
    this.refresh();
  }

  // What follows from some entries for others, and what is derived from them all: for subclasses.
  complete() {}

  refresh() {}

  close() {
    clearTimeout(this.timer);
    this.model.off("change:view_state", this.onState);
  }

  // Change some entries: at once here and in the other views of the model, a little later in the kernel.
  set(changes) {
    const next = { ...this.state, ...changes };
    this.complete(next, changes);
    if (JSON.stringify(next) === JSON.stringify(this.state)) return;
    this.state = next;
    this.refresh(changes);
    this.model.set("view_state", { ...this.state });
    this.sendSoon();
    this.changed();
  }

  send() {
    this.unsent = false;
    this.sent = flat(this.state);
    this.model.set("view_state", { ...this.state });
    this.store.attempt(() => this.model.save_changes());
  }

  // Take over what another view or the kernel says; but while a change of our own is not sent yet, the echo of the one before must not
  // undo it.
  adopt(state) {
    if (this.unsent && flat(state) === this.sent) return;
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    const changes = Object.fromEntries(Object.entries(state).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(this.state[key])));
    this.state = { ...state };
    this.refresh(changes);
    this.changed();
    if (JSON.stringify(state) !== JSON.stringify(this.state)) this.sendSoon();
  }

  sendSoon() {
    clearTimeout(this.timer);
    this.unsent = true;
    this.timer = setTimeout(() => this.send(), DELAY);
  }

  get image() {
    return this.store.places.get(this.state.image);
  }

  get label() {
    return this.store.columns.get(this.state.label);
  }
}
