// Applies the EXIF orientation. Only to downscaled images: rotating while decoding would hold the whole image. Pure.

/** The values of EXIF's tag 0x0112: 1 is upright, from 5 on width and height are swapped. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Any other value counts as upright, as in viewers. */
export function toOrientation(value: number | undefined): Orientation {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 8 ? (value as Orientation) : 1;
}

interface Pixels {
  width: number;
  height: number;
  channels: number;
  pixels: Buffer;
}

/** The image as viewers show it. */
export function turnUpright<T extends Pixels>(picture: T, orientation: Orientation): T {
  if (orientation === 1) return picture;
  const { width, height, channels, pixels } = picture;
  const isTransposed = orientation >= 5;
  const [newWidth, newHeight] = isTransposed ? [height, width] : [width, height];
  const turned = Buffer.alloc(newWidth * newHeight * channels);
  for (let row = 0; row < newHeight; row++) {
    for (let column = 0; column < newWidth; column++) {
      const [x, y] = sourceOf(orientation, { row, column, width, height });
      const from = (y * width + x) * channels;
      pixels.copy(turned, (row * newWidth + column) * channels, from, from + channels);
    }
  }
  return { ...picture, width: newWidth, height: newHeight, pixels: turned };
}

// the stored column and row of a pixel in the upright image
function sourceOf(
  orientation: Orientation,
  { row, column, width, height }: { row: number; column: number; width: number; height: number },
): [x: number, y: number] {
  const [right, bottom] = [width - 1, height - 1];
  switch (orientation) {
    case 1:
      return [column, row];
    case 2:
      return [right - column, row];
    case 3:
      return [right - column, bottom - row];
    case 4:
      return [column, bottom - row];
    case 5:
      return [row, column];
    case 6:
      return [row, bottom - column];
    case 7:
      return [right - row, bottom - column];
    case 8:
      return [right - row, column];
  }
}
