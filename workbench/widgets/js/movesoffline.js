// The move lab in an exported page: every sweep of its scenes stands in it.

const keyed = ({ image, thing, axis }) => JSON.stringify([image, thing, axis]);
const held = new Map(content.sweeps.map((sweep) => [keyed(sweep), sweep]));
const answer = (question) => packetFrom(held.get(keyed(question)));
const opening = { description: content.description, sweep: answer(content.view) };
render({ model: standaloneModel({ opening, view_state: content.view, status: "" }, answer), el: document.getElementById("explorer") });
