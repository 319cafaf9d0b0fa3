// Packets from Python: arrays packed end to end in one buffer.
import { decodeHalves } from "./halffloat.js";
import { bytesOf } from "./dom.js";

const TYPES = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, uint16: Uint16Array, float16: Uint16Array, float32: Float32Array, float64: Float64Array };

// {layout, data} -> {name: {values, shape}}
export function unpack(packet) {
  const bytes = bytesOf(packet.data);
  const aligned = bytes.byteOffset % 8 ? bytes.slice() : bytes;
  const arrays = {};
  for (const [name, type, shape, offset] of packet.layout) {
    const length = shape.reduce((a, b) => a * b, 1);
    const values = new TYPES[type](aligned.buffer, aligned.byteOffset + offset, length);
    arrays[name] = { values: type === "float16" ? decodeHalves(values) : values, shape };
  }
  return arrays;
}
