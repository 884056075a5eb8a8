// From many waits to the two that are claimed.
export function toDelays(ms: readonly number[]): { value: number; p99Ms: number } {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { value: at(0.5), p99Ms: at(0.99) };
}
