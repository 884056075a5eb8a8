// Removes trailing characters in linear time. A regex such as /\/+$/ is quadratic: it tries again at each character of a run
// that is not at the end.

/** `text` without the characters `character` (one UTF-16 unit) at its end. */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
