// The embedding explorer in an exported page: every projection stands in it, and thumbnails as far as there was room.

const layers = new Map(content.points.map((packet) => [packet.projection, packetFrom(packet)]));
const opening = { description: content.description, tables: packetFrom(content.tables), points: layers.get(content.view.projection) };

const answer = ({ ask, projection, images }) =>
  ask === "points" ? layers.get(projection) : packetOf(images.map((image) => [String(image), bytesFrom(content.thumbnails[image] || "")]));
const picked = new DataView(bytesFrom(content.picked).buffer);
render({ model: standaloneModel({ opening, view_state: content.view, picked, status: "" }, answer), el: document.getElementById("explorer") });
