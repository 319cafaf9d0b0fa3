// An exported page: a model without a kernel, on data that stands in the page. Each explorer says what it answers to questions.

const bytesFrom = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const packetFrom = (packet) => ({ ...packet, data: bytesFrom(packet.data) });

// `answer(question)` gives a packet.
function standaloneModel(state, answer) {
  const listeners = new Map();
  const tell = (event, ...values) => (listeners.get(event) || []).forEach((listener) => listener(...values));
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
      const { data, ...packet } = answer(question);
      setTimeout(() => tell("msg:custom", { answer: question.ask, packet }, [data]));
    },
  };
}

// One packet of byte strings: [[name, bytes], ...].
function packetOf(parts) {
  const layout = [];
  let offset = 0;
  for (const [name, part] of parts) {
    layout.push([name, "uint8", [part.length], offset]);
    offset += part.length;
  }
  const data = new Uint8Array(offset);
  parts.forEach(([, part], place) => data.set(part, layout[place][3]));
  return { layout, data };
}

const content = JSON.parse(document.getElementById("content").textContent);
