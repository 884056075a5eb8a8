// A check that gets no answer becomes a finding: no store, network or file system can keep doctor from its end.
import { createFindings, type Finding } from "./finding.ts";

/** How long one check may take, in ms. */
const CHECK_TIMEOUT_MS = 30_000;

export interface TimedCheck {
  subject: Finding["subject"];
  /** What the subject is set by. */
  setting: string;
  run(signal: AbortSignal): Promise<Finding[]>;
}

/** Runs a check; `late` is set where its deadline passed, and then something of it may still hang. */
export async function runInTime(
  { subject, setting, run }: TimedCheck,
  { signal, timeoutMs = CHECK_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number },
): Promise<{ findings: Finding[]; late: boolean }> {
  const over = new AbortController();
  const { promise, resolve } = Promise.withResolvers<{ findings: Finding[]; late: boolean }>();
  const timer = setTimeout(() => {
    resolve({ findings: lateFinding({ subject, setting, timeoutMs }), late: true });
    over.abort(new Error(`no answer within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  const ended = run(AbortSignal.any([signal, over.signal])).then((findings) => ({ findings, late: false }));
  // what fails after its deadline has been reported as late
  ended.catch(() => undefined);
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
  }
}

function lateFinding({
  subject,
  setting,
  timeoutMs,
}: Pick<TimedCheck, "subject" | "setting"> & { timeoutMs: number }): Finding[] {
  const findings = createFindings(subject);
  findings.problem(`gave no answer within ${timeoutMs / 1000} s`, {
    setting,
    advice: "check that what it names can be reached from here, and is not frozen",
  });
  return findings.list;
}
