// Somebody to listen to: what holds the data of an explorer, asks the kernel for more and tells of news.

const SILENT = 3000; // ms without an answer, after which the kernel may have been restarted
const AGAIN = 20000; // ms after which a question is asked once more

export class Announcer {
  listeners = new Set();
  asked = new Map(); // what is on its way -> since when
  lost = false; // whether the last message could not be sent

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(what, value) {
    for (const listener of this.listeners) listener(what, value);
  }

  // Some pages throw when their kernel is gone.
  attempt(action) {
    try {
      action();
      this.lost = false;
    } catch {
      if (this.lost) return;
      this.lost = true;
      this.tell("lost");
    }
  }

  send(question) {
    this.attempt(() => this.model.send(question));
  }

  // Ask for what `key` names, unless it is on its way.
  askFor(key, question) {
    if (this.asked.has(key) && performance.now() - this.asked.get(key) < AGAIN) return;
    if (!this.asked.has(key)) this.asked.set(key, performance.now());
    this.send(question);
  }

  // What to say while `what` is on its way, and what to do if it does not come; "" if nobody waits.
  late(key, what) {
    if (this.lost) return `There is no kernel any more: run the cell again to see ${what}.`;
    if (!this.asked.has(key)) return "";
    const ms = performance.now() - this.asked.get(key);
    if (ms < SILENT) return `Waiting for ${what} …`;
    return `The kernel has not sent ${what} for ${Math.floor(ms / 1000)} s. While it works on another cell, wait; if it was restarted, run the cell again.`;
  }
}
