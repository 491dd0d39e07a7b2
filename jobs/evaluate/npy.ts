import { readFile } from 'node:fs/promises';
import { ForyouError } from '#infra/errors.ts';

export interface Features {
  readonly rows: number;
  readonly dims: number;
  /** rows x dims */
  readonly data: Float32Array;
}

/** Reads a two-dimensional array of floats (NumPy's .npy format, versions 1 to 3; float16, float32 or float64, little endian). */
export async function readNpy(file: string): Promise<Features> {
  const bytes = await readFile(file).catch((cause) => {
    throw new ForyouError('input-invalid', `cannot read ${file}`, { cause, fix: 'check the path' });
  });
  const refuse = (why: string): never => {
    throw new ForyouError('input-invalid', `${file}: ${why}`, { fix: 'save a two-dimensional array of floats with numpy.save' });
  };
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY') refuse('is not a .npy file');
  const wide = (bytes[6] as number) >= 2;
  const begin = wide ? 12 : 10;
  const end = begin + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString('latin1', begin, end);
  const type = /'descr':\s*'<(f[248])'/.exec(header)?.[1] ?? refuse(`holds no little-endian floats (${header.trim()})`);
  if (/'fortran_order':\s*True/.test(header)) refuse('is in column order');
  const shape = /'shape':\s*\((\d+),\s*(\d+)\)/.exec(header) ?? refuse('is not two-dimensional');
  const [rows, dims, width] = [Number(shape[1]), Number(shape[2]), Number(type[1])];
  if (bytes.length - end < rows * dims * width) refuse(`ends before its ${rows} rows of ${dims} values`);
  const data = new Float32Array(rows * dims);
  for (let i = 0, at = end; i < data.length; i++, at += width)
    data[i] = width === 2 ? halfToFloat(bytes.readUInt16LE(at)) : width === 4 ? bytes.readFloatLE(at) : bytes.readDoubleLE(at);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse(`row ${Math.floor(bad / dims)}, column ${bad % dims} is not a finite number`);
  return { rows, dims, data };
}

/** IEEE 754 binary16. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31 ? (fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
