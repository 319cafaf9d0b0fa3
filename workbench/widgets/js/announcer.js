// Somebody to listen to: what holds the data of an explorer and tells of news.

export class Announcer {
  listeners = new Set();

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(what, value) {
    for (const listener of this.listeners) listener(what, value);
  }
}
