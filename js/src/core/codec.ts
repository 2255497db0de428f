/** Arrays travel as `{view, dtype, shape}`: a binary buffer, its element type and its shape. */

export interface Packed {
  view: DataView | ArrayBuffer | ArrayBufferView | string;
  dtype: string;
  shape: number[];
}

type Typed = Float32Array | Float64Array | Int32Array | Uint8Array | Int16Array;

export interface NdArray {
  data: Typed;
  shape: number[];
}

const CONSTRUCTORS: Record<string, { new (b: ArrayBuffer): Typed; BYTES_PER_ELEMENT: number }> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  uint8: Uint8Array,
};

export function isPacked(value: unknown): value is Packed {
  if (typeof value !== "object" || value === null) return false;
  const v = value as Record<string, unknown>;
  return "view" in v && typeof v.dtype === "string" && Array.isArray(v.shape);
}

export function fromBase64(text: string): ArrayBuffer {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}

/** Copies the bytes, since a message's buffer need not be aligned to the element size. */
function bytesOf(view: Packed["view"]): ArrayBuffer {
  if (typeof view === "string") return fromBase64(view);
  if (view instanceof ArrayBuffer) return view.slice(0);
  const copy = new Uint8Array(view.byteLength);
  copy.set(new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength));
  return copy.buffer;
}

export function decode(packed: Packed): NdArray {
  const make = CONSTRUCTORS[packed.dtype];
  if (!make) throw new TypeError(`dtype ${packed.dtype} cannot be decoded`);
  const buffer = bytesOf(packed.view);
  const size = packed.shape.reduce((a, b) => a * b, 1);
  if (buffer.byteLength !== size * make.BYTES_PER_ELEMENT) {
    throw new RangeError(
      `an array of shape [${packed.shape}] and dtype ${packed.dtype} needs ` +
        `${size * make.BYTES_PER_ELEMENT} bytes, got ${buffer.byteLength}`,
    );
  }
  return { data: new make(buffer), shape: [...packed.shape] };
}

export function encode(data: Typed, shape: number[]): Packed {
  const dtype = Object.keys(CONSTRUCTORS).find((k) => data instanceof (CONSTRUCTORS[k] as never));
  if (!dtype) throw new TypeError("only typed arrays can be encoded");
  return { view: new DataView(data.buffer, data.byteOffset, data.byteLength), dtype, shape };
}

/** Replaces every packed array in a nested value by an `NdArray`. */
export function unpack<T>(value: unknown): T {
  if (isPacked(value)) return decode(value) as T;
  if (Array.isArray(value)) return value.map((v) => unpack(v)) as T;
  if (value && typeof value === "object" && !(value instanceof DataView)) {
    const out: Record<string, unknown> = {};
    for (const [k, v] of Object.entries(value)) out[k] = unpack(v);
    return out as T;
  }
  return value as T;
}

export const empty = (...shape: number[]): NdArray => ({
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  shape,
});
