// The exported page: a model without a kernel, on data that stands in the page, and the same explorer on top of it.

const bytesFrom = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const packetFrom = (packet) => ({ ...packet, data: bytesFrom(packet.data) });

function offlineModel(content) {
  const listeners = new Map();
  const tell = (event, ...values) => (listeners.get(event) || []).forEach((listener) => listener(...values));
  const state = {
    opening: {
      description: content.description,
      tables: packetFrom(content.tables),
      image: packetFrom(content.images[content.first]),
      thumbnails: { layout: [], data: new Uint8Array(0) },
    },
    view_state: content.view,
    status: "",
  };
  // A thumbnail is the picture itself: no need to hold it twice.
  const thumbnails = (images) => ({
    layout: images.map((image) => [String(image), "uint8", [0], 0]),
    pictures: images.map((image) => packetFrom(content.images[image])),
  });
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      tell(`change:${name}`);
    },
    save_changes() {},
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) || []), listener]),
    off: (event, listener) => listeners.set(event, (listeners.get(event) || []).filter((each) => each !== listener)),
    send(question) {
      if (question.ask === "image") {
        const { data, ...packet } = packetFrom(content.images[question.image]);
        setTimeout(() => tell("msg:custom", { answer: "image", packet }, [data]));
      } else {
        const parts = thumbnails(question.images).pictures.map((packet) => {
          const [, , shape, offset] = packet.layout.find(([name]) => name === "picture");
          return packet.data.slice(offset, offset + shape[0]);
        });
        const layout = [];
        let offset = 0;
        parts.forEach((part, place) => {
          layout.push([String(question.images[place]), "uint8", [part.length], offset]);
          offset += part.length;
        });
        const data = new Uint8Array(offset);
        parts.forEach((part, place) => data.set(part, layout[place][3]));
        setTimeout(() => tell("msg:custom", { answer: "thumbnails", packet: { layout } }, [data]));
      }
    },
  };
}

const content = JSON.parse(document.getElementById("content").textContent);
render({ model: offlineModel(content), el: document.getElementById("explorer") });
