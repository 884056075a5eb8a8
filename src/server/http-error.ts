// What goes wrong between HTTP and us: a fault that has a status of its own. Faults of the house keep the house's classes.
import { ArchiverError } from "../domain/errors.ts";

/** An answer that is an error. `param` names what was at fault; `headers` go out with it. */
export class HttpError extends ArchiverError {
  readonly status: number;
  readonly param: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    options: { code: string; message: string; param?: string; headers?: Record<string, string>; cause?: unknown },
  ) {
    super(options.message, options);
    this.status = status;
    this.param = options.param;
    this.headers = options.headers ?? {};
  }
}

/** 404 for a request that the catalog does not know. */
export function unknownRequest(requestId: string): HttpError {
  const message = `There is no request "${requestId.slice(0, 100)}" in the catalog`;
  return new HttpError(404, { code: "request_not_found", message });
}
