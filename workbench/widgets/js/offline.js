// The attention and label explorers in an exported page: every image's packet stands in it.

const opening = {
  description: content.description,
  tables: packetFrom(content.tables),
  image: packetFrom(content.images[content.first]),
  thumbnails: { layout: [], data: new Uint8Array(0) },
};

// A thumbnail is the picture itself: no need to hold it twice.
function jpegOf(image) {
  const packet = packetFrom(content.images[image]);
  const [, , shape, offset] = packet.layout.find(([name]) => name === "picture");
  return packet.data.slice(offset, offset + shape[0]);
}

const answer = ({ ask, image, images }) => (ask === "image" ? packetFrom(content.images[image]) : packetOf(images.map((each) => [String(each), jpegOf(each)])));
render({ model: standaloneModel({ opening, view_state: content.view, status: "" }, answer), el: document.getElementById("explorer") });
