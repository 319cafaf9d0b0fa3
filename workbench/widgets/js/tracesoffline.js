// The template explorer in an exported page: all weights stand in it, and thumbnails as far as there was room.

const opening = { description: content.description, tables: packetFrom(content.tables), thumbnails: { layout: [], data: new Uint8Array(0) } };
const answer = ({ images }) => packetOf(images.map((image) => [String(image), bytesFrom(content.thumbnails[image] || "")]));
render({ model: standaloneModel({ opening, view_state: content.view, status: "" }, answer), el: document.getElementById("explorer") });
