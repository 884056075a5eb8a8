// Lines out of bytes, as they come: no more is held than one line and the piece that is being looked at.

/** A line that is not empty, counted from 1; `bytes` is undefined where it was longer than allowed. */
export interface Line {
  line: number;
  bytes: Buffer | undefined;
}

const NEWLINE = 0x0a;
const HELD_PIECES = 64;

/** The lines that each piece completes, together. The last line needs no newline. */
export async function* readLines(
  pieces: AsyncIterable<Buffer>,
  { maxBytes }: { maxBytes: number },
): AsyncGenerator<Line[]> {
  let line = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;

  function hold(part: Buffer): void {
    heldBytes += part.length;
    // of a line that is too long nothing is kept but its length
    if (heldBytes > maxBytes) held = [];
    else if (part.length > 0) held.push(part);
    // a million pieces of one byte would weigh more than their million bytes
    if (held.length > HELD_PIECES) held = [Buffer.concat(held)];
  }

  function finish(): Line[] {
    line += 1;
    const bytes = heldBytes > maxBytes ? undefined : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return bytes !== undefined && isBlank(bytes) ? [] : [{ line, bytes }];
  }

  for await (const piece of pieces) {
    const lines: Line[] = [];
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, from)) {
      hold(piece.subarray(from, at));
      lines.push(...finish());
      from = at + 1;
    }
    hold(piece.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (heldBytes > 0) {
    const last = finish();
    if (last.length > 0) yield last;
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
